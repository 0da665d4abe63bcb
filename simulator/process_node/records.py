"""Pods and containers of the runtime, kept on disk: the kubelet asks for those that ended, also after a restart."""

import base64
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simulator.files import write_private
from simulator.process_node.messages import classes
from simulator.process_node.processes import KILLED, ContainerState, Lifetime


@dataclass(frozen=True)
class PodRecord:
    """A pod as the kubelet declared it."""

    id: str
    config: Any
    """PodSandboxConfig."""
    address: str
    created: int


@dataclass(frozen=True)
class ContainerRecord:
    """A container as the kubelet declared it."""

    id: str
    pod: str
    config: Any
    """ContainerConfig."""
    image: str
    """The reference in the table of images."""
    lifetime: Lifetime


class Records:
    """One file for each pod and each container."""

    def __init__(self, folder: Path) -> None:
        self._pods, self._containers = folder / "pods", folder / "containers"
        for one in (self._pods, self._containers):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)

    def keep_pod(self, pod: PodRecord) -> None:
        """Writes a pod."""
        facts = {"config": _encode(pod.config), "address": pod.address, "created": pod.created}
        write_private(self._pods / f"{pod.id}.json", json.dumps(facts))

    def keep_container(self, one: ContainerRecord) -> None:
        """Writes a container in its current state."""
        facts = {"pod": one.pod, "config": _encode(one.config), "image": one.image, "lifetime": asdict(one.lifetime)}
        write_private(self._containers / f"{one.id}.json", json.dumps(facts))

    def forget_pod(self, identifier: str) -> None:
        """Removes a pod."""
        (self._pods / f"{identifier}.json").unlink(missing_ok=True)

    def forget_container(self, identifier: str) -> None:
        """Removes a container and its folder."""
        (self._containers / f"{identifier}.json").unlink(missing_ok=True)
        shutil.rmtree(self.root_of(identifier).parent, ignore_errors=True)

    def root_of(self, identifier: str) -> Path:
        """The folder that becomes the root of a container."""
        return self._containers / identifier / "root"

    def pods(self) -> Iterator[PodRecord]:
        """The pods that an earlier run left. None of them runs: the kernel ended their processes."""
        for identifier, facts in _read(self._pods):
            config = _decode("PodSandboxConfig", facts["config"])
            yield PodRecord(identifier, config, facts["address"], facts["created"])

    def containers(self) -> Iterator[ContainerRecord]:
        """The containers that an earlier run left; those that ran then were killed with the node."""
        for identifier, facts in _read(self._containers):
            life = Lifetime(**facts["lifetime"])
            if life.state != ContainerState.EXITED:
                life.exit_code, life.finished, life.message = KILLED, time.time_ns(), "the node was stopped"
                life.started = life.started or life.created
            life.state = ContainerState.EXITED
            config = _decode("ContainerConfig", facts["config"])
            yield ContainerRecord(identifier, facts["pod"], config, facts["image"], life)


def _encode(message: Any) -> str:
    return base64.b64encode(message.SerializeToString()).decode()


def _decode(message: str, text: str) -> Any:
    return classes()[message].FromString(base64.b64decode(text))


def _read(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        try:
            yield path.stem, json.loads(path.read_text(encoding="utf-8"))
        except ValueError:  # the node ended while it was written
            path.unlink(missing_ok=True)
