"""Section: findings of the policies, by severity; with those of the base: new, fixed, remaining."""

from collections.abc import Iterator
from typing import ClassVar

from report.blocks import Block, Code, Line, Table
from report.causes import place_of
from report.comparison import Comparison
from report.plan import PolicyFinding
from report.sections.base import Document, Level, Reason, Section, counted

_SEVERITIES = ("critical", "high", "medium", "low", "")
_LONGEST = 300
_SOON_DAYS = 30
_COLUMNS = ("severity", "policy", "resource", "finding")


class Finding(Document):
    """One violation of a policy."""

    policy: str
    """Its name in the pack."""
    severity: str
    """`critical`, `high`, `medium`, `low`, or empty."""
    mandatory: bool
    """Whether it blocks the change."""
    resource: str
    """Type and name; `stack` for the stack as a whole."""
    urn: str
    """URN of the resource; empty for the stack."""
    message: str
    """What the policy says."""
    state: str
    """`new`, `remaining` or `fixed`; empty where the findings before the change are not known."""


class EndingExemption(Document):
    """An exemption that ends soon, or has ended."""

    policy: str
    """Name of the policy."""
    object: str
    """`Kind namespace/name`."""
    owner: str
    """Who answers for it."""
    expires: str
    """Its last day: `2026-12-31`."""
    days: int
    """Days until then; negative: it has ended."""


class Policies(Section):
    """Findings of the policies."""

    title: ClassVar[str] = "Policies"
    findings: tuple[Finding, ...]
    """Mandatory ones first, then by severity; fixed ones last."""
    exemptions: tuple[EndingExemption, ...] = ()
    """Exemptions that end within 30 days, the next first."""

    def blocks(self) -> Iterator[Block]:
        """A row for each finding."""
        if not self.findings:
            yield Line("No finding.")
        elif any(one.state for one in self.findings):
            rows = tuple((one.state, *_row(one)) for one in self.findings)
            yield Table(("state", *_COLUMNS), rows)
        else:
            yield Table(_COLUMNS, tuple(map(_row, self.findings)))
        if self.exemptions:
            ending = tuple(
                (Code(one.policy), Code(one.object), one.owner, f"{one.expires} ({_days(one.days)})")
                for one in self.exemptions
            )
            yield Table(("policy", "object", "owner", "ends"), ending, caption="Exemptions that end within 30 days")


def policies(comparison: Comparison) -> Policies:
    """The section of a comparison."""
    before, found = comparison.base_findings, comparison.plan.findings
    states = dict.fromkeys(found, "")
    if before is not None:
        old, new = (set(map(_identity, findings)) for findings in (before, found))
        states = {one: "remaining" if _identity(one) in old else "new" for one in found}
        states |= {one: "fixed" for one in before if _identity(one) not in new}
    ordered = sorted(states, key=lambda one: (states[one] == "fixed", _importance(one)))
    return Policies(
        findings=tuple(
            Finding(
                policy=one.policy,
                severity=one.severity,
                mandatory=one.mandatory,
                resource=one.resource,
                urn=one.urn,
                message=without_description(one.message),
                state=states[one],
            )
            for one in ordered
        ),
        exemptions=tuple(_ending(comparison)),
        reasons=tuple(_reasons(comparison, [one for one in ordered if states[one] in ("", "new")])),
    )


def _identity(finding: PolicyFinding) -> tuple[str, str, str]:
    return finding.policy, finding.urn, finding.message


def _ending(comparison: Comparison) -> Iterator[EndingExemption]:
    for one in sorted(comparison.exemptions, key=lambda one: (one.expires, one.policy, one.object)):
        days = (one.expires - comparison.today).days
        if days <= _SOON_DAYS:
            yield EndingExemption(
                policy=one.policy, object=one.object, owner=one.owner, expires=one.expires.isoformat(), days=days
            )


def _days(days: int) -> str:
    if days < 0:
        return "ended"
    return f"in {days} days" if days else "today"


def _row(one: Finding) -> tuple[str, ...]:
    return (_level(one), Code(one.policy), Code(one.resource), _cut(one.message))


def without_description(message: str) -> str:
    """What was found: the engine puts the description of the policy on a line of its own before it."""
    description, _, said = message.partition("\n")
    return " ".join((said or description).split())


def _reasons(comparison: Comparison, found: list[PolicyFinding]) -> Iterator[Reason]:
    """`found`: those that are not known to have been there before. A mandatory one blocks in any case."""
    for one in sorted((one for one in comparison.plan.findings if one.mandatory), key=_importance):
        text = f"{one.resource} violates {one.policy}{f' ({one.severity})' if one.severity else ''}."
        place = place_of(comparison, one.urn)
        yield Reason(level=Level.BLOCKED, rule=f"policy/{one.policy}", text=text, resource=one.urn, **place)
    advisory = [one for one in found if not one.mandatory]
    if advisory:
        names = ", ".join(sorted({one.policy for one in advisory}))
        text = f"{counted(len(advisory), 'advisory finding')}: {names}."
        place = place_of(comparison, advisory[0].urn)
        yield Reason(level=Level.LOOK, rule="policy/advisory", text=text, resource=advisory[0].urn, **place)
    for ending in _ending(comparison):
        text = f"The exemption of {ending.object} from {ending.policy} ends {_days(ending.days)} ({ending.owner})."
        yield Reason(level=Level.NOTE, rule="policy/exemption", text=text)


def _importance(finding: PolicyFinding) -> tuple[bool, int, str, str]:
    known = finding.severity if finding.severity in _SEVERITIES else ""
    return not finding.mandatory, _SEVERITIES.index(known), finding.policy, finding.urn


def _level(finding: Finding) -> str:
    return f"{finding.severity or 'unrated'}, {'mandatory' if finding.mandatory else 'advisory'}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
