"""Custom resources of a plan against the schemas of their CRDs. Not proved: rules in CEL."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from catalog.versions import API_VERSIONS
from policies.objects import UNKNOWN, PlannedObject
from policies.pack import policies
from policies.rules.reliability.custom_resources import custom_resource_matches_its_schema as rule
from tests.policies.support import kubernetes

MONITOR: dict[str, Any] = {
    "selector": {"matchLabels": {"app": "web"}},
    "endpoints": [{"port": "metrics", "interval": "30s", "relabelings": [{"action": "drop", "regex": "a.*"}]}],
}
CLUSTER: dict[str, Any] = {"instances": 2, "storage": {"size": "1Gi"}, "primaryUpdateStrategy": "unsupervised"}
ISSUER: dict[str, Any] = {
    "acme": {
        "server": "https://acme.example.com",
        "privateKeySecretRef": {"name": "account"},
        "solvers": [{"http01": {"gatewayHTTPRoute": {"parentRefs": [{"name": "gateway", "port": 80}]}}}],
    }
}
ROUTE: dict[str, Any] = {
    "rules": [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": {"port": 443, "scheme": "https"}}],
            "backendRefs": [{"name": "web", "port": 80}],
        }
    ]
}
GOOD = {"ServiceMonitor": MONITOR, "Cluster": CLUSTER, "ClusterIssuer": ISSUER, "HTTPRoute": ROUTE}


def custom(kind: str, spec: Any, version: str = "") -> PlannedObject:
    return kubernetes(kind, "team", "it", spec, apiVersion=version or API_VERSIONS[kind])


@pytest.mark.parametrize("kind", GOOD)
def test_what_the_crd_takes_passes(kind: str) -> None:
    assert list(rule(custom(kind, GOOD[kind]))) == []


def test_a_required_field_with_a_default_can_be_left_out() -> None:
    """As the API server has it: `instances` of CloudNativePG is required, with the default 1."""
    assert list(rule(custom("Cluster", {"storage": {"size": "1Gi"}}))) == []
    assert list(rule(custom("Cluster", {"instances": 1, "replicationSlots": {"synchronizeReplicas": {}}}))) == []


@pytest.mark.parametrize(
    ("kind", "spec", "path", "value"),
    [
        (
            "ServiceMonitor",
            {**MONITOR, "endpoints": [{"port": "metrics", "relabelings": [{"acton": "drop"}]}]},
            "spec.endpoints.0.relabelings.0",
            "'acton' was unexpected",
        ),
        ("ServiceMonitor", {**MONITOR, "endpoints": [{"port": 9090.0}]}, "spec.endpoints.0.port", "a number is not of"),
        (
            "Cluster",
            {**CLUSTER, "primaryUpdateStrategy": "auto"},
            "spec.primaryUpdateStrategy",
            "string is not one of",
        ),
        ("Cluster", {**CLUSTER, "instances": 0.0}, "spec.instances", "less than the minimum of 1"),
        ("Cluster", {"instances": 1, "storage": [{"password": "hunter2"}]}, "spec.storage", "a list is not of type"),
        (
            "HTTPRoute",
            {"rules": [{"backendRefs": [{"port": 80}]}]},
            "spec.rules.0.backendRefs.0",
            "'name' is a required",
        ),
    ],
    ids=["unknown field", "type", "enum", "bound", "list for an object", "required"],
)
def test_what_the_crd_refuses_names_object_path_value_rule_and_remedy(
    kind: str, spec: dict[str, Any], path: str, value: str
) -> None:
    (finding,) = rule(custom(kind, spec))
    assert finding.path == f"{kind} team/it {path}"
    assert value in finding.value
    assert "hunter2" not in str(finding)
    assert finding.rule == f"the schema of {API_VERSIONS[kind]} {kind}"
    assert finding.remedy


def variants(value: Any, other: Any = UNKNOWN) -> Iterator[Any]:
    """The value with each of its parts, one at a time, replaced: by default by a value that is not known."""
    yield other
    if isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: one} for one in variants(item, other))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], one, *value[index + 1 :]] for one in variants(item, other))


@pytest.mark.parametrize("kind", GOOD)
def test_a_value_that_is_not_known_before_up_is_no_violation_wherever_it_is(kind: str) -> None:
    for spec in variants(GOOD[kind]):
        assert list(rule(custom(kind, spec))) == [], spec


@pytest.mark.parametrize("credential", ["8061200517", 8061200517, ["8061200517"], {"name": "8061200517"}], ids=repr)
@pytest.mark.parametrize("kind", GOOD)
def test_a_finding_contains_no_value_of_the_object_wherever_it_is(kind: str, credential: Any) -> None:
    found = [finding for spec in variants(GOOD[kind], credential) for finding in rule(custom(kind, spec))]
    assert found
    assert "8061200517" not in str(found)


@pytest.mark.parametrize(
    "subject",
    [
        kubernetes("Unicorn", "team", "it", {"horn": 1}, apiVersion="example.com/v1"),
        custom("Cluster", {"anything": 1}, "cluster.x-k8s.io/v1beta1"),
        kubernetes("Deployment", "team", "it", {"anything": 1}),
        PlannedObject("urn", "mlplatform:index:Team", "it", {"kind": "Cluster"}),
        replace(custom("Cluster", {"instances": 3}), type="kubernetes:postgresql.cnpg.io/v1:ClusterPatch"),
    ],
    ids=["no schema", "another group", "built in", "component", "patch"],
)
def test_what_is_no_whole_object_of_a_kind_in_the_catalogue_is_left_alone(subject: PlannedObject) -> None:
    assert list(rule(subject)) == []


def test_the_pack_sees_the_content_of_monitors_and_lets_unknown_values_pass() -> None:
    servicer = _PolicyAnalyzerServicer("mlplatform", "0.0.1", policies(), EnforcementLevel.ADVISORY)  # type: ignore[no-untyped-call]
    found = []
    for port in ({"port": UNKNOWN_STRING_VALUE}, {"prt": "metrics"}):
        body = struct_pb2.Struct()
        body.update({**custom("ServiceMonitor", {**MONITOR, "endpoints": [port]}).body})
        token = "kubernetes:monitoring.coreos.com/v1:ServiceMonitor"
        request = analyzer_pb2.AnalyzeRequest(type=token, urn="u", name="it", properties=body)
        found.append([(one.policyName, one.enforcementLevel) for one in servicer.Analyze(request, None).diagnostics])
    assert found == [[], [("custom-resources-match-their-schemas", analyzer_pb2.MANDATORY)]]
