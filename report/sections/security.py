"""Section: what the change grants, opens and runs with, and what it takes away. Values of secrets are in no plan."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from report.blocks import Block, Code, Line, Table
from report.causes import place_of
from report.comparison import Comparison
from report.exposures import exposures
from report.plan import Operation, Resource
from report.sections.base import Document, Level, Reason, Section, counted


class ExposureChange(Document):
    """One grant, opening, secret or privilege that is added, removed or changed."""

    area: str
    """`public endpoint`, `cloud access`, `cluster access`, `network`, `secret` or `privilege`."""
    text: str
    """Who may do what on which."""
    change: str
    """`added`, `removed` or `changed`."""
    dangerous: bool
    """Whether it reaches everything, everyone or the node."""
    resource: str
    """Short type and name of the resource."""
    urn: str
    """Its URN."""


class Security(Section):
    """Security surface."""

    title: ClassVar[str] = "Security surface"
    changes: tuple[ExposureChange, ...]
    """Dangerous ones first, then by area."""

    def blocks(self) -> Iterator[Block]:
        """A row for each change."""
        if not self.changes:
            yield Line("Nothing is granted, opened or taken away.")
            return
        rows = tuple(
            (f"{_SIGNS[one.change]} {one.area}{'!' if one.dangerous else ''}", one.text, Code(one.resource))
            for one in self.changes
        )
        yield Line(f"{_counts(self.changes)}. ! marks what reaches everything, everyone or the node.")
        yield Table(("change", "who may do what", "resource"), rows, limit=25)


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def security(comparison: Comparison) -> Security:
    """The section of a comparison."""
    found = sorted((change for one in comparison.plan.changed for change in _of(one)), key=_importance)
    return Security(changes=tuple(found), reasons=tuple(_reasons(comparison, found)))


def _of(resource: Resource) -> Iterator[ExposureChange]:
    before, after = exposures(resource.type, resource.old), exposures(resource.type, resource.new)
    if resource.operation is Operation.DELETE:
        after = ()
    for change, ones, others in (("added", after, before), ("removed", before, after)):
        for one in ones:
            if one not in others:
                yield ExposureChange(
                    area=one.area,
                    text=one.text,
                    change=change,
                    dangerous=one.dangerous,
                    resource=resource.title,
                    urn=resource.urn,
                )
    if resource.kind == "Secret" and before == after:
        text = f"{resource.title} has new values"
        yield ExposureChange(
            area="secret", text=text, change="changed", dangerous=False, resource=resource.title, urn=resource.urn
        )


def _importance(change: ExposureChange) -> tuple[bool, bool, str, str]:
    return not (change.dangerous and change.change == "added"), change.change == "removed", change.area, change.text


def _counts(changes: tuple[ExposureChange, ...]) -> str:
    counts = Counter(one.change for one in changes)
    return ", ".join(f"{counts[name]} {name}" for name in _SIGNS if counts[name])


def _reasons(comparison: Comparison, changes: list[ExposureChange]) -> Iterator[Reason]:
    added = [one for one in changes if one.change != "removed"]
    dangerous = [one for one in added if one.dangerous]
    if comparison.plan.first:
        if dangerous:
            many = counted(len(dangerous), "grant or opening", "grants and openings")
            text = f"{many} to look at in a first deployment."
            yield Reason(level=Level.LOOK, rule="security/first", text=text)
        return
    for one in dangerous:
        text = f"{one.area.capitalize()}: {one.text}."
        rule, place = f"security/{one.area.replace(' ', '-')}", place_of(comparison, one.urn)
        yield Reason(level=Level.DANGER, rule=rule, text=text, resource=one.urn, **place)
    others = Counter(one.area for one in added if not one.dangerous)
    for area, count in sorted(others.items()):
        first = next(one for one in added if one.area == area and not one.dangerous)
        more = f", and {count - 1} more" if count > 1 else ""
        yield Reason(
            level=Level.LOOK,
            rule=f"security/{area.replace(' ', '-')}",
            text=f"{area.capitalize()}: {first.text}{more}.",
            resource=first.urn,
            **place_of(comparison, first.urn),
        )
