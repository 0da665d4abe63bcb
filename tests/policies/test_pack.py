"""The pack through the SDK's own servicer, with real protobufs: proxies, unknowns, exemptions, a rule that breaks.

Not proved here: that the engine stops (tests/engine).
"""

import datetime
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from components.findings import Finding
from policies.objects import UNKNOWN
from policies.pack import RULES, findings_of, message, policies
from policies.rule import Rule, Severity
from policies.view import plain
from tests.policies.support import job, kubernetes, pool, team

TODAY = datetime.date(2026, 11, 21)


def struct(body: dict[str, Any]) -> struct_pb2.Struct:
    properties = struct_pb2.Struct()
    properties.update(body)
    return properties


def servicer() -> Any:
    return _PolicyAnalyzerServicer("mlplatform", "0.0.1", policies(), EnforcementLevel.ADVISORY)  # type: ignore[no-untyped-call]


def stack_request(*objects: Any) -> analyzer_pb2.AnalyzeStackRequest:
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(type=o.type, urn=o.urn, name=o.name, properties=struct({**o.body}))
            for o in objects
        ]
    )


def test_every_policy_is_described_has_a_severity_and_all_but_one_are_mandatory() -> None:
    for policy in policies():
        assert policy.severity is not None
        assert policy.description.endswith(".")
    assert len({policy.name for policy in policies()}) == len(policies())
    advisory = [policy.name for policy in policies() if policy.enforcement_level is not EnforcementLevel.MANDATORY]
    assert advisory == ["charts-are-visible"]


def test_a_violation_comes_out_of_the_servicer_as_mandatory_with_figure_and_remedy() -> None:
    objects = [pool("h100", accelerator="H100", nodes_max=1), team("vision", h100=4), job("vision", "train", "8")]
    response = servicer().AnalyzeStack(stack_request(*objects), None)
    by_policy = {diagnostic.policyName: diagnostic for diagnostic in response.diagnostics}
    found = by_policy["accelerators-within-quota"]
    assert found.enforcementLevel == analyzer_pb2.MANDATORY
    assert found.urn == objects[2].urn
    assert "requests 8 of h100. Rule: its quota is 4. Remedy:" in found.message


def test_a_value_unknown_in_preview_is_mandatory_too_not_an_advisory_line() -> None:
    objects = [
        pool("h100", accelerator="H100", nodes_max=1),
        team("vision", h100=8),
        job("vision", "train", UNKNOWN_STRING_VALUE),
    ]
    response = servicer().AnalyzeStack(stack_request(*objects), None)
    levels = {d.enforcementLevel for d in response.diagnostics if d.policyName == "accelerators-within-quota"}
    assert levels == {analyzer_pb2.MANDATORY}


def test_a_resource_policy_sees_through_the_proxies() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "0.5"}}}]},
    }
    request = analyzer_pb2.AnalyzeRequest(type="kubernetes:core/v1:Pod", urn="u", name="p", properties=struct(pod))
    found = {diagnostic.policyName for diagnostic in servicer().Analyze(request, None).diagnostics}
    assert found >= {"accelerator-requests-are-whole", "no-bare-pods", "containers-have-memory-limits"}


def test_plain_turns_proxies_into_data_and_marks_what_is_unknown() -> None:
    proxied = unknown_checking_proxy({"a": [{"b": UNKNOWN_STRING_VALUE}, 1], "c": "d"})
    value = plain(proxied)
    assert value["a"][0]["b"] is UNKNOWN
    assert (value["a"][1], value["c"]) == (1, "d")
    assert type(value) is dict
    assert type(value["a"]) is list


BROKEN = Rule("broken", "Breaks.", Severity.MEDIUM, of_one=lambda o: o.body["missing"])
OPEN = Rule("open", "Finds.", Severity.MEDIUM, of_one=lambda o: [Finding(f"{o.title} spec.x", "v", "r", "m")])
SUBJECT = kubernetes("NetworkPolicy", "gateway", "public")


def exemption(expires: str, about: str = "NetworkPolicy gateway/public") -> dict[str, Any]:
    return {"exemptions": [{"object": about, "reason": "public entry", "owner": "platform", "expires": expires}]}


def test_a_rule_that_breaks_fails_closed_and_names_itself_without_a_value() -> None:
    (finding,) = findings_of(BROKEN, [SUBJECT], {}, TODAY)
    assert (finding.value, finding.rule) == (
        "the rule itself failed: KeyError",
        "policy broken must be checked before anything is created",
    )


@pytest.mark.parametrize(
    ("config", "count"),
    [
        ({}, 1),
        (exemption("2026-12-31"), 0),
        (exemption("2026-11-21"), 0),
        (exemption("2026-11-20"), 1),
        (exemption("2026-12-31", "NetworkPolicy gateway/pub"), 1),
    ],
    ids=["none", "valid", "last day", "ended", "another object"],
)
def test_an_exemption_is_for_one_object_and_ends(config: dict[str, Any], count: int) -> None:
    found = list(findings_of(OPEN, [SUBJECT], config, TODAY))
    assert len(found) == count
    assert ("exemption ended on" in message(found[0])) == ("2026-11-20" in str(config)) if found else True


def test_resource_rules_are_resource_policies_so_that_a_plain_up_stops_at_the_object() -> None:
    kinds = {policy.name: isinstance(policy, ResourceValidationPolicy) for policy in policies()}
    assert {rule.name: kinds[rule.name] for rule in RULES} == {rule.name: rule.of_one is not None for rule in RULES}
