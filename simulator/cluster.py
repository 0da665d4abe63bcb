"""A Kubernetes cluster on this computer: a real control plane whose nodes and containers are simulated.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real programs; kwok replaces the kubelets and
the missing controllers, by the rules in `stages/`. docs/simulator.md describes the limits.
"""

import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

import psutil
from filelock import FileLock, Timeout

from simulator import api, behaviour, files, launcher, processes
from simulator.configuration import (
    ADDRESS,
    COMPONENTS,
    KWOK_CONFIGURATION,
    LINKS,
    choose_ports,
    control_plane,
    is_free,
    ports_of,
)
from simulator.errors import SimulatorError
from simulator.home import DEFAULT_NAME, cluster_directory, home_directory
from simulator.process_node import placement
from simulator.process_node.images import references
from simulator.process_node.member import Processes, ProcessNode, control_plane_arguments
from simulator.process_node.settings import NAME as PROCESS_NODE

READY_SECONDS = 90.0
"""Time limit for a control plane to be ready; an idle computer needs 4 s."""
SURVIVORS_SECONDS = 20.0
"""Time limit for programs that survived a crash to reconnect before all are restarted."""
LAUNCHES_MOST = 3
"""How often a program that exits is started again."""
LOCK_SECONDS = 300.0
POLL_SECONDS = 0.05

Report = Callable[[str], None]
"""Gets one line about the current step."""


class ToolPaths(Protocol):
    """Paths of the programs; `tools.toolchain` has the real one."""

    def path(self, name: str) -> Path:
        """The program of that name (see `configuration.COMPONENTS`, `kubectl`, `kwokctl`)."""


class State(str, Enum):
    """State of a cluster."""

    __str__ = str.__str__

    ABSENT = "absent"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    RUNNING = "running"


@dataclass(frozen=True)
class Program:
    """A running part of a control plane."""

    process_id: int
    memory_mebibytes: int
    """Resident memory."""


@dataclass(frozen=True)
class Status:
    """The current state of a cluster."""

    name: str
    state: State
    server: str
    """URL of the API server; empty for a cluster that does not exist."""
    kubeconfig: Path
    programs: Mapping[str, Program]
    problem: str
    """What is missing or does not answer, if the cluster is degraded."""

    @property
    def memory_mebibytes(self) -> int:
        """Resident memory of all programs together."""
        return sum(program.memory_mebibytes for program in self.programs.values())


def _silent(_: str) -> None: ...


def _memory(process: psutil.Process) -> int:
    """Resident bytes; 0 for a process that has just ended."""
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


