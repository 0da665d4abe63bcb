"""The source of charts and CRDs. Pure."""

from enum import StrEnum
from typing import Any, TypedDict

from catalog.versions import CHARTS


class ChartOrigin(StrEnum):
    """The source of charts and CRDs."""

    STUB = "stub"
    """Stand-ins that are part of the project: right names, labels and ports, but no running programs."""
    UPSTREAM = "upstream"
    """The registry or repository of each project."""
    MIRROR = "mirror"
    """A private registry with the same charts under the same names."""


class ChartSource(TypedDict):
    """The source of all charts and CRDs. A registry (`oci://…`) cannot serve files: `Crds.mirror` names the address of
    the CRDs."""

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
