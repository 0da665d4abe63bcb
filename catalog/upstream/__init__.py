"""Facts about upstream charts and CRDs, one file per version: names, labels, ports, values, fields; no upstream text.

`python -m tools upstream` and `python -m tools upstream-crds` write the files from upstream's own charts and manifests;
`docs/upstream.md` explains how. Nothing here is edited by hand, except the kinds of `CLOUD_CRDS`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from catalog.upstream.objects import CrdFacts, ObjectFacts

FOLDER = Path(__file__).parent


class ChartFacts(TypedDict):
    """One version of a chart, and what it renders with the values that the platform sets."""

    chart: str
    version: str
    app_version: str
    source: str
    """Repository and tag that the chart was read from."""
    date: str
    kubernetes: str
    """The version of Kubernetes that it was rendered for."""
    cases: dict[str, str]
    """Whose values it was rendered with (a stack file, or a component's complete case) -> the release's namespace."""
    crds: list[CrdFacts]
    """CRDs that it contains: in its folder, in templates, or in a subchart."""
    hooks: list[str]
    """Objects that only hooks create, `Kind name`; the Pulumi provider skips them."""
    set: dict[str, str]
    """Values that the platform sets, `path = shape` -> what that changes: an `Effect`."""
    objects: list[ObjectFacts]
    values: dict[str, Any]
    """Every value path with its default; long texts are replaced by `(text)`."""


class CrdSetFacts(TypedDict):
    """Which CRDs the manifests of one set define."""

    set: str
    version: str
    source: str
    date: str
    files: dict[str, list[CrdFacts]]
    """By the address that `catalog.versions.CRDS` names."""


class NoFacts(LookupError):
    """No facts are recorded for a version. The message names the command that writes them."""


def chart_file(chart: str, version: str) -> Path:
    """The file with the facts of one chart version."""
    return FOLDER / "charts" / f"{chart}-{version}.json"


def crds_file(name: str, version: str) -> Path:
    """The file with the facts of one version of a CRD set."""
    return FOLDER / "crds" / f"{name}-{version}.json"


def chart_facts(chart: str, version: str) -> ChartFacts:
    """The facts of one chart. Raises `NoFacts`."""
    facts: ChartFacts = _read(
        chart_file(chart, version), f"python -m tools upstream <folder or .tgz of {chart} {version}>"
    )
    return facts


def crd_set_facts(name: str, version: str) -> CrdSetFacts:
    """The facts of one CRD set. Raises `NoFacts`."""
    facts: CrdSetFacts = _read(crds_file(name, version), f"python -m tools upstream-crds {name}")
    return facts


@cache
def _read(path: Path, command: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoFacts(f"no facts of upstream for {path.stem}: run `{command}` (docs/upstream.md)") from None
