"""What a container is to be: the kubelet's request and the image become the specification of its first process."""

import os
from pathlib import Path
from typing import Any

from simulator.process_node.container import Bind, Specification
from simulator.process_node.images import Image, Installed
from simulator.process_node.records import PodRecord
from simulator.process_node.refusals import refuse
from simulator.process_node.settings import VOLUMES

SIMULATED_VOLUMES = (f"{VOLUMES}/", "/simulated/")
"""Where the volumes of `stages/persistentvolumeclaim.yaml` are said to be, now and before; see `settings.VOLUMES`."""


def volume_source(source: str, state: Path, pod_uid: str) -> Path:
    """The folder of this computer behind a mount that the kubelet asks for. Raises Refused for any other folder.

    Allowed are the pod's own folder below the kubelet's, and volumes that the simulated provisioner made.
    """
    if source.startswith(SIMULATED_VOLUMES):
        name = Path(os.path.normpath(source)).name
        if not name:
            refuse(f"hostPath {source}: it is no volume")
        return state / "volumes" / name
    own = state / "kubelet" / "pods" / pod_uid
    if not Path(os.path.normpath(source)).is_relative_to(own):
        refuse(f"hostPath {source}: containers see no folder of this computer")
    return Path(source)


def user_of(config: Any, image: Image) -> int:
    """The user id of a container: its own, else the image's."""
    security = config.linux.security_context
    return int(security.run_as_user.value) if security.HasField("run_as_user") else image.user


def refuse_unsafe(pod: PodRecord, config: Any, image: Image, state: Path) -> None:
    """Raises Refused for a container that a process of this computer must not be."""
    if config.linux.security_context.privileged:
        refuse("privileged: it would have this computer's devices")
    if not user_of(config, image):
        refuse("it runs as root. Set securityContext.runAsUser")
    for one in config.mounts:
        volume_source(one.host_path, state, pod.config.metadata.uid)


def _environment(pod: PodRecord, config: Any, found: Installed) -> dict[str, str]:
    environment = {
        "PATH": ":".join(found.path),
        "HOSTNAME": pod.config.hostname,
        "HOME": "/",
        **found.environment,
    }
    return environment | {one.key: os.fsdecode(one.value) for one in config.envs}


def _files(pod: PodRecord, user: int, group: int) -> dict[str, str]:
    config = pod.config
    dns = config.dns_config
    resolver = [*(f"nameserver {one}" for one in dns.servers), f"search {' '.join(dns.searches)}"]
    return {
        "/etc/resolv.conf": "\n".join([*resolver, f"options {' '.join(dns.options)}", ""]),
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/passwd": f"root:x:0:0:root:/root:/bin/sh\nuser:x:{user}:{group}::/:/bin/sh\n",
        "/etc/group": f"root:x:0:\nuser:x:{group}:\n",
        "/etc/hostname": f"{config.hostname}\n",
    }


def _volumes(pod: PodRecord, config: Any, state: Path) -> list[Bind]:
    volumes: list[Bind] = []
    for one in config.mounts:
        source = volume_source(one.host_path, state, pod.config.metadata.uid)
        if not source.exists():
            source.mkdir(parents=True)
        volumes.append({"source": str(source), "target": one.container_path, "read_only": one.readonly})
    return volumes


def specification(
    pod: PodRecord, config: Any, image: Image, found: Installed, *, state: Path, root: Path
) -> Specification:
    """The specification of a container. `state`: the node's folder; `root`: an empty folder, its root.

    Creates the folders of simulated volumes that are new. Raises Refused for a mount that is no volume of the pod.
    """
    user = user_of(config, image)
    security = config.linux.security_context
    group = int(security.run_as_group.value) if security.HasField("run_as_group") else user
    command = image.command(list(config.command))
    return {
        "root": str(root),
        "files": _files(pod, user, group),
        "host_name": pod.config.hostname or pod.config.metadata.name,
        "volumes": _volumes(pod, config, state),
        "image": [{"source": str(folder), "target": at, "read_only": True} for folder, at in found.folders],
        "read_only_root": security.readonly_rootfs,
        "user": user,
        "group": group,
        "working_directory": config.working_dir or image.working_directory,
        "command": [*command, *(list(config.args) or ([] if config.command else image.arguments))],
        "environment": _environment(pod, config, found),
        "memory_score": config.linux.resources.oom_score_adj,
    }
