"""How simulated objects behave: data in `stages/` and `admission/`, given to a cluster as objects of its own."""

import hashlib
import json
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator.errors import SimulatorError
from simulator.launcher import call_kubectl

FOLDERS = ("stages", "admission")
OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER = "mlplatform-simulator"
_PATIENCE_SECONDS = 15.0


def _files() -> list[Path]:
    root = Path(__file__).parent
    return [path for folder in FOLDERS for path in sorted((root / folder).glob("*.yaml"))]


@cache
def bundled() -> tuple[dict[str, Any], ...]:
    """The objects that make the behaviour of a simulated cluster, marked as ours."""
    rules = [rule for path in _files() for rule in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    for rule in rules:
        rule["metadata"].setdefault("labels", {})[OWNER_LABEL] = OWNER
    return tuple(rules)


@cache
def document() -> str:
    """The bundled behaviour as one document that `kubectl apply -f -` takes."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": bundled()}, sort_keys=True)


@cache
def fingerprint() -> str:
    """Changes with the bundled behaviour; tells whether a cluster already has it.

    Of the files as they are: parsing them takes ten times as long as all else that a second `start` does.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in _files():
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def surplus(present: Iterable[str], wanted: Iterable[dict[str, Any]]) -> list[str]:
    """Of the stages `present` in a cluster and ours (names), those that are not `wanted` any more."""
    return sorted(set(present) - {rule["metadata"]["name"] for rule in wanted if rule["kind"] == "Stage"})


def give(kubectl: Path, kubeconfig: Path) -> None:
    """Makes a cluster behave as bundled, and no longer as an older version had it. Raises SimulatorError."""
    call = partial(call_kubectl, kubectl, kubeconfig)
    # The definition of Stage is a second old in a new cluster: the API server may not serve it yet.
    patience = Retrying(
        retry=retry_if_exception_type(SimulatorError),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    patience(call, "apply", "--server-side", "--force-conflicts", "-f", "-", text=document())
    names = call("get", "stages", f"--selector={OWNER_LABEL}={OWNER}", "--output=name").split()
    old = surplus((name.partition("/")[2] for name in names), bundled())
    if old:
        call("delete", "stage", *old)
