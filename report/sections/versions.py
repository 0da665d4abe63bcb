"""Section: versions that change: images, charts, Kubernetes, CRDs, APIs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from report.blocks import Block, Code, Table
from report.comparison import Comparison
from report.plan import Operation, Resource
from report.sections.base import Document, Level, Reason, Section, counted

_CHART_LABEL = "helm.sh/chart"
_KUBERNETES = {
    "aws:eks/cluster:Cluster": ("control plane", "version"),
    "aws:eks/nodeGroup:NodeGroup": ("nodes", "version"),
    "gcp:container/cluster:Cluster": ("control plane", "minMasterVersion"),
    "gcp:container/nodePool:NodePool": ("nodes", "version"),
}
_REFERENCE = re.compile(r"^(?P<name>[^@\s]+?)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$")
_API = re.compile(r"^kubernetes:(?P<group>[^:]*)/(?P<version>v[^:/]*):(?P<kind>\w+)$")
_CRD = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


class VersionChange(Document):
    """One version that changes."""

    kind: str
    """`image`, `chart`, `Kubernetes`, `CRD` or `API`."""
    name: str
    """What it is the version of."""
    before: str
    """Empty: it is new."""
    after: str
    """Empty: it is gone."""
    resources: tuple[str, ...]
    """Short types and names of the resources that have it."""


class Versions(Section):
    """Versions."""

    title: ClassVar[str] = "Versions"
    changes: tuple[VersionChange, ...]
    """By kind and name. Of a first deployment: none."""

    def blocks(self) -> Iterator[Block]:
        """A row for each change; nothing if there is none."""
        if self.changes:
            rows = tuple(
                (one.kind, Code(one.name), one.before or "none", one.after or "none", _few(one.resources))
                for one in self.changes
            )
            yield Table(("kind", "name", "before", "after", "resources"), rows)


def versions(comparison: Comparison) -> Versions:
    """The section of a comparison."""
    if comparison.plan.first:
        return Versions(changes=())
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for resource in comparison.plan.changed:
        for key in _of(resource):
            found.setdefault(key, []).append(resource.title)
    for key, title in [*_apis(comparison.plan.changed), *_image_changes(comparison.plan.changed)]:
        found.setdefault(key, []).append(title)
    changes = tuple(
        VersionChange(kind=kind, name=name, before=before, after=after, resources=tuple(sorted(set(titles))))
        for (kind, name, before, after), titles in sorted(found.items())
    )
    return Versions(changes=changes, reasons=tuple(_reasons(changes)))


def _of(resource: Resource) -> Iterator[tuple[str, str, str, str]]:
    if resource.operation not in (Operation.UPDATE, Operation.REPLACE, Operation.CREATE, Operation.DELETE):
        return
    before, after = _chart(resource.old), _chart(resource.new)
    if before and after and before != after:
        yield "chart", before[0], before[1], after[1]
    if resource.type in _KUBERNETES and resource.operation in (Operation.UPDATE, Operation.REPLACE):
        what, key = _KUBERNETES[resource.type]
        one, other = (str(inputs.get(key) or "") for inputs in (resource.old, resource.new))
        if one != other:
            yield "Kubernetes", what, one, other
    if resource.type == _CRD:
        one, other = _served(resource.old), _served(resource.new)
        if one != other or resource.operation is Operation.UPDATE:
            yield "CRD", resource.name.rpartition(":")[2], one, other if one != other else f"{other} (another schema)"


def _image_changes(resources: tuple[Resource, ...]) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Images whose versions differ in all that changes together: a run that is replaced is deleted and created."""
    sides: tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]] = ({}, {})
    for resource in resources:
        for found, inputs in zip(sides, (resource.old, resource.new), strict=True):
            for name, version in _images(inputs):
                found.setdefault(name, {})[version] = resource.title
    for name in sorted({*sides[0], *sides[1]}):
        old, new = (found.get(name, {}) for found in sides)
        if set(old) != set(new):
            before, after = (", ".join(sorted(versions)) for versions in (old, new))
            for title in (*old.values(), *new.values()):
                yield ("image", name, before, after), title


def _images(value: Any) -> Iterator[tuple[str, str]]:
    """Image without its tag -> tag and digest, anywhere in the inputs."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key in ("image", "imageName") and isinstance(part, str):
                if found := _REFERENCE.match(part):
                    yield (
                        found["name"],
                        " ".join(one[:19] for one in (found["tag"], found["digest"]) if one) or "latest",
                    )
            else:
                yield from _images(part)
    elif isinstance(value, list):
        for part in value:
            yield from _images(part)


def _chart(inputs: Mapping[str, Any]) -> tuple[str, str] | None:
    """Name and version of the chart whose object it is."""
    metadata = inputs.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    text = labels.get(_CHART_LABEL) if isinstance(labels, Mapping) else None
    found = re.match(r"^(.+?)-(v?\d.*)$", text) if isinstance(text, str) else None
    return (found[1], found[2]) if found else None


def _served(inputs: Mapping[str, Any]) -> str:
    spec = inputs.get("spec")
    found = spec.get("versions") if isinstance(spec, Mapping) else None
    return ", ".join(str(one.get("name")) for one in found or () if isinstance(one, Mapping))


def _apis(resources: tuple[Resource, ...]) -> Iterator[tuple[tuple[str, str, str, str], str]]:
    """Objects that are deleted in one version of an API and created in another."""
    gone = {(_api(one), one.name): one for one in resources if one.operation is Operation.DELETE}
    for one in resources:
        if one.operation is Operation.CREATE and (known := gone.get((_api(one), one.name))) and _api(one)[0]:
            before, after = (_API.match(each.type) for each in (known, one))
            if before and after and before["version"] != after["version"]:
                group, kind = _api(one)
                yield ("API", f"{kind}.{group}", before["version"], after["version"]), one.title


def _api(resource: Resource) -> tuple[str, str]:
    found = _API.match(resource.type)
    return (found["group"], found["kind"]) if found else ("", "")


def _reasons(changes: tuple[VersionChange, ...]) -> Iterator[Reason]:
    for one in changes:
        if one.kind in ("Kubernetes", "chart", "CRD", "API"):
            text = f"{one.kind} {one.name}: {one.before or 'none'} → {one.after or 'none'}."
            level = Level.DANGER if one.kind == "CRD" and not one.after else Level.LOOK
            yield Reason(level=level, rule=f"version/{one.kind.lower()}", text=text)
    images = [one for one in changes if one.kind == "image" and one.after]
    if images:
        first = images[0]
        more = f", and {counted(len(images) - 1, 'more image')}" if len(images) > 1 else ""
        text = f"Image {first.name}: {first.before or 'none'} → {first.after}{more}."
        yield Reason(level=Level.LOOK, rule="version/image", text=text)


def _few(titles: tuple[str, ...], limit: int = 2) -> str:
    return ", ".join(titles[:limit]) + (f" and {len(titles) - limit} more" if len(titles) > limit else "")
