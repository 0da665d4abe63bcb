"""What a preview would do, as one frozen model: resources with inputs before and after, findings, failures. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from report.urns import resource_name, type_of
from report.values import shown

Values = Mapping[str, Any]


class Operation(StrEnum):
    """What happens to a resource."""

    SAME = "same"
    CREATE = "create"
    IMPORT = "import"
    """Into the state; it exists already."""
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    """A lookup, no change."""
    DISCARD = "discard"
    """Forgotten by the state, not deleted."""
    OTHER = "other"
    """An operation of an engine that is newer than this report: shown as a change."""


@dataclass(frozen=True)
class PropertyChange:
    """One input of a resource that changes."""

    path: str
    """`spec.template.spec.containers[0].image`."""
    before: Any
    """None: there is none."""
    after: Any
    replaces: bool = False
    """Whether this change forces the replacement."""

    def text(self) -> str:
        """`path: before → after`."""
        if self.before is None:
            return f"{self.path}: + {shown(self.after)}"
        if self.after is None:
            return f"{self.path}: - {shown(self.before)}"
        return f"{self.path}: {shown(self.before)} → {shown(self.after)}"


@dataclass(frozen=True)
class Resource:
    """One resource of the plan. Its inputs contain no secret."""

    urn: str
    operation: Operation
    parent: str = ""
    component: bool = False
    """A group of resources, which exists in the state alone."""
    old: Values = field(default_factory=dict)
    """Inputs in the state; empty for `create`."""
    new: Values = field(default_factory=dict)
    """Planned inputs; empty for `delete`. Neither is read for `same`."""
    replacing: tuple[str, ...] = ()
    """Paths that force the replacement."""
    changed: tuple[str, ...] = ()
    """Paths that the provider reports as changed."""
    deletes_first: bool = False
    """Of a replacement: whether the old one is deleted before the new one is created."""
    protected: bool = False
    """The engine refuses to delete it."""
    retained: bool = False
    """It outlives its deletion from the stack."""

    @property
    def type(self) -> str:
        """`aws:eks/nodeGroup:NodeGroup`."""
        return type_of(self.urn)

    @property
    def kind(self) -> str:
        """`NodeGroup`."""
        return self.type.split(":")[-1]

    @property
    def title(self) -> str:
        """`NodeGroup l4-group`."""
        return resource_name(self.urn)

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.title.partition(" ")[2]

    @property
    def changes(self) -> bool:
        """Whether something real is changed."""
        return not self.component and self.operation not in (Operation.SAME, Operation.READ)

    @cached_property
    def properties(self) -> tuple[PropertyChange, ...]:
        """The inputs that change, sorted by path; for `create` and `delete` none."""
        if self.operation in (Operation.CREATE, Operation.DELETE, Operation.SAME):
            return ()
        found = [
            PropertyChange(path, before, after, any(_below(path, one) for one in self.replacing))
            for path, before, after in differences(self.old, self.new)
        ]
        paths = [one.path for one in found]
        others = [p for p in self.changed if not any(_below(p, path) or _below(path, p) for path in paths)]
        outside = [PropertyChange(path, "as deployed", "as declared", path in self.replacing) for path in others]
        return tuple(sorted([*found, *outside], key=lambda one: one.path))


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith((f"{root}.", f"{root}["))


@dataclass(frozen=True)
class PolicyFinding:
    """A violation of one policy."""

    policy: str
    severity: str
    """As the pack names it: `low`, `medium`, `high`, `critical`; empty if it names none."""
    mandatory: bool
    message: str
    urn: str
    """Empty: the stack as a whole."""

    @property
    def resource(self) -> str:
        """Type and name of the resource, or `stack`."""
        return resource_name(self.urn)


@dataclass(frozen=True)
class Plan:
    """One preview."""

    stack: str
    resources: tuple[Resource, ...] = ()
    findings: tuple[PolicyFinding, ...] = ()
    failures: tuple[str, ...] = ()
    """Errors of the program, the engine or a provider."""
    problem: str = ""
    """Why the preview says nothing: it failed, or its stream breaks off. Empty: it is complete."""

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        """URN -> resource."""
        return {one.urn: one for one in self.resources}

    @property
    def changed(self) -> tuple[Resource, ...]:
        """Resources that are changed, components left out."""
        return tuple(one for one in self.resources if one.changes)

    @property
    def first(self) -> bool:
        """Whether nothing is deployed yet."""
        kept = (Operation.SAME, Operation.UPDATE, Operation.REPLACE, Operation.DELETE)
        return not any(one.operation in kept for one in self.resources)

    def component_of(self, resource: Resource) -> str:
        """The outermost component that the resource is part of: `EksNodePool l4`; `stack` if there is none."""
        found, urn, seen = "stack", resource.parent, {resource.urn}
        while urn and urn not in seen and resource_name(urn) != "stack":
            seen.add(urn)
            found = resource_name(urn)
            parent = self.by_urn.get(urn)
            urn = parent.parent if parent else ""
        return found


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, value before and value after of everything that differs; None where there is no value."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}, key=str):
            yield from differences(before.get(key), after.get(key), f"{path}{_step(str(key), bool(path))}")
    elif isinstance(before, list) and isinstance(after, list) and _alike(before, after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    else:
        yield path, before, after


def _alike(before: list[Any], after: list[Any]) -> bool:
    """Lists of as many mappings each: compared one by one, since the whole of them is too long to read."""
    return len(before) == len(after) and all(isinstance(one, Mapping) for one in [*before, *after])


def _step(key: str, inside: bool) -> str:
    if key and not any(character in key for character in ".[]/ "):
        return f".{key}" if inside else key
    return f'["{key}"]'
