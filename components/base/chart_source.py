"""Where charts and CRDs are read from. Pure."""

from enum import StrEnum
from typing import Any, TypedDict

from catalog.versions import CHARTS


class ChartOrigin(StrEnum):
    """Where charts and CRDs are read from."""

    STUB = "stub"
    """Stand-ins that ship with the project: right names, labels and ports, nothing that runs."""
    UPSTREAM = "upstream"
    """Where each project publishes its chart."""
    MIRROR = "mirror"
    """A company's own registry that holds the same charts under the same names."""


class ChartSource(TypedDict):
    """Where every chart comes from, and the CRDs with them. A registry (`oci://…`) holds no files: `Crds.mirror` says
    where the CRDs are."""

    origin: ChartOrigin
    """stub, upstream or mirror."""
    location: str
    """stub: the folder that holds `charts/` and `crds/`; mirror: `oci://…` or `https://…`; upstream: empty."""


def chart_reference(chart: str, source: ChartSource) -> dict[str, Any]:
    """The `chart`, `version` and `repository_opts` inputs for that source. Pure."""
    pinned = CHARTS[chart]
    match source["origin"]:
        case ChartOrigin.STUB:
            return {"chart": f"{source['location']}/charts/{chart}"}
        case ChartOrigin.MIRROR:
            location = source["location"].rstrip("/")
        case _:
            location = pinned.location
    if location.startswith("oci://"):
        reference = location if location.endswith(f"/{chart}") else f"{location}/{chart}"
        return {"chart": reference, "version": pinned.version}
    return {"chart": chart, "version": pinned.version, "repository_opts": {"repo": location}}
