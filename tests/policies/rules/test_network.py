"""Network rules on planned objects."""

from typing import Any

import pytest

from components.namespaces import ANYWHERE, DNS, Direction, TrafficRuleArgs, policy_spec, to_anywhere
from policies.rules.network import (
    METADATA_SERVICE,
    namespaces_deny_by_default,
    network_policy_opens_no_door_to_the_world,
)
from policies.rules.objects import UNKNOWN
from tests.policies.support import gpu_pod, kubernetes

POD = kubernetes("Pod", "vision", "p", gpu_pod("1"))
DENY_BOTH = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_a_namespace_with_default_deny_in_both_directions_passes() -> None:
    assert list(namespaces_deny_by_default([POD, kubernetes("NetworkPolicy", "vision", "deny", DENY_BOTH)])) == []


@pytest.mark.parametrize(
    ("spec", "missing"),
    [
        ({"podSelector": {}, "policyTypes": ["Ingress"]}, "Egress"),
        ({"podSelector": {}, "policyTypes": ["Egress"]}, "Ingress"),
        ({"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress", "Egress"]}, "Ingress and Egress"),
        ({**DENY_BOTH, "egress": [{}]}, "Egress"),
    ],
)
def test_half_a_default_deny_is_none(spec: dict[str, Any], missing: str) -> None:
    (finding,) = namespaces_deny_by_default([POD, kubernetes("NetworkPolicy", "vision", "deny", spec)])
    assert finding.value.endswith(f"no default deny for {missing}")


def test_a_policy_in_another_namespace_does_not_help() -> None:
    assert len(list(namespaces_deny_by_default([POD, kubernetes("NetworkPolicy", "speech", "deny", DENY_BOTH)]))) == 1


def test_a_namespace_without_pods_and_the_clusters_own_need_none() -> None:
    objects = [kubernetes("ConfigMap", "empty", "c"), kubernetes("Pod", "kube-system", "dns", gpu_pod("1"))]
    assert list(namespaces_deny_by_default(objects)) == []


def openings(spec: dict[str, Any]) -> list[str]:
    policy = kubernetes("NetworkPolicy", "vision", "n", spec)
    return [finding.value for finding in network_policy_opens_no_door_to_the_world(policy)]


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({"ingress": [{}]}, "no peers"),
        ({"egress": [{"ports": [{"port": 443}]}]}, "no peers"),
        ({"ingress": [{"from": [{"namespaceSelector": {}}]}]}, "namespaceSelector: {}"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}, "from 0.0.0.0/0"),
        ({"ingress": [{"from": [{"ipBlock": {"cidr": "::/0"}}]}]}, "from ::/0"),
        (
            {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}]},
            "to 0.0.0.0/0, metadata service included",
        ),
        (
            {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [METADATA_SERVICE]}}]}]},
            "to 0.0.0.0/0, every port",
        ),
        ({"egress": [{"to": UNKNOWN}]}, "peers not known before up"),
    ],
)
def test_doors_to_the_world_are_found(spec: dict[str, Any], value: str) -> None:
    assert openings(spec) == [value]


@pytest.mark.parametrize(
    "rule",
    [
        DNS,
        to_anywhere("registry", [443]),
        TrafficRuleArgs(name="own", direction=Direction.INGRESS),
        TrafficRuleArgs(name="peer", direction=Direction.INGRESS, peer_namespace="monitoring", ports=[8080]),
    ],
    ids=lambda rule: rule["name"],
)
def test_the_exceptions_that_our_namespaces_make_are_no_doors(rule: TrafficRuleArgs) -> None:
    assert openings(policy_spec(rule)) == []


def test_an_ingress_from_anywhere_made_by_our_own_namespace_is_found_too() -> None:
    rule = TrafficRuleArgs(name="open", direction=Direction.INGRESS, cidr=ANYWHERE)
    assert openings(policy_spec(rule)) == ["from 0.0.0.0/0"]
