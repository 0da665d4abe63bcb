"""What tests ask of findings."""

from collections.abc import Iterable

from components.findings import Finding


def only(findings: Iterable[Finding]) -> Finding:
    """The one finding, which is complete; fails otherwise."""
    (finding,) = findings
    assert finding.value
    assert finding.rule
    assert finding.remedy
    return finding
