"""Section: what changes, the settings that cause it first, then resources by component."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from report.blocks import Block, Code, Line, Listing, Table
from report.comparison import Comparison
from report.plan import Operation, Resource
from report.sections.base import Document, Level, Reason, Section, counted

SIGNS = {
    Operation.CREATE: "+",
    Operation.IMPORT: "+",
    Operation.UPDATE: "~",
    Operation.REPLACE: "±",
    Operation.DELETE: "-",
    Operation.DISCARD: "-",
    Operation.OTHER: "?",
}
_ORDER = (
    Operation.DELETE,
    Operation.REPLACE,
    Operation.DISCARD,
    Operation.UPDATE,
    Operation.OTHER,
    Operation.IMPORT,
    Operation.CREATE,
)


class Setting(Document):
    """A setting that differs."""

    path: str
    """`cluster.pools.l4.machines`."""
    before: str
    """Empty: it was not set."""
    after: str
    """Empty: it is not set any more."""
    line: int
    """Its line in the settings file."""


class Property(Document):
    """An input of a resource that differs."""

    path: str
    """Path in the inputs."""
    text: str
    """`path: before → after`, secrets masked, long values cut."""
    replaces: bool
    """Whether it forces the replacement."""


class ChangedResource(Document):
    """A resource that changes."""

    urn: str
    """Its URN."""
    title: str
    """Short type and name."""
    operation: Operation
    """What happens to it."""
    properties: tuple[Property, ...] = ()
    """Its inputs that differ; none for what is created or deleted."""


class Component(Document):
    """A component with changes."""

    name: str
    """Type and name; `stack` for resources outside of every component."""
    resources: tuple[ChangedResource, ...]
    """Most important operation first."""

    def counts(self) -> str:
        """`+2 ~1`."""
        return _counts(Counter(one.operation for one in self.resources))


class Changes(Section):
    """What changes."""

    title: ClassVar[str] = "Changes"
    file: str
    """The settings file."""
    settings: tuple[Setting, ...]
    """Settings that differ, in the order of their lines."""
    components: tuple[Component, ...]
    """Components with changes, by name."""
    operations: dict[Operation, int]
    """Number of resources by operation, unchanged ones and components left out."""
    unchanged: int
    """Number of resources that stay as they are."""

    def blocks(self) -> Iterator[Block]:
        """Settings as a table, components as another, then each set of property changes."""
        if self.settings:
            settings = tuple((Code(f"{self.file}:{one.line}"), Code(one.path), _change(one)) for one in self.settings)
            yield Table(("line", "setting", "change"), settings, caption="Settings")
        if not self.components:
            yield Line(f"No resource changes; {self.unchanged} are as declared.")
            return
        yield Line(f"{self.summary()}; {self.unchanged} unchanged.")
        rows = tuple((Code(one.name), one.counts(), _titles(one)) for one in self.components)
        yield Table(("component", "changes", "resources"), rows, caption="Resources")
        yield from self._properties()

    def summary(self) -> str:
        """`3 to create, 1 to delete`."""
        return ", ".join(f"{self.operations[one]} to {one}" for one in _ORDER if one in self.operations)

    def _properties(self) -> Iterator[Listing]:
        """Equal changes of several resources are listed once."""
        groups: dict[tuple[Operation, tuple[Property, ...]], list[str]] = {}
        for component in self.components:
            for one in component.resources:
                if one.properties:
                    groups.setdefault((one.operation, one.properties), []).append(one.title)
        for (operation, properties), titles in sorted(groups.items(), key=lambda item: _ORDER.index(item[0][0])):
            more = f" and {len(titles) - 1} more like it" if len(titles) > 1 else ""
            lines = tuple(f"{one.text}{'  (forces replacement)' if one.replaces else ''}" for one in properties)
            yield Listing(f"{SIGNS.get(operation, '?')} {titles[0]}{more}", lines)


def changes(comparison: Comparison) -> Changes:
    """The section of a comparison."""
    plan = comparison.plan
    by_component: dict[str, list[Resource]] = {}
    for resource in plan.changed:
        by_component.setdefault(plan.component_of(resource), []).append(resource)
    operations = Counter(one.operation for one in plan.changed)
    settings = tuple(
        Setting(path=one.path, before=one.before, after=one.after, line=one.line) for one in comparison.settings
    )
    return Changes(
        file=comparison.file,
        settings=settings,
        components=tuple(
            Component(name=name, resources=tuple(_resource(one) for one in sorted(found, key=_importance)))
            for name, found in sorted(by_component.items())
        ),
        operations=dict(sorted(operations.items())),
        unchanged=sum(not one.component and one.operation is Operation.SAME for one in plan.resources),
        reasons=tuple(_reasons(comparison, operations)),
    )


def _reasons(comparison: Comparison, operations: Counter[Operation]) -> Iterator[Reason]:
    if not operations:
        return
    total = counted(operations.total(), "resource changes", "resources change")
    if comparison.plan.first:
        yield Reason(
            level=Level.LOOK, rule="changes/first", text=f"Nothing is deployed yet: {total[: -len(' change')]}."
        )
    elif comparison.settings:
        first = comparison.settings[0]
        text = f"{counted(len(comparison.settings), 'setting')} changed, and {total}."
        yield Reason(level=Level.LOOK, rule="changes/settings", text=text, file=comparison.file, line=first.line)
    else:
        yield Reason(level=Level.LOOK, rule="changes/program", text=f"{total}, though no setting does.".capitalize())


def _resource(resource: Resource) -> ChangedResource:
    return ChangedResource(
        urn=resource.urn,
        title=resource.title,
        operation=resource.operation,
        properties=tuple(Property(path=p.path, text=p.text(), replaces=p.replaces) for p in resource.properties),
    )


def _importance(resource: Resource) -> tuple[int, str]:
    return _ORDER.index(resource.operation), resource.title


def _counts(operations: Counter[Operation]) -> str:
    return " ".join(f"{SIGNS[one]}{operations[one]}" for one in _ORDER if operations[one])


def _change(setting: Setting) -> str:
    if not setting.before:
        return f"+ {setting.after}"
    return f"{setting.before} → {setting.after}" if setting.after else f"- {setting.before}"


def _titles(component: Component, limit: int = 3) -> str:
    """Names of a few resources, or of many how many of each kind."""
    if len(component.resources) <= limit:
        return ", ".join(one.title for one in component.resources)
    kinds = Counter(one.title.partition(" ")[0] for one in component.resources).most_common()
    more = f" and {len(kinds) - limit} more kinds" if len(kinds) > limit else ""
    return ", ".join(f"{count} {kind}" for kind, count in kinds[:limit]) + more
