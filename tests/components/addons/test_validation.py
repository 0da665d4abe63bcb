"""Rules on add-ons that the components' own tests do not reach."""

import pytest

from components.addons.validation import DomainFacts, check_acme, check_crd_sets, check_gateway


def test_a_good_account_good_sets_and_a_good_gateway_have_no_finding() -> None:
    assert list(check_acme("acme", "platform@example.com", "https://acme.example.com/directory")) == []
    assert list(check_crd_sets("crds", ["a"], ["a", "b"], "mirror", "https://files.example.com")) == []
    assert list(check_crd_sets("crds", ["a"], ["a"], "upstream", "")) == []
    domains = [
        DomainFacts("internal", "ml.corp.example", "internal", (), ""),
        DomainFacts("public", "ml.example.com", "acme", ("api",), ""),
        DomainFacts("bought", "ai.example.com", "secret", (), "wildcard"),
    ]
    assert list(check_gateway("gateway", domains, has_acme=True, needs_class=False)) == []


def test_a_bundled_or_mirrored_source_without_a_place_is_refused() -> None:
    findings = list(check_crd_sets("crds", ["a"], ["a"], "mirror", ""))
    assert [(finding.path, finding.value) for finding in findings] == [("crds.mirror", "(missing)")]
    assert "<mirror>/crds/<set>/<version>.yaml" in findings[0].remedy


@pytest.mark.parametrize(
    "domain", ["localhost", "-ml.example.com", "ML.example.com", "ml..example.com", "a" * 64 + ".com"]
)
def test_what_is_no_dns_name_is_said_to_be_none(domain: str) -> None:
    facts = [DomainFacts("internal", domain, "internal", (), "")]
    findings = list(check_gateway("gateway", facts, has_acme=False, needs_class=False))
    assert [finding.path for finding in findings] == ["gateway.domains[0].domain"]
