"""The container runtime of the node: the kubelet's requests, on a unix socket, become processes of this computer.

A pod is a network namespace on the node's bridge; a container is a process with its own mounts and process ids. Images
come from a table: what is not in it fails as ErrImagePull.
"""

import subprocess
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

import grpc

from simulator.process_node.container import Specification
from simulator.process_node.image_service import ImageService, reference
from simulator.process_node.images import Image
from simulator.process_node.messages import new
from simulator.process_node.pod_network import PodNetwork
from simulator.process_node.processes import Command, ContainerProcess, ContainerState, Lifetime
from simulator.process_node.records import ContainerRecord, PodRecord, Records
from simulator.process_node.refusals import Refused, refuse
from simulator.process_node.specifications import refuse_unsafe, specification
from simulator.process_node.streaming import Streaming

_NODE = 2
"""NamespaceMode.NODE: the pod asks for a namespace of the computer."""
_CGROUPFS = 1
_TERMINATE = 15


class PodState(IntEnum):
    """States of a pod, with the numbers of the container runtime interface."""

    READY = 0
    NOT_READY = 1


@dataclass
class Pod:
    """A pod and what keeps its namespaces."""

    record: PodRecord
    holder: "subprocess.Popen[bytes] | None"
    state: PodState


@dataclass
class Container:
    """A container of a pod."""

    record: ContainerRecord
    process: ContainerProcess

    @property
    def life(self) -> Lifetime:
        return self.record.lifetime


