"""Whether pods run as processes of this computer: the variable MLPLATFORM_PROCESSES, and what the computer allows.
And which further programs are built for them: MLPLATFORM_REAL.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from simulator.errors import SimulatorError
from simulator.process_node import support
from simulator.process_node.images import BUILT, find
from simulator.process_node.member import Processes
from simulator.process_node.settings import NAME
from simulator.real import VARIABLE as REAL_VARIABLE
from simulator.real import Part, requested
from tools.controllers import CONTROLLER_BY_NAME, HELPERS, programs
from tools.errors import ToolError
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


class Choice(str, Enum):
    """Values of the variable."""

    __str__ = str.__str__

    ON = "on"
    OFF = "off"


def choose(
    environment: Mapping[str, str],
    local_images: Mapping[str, Path] = {},
    report: Callable[[str], None] = lambda _: None,
) -> Processes | None:
    """What the process node may use; None: every pod is simulated. Builds what is requested and not there.

    `local_images`: reference -> folder.

    Raises:
        ToolError: the variable has another value, or this computer cannot do it; the message says why.
    """
    value = environment.get(VARIABLE, Choice.OFF)
    if value not in {*Choice}:
        raise ToolError(f"{VARIABLE}={value}: allowed are {', '.join(Choice)}.")
    try:
        parts = sorted(requested(environment))
    except SimulatorError as error:
        raise ToolError(str(error)) from None
    if value == Choice.OFF and parts:
        raise ToolError(f"{REAL_VARIABLE}={','.join(parts)}: its pods are processes. Set {VARIABLE}=on too.")
    if value == Choice.OFF:
        return None
    if reason := support.obstacle():
        raise ToolError(f"{VARIABLE}=on: {reason}. Or set {VARIABLE}=off: every pod is then simulated.")
    ports = {port: service for part in parts for port, service in PORTS_OF_PARTS[part].items()}
    built = {name: file for part in parts for name, file in programs(PROGRAMS[part], environment, report).items()}
    return Processes(cache_root(environment) / "processes", {**PORTS, **ports}, local_images, built)


def possible() -> str:
    """One line for `doctor`: whether pods can run as processes here, and how or why not."""
    reason = support.obstacle()
    parts = f"; on request, built in minutes: {REAL_VARIABLE}={','.join(Part)}"
    return f"not here: {reason}" if reason else f"possible: {VARIABLE}=on{parts}"


def running(kubectl: Path, kubeconfig: Path) -> list[str]:
    """What runs as processes, by namespace, and where it answers on this computer. Empty without a process node."""
    ask = ("get", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={NAME}", "--output=json")
    command = [str(kubectl), f"--kubeconfig={kubeconfig}", *ask]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    pods = json.loads(answer.stdout)["items"] if answer.returncode == 0 else []
    up = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    names = sorted(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in up)
    images = {one["image"] for pod in up for one in pod["spec"]["containers"]}
    substitutes = sorted({found.substitute for one in images if (found := find(one, BUILT)) and found.substitute})
    spaces = {pod["metadata"]["namespace"] for pod in up}
    ports = {**PORTS, **{port: service for one in PORTS_OF_PARTS.values() for port, service in one.items()}}
    where = [f"http://127.0.0.1:{port} is {one}" for port, one in ports.items() if one.split(".")[1] in spaces]
    return [f"{', '.join(names)} run on this computer", *substitutes, *where] if names else []
