"""Rules on what makes and sizes the nodes of EKS."""

from collections.abc import Iterable

from components.clouds.eks.controller_validation import check_autoscaler_version
from components.findings import Finding


def paths(findings: Iterable[Finding]) -> list[str]:
    found = list(findings)
    assert all(each.rule and each.remedy for each in found)
    return [each.path for each in found]


def test_an_autoscaler_exists_for_the_version_and_waits_a_while() -> None:
    assert paths(check_autoscaler_version("it", "1.35", 10)) == []
    assert paths(check_autoscaler_version("it", "1.99", 0)) == ["it.kubernetesVersion", "it.idleMinutes"]