def matches(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    """Whether the labels have all of the selector."""
    return selector.items() <= labels.items()


class Runtime:
    """RuntimeService: a method for each request that is answered, by its name in the interface."""

    def __init__(self, state: Path, node: int, cache: Path, local: tuple[Image, ...] = ()) -> None:
        """`state`: the node's folder; `node`: a process in its network; `cache`: where images are installed."""
        self._state = state
        self.images = ImageService(state, cache, local, self._used_images)
        self._network, self._streaming, self._records = PodNetwork(node), Streaming(node), Records(state / "records")
        self._pods = {one.id: Pod(one, None, PodState.NOT_READY) for one in self._records.pods()}
        self._containers = {one.id: self._container(one) for one in self._records.containers()}

    def _container(self, record: ContainerRecord) -> Container:
        pod = self._pods.get(record.pod)
        folder = Path(pod.record.config.log_directory) if pod else self._state
        signal = record.config.stop_signal or _TERMINATE
        process = ContainerProcess(folder / record.config.log_path, signal, record.lifetime)
        if record.lifetime.state is ContainerState.EXITED:
            process.ended.set()
        return Container(record, process)

    def _find_pod(self, identifier: str) -> Pod:
        if identifier not in self._pods:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"no pod {identifier}")
        return self._pods[identifier]

    def _find_container(self, identifier: str) -> Container:
        if identifier not in self._containers:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"no container {identifier}")
        return self._containers[identifier]

    def _of_pod(self, identifier: str) -> list[Container]:
        return [one for one in list(self._containers.values()) if one.record.pod == identifier]

    # --- the runtime itself

    def Version(self, _: Any) -> Any:
        version = {"version": "0.1.0", "runtime_name": "process", "runtime_version": "0.1.0"}
        return new("VersionResponse", **version, runtime_api_version="v1")

    def Status(self, _: Any) -> Any:
        conditions = [{"type": kind, "status": True} for kind in ("RuntimeReady", "NetworkReady")]
        return new("StatusResponse", status={"conditions": conditions}, runtime_handlers=[{"name": ""}])

    def RuntimeConfig(self, _: Any) -> Any:
        return new("RuntimeConfigResponse", linux={"cgroup_driver": _CGROUPFS})

    def UpdateRuntimeConfig(self, _: Any) -> Any:
        return new("Empty")

    # --- pods

    def RunPodSandbox(self, request: Any) -> Any:
        config = request.config
        options = config.linux.security_context.namespace_options
        if config.linux.security_context.privileged:
            refuse("privileged: it would have this computer's devices")
        if _NODE in (options.network, options.pid, options.ipc):
            refuse("hostNetwork, hostPID or hostIPC: it would see this computer's processes or network")
        holder, address = self._network.add()
        record = PodRecord(uuid.uuid4().hex, config, address, time.time_ns())
        self._records.keep_pod(record)
        self._pods[record.id] = Pod(record, holder, PodState.READY)
        return new("RunPodSandboxResponse", pod_sandbox_id=record.id)

    def StopPodSandbox(self, request: Any) -> Any:
        pod = self._pods.get(request.pod_sandbox_id)
        if pod is not None:
            for container in self._of_pod(pod.record.id):
                self._stop(container, 0)
            pod.state = PodState.NOT_READY
            if pod.holder is not None:
                pod.holder.kill()
                pod.holder.wait()
                pod.holder = None
                self._network.release(pod.record.address)
        return new("Empty")

    def RemovePodSandbox(self, request: Any) -> Any:
        self.StopPodSandbox(request)
        for container in self._of_pod(request.pod_sandbox_id):
            self._remove(container)
        self._pods.pop(request.pod_sandbox_id, None)
        self._records.forget_pod(request.pod_sandbox_id)
        return new("Empty")

    def PodSandboxStatus(self, request: Any) -> Any:
        pod = self._find_pod(request.pod_sandbox_id)
        status = {
            **self._pod_facts(pod),
            "network": {"ip": pod.record.address if pod.state is PodState.READY else ""},
            "linux": {"namespaces": {"options": {}}},
        }
        return new("PodSandboxStatusResponse", status=status)

    def _pod_facts(self, pod: Pod) -> dict[str, Any]:
        config = pod.record.config
        return {
            "id": pod.record.id,
            "metadata": config.metadata,
            "state": pod.state,
            "created_at": pod.record.created,
            "labels": config.labels,
            "annotations": config.annotations,
        }

    def ListPodSandbox(self, request: Any) -> Any:
        wanted = request.filter
        found = [
            self._pod_facts(pod)
            for pod in list(self._pods.values())
            if pod.record.id.startswith(wanted.id)
            and (not wanted.HasField("state") or pod.state == wanted.state.state)
            and matches(pod.record.config.labels, wanted.label_selector)
        ]
        return new("ListPodSandboxResponse", items=found)

    # --- containers

    def CreateContainer(self, request: Any) -> Any:
        pod, config = self._find_pod(request.pod_sandbox_id), request.config
        refuse_unsafe(pod.record, config, self.images.of(config.image), self._state)
        record = ContainerRecord(
            uuid.uuid4().hex, pod.record.id, config, reference(config.image), Lifetime(time.time_ns())
        )
        self._records.keep_container(record)
        self._containers[record.id] = self._container(record)
        return new("CreateContainerResponse", container_id=record.id)

    def _used_images(self) -> dict[str, Any]:
        return {one.record.image: one.record.config.image for one in list(self._containers.values())}

    def _specification(self, container: Container) -> Specification:
        config, pod = container.record.config, self._find_pod(container.record.pod)
        image = self.images.of(config.image)
        root = self._records.root_of(container.record.id)
        root.mkdir(parents=True, exist_ok=True)
        found = self.images.install(image)
        return specification(pod.record, config, image, found, state=self._state, root=root)

    def StartContainer(self, request: Any) -> Any:
        container = self._find_container(request.container_id)
        pod = self._find_pod(container.record.pod)
        if pod.holder is None:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, "its pod has been stopped")
        wanted = self._specification(container)
        if not wanted["command"]:
            raise Refused(grpc.StatusCode.UNKNOWN, "neither the pod nor the image names a command")
        problem = container.process.start(pod.holder.pid, wanted)
        self._records.keep_container(container.record)
        container.process.when_ended(lambda: self._records.keep_container(container.record))
        if problem:
            raise Refused(grpc.StatusCode.UNKNOWN, f"failed to start: {problem}")
        return new("Empty")

    def StopContainer(self, request: Any) -> Any:
        if container := self._containers.get(request.container_id):
            self._stop(container, request.timeout)
        return new("Empty")

    def _stop(self, container: Container, grace_seconds: float) -> None:
        container.process.stop(grace_seconds)
        if container.life.state is ContainerState.CREATED:
            container.life.state, container.life.finished = ContainerState.EXITED, time.time_ns()

    def RemoveContainer(self, request: Any) -> Any:
        if container := self._containers.get(request.container_id):
            self._remove(container)
        return new("Empty")

    def _remove(self, container: Container) -> None:
        self._stop(container, 0)
        container.process.close_log()
        self._containers.pop(container.record.id, None)
        self._records.forget_container(container.record.id)

    def _container_facts(self, one: Container) -> dict[str, Any]:
        config = one.record.config
        return {
            "id": one.record.id,
            "metadata": config.metadata,
            "state": one.life.state,
            "created_at": one.life.created,
            "image": config.image,
            "image_ref": one.record.image,
            "image_id": one.record.image,
            "labels": config.labels,
            "annotations": config.annotations,
        }

    def ListContainers(self, request: Any) -> Any:
        wanted = request.filter
        found = [
            {**self._container_facts(one), "pod_sandbox_id": one.record.pod}
            for one in list(self._containers.values())
            if one.record.id.startswith(wanted.id)
            and (not wanted.HasField("state") or one.life.state == wanted.state.state)
            and wanted.pod_sandbox_id in ("", one.record.pod)
            and matches(one.record.config.labels, wanted.label_selector)
        ]
        return new("ListContainersResponse", containers=found)

    def ContainerStatus(self, request: Any) -> Any:
        one = self._find_container(request.container_id)
        life = one.life
        reason = "Completed" if life.exit_code == 0 else "Error"
        status = {
            **self._container_facts(one),
            "started_at": life.started,
            "finished_at": life.finished,
            "exit_code": life.exit_code,
            "reason": reason if life.state is ContainerState.EXITED else "",
            "message": life.message,
            "mounts": one.record.config.mounts,
            "log_path": str(one.process.log_path),
        }
        return new("ContainerStatusResponse", status=status)

    def ReopenContainerLog(self, request: Any) -> Any:
        self._find_container(request.container_id).process.reopen_log()
        return new("Empty")

    def UpdateContainerResources(self, _: Any) -> Any:
        return new("Empty")  # limits are not enforced

    # --- commands in containers, ports of pods

    def _entered(self, container: Container, command: list[str]) -> Command:
        first = container.process.first()
        if not first:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, "the container does not run")
        wanted = self._specification(container)
        environment, working_directory = wanted["environment"], wanted["working_directory"]
        return Command(first, {"command": command, "environment": environment, "working_directory": working_directory})

    def Exec(self, request: Any) -> Any:
        command = self._entered(self._find_container(request.container_id), list(request.cmd))
        url = self._streaming.exec_address(command, stdin=request.stdin, tty=request.tty, stderr=request.stderr)
        return new("ExecResponse", url=url)

    def PortForward(self, request: Any) -> Any:
        holder = self._find_pod(request.pod_sandbox_id).holder
        if holder is None:
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, "the pod has been stopped")
        return new("PortForwardResponse", url=self._streaming.forward_address(holder.pid))

    def ExecSync(self, request: Any) -> Any:
        command = self._entered(self._find_container(request.container_id), list(request.cmd))
        try:
            code, out, err = command.run(request.timeout or None)
        except subprocess.TimeoutExpired:
            late = f"the command did not end in {request.timeout} s"
            raise Refused(grpc.StatusCode.DEADLINE_EXCEEDED, late) from None
        return new("ExecSyncResponse", stdout=out, stderr=err, exit_code=code)

    # --- what containers use

    def _stats(self, one: Container) -> dict[str, Any]:
        processor, memory = one.process.usage()
        now, config = time.time_ns(), one.record.config
        return {
            "attributes": {
                "id": one.record.id,
                "metadata": config.metadata,
                "labels": config.labels,
                "annotations": config.annotations,
            },
            "cpu": {"timestamp": now, "usage_core_nano_seconds": {"value": processor}},
            "memory": {"timestamp": now, "working_set_bytes": {"value": memory}, "rss_bytes": {"value": memory}},
        }

    def ContainerStats(self, request: Any) -> Any:
        return new("ContainerStatsResponse", stats=self._stats(self._find_container(request.container_id)))

    def ListContainerStats(self, request: Any) -> Any:
        wanted = request.filter
        running = [one for one in list(self._containers.values()) if one.life.state is ContainerState.RUNNING]
        found = [
            self._stats(one)
            for one in running
            if one.record.id.startswith(wanted.id)
            and wanted.pod_sandbox_id in ("", one.record.pod)
            and matches(one.record.config.labels, wanted.label_selector)
        ]
        return new("ListContainerStatsResponse", stats=found)
