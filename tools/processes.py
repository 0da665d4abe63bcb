"""Whether pods run as processes of this computer: MLPLATFORM_PROCESSES, what the computer allows, and their images.
And which further programs are built for them: MLPLATFORM_REAL.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import click
import psutil

from simulator.errors import SimulatorError
from simulator.files import make_private_folder
from simulator.process_node import support
from simulator.process_node.images import BUILT, IMAGES, Image, ImageError, find, install, installed
from simulator.process_node.member import Processes, ProcessNode
from simulator.process_node.settings import NAME
from simulator.real import VARIABLE as REAL_VARIABLE
from simulator.real import Part, requested
from tools.controllers import CONTROLLER_BY_NAME, HELPERS, programs
from tools.errors import ToolError
from tools.facts import CHECKOUT
from tools.screen import Screen
from tools.store import cache_root

VARIABLE = "MLPLATFORM_PROCESSES"
PORTS: Mapping[int, str] = {
    5000: "mlflow.mlflow.svc.cluster.local:5000",
}
"""Port on loopback -> Service. MLflow answers to `localhost:5000` alone (its `--allowed-hosts`)."""
PORTS_OF_PARTS: Mapping[Part, Mapping[int, str]] = {
    Part.PROMETHEUS: {9090: "kube-prometheus-stack-prometheus.monitoring.svc.cluster.local:9090"},
}
"""The same, of what runs on request."""
PROGRAMS = {Part.PROMETHEUS: (CONTROLLER_BY_NAME["prometheus"], *HELPERS["prometheus"])}


NEEDED_MEMORY_BYTES = 5 * 10**9
"""Measured: control plane and engine 2.5 GB, pods of dev 1.6 GB."""
NEEDED_DISK_BYTES = 5 * 10**9
"""Measured: images 2.4 GB, as much again for downloads and data."""
_POLL_SECONDS = 0.5


class ProcessChoice(str, Enum):
    """Values of the variable."""

    __str__ = str.__str__

    AUTO = "auto"
    """Processes where this computer can run them; otherwise every pod is simulated."""
    ON = "on"
    """Processes, or an error that says why not."""
    OFF = "off"


class Chosen(NamedTuple):
    """What was chosen, and why."""

    processes: Processes | None
    """None: every pod is simulated."""
    reason: str = ""
    """Why processes are not possible, where the variable does not refuse them."""
    parts: tuple[Part, ...] = ()
    """What was requested with them."""


def choose(
    environment: Mapping[str, str], node: ProcessNode | None = None, local_images: Mapping[str, Path] = {}
) -> Chosen:
    """What the process node may use; `node`: of which cluster; `local_images`: reference -> folder.

    Raises:
        ToolError: the variable has another value, or demands what this computer cannot do; the message says why.
    """
    value = environment.get(VARIABLE) or ProcessChoice.AUTO
    if value not in {*ProcessChoice}:
        raise ToolError(f"{VARIABLE}={value}: allowed are {', '.join(ProcessChoice)}.")
    try:
        parts = tuple(sorted(requested(environment)))
    except SimulatorError as error:
        raise ToolError(str(error)) from None
    request = f"{REAL_VARIABLE}={','.join(parts)}" if parts else f"{VARIABLE}=on"
    if value == ProcessChoice.OFF and parts:
        raise ToolError(f"{request}: its pods are processes, which {VARIABLE}=off refuses.")
    if value == ProcessChoice.OFF:
        return Chosen(None)
    if parts:
        value = ProcessChoice.ON
    cache = cache_root(environment) / "processes"
    if reason := support.obstacle() or (node.obstacle() if node else ""):
        if value == ProcessChoice.ON:
            raise ToolError(f"{request}: {reason}. Or set {VARIABLE}=off: every pod is then simulated.")
        return Chosen(None, reason)
    there = node is not None and node.state.exists()  # its pods use some of the memory that is not free
    if value == ProcessChoice.AUTO and not there and (reason := _shortage(cache)):
        return Chosen(None, f"{reason}; {VARIABLE}=on runs them nevertheless")
    ports = {port: service for part in parts for port, service in PORTS_OF_PARTS[part].items()}
    return Chosen(Processes(cache, {**PORTS, **ports}, local_images), parts=parts)


def with_programs(chosen: Chosen, environment: Mapping[str, str], report: Callable[[str], None]) -> Processes | None:
    """What was chosen, with the programs of the requested parts, which are built where they are missing.

    Raises:
        ToolError: one cannot be built.
    """
    if chosen.processes is None:
        return None
    built = {
        name: file for part in chosen.parts for name, file in programs(PROGRAMS[part], environment, report).items()
    }
    return replace(chosen.processes, programs=built)


def _shortage(cache: Path) -> str:
    """What this computer has too little of for pods as processes."""
    memory = psutil.virtual_memory().available
    if memory < NEEDED_MEMORY_BYTES:
        return f"{memory / 1e9:.1f} GB of memory are free, of {NEEDED_MEMORY_BYTES / 1e9:.0f} GB that they need"
    existing = next(place for place in (cache, *cache.parents) if place.is_dir())
    free = shutil.disk_usage(existing).free
    if _missing(cache) and free < NEEDED_DISK_BYTES:
        return f"{existing} has {free / 1e9:.1f} GB free, of {NEEDED_DISK_BYTES / 1e9:.0f} GB that their images need"
    return ""


@contextlib.contextmanager
def installing_images(processes: Processes | None, screen: Screen) -> Iterator[None]:
    """Installs the images that are missing, while the block runs (it builds the tools), and waits for them.

    An image that fails is reported and not waited for: its pods try again.
    """
    if processes is None or not _missing(processes.cache):
        yield
        return
    log = processes.cache / "install.log"
    make_private_folder(log.parent)
    with log.open("wb") as output:
        command = [sys.executable, "-m", __name__, str(processes.cache)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=CHECKOUT)
    try:
        yield
        with screen.working("images", "installing") as update:
            while process.poll() is None:
                update((_lines(log) or ["installing"])[-1])
                time.sleep(_POLL_SECONDS)
    finally:
        if process.poll() is None:
            process.terminate()
    screen.say("images", "what pods run as processes is installed" if process.returncode == 0 else "not all installed")
    screen.detail("\n".join(line for line in _lines(log) if not line.startswith("installing")))


def _missing(cache: Path) -> list[Image]:
    return [image for image in IMAGES if not installed(image, cache)]


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()


def _install(cache: Path) -> int:
    """Installs the images that are missing, with a line for each; 1 if one failed."""
    missing, failed = _missing(cache), 0
    for number, image in enumerate(missing, 1):
        click.echo(f"installing {image.references[0]} ({number} of {len(missing)})")
        try:
            install(image, cache)
        except ImageError as error:
            click.echo(error)
            failed = 1
    return failed


def possible(environment: Mapping[str, str]) -> str:
    """One line for `doctor`: whether pods run as processes here, or why not."""
    try:
        chosen = choose(environment)
    except ToolError as error:
        return f"not here: {error}"
    if chosen.processes is not None:
        return f"possible; on request, built in minutes: {REAL_VARIABLE}={','.join(Part)}"
    return f"not here: {chosen.reason}" if chosen.reason else f"refused by {VARIABLE}=off"


def pods_on_node(kubectl: Path, kubeconfig: Path) -> list[dict[str, Any]]:
    """The pods of the process node; none without one."""
    ask = ("get", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={NAME}", "--output=json")
    command = [str(kubectl), f"--kubeconfig={kubeconfig}", *ask]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(answer.stdout)["items"] if answer.returncode == 0 else []
    return found


def running(pods: Sequence[Mapping[str, Any]], open_ports: Collection[int]) -> list[str]:
    """What runs as processes, by namespace, and where it answers on this computer. Empty without a process node.

    `open_ports`: the ports of this computer that the node has.
    """
    up = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    names = sorted(f"{pod['metadata']['namespace']}/{_owner(pod)}" for pod in up)
    images = {one["image"] for pod in up for one in pod["spec"]["containers"]}
    substitutes = sorted({found.substitute for one in images if (found := find(one, BUILT)) and found.substitute})
    spaces = {pod["metadata"]["namespace"] for pod in up}
    ports = {**PORTS, **{port: service for one in PORTS_OF_PARTS.values() for port, service in one.items()}}
    where = [
        f"http://127.0.0.1:{port} is {one}"
        if port in open_ports
        else f"port {port} of this computer is another program's: end it, and within 30 s it is {one}"
        for port, one in ports.items()
        if one.split(".")[1] in spaces
    ]
    return [f"{', '.join(names)} run on this computer", *substitutes, *where] if names else []


def _owner(pod: Mapping[str, Any]) -> str:
    """The name of its Deployment, without the digests of ReplicaSet and pod; else its own."""
    name: str = pod["metadata"]["name"]
    digest = pod["metadata"].get("labels", {}).get("pod-template-hash")
    return name.rpartition(f"-{digest}-")[0] if digest else name


if __name__ == "__main__":
    sys.exit(_install(Path(sys.argv[1])))
