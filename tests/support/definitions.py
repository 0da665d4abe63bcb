"""Custom resource definitions of tests: with every field that upstream has, and waiting for those of a cluster."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tenacity import retry, stop_after_delay, wait_fixed

from simulator.crds import EVERY_LEVEL, KINDS, definitions
from tests.support.upstream_crds import FOLDER


class Loader(yaml.CSafeLoader):
    """YAML 1.1 reads a bare `=` as a value tag; prometheus-operator's enums have one."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.5), reraise=True)
def established(kubectl: Callable[..., object], *definitions: str) -> None:
    """Returns once these (`crd --all`, or `-f <file>` …) are served; `kubectl` raises where the command fails.

    Asked again, because `kubectl wait` does not wait for a definition without conditions, which a new one is for a
    moment: `.status.conditions accessor error: <nil> is of the type <nil>` (kubectl 1.36.3).
    """
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *definitions)


@cache
def collected() -> dict[tuple[str, str], Path]:
    """Group and kind -> file of upstream's, where the collection is next to the checkout."""
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8")) if FOLDER.is_dir() else []
    return {(row["group"], row["kind"]): FOLDER / row["file"] for row in index}


def upstream_crd(group: str, kind: str) -> dict[str, Any] | None:
    """The CRD of upstream; None where it is not next to the checkout."""
    path = collected().get((group, kind))
    if path is None:
        return None
    crds = [one for one in yaml.load_all(path.read_text(encoding="utf-8"), Loader) if one]
    (found,) = [one for one in crds if one["spec"]["names"]["kind"] == kind and one["spec"]["group"] == group]
    return dict(found)


def whole_crds(*sets: str, kinds: frozenset[str] = frozenset()) -> str:
    """A manifest of the CRDs of these sets with every field: upstream's own, else what the facts say.

    Only upstream's own have rules in CEL. `kinds` names some of them; default: all that the simulator has.
    """
    crds = [
        upstream_crd(crd["spec"]["group"], crd["spec"]["names"]["kind"]) or crd
        for name in sets or KINDS
        for crd in definitions(name, EVERY_LEVEL)
        if not kinds or crd["spec"]["names"]["kind"] in kinds
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": crds})
