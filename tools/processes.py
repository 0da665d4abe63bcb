"""Whether pods run as processes of this computer: the variable MLPLATFORM_PROCESSES, and what the computer allows."""

import json
import subprocess
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from simulator.process_node import support
from simulator.process_node.images import find
from simulator.process_node.member import Processes
from simulator.process_node.settings import NAME
from tools.errors import ToolError
from tools.store import cache_root

VARIABLE = "MLPLATFORM_PROCESSES"
PORTS: Mapping[int, str] = {
    5000: "mlflow.mlflow.svc.cluster.local:5000",
}
"""Port on loopback -> Service. MLflow answers to `localhost:5000` alone (its `--allowed-hosts`)."""


class Choice(str, Enum):
    """Values of the variable."""

    __str__ = str.__str__

    ON = "on"
    OFF = "off"


def choose(environment: Mapping[str, str], local_images: Mapping[str, Path] = {}) -> Processes | None:
    """What the process node may use; None: every pod is simulated. `local_images`: reference -> folder.

    Raises:
        ToolError: the variable has another value, or this computer cannot do it; the message says why.
    """
    value = environment.get(VARIABLE, Choice.OFF)
    if value not in {*Choice}:
        raise ToolError(f"{VARIABLE}={value}: allowed are {', '.join(Choice)}.")
    if value == Choice.OFF:
        return None
    if reason := support.obstacle():
        raise ToolError(f"{VARIABLE}=on: {reason}. Or set {VARIABLE}=off: every pod is then simulated.")
    return Processes(cache_root(environment) / "processes", PORTS, local_images)


def possible() -> str:
    """One line for `doctor`: whether pods can run as processes here, and how or why not."""
    reason = support.obstacle()
    return f"not here: {reason}" if reason else f"possible: {VARIABLE}=on"


def running(kubectl: Path, kubeconfig: Path) -> list[str]:
    """What runs as processes, by namespace, and where it answers on this computer. Empty without a process node."""
    ask = ("get", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={NAME}", "--output=json")
    command = [str(kubectl), f"--kubeconfig={kubeconfig}", *ask]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    pods = json.loads(answer.stdout)["items"] if answer.returncode == 0 else []
    up = [pod for pod in pods if pod["status"].get("phase") == "Running"]
    names = sorted(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in up)
    images = {one["image"] for pod in up for one in pod["spec"]["containers"]}
    substitutes = sorted({found.substitute for one in images if (found := find(one)) and found.substitute})
    where = [f"http://127.0.0.1:{port} is {service}" for port, service in PORTS.items()]
    return [f"{', '.join(names)} run on this computer", *substitutes, *where] if names else []
