"""Which setting a resource comes from: the changed setting behind its change, and the line of its section. Pure."""

from collections.abc import Iterator
from typing import Any

from report.comparison import Comparison
from report.plan import Resource
from report.sections.base import Level, Reason
from report.settings_diff import SettingChange, setting_lines

_SECTIONS = {
    "EksCluster": ("cluster.controlPlane", "cluster.accountId", "cluster.region"),
    "EksNetwork": ("cluster.network",),
    "EfsFileSystem": ("cluster.fileSystem", "cluster.sharedFileSystem"),
    "GkeCluster": ("cluster.controlPlane", "cluster.project", "cluster.region", "cluster.zones"),
    "GkeNetwork": ("cluster.network",),
    "RdsDatabase": ("mlflow.database",),
    "CloudSqlDatabase": ("mlflow.database",),
    "Database": ("mlflow.database",),
    "TrackingServer": ("mlflow",),
    "S3Bucket": ("objectStore",),
    "GcsBucket": ("objectStore",),
    "Route53Zone": ("dns",),
    "CloudDnsZone": ("dns",),
    "Monitoring": ("monitoring",),
}
"""Component -> the settings that it is made from, where its name is not part of their path."""


def cause_of(comparison: Comparison, resource: Resource) -> SettingChange | None:
    """The changed setting from which the resource is made; None if none is known."""
    paths = (change.path for change in comparison.settings)
    return comparison.cause(*_paths(comparison, resource, paths))


def place_of(comparison: Comparison, urn: str) -> dict[str, Any]:
    """`file` and `line` of a reason about a resource: of the cause, else of the section that declares it; empty if
    neither is known."""
    resource = comparison.plan.by_urn.get(urn)
    if resource is None:
        return {}
    if cause := cause_of(comparison, resource):
        return {"file": comparison.file, "line": cause.line}
    lines = setting_lines(comparison.head.text)
    found = next((lines[path] for path in _paths(comparison, resource, iter(lines)) if path in lines), 0)
    return {"file": comparison.file, "line": found} if found else {}


def refused(comparison: Comparison) -> Iterator[Reason]:
    """A reason for each finding in the settings of the change, on the line of the setting or of what contains it."""
    lines = setting_lines(comparison.head.text)
    for finding in comparison.head.refused:
        text = f"{finding.path}: {finding.value}. Rule: {finding.rule}. Remedy: {finding.remedy}."
        path = finding.path.partition("[")[0]
        while path and path not in lines:
            path = path.rpartition(".")[0]
        line = lines.get(path, 1)
        yield Reason(level=Level.BLOCKED, rule="settings/refused", text=text, file=comparison.file, line=line)


def _paths(comparison: Comparison, resource: Resource, known: Iterator[str]) -> Iterator[str]:
    """The settings that have the name of the resource's component in their path, then those of the table."""
    component, _, name = comparison.plan.component_of(resource).partition(" ")
    names = {name, name.removeprefix("team-")} - {""}
    team = f"{name.removeprefix('team-')}-" if name.startswith("team-") else ""
    for path in known:
        steps = path.split(".")
        if named := [step for step in steps[1:3] if step in names]:
            yield ".".join(steps[: steps.index(named[0]) + 1])
        elif steps[0] == "teams" and len(steps) > 1 and team.startswith(f"{steps[1]}-"):
            yield ".".join(steps[:2])
    yield from _SECTIONS.get(component, ())
