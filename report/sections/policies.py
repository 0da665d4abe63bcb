"""Section: findings of the policies, by severity; with those of the base: new, fixed, remaining."""

from collections.abc import Iterator
from typing import ClassVar

from report.blocks import Block, Code, Line, Table
from report.comparison import Comparison
from report.plan import PolicyFinding
from report.sections.base import Document, Level, Reason, Section, counted

_SEVERITIES = ("critical", "high", "medium", "low", "")
_LONGEST = 300


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


class Policies(Section):
    """Findings of the policies."""

    title: ClassVar[str] = "Policies"
    findings: tuple[Finding, ...]
    """Mandatory ones first, then by severity."""

    def blocks(self) -> Iterator[Block]:
        """A row for each finding."""
        if not self.findings:
            yield Line("No finding.")
            return
        rows = tuple((_level(one), Code(one.policy), Code(one.resource), _cut(one.message)) for one in self.findings)
        yield Table(("severity", "policy", "resource", "finding"), rows)


def policies(comparison: Comparison) -> Policies:
    """The section of a comparison."""
    found = sorted(comparison.plan.findings, key=_importance)
    return Policies(
        findings=tuple(
            Finding(
                policy=one.policy,
                severity=one.severity,
                mandatory=one.mandatory,
                resource=one.resource,
                urn=one.urn,
                message=without_description(one.message),
            )
            for one in found
        ),
        reasons=tuple(_reasons(found)),
    )


def without_description(message: str) -> str:
    """What was found: the engine puts the description of the policy on a line of its own before it."""
    description, _, said = message.partition("\n")
    return " ".join((said or description).split())


def _reasons(found: list[PolicyFinding]) -> Iterator[Reason]:
    for one in (one for one in found if one.mandatory):
        text = f"{one.resource} violates {one.policy}{f' ({one.severity})' if one.severity else ''}."
        yield Reason(level=Level.BLOCKED, rule=f"policy/{one.policy}", text=text, resource=one.urn)
    advisory = [one for one in found if not one.mandatory]
    if advisory:
        names = ", ".join(sorted({one.policy for one in advisory}))
        text = f"{counted(len(advisory), 'advisory finding')}: {names}."
        yield Reason(level=Level.LOOK, rule="policy/advisory", text=text, resource=advisory[0].urn)


def _importance(finding: PolicyFinding) -> tuple[bool, int, str, str]:
    known = finding.severity if finding.severity in _SEVERITIES else ""
    return not finding.mandatory, _SEVERITIES.index(known), finding.policy, finding.urn


def _level(finding: Finding) -> str:
    return f"{finding.severity or 'unrated'}, {'mandatory' if finding.mandatory else 'advisory'}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
