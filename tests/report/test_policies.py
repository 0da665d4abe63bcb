"""Findings of the policies: only here a finding that is called new, or an exemption that ends unseen, is found."""

import dataclasses
import datetime

from report.comparison import Exemption
from report.plan import PolicyFinding
from report.sections.base import Level
from report.sections.policies import policies
from tests.report.recorded import TODAY, compared

OLD = PolicyFinding("charts-are-visible", "medium", False, "old", "")
BOTH = PolicyFinding("charts-are-visible", "medium", False, "both", "")
NEW = PolicyFinding("charts-are-visible", "low", False, "new", "")


def with_findings(now: tuple, before: tuple | None):
    comparison = compared("prod-same")
    plan = dataclasses.replace(comparison.plan, findings=now)
    return policies(dataclasses.replace(comparison, plan=plan, base_findings=before))


def test_findings_are_new_remaining_or_fixed_and_only_new_ones_are_a_reason():
    found = with_findings((BOTH, NEW), (OLD, BOTH))
    assert [(one.message, one.state) for one in found.findings] == [
        ("both", "remaining"),
        ("new", "new"),
        ("old", "fixed"),
    ]
    assert [one.text for one in found.reasons] == ["1 advisory finding: charts-are-visible."]


def test_without_the_findings_of_before_none_is_called_new():
    assert [one.state for one in with_findings((BOTH, NEW), None).findings] == ["", ""]


def test_a_mandatory_finding_blocks_even_if_it_was_there_before():
    mandatory = dataclasses.replace(BOTH, mandatory=True)
    assert [one.level for one in with_findings((mandatory,), (mandatory,)).reasons] == [Level.BLOCKED]


def test_exemptions_that_end_within_thirty_days_are_listed_the_next_first():
    def ends(days: int) -> Exemption:
        return Exemption("objects-have-names", f"Job a/{days}", "owner", TODAY + datetime.timedelta(days))

    comparison = dataclasses.replace(compared("prod-same"), exemptions=(ends(31), ends(30), ends(0), ends(-1)))
    found = policies(comparison)
    assert [one.days for one in found.exemptions] == [-1, 0, 30]
    assert {one.level for one in found.reasons} == {Level.NOTE}
