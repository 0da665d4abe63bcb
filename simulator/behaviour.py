"""The behaviour of simulated objects: data in `stages/` and `objects/`, created as objects in the cluster."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator.errors import SimulatorError
from simulator.launcher import call_kubectl

FOLDERS = ("objects", "stages")
STAGES = Path(__file__).parent / "stages"
OWNER_LABEL = "app.kubernetes.io/managed-by"
OWNER = "mlplatform-simulator"
_APPLY = ("apply", "--server-side", "--force-conflicts", "-f", "-")
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.2


TEMPLATE_FILE = "templateFile"
"""Key of a step's `apply` or `patch`: a file next to the stages; its text follows the step's `template`."""


def _files(ending: str) -> list[Path]:
    root = Path(__file__).parent
    return [path for folder in FOLDERS for path in sorted((root / folder).glob(f"*.{ending}"))]


def _with_templates(rule: dict[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """A stage whose steps contain the text of the files that they name."""
    for step in rule["spec"].get("steps", []) if rule["kind"] == "Stage" else []:
        for action in (step.get("apply", {}), step.get("patch", {})):
            if name := action.pop(TEMPLATE_FILE, ""):
                files = [path for folder in folders if (path := folder / name).exists()]
                action["template"] += "".join(path.read_text(encoding="utf-8") for path in files)
    return rule


def rules_of(paths: Iterable[Path], templates: Path | None = None) -> list[dict[str, Any]]:
    """The rules in files, with our label.

    `templates`: folder of files that precede the bundled template of the same name.
    """
    folders = [folder for folder in (templates, STAGES) if folder]
    found = [rule for path in paths for rule in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    rules = [_with_templates(rule, folders) for rule in found]
    for rule in rules:
        rule["metadata"].setdefault("labels", {})[OWNER_LABEL] = OWNER
    return rules


@cache
def bundled() -> tuple[dict[str, Any], ...]:
    """The objects that define the behaviour of a simulated cluster, with our label."""
    return tuple(rules_of(_files("yaml")))


@cache
def fingerprint() -> str:
    """Changes with the bundled behaviour; shows whether a cluster already has it.

    A digest of the files: parsing them takes ten times as long as everything else in a second `start`.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for path in [*_files("yaml"), *_files("tmpl")]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def surplus(present: Iterable[str], wanted: Iterable[dict[str, Any]]) -> list[str]:
    """Names of our stages that are `present` in a cluster and no longer `wanted`."""
    return sorted(set(present) - {rule["metadata"]["name"] for rule in wanted})


def give(kubectl: Path, kubeconfig: Path, more: Sequence[dict[str, Any]] = (), without: Collection[str] = ()) -> None:
    """Applies the bundled behaviour to a cluster and removes what an older version had.

    `more` are further objects, which replace bundled ones of the same kind and name; `without`: names of Stages that a
    real controller replaces.

    Raises SimulatorError.
    """
    call = partial(call_kubectl, kubectl, kubeconfig)
    rules = {(rule["kind"], rule["metadata"]["name"]): rule for rule in (*bundled(), *more)}
    stages = [rule for (kind, name), rule in rules.items() if kind == "Stage" and name not in without]
    others = [rule for rule in rules.values() if rule["kind"] != "Stage"]
    # A control plane that has just started sometimes refuses, and the definition of Stage, one of the objects, is
    # served a moment after it was accepted.
    patience = Retrying(
        retry=retry_if_exception_type(SimulatorError),
        stop=stop_after_delay(_PATIENCE_SECONDS),
        wait=wait_fixed(_POLL_SECONDS),
        reraise=True,
    )
    patience(call, *_APPLY, text=_as_list(others))
    names = patience(call, "get", "stages", f"--selector={OWNER_LABEL}={OWNER}", "--output=name").split()
    patience(call, *_APPLY, text=_as_list(stages))
    old = surplus((name.partition("/")[2] for name in names), stages)
    if old:
        call("delete", "stage", *old)


def _as_list(rules: Iterable[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(rules)})