class Cluster:
    """One simulated cluster. The constructor reads and writes nothing."""

    def __init__(self, name: str = DEFAULT_NAME, home: Path | None = None) -> None:
        """`home` defaults to `home_directory()`. Raises SimulatorError for an invalid name."""
        self.name = name
        self._home = (home or home_directory()).absolute()
        self._directory = cluster_directory(name, self._home)
        self.kubeconfig = self._directory / "kubeconfig.yaml"
        """The cluster's kubeconfig (administrator). No other kubeconfig is changed."""
        self.node = ProcessNode(self._home, name)
        """Of pods that run as processes; used if the cluster is started with `processes`."""
        self._processes: Processes | None = None

    @classmethod
    def clusters(cls, home: Path | None = None) -> list["Cluster"]:
        """Every cluster of a home, running or not, by name."""
        folder = (home or home_directory()).absolute()
        return [cls(path.parent.name, folder) for path in sorted(folder.glob("clusters/[!.]*/configuration.json"))]

    def start(self, toolchain: ToolPaths, report: Report = _silent, *, processes: Processes | None = None) -> None:
        """Starts the cluster from any state and waits until it is ready; its objects are kept.

        With `processes`, pods whose images are in the table run as processes of this computer, on a node of their own.
        Raises SimulatorError if it fails, with the end of the log of the failed program.
        """
        self._processes = processes
        if self._is_up_to_date(toolchain):
            return
        with self._lock():
            if self._is_up_to_date(toolchain):  # by now: another process was starting it
                return
            began = time.monotonic()
            files.restore(self._directory)
            if self._processes:
                self.node.prepare()
            if not self._is_configured(toolchain):
                self._configure(toolchain, report)
            else:
                self._recover(toolchain, report)
            self._await(toolchain, report, parts=("kube-apiserver",))
            self._start_node(toolchain)
            self._teach(toolchain)  # the controllers get ready meanwhile
            self._await(toolchain, report)
            self._await_node(toolchain)
            report(f"cluster {self.name}: ready in {time.monotonic() - began:.1f} s at {self._server()}")

    def stop(self) -> bool:
        """Stops every program of the cluster and keeps its objects for the next start. False if none was running."""
        if not self._directory.exists():
            return False
        with self._lock():
            ran = self.node.stop()
            return bool(processes.stop(self._directory)) or ran

    def delete(self) -> bool:
        """Removes the cluster: programs, ports, objects, keys. False if there was none."""
        if not self._directory.exists():
            return False
        with self._lock():
            self.node.delete()
            processes.stop(self._directory)
            shutil.rmtree(self._directory, ignore_errors=not self._directory.exists())  # another delete was faster
            files.forget(self._directory)
        return True

    def status(self) -> Status:
        """The running programs, with their memory."""
        if self._configuration() is None:
            return Status(self.name, State.ABSENT, "", self.kubeconfig, {}, "")
        programs = {}
        for component, process in processes.running(self._directory).items():
            try:
                programs[component] = Program(process.pid, round(process.memory_info().rss / 2**20))
            except psutil.NoSuchProcess:
                continue
        if node := self.node.running():
            memory = sum(_memory(one) for one in (node, *node.children(recursive=True)))
            programs[PROCESS_NODE] = Program(node.pid, round(memory / 2**20))
        problem = ", ".join(name for name in COMPONENTS if name not in programs) if programs else ""
        problem = problem or (api.unready(self._directory, self._ports()) if programs else "")
        state = State.DEGRADED if problem else State.RUNNING if programs else State.STOPPED
        return Status(self.name, state, self._server(), self.kubeconfig, programs, problem)

    # kwokctl owns the directory, except these files: configuration.json (the arguments of kwokctl; written when kwokctl
    # is done, so that a cluster whose creation was interrupted counts as none), pending.json (the same until then),
    # behaviour (the rules of the cluster), and the links in bin/.

    def _lock(self) -> AbstractContextManager[object]:
        files.make_private_folder(self._directory.parent)
        lock = FileLock(self._directory.parent / ".lock", timeout=LOCK_SECONDS, mode=files.PRIVATE_FILE)
        try:
            return lock.acquire()
        except Timeout:
            raise SimulatorError(
                f"cluster {self.name}: another process has been starting or stopping a cluster in "
                f"{self._directory.parent} for {LOCK_SECONDS:.0f} s. Wait for it, or end it, and try again."
            ) from None

    def _configuration(self) -> dict[str, Any] | None:
        path = self._directory / "configuration.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise SimulatorError(
                f"cluster {self.name}: {path} is not valid JSON ({error}). Delete the cluster and start it again."
            ) from None

    def _ports(self) -> dict[str, int]:
        return ports_of(self._configuration() or {})

    def _server(self) -> str:
        return f"https://{ADDRESS}:{self._ports()['kubeApiserverPort']}"

    def _wanted(self) -> dict[str, Any]:
        admin = self._directory / "pki" / "admin"
        node = control_plane_arguments(self.node, admin) if self._processes else None
        return control_plane(self._directory, self._ports() or choose_ports(self._ports_of_others()), node)

    def _ports_of_others(self) -> set[int]:
        return {port for cluster in self.clusters(self._home) for port in cluster._ports().values()}

    def _stale_links(self, toolchain: ToolPaths) -> dict[Path, Path]:
        """Links in bin/ that are missing or point elsewhere than the toolchain, each with its right target."""
        wanted = {self._directory / "bin" / name: toolchain.path(tool) for name, tool in LINKS.items()}
        return {link: target for link, target in wanted.items() if not link.is_symlink() or link.readlink() != target}

    def _is_configured(self, toolchain: ToolPaths) -> bool:
        """Whether kwokctl has created the cluster with these programs and these arguments."""
        known = self._configuration()
        return (
            known is not None
            and not (self._directory / "pending.json").exists()
            and not self._stale_links(toolchain)
            and known == self._wanted()
        )

    def _is_up_to_date(self, toolchain: ToolPaths) -> bool:
        return (
            self._is_configured(toolchain)
            and self._known_behaviour() == self._behaviour()
            and bool(self.node.running()) == bool(self._processes)
            and len(processes.running(self._directory)) == len(COMPONENTS)
            and not api.unready(self._directory, self._ports())
        )

    def _configure(self, toolchain: ToolPaths, report: Report) -> None:
        """Runs kwokctl to write its files and start everything; existing keys, ports and objects are kept."""
        processes.stop(self._directory)
        if self._configuration() is None:
            report(f"cluster {self.name}: creating in {self._directory}")
            shutil.rmtree(self._directory, ignore_errors=True)
        else:
            report(f"cluster {self.name}: programs or arguments have changed, restarting; objects are kept")
            (self._directory / "kwok.yaml").unlink(missing_ok=True)
        wanted = self._wanted()
        launcher.refuse_taken_ports(self.name, ports_of(wanted), is_free)
        for link, target in self._stale_links(toolchain).items():
            files.make_private_folder(link.parent)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        pending = self._directory / "pending.json"
        files.write_private(pending, json.dumps(wanted, indent=2))
        files.write_private(self._directory / KWOK_CONFIGURATION, "")
        with files.kept(self._directory):
            try:
                # Without --kubeconfig "" kwokctl would add the cluster to the user's own kubeconfig.
                self._kwokctl(toolchain, "--config", str(pending), "create", "cluster", "--kubeconfig", "")
            except BaseException:  # Ctrl-C too: the programs that kwokctl started outlive it
                processes.stop(self._directory)
                raise
        pending.replace(self._directory / "configuration.json")

    def _recover(self, toolchain: ToolPaths, report: Report) -> None:
        """Starts the missing programs. If the others cannot reconnect, restarts everything."""
        survivors = processes.running(self._directory)
        self._launch(toolchain, survivors, report)
        if not survivors:
            return
        try:
            self._await(toolchain, report, SURVIVORS_SECONDS)
        except SimulatorError as error:
            report(f"{error.args[0].splitlines()[0]} Restarting everything.")
            processes.stop(self._directory)
            self._launch(toolchain, {}, report)

    def _launch(self, toolchain: ToolPaths, survivors: Mapping[str, psutil.Process], report: Report) -> None:
        missing = [name for name in COMPONENTS if name not in survivors]
        if not missing:
            return
        report(f"cluster {self.name}: starting {', '.join(missing) if survivors else 'the control plane'}")
        launcher.refuse_taken_ports(self.name, ports_of(self._configuration() or {}, missing), is_free)
        processes.write_process_ids(self._directory, survivors)
        self._kwokctl(toolchain, "start", "cluster")

    def _kwokctl(self, toolchain: ToolPaths, *arguments: str) -> None:
        launcher.call_kwokctl(toolchain.path("kwokctl"), self._home, self.name, *arguments)

    def _await(
        self,
        toolchain: ToolPaths,
        report: Report,
        patience_seconds: float = READY_SECONDS,
        parts: Collection[str] = api.EVERYTHING,
    ) -> None:
        """Waits until `parts` answer. A program that exits meanwhile is started again, a few times.

        The controller manager exits if the API server is not healthy within 10 s, which happens on a busy computer. The
        API server does the same with etcd.
        """
        deadline = time.monotonic() + patience_seconds
        ports, launches_left = self._ports(), LAUNCHES_MOST
        while unready := api.unready(self._directory, ports, parts):
            alive = processes.running(self._directory)
            dead = next((name for name in COMPONENTS if name not in alive), "")
            if dead and launches_left and time.monotonic() < deadline:
                launches_left -= 1
                self._launch(toolchain, alive, report)
            elif dead or time.monotonic() > deadline:
                raise self._failure(dead, unready, patience_seconds)
            time.sleep(POLL_SECONDS)

    def _failure(self, dead: str, unready: str, patience_seconds: float) -> SimulatorError:
        culprit = dead or (unready if unready in COMPONENTS else "kube-controller-manager")
        what = f"{dead} keeps exiting" if dead else f"{unready} did not answer in {patience_seconds:.0f} s"
        return SimulatorError(
            f"cluster {self.name}: {what}. Its log is {self._directory / 'logs' / culprit}.log, and ends with:\n"
            f"{launcher.last_words(self._directory, culprit)}\n"
            f"Try again; if it fails again, delete the cluster and start it again."
        )

    def _known_behaviour(self) -> str:
        try:
            return (self._directory / "behaviour").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _rules_of_node(self) -> list[dict[str, Any]]:
        if self._processes is None:
            return []
        own = Path(__file__).parent / "process_node" / "stages"
        # The bundled Stages, with the node's template before their own: see stages/deployment-of-part.tmpl there.
        stages = [*sorted(own.glob("*.yaml")), behaviour.STAGES / "inferenceservice.yaml"]
        images = references(self._processes.more_images)
        return [*placement.policies(images), *behaviour.rules_of(stages, own)]

    def _replaced_stages(self) -> list[str]:
        return [stage for image in self._processes.more_images for stage in image.replaces] if self._processes else []

    def _behaviour(self) -> str:
        rules = [*self._rules_of_node(), *self._replaced_stages()]
        return behaviour.fingerprint() + (json.dumps(rules, sort_keys=True) if rules else "")

    def _teach(self, toolchain: ToolPaths) -> None:
        """Applies the rules of this version to the cluster, and removes those of an older version."""
        if self._known_behaviour() == self._behaviour():
            return
        kubectl = toolchain.path("kubectl")
        behaviour.give(kubectl, self.kubeconfig, self._rules_of_node(), self._replaced_stages())
        if not self._processes:
            kinds = ",".join({one["kind"] for one in placement.policies(())})
            launcher.call_kubectl(kubectl, self.kubeconfig, "delete", "--ignore-not-found", kinds, placement.POLICY)
            launcher.call_kubectl(kubectl, self.kubeconfig, "delete", "--ignore-not-found", "node", PROCESS_NODE)
        files.write_private(self._directory / "behaviour", self._behaviour())

    def _start_node(self, toolchain: ToolPaths) -> None:
        if self._processes is None:
            self.node.stop()
        else:
            authority, port = self._directory / "pki" / "ca.crt", self._ports()["kubeApiserverPort"]
            self.node.start(toolchain.path("kubelet"), port, authority, self._processes)

    def _await_node(self, toolchain: ToolPaths) -> None:
        """Waits until the process node is ready."""
        deadline = time.monotonic() + READY_SECONDS
        ready = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        ask = ("get", "node", PROCESS_NODE, "--ignore-not-found", ready)
        while self._processes and launcher.call_kubectl(toolchain.path("kubectl"), self.kubeconfig, *ask) != "True":
            if time.monotonic() > deadline:
                raise SimulatorError(
                    f"cluster {self.name}: {PROCESS_NODE} was not ready in {READY_SECONDS:.0f} s. Its logs, in "
                    f"{self.node.state}, end with:\n{self.node.end_of_log()}\n"
                    f"Try again, or run every pod simulated: MLPLATFORM_PROCESSES=off."
                )
            time.sleep(POLL_SECONDS)
