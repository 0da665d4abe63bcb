"""Custom resources are held against every field of upstream's CRD before they are sent.

That the objects of all components pass: each is declared through `custom_resource` in `tests/components`, and
`tests/engine/test_strict_validation.py` asks an API server. Not proved: rules in CEL.
"""

import re
from typing import Any

import pytest
from pulumi import Output

from catalog.upstream.crd_schemas import fields
from catalog.versions import API_VERSIONS
from components.base.crd_validation import check_custom_resource, schema_of

EMITTED = {kind: version for kind, version in API_VERSIONS.items() if not version.startswith("resource.k8s.io/")}
NODE = {
    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "gpu"},
    "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]}],
}
TLS: dict[str, Any] = {"secretName": "tls", "issuerRef": {"name": "ca"}}
LISTENER = {"name": "http", "port": 80, "protocol": "HTTP"}
CONTAINER = {"name": "main", "image": "registry.example/main:1"}
MODEL = {"modelFormat": {"name": "sklearn"}}


def found(kind: str, spec: dict[str, Any]) -> list[tuple[str, str]]:
    checked = check_custom_resource("it", API_VERSIONS[kind], kind, {"metadata": {}, "spec": spec}, unknown=Output)
    return [(finding.path, finding.value) for finding in checked]


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("Certificate", {**TLS, "dnsNames": ["a.example.com"]}),
    ("Gateway", {"gatewayClassName": "envoy", "listeners": [LISTENER]}),
    ("HTTPRoute", {"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}),
    ("InferenceService", {"predictor": {"minReplicas": 1, "model": MODEL, "containers": [CONTAINER]}}),
    ("Cluster", {"instances": 1, "storage": {"size": "1Gi"}}),
    ("NodePool", {"template": {"spec": {**NODE, "expireAfter": "720h"}}}),
    ("ServiceMonitor", {"selector": {}, "endpoints": [{"port": "metrics", "interval": "30s"}]}),
    ("EnvoyProxy", {"provider": {"type": "Kubernetes", "kubernetes": {"envoyService": {"type": "ClusterIP"}}}}),
    ("PrometheusRule", {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "vector(1)"}]}]}),
]


@pytest.mark.parametrize(("kind", "spec"), GOOD)
def test_what_upstream_takes_is_accepted(kind: str, spec: dict[str, Any]) -> None:
    assert found(kind, spec) == []


@pytest.mark.parametrize(
    ("kind", "spec", "path", "why"),
    [
        ("Certificate", {**TLS, "dnsName": ["a.example.com"]}, "it.spec", "'dnsName' was unexpected"),
        ("Certificate", {"secretName": "tls"}, "it.spec", "'issuerRef' is a required property"),
        (
            "Gateway",
            {"gatewayClassName": "a", "listeners": [{**LISTENER, "port": 0}]},
            "it.spec.listeners.0.port",
            "less than the minimum",
        ),
        ("InferenceService", {"predictor": {"minReplica": 1}}, "it.spec.predictor", "'minReplica' was unexpected"),
        (
            "InferenceService",
            {"predictor": {"minReplicas": "one"}},
            "it.spec.predictor.minReplicas",
            "not of type 'integer'",
        ),
        (
            "InferenceService",
            {"predictor": {"containers": [{**CONTAINER, "readinessProbe": {"httpGet": {"prt": 1}}}]}},
            "it.spec.predictor.containers.0.readinessProbe.httpGet",
            "'prt' was unexpected",
        ),
        ("Cluster", {"instances": 0}, "it.spec.instances", "less than the minimum"),
        (
            "Cluster",
            {"instances": 1, "primaryUpdateStrategy": "manual"},
            "it.spec.primaryUpdateStrategy",
            "not one of",
        ),
        (
            "ServiceMonitor",
            {"selector": {}, "endpoints": [{"port": 8080}]},
            "it.spec.endpoints.0.port",
            "not of type 'string'",
        ),
        (
            "EnvoyProxy",
            {"provider": {"type": "Kubernetes", "kubernetes": {"envoyServices": {}}}},
            "it.spec.provider.kubernetes",
            "'envoyServices' was unexpected",
        ),
        (
            "NodePool",
            {"template": {"spec": {**NODE, "expireAfter": "a month"}}},
            "it.spec.template.spec.expireAfter",
            "does not match",
        ),
        ("ComputeClass", {"whenUnsatisfiable": "DoNotScaleUp"}, "it.spec", "'priorities' is a required property"),
        ("CiliumNetworkPolicy", {"endpointSelectors": {}}, "it.spec", "'endpointSelectors' was unexpected"),
    ],
)
def test_what_upstream_refuses_is_refused_with_its_path(kind: str, spec: dict[str, Any], path: str, why: str) -> None:
    wrong = list(check_custom_resource("it", API_VERSIONS[kind], kind, {"spec": spec}, unknown=Output))
    assert any(one.path == path and why in one.value for one in wrong), wrong


def test_what_is_not_known_before_up_is_accepted() -> None:
    later = Output.from_input("tls")
    assert found("Certificate", {"secretName": later, "issuerRef": {"name": later}, "dnsNames": [later]}) == []


def test_a_null_is_no_value_and_what_is_wrong_in_an_object_is_said_without_its_content() -> None:
    assert found("Certificate", {**TLS, "dnsNames": None}) == []
    assert found("Certificate", {"secretName": "tls", "issuerRef": None})[0][1] == "'issuerRef' is a required property"
    assert found("Certificate", {**TLS, "secretName": {"password": "hunter2"}}) == [
        ("it.spec.secretName", "an object is not of type 'string'")
    ]


def test_a_kind_that_is_not_installed_is_refused() -> None:
    (finding,) = check_custom_resource("it", "example.com/v1", "Unicorn", {"spec": {}}, unknown=Output)
    assert "a kind whose CRD the platform installs" in str(finding)


@pytest.mark.parametrize("kind", EMITTED)
def test_every_kind_has_a_schema_that_is_closed_where_upstream_closes_it(kind: str) -> None:
    schema = schema_of(EMITTED[kind], kind)
    assert schema is not None
    for path, one in fields(schema):
        if "properties" in one and not one.get("x-kubernetes-preserve-unknown-fields"):
            assert one["additionalProperties"] is False, path
        if "pattern" in one:
            re.compile(one["pattern"])
