"""Rules on project, region and zones of GKE, and helpers of the rules on clusters, pools and classes."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from components.findings import Finding, camel

_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_ZONE = re.compile(r"([a-z]+-[a-z]+[0-9]+)-[a-z]")
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
VERSION = re.compile(r"1\.[0-9]{2}(\.[0-9]+(-gke\.[0-9]+)?)?")


def is_region(text: str) -> bool:
    """Whether the text has the form of a region; zones are compared with it only then."""
    return bool(_REGION.fullmatch(text))


def zones_region(region: str, zones: Sequence[str]) -> str:
    """The region that zones are compared with; empty if two or more zones are all of one other region, because then the
    region is misspelt."""
    of = {match.group(1) if (match := _ZONE.fullmatch(zone)) else "" for zone in zones}
    return region if is_region(region) and (region in of or len(of) != 1 or len(zones) == 1 or "" in of) else ""


def check_place(path: str, project: str, region: str, zones: Sequence[str]) -> Iterator[Finding]:
    """A valid project, region and list of zones."""
    if not _PROJECT.fullmatch(project):
        yield Finding(
            f"{path}.project",
            project or "(missing)",
            "a project id: 6 to 30 of a-z, 0-9 and '-', a letter first",
            "write the id (not the name, not the number): gcloud config get project",
        )
    if not is_region(region):
        yield Finding(
            f"{path}.region",
            region or "(missing)",
            "a region: the cluster is regional",
            "write it like europe-west4, without a zone's letter",
        )
    elif not zones_region(region, zones):
        own = zones[0].rpartition("-")[0]
        yield Finding(
            f"{path}.region",
            region,
            f"the region of its zones, which are of {own}",
            f"write {own}, or name other zones",
        )
    yield from check_zones(f"{path}.zones", zones, zones_region(region, zones))
    if not zones:
        yield Finding(f"{path}.zones", "(empty)", "at least one zone", "name the zones")


def check_zones(path: str, zones: Sequence[str], region: str = "", known: Sequence[str] = ()) -> Iterator[Finding]:
    """Zones of one region, each once; of the cluster, where they are known."""
    for index, zone in enumerate(zones):
        match = _ZONE.fullmatch(zone)
        if not match or (region and match.group(1) != region):
            place = region or "europe-west4"
            yield Finding(f"{path}[{index}]", zone or "(empty)", f"a zone of {place}", f"write it like {place}-a")
        elif known and zone not in known and all(map(_ZONE.fullmatch, known)):
            yield Finding(
                f"{path}[{index}]", zone, f"a zone of the cluster: {', '.join(known)}", "choose one, or add it there"
            )
    if len(set(zones)) != len(zones):
        yield Finding(path, ", ".join(zones), "each zone once", "remove the second")


def between(path: str, spec: Any, key: str, least: int, most: int) -> Iterator[Finding]:
    value = spec.get(key)
    if value is not None and (not isinstance(value, int | float) or not least <= value <= most):
        yield Finding(f"{path}.{camel(key)}", f"{value}", f"{least} to {most}", "correct the number")


def _members(path: str, spec: Any, enumerations: dict[str, Any]) -> Iterator[Finding]:
    for key, enumeration in enumerations.items():
        value = spec.get(key)
        if value is not None and value not in tuple(enumeration):
            members = ", ".join(member.value for member in enumeration)
            yield Finding(f"{path}.{camel(key)}", str(value) or "(empty)", f"one of {members}", "correct it")
