"""Network rules on planned objects."""

from typing import Any

import pytest

from catalog.addresses import ANYWHERE, METADATA_SERVICE
from components.base.cluster_network import EKS_AUTO_MODE_DNS, GKE_CLOUD_DNS, NODE_LOCAL_DNS
from components.base.traffic import to_api_server
from components.base.traffic_rules import (
    Direction,
    TrafficRuleArgs,
    dns_policy_spec,
    identity_egress,
    policy_spec,
    to_anywhere,
)
from policies.objects import UNKNOWN, PlannedObject
from policies.rules.network.network_policies import (
    namespaces_deny_by_default,
    network_policies_reach_no_node_credentials,
    network_policy_is_restricted,
)
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


@pytest.mark.parametrize(
    "owner",
    [
        kubernetes("Cluster", "mlflow", "db", apiVersion="postgresql.cnpg.io/v1"),
        kubernetes("Prometheus", "mlflow", "p", apiVersion="monitoring.coreos.com/v1"),
        kubernetes("InferenceService", "mlflow", "llm", {"predictor": {"model": {}}}),
        kubernetes("TrainJob", "mlflow", "t", {"runtimeRef": {"name": "torch"}}),
    ],
    ids=lambda owner: owner.kind,
)
def test_a_namespace_whose_pods_an_operator_makes_needs_one_too(owner: PlannedObject) -> None:
    (finding,) = namespaces_deny_by_default([owner])
    assert finding.value == f"runs {owner.title} and has no default deny for Ingress and Egress"
    assert list(namespaces_deny_by_default([owner, kubernetes("NetworkPolicy", "mlflow", "deny", DENY_BOTH)])) == []


def test_a_namespace_without_pods_and_the_clusters_own_need_none() -> None:
    objects = [kubernetes("ConfigMap", "empty", "c"), kubernetes("Pod", "kube-system", "dns", gpu_pod("1"))]
    assert list(namespaces_deny_by_default(objects)) == []


def openings(spec: dict[str, Any]) -> list[str]:
    policy = kubernetes("NetworkPolicy", "vision", "n", spec)
    return [finding.value for finding in network_policy_is_restricted(policy)]


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        ({"ingress": [{}]}, "no peers"),
        ({"egress": [{"ports": [{"port": 1, "endPort": 65535}]}]}, "no peers"),
        ({"egress": [{"ports": [{"protocol": "TCP"}]}]}, "no peers"),
        ({"ingress": [{"ports": [{"port": 443}]}]}, "no peers"),
        (
            {"egress": [{"ports": [{"port": 443}, {"port": 80}]}]},
            "every destination on 80, metadata service included",
        ),
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
        ({"egress": [{"to": [UNKNOWN], "ports": [{"port": 443}]}]}, "peer not known before up"),
        ({"egress": [{"to": [{"ipBlock": UNKNOWN}], "ports": [{"port": 443}]}]}, "peer not known before up"),
        ({"ingress": [{"from": [{"namespaceSelector": UNKNOWN}]}]}, "peer not known before up"),
        ({"ingress": [UNKNOWN]}, "rule not known before up"),
        ({"ingress": UNKNOWN}, "rules not known before up"),
    ],
)
def test_unrestricted_policies_are_found(spec: dict[str, Any], value: str) -> None:
    assert openings(spec) == [value]


def from_namespaces(selector: Any, pods: Any = None) -> list[str]:
    """What is found where pods of these namespaces may come in."""
    peer = {"namespaceSelector": selector} | ({} if pods is None else {"podSelector": pods})
    return openings({"ingress": [{"from": [peer]}]})


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {}},
        {"matchExpressions": []},
        {"matchLabels": None, "matchExpressions": None},
        {"matchLabels": UNKNOWN},
        {"matchExpressions": UNKNOWN},
        {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]},
        {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]},
        {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("pods", [None, {}, {"matchLabels": {}}, {"matchExpressions": []}], ids=str)
def test_an_empty_selector_selects_everything(selector: dict[str, Any], pods: dict[str, Any] | None) -> None:
    assert from_namespaces(selector, pods) == [f"namespaceSelector: {selector}"]


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
        {"matchLabels": {"kubernetes.io/metadata.name": UNKNOWN}},
        {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}]},
        {"matchExpressions": [{"key": "mlplatform.dev/team", "operator": "Exists"}]},
    ],
    ids=str,
)
def test_a_specific_selector_is_allowed(selector: dict[str, Any]) -> None:
    assert from_namespaces(selector) == []


def test_some_pods_of_all_namespaces_are_not_everybody() -> None:
    assert from_namespaces({}, {"matchLabels": {"app": "prometheus"}}) == []
    assert openings({"ingress": [{"from": [{"podSelector": {}}]}]}) == []


@pytest.mark.parametrize(
    "cidr", ["1.2.3.4/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/7", "0.0.0.0/0.0.0.0", "2000::/3", "fc00::/6"]
)
def test_nothing_wider_than_a_private_range_may_come_in(cidr: str) -> None:
    assert openings({"ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]}) == [f"from {cidr}"]


@pytest.mark.parametrize("cidr", ["10.0.0.0/8", "fc00::/7", "203.0.113.0/24"])
def test_a_named_range_may_come_in(cidr: str) -> None:
    assert openings({"ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]}) == []


def to_range(cidr: Any, ports: Any, *cut_out: Any) -> list[str]:
    """What is found where pods may reach a range on ports."""
    block = {"cidr": cidr, "except": [*cut_out]}
    return openings({"egress": [{"to": [{"ipBlock": block}], "ports": ports}]})


HTTPS = [{"protocol": "TCP", "port": 443}]


@pytest.mark.parametrize(
    ("cidr", "cut_out"),
    [
        ("169.254.0.0/16", []),
        ("169.254.169.254/31", []),
        ("128.0.0.0/1", []),
        ("0.0.0.0/0", ["169.254.0.0/24"]),
        ("0.0.0.0/0", [UNKNOWN]),
        ("fd00:ec2::/32", []),
        ("::/0", ["fe80::/10"]),
        ("::/0", ["fd00:ec2::254/128"]),
        ("169.254.169.254/32", []),
    ],
)
def test_a_range_with_the_metadata_service_in_it_is_found(cidr: str, cut_out: list[Any]) -> None:
    assert to_range(cidr, HTTPS, *cut_out) == [f"to {cidr}, metadata service included"]


@pytest.mark.parametrize(
    ("cidr", "cut_out"),
    [
        ("0.0.0.0/0", ["169.254.0.0/16"]),
        ("0.0.0.0/1", []),
        ("::/0", ["fd00:ec2::254/128", "fd20:ce::254/128"]),
        ("10.0.0.0/8", []),
    ],
)
def test_a_range_without_the_metadata_service_is_allowed(cidr: str, cut_out: list[str]) -> None:
    assert to_range(cidr, HTTPS, *cut_out) == []


@pytest.mark.parametrize("ports", [[], [{}], [{"protocol": "TCP"}], [{"port": 1, "endPort": 65535}], UNKNOWN], ids=str)
def test_half_of_the_internet_on_every_port_is_found(ports: Any) -> None:
    assert to_range("0.0.0.0/1", ports) == ["to 0.0.0.0/1, every port"]


def test_the_address_of_a_new_database_is_checked_once_it_is_known() -> None:
    assert to_range(UNKNOWN, HTTPS) == []
    assert to_range("0.0.0.0/0", HTTPS) == ["to 0.0.0.0/0, metadata service included"]


def test_a_range_that_is_none_is_found() -> None:
    assert to_range("everywhere", HTTPS) == ["cidr everywhere"]


@pytest.mark.parametrize(
    "rule",
    [
        to_anywhere("registry", [443]),
        to_api_server(),
        *identity_egress(google=True),
        *identity_egress(google=False),
        TrafficRuleArgs(name="all", direction=Direction.EGRESS, every_namespace=True, ports=[80]),
        TrafficRuleArgs(name="own", direction=Direction.INGRESS),
        TrafficRuleArgs(name="peer", direction=Direction.INGRESS, peer_namespace="monitoring", ports=[8080]),
    ],
    ids=lambda rule: rule["name"],
)
def test_the_exceptions_that_our_namespaces_make_are_allowed(rule: TrafficRuleArgs) -> None:
    assert openings(policy_spec(rule)) == []


def test_an_ingress_from_anywhere_made_by_our_own_namespace_is_found_too() -> None:
    rule = TrafficRuleArgs(name="open", direction=Direction.INGRESS, cidr=ANYWHERE)
    assert openings(policy_spec(rule)) == ["from 0.0.0.0/0"]


def test_every_destination_on_named_ports_is_how_the_api_server_is_reached() -> None:
    assert openings({"egress": [{"ports": [{"port": 443}, {"port": 6443}]}]}) == []


@pytest.mark.parametrize("address", [NODE_LOCAL_DNS, GKE_CLOUD_DNS, *EKS_AUTO_MODE_DNS])
def test_the_dns_of_every_kind_of_cluster_is_allowed(address: str) -> None:
    assert openings(dns_policy_spec([address])) == []


@pytest.mark.parametrize(
    ("cidr", "port", "found"),
    [
        ("169.254.169.254/32", 53, False),
        ("169.254.169.254/32", 80, False),
        ("169.254.169.254/32", 443, True),
        ("169.254.169.254/32", 988, True),
        ("169.254.169.252/32", 988, False),
        ("169.254.169.252/32", 80, True),
    ],
)
def test_the_metadata_service_alone_is_allowed_on_the_ports_of_gke_and_on_no_other(
    cidr: str, port: int, found: bool
) -> None:
    """Before, a policy for that address passed on all of its ports."""
    assert to_range(cidr, [{"port": port}]) == ([f"to {cidr}, metadata service included"] if found else [])
    assert to_range(cidr, []) == [f"to {cidr}, metadata service included"]


def test_on_aws_no_policy_names_the_metadata_service() -> None:
    """Only this finds settings of another cloud, a Cloud Storage bucket without keys, that open node credentials."""
    google = kubernetes("NetworkPolicy", "vision", "allow-identity-0", policy_spec(identity_egress(google=True)[0]))
    amazon = kubernetes("NetworkPolicy", "vision", "allow-identity-0", policy_spec(identity_egress(google=False)[0]))
    cluster = PlannedObject("", "aws:eks/cluster:Cluster", "prod", {})
    (finding,) = network_policies_reach_no_node_credentials([cluster, google, amazon])
    assert finding.path == "NetworkPolicy vision/allow-identity-0 spec.egress[0]"
    assert list(network_policies_reach_no_node_credentials([cluster, amazon])) == []
    assert list(network_policies_reach_no_node_credentials([google])) == []


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ({"fromEntities": ["kube-apiserver", "remote-node", "host"]}, []),
        ({"fromEntities": ["world", "host"]}, ["fromEntities: world"]),
        ({"fromEntities": ["all", "cluster"]}, ["fromEntities: all", "fromEntities: cluster"]),
        ({"toPorts": [{"ports": [{"port": "9443"}]}]}, ["no peers"]),
        ({"fromCIDR": ["10.0.0.0/16"]}, []),
        ({"fromCIDR": ["0.0.0.0/0"]}, ["from 0.0.0.0/0"]),
        ({"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}, ["from 0.0.0.0/0"]),
        ({"fromEndpoints": [{}]}, []),
        ({"fromEntities": UNKNOWN}, ["rule not known before up"]),
    ],
    ids=str,
)
def test_ciliums_policies_name_their_peers_too(rule: dict[str, Any], values: list[str]) -> None:
    policy = kubernetes("CiliumNetworkPolicy", "kserve", "x", {"ingress": [rule]}, apiVersion="cilium.io/v2")
    assert [finding.value for finding in network_policy_is_restricted(policy)] == values


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ({"toCIDR": ["10.0.0.0/16"], "toPorts": [{"ports": [{"port": "5432"}]}]}, []),
        ({"toCIDR": ["0.0.0.0/0"]}, ["to 0.0.0.0/0, metadata service included", "to 0.0.0.0/0, every port"]),
        (
            {"toCIDR": ["169.254.169.254/32"], "toPorts": [{"ports": [{"port": "81"}]}]},
            ["to 169.254.169.254/32, metadata service included"],
        ),
        ({"toFQDNs": [{"matchPattern": "*"}]}, ["toFQDNs: *"]),
        ({"toFQDNs": [{"matchName": "pypi.org"}]}, []),
        ({"toPorts": [{"ports": [{"port": "443"}]}]}, ["no peers"]),
    ],
    ids=str,
)
def test_what_ciliums_policies_let_out_is_named_too(rule: dict[str, Any], values: list[str]) -> None:
    """Ranges, names and a list of several specs were not looked at."""
    for body in ({"spec": {"egress": [rule]}}, {"specs": [{}, {"egress": [rule]}]}):
        policy = kubernetes("CiliumNetworkPolicy", "vision", "x", apiVersion="cilium.io/v2", **body)
        assert [finding.value for finding in network_policy_is_restricted(policy)] == values


def test_a_policy_for_all_namespaces_names_pods_by_label() -> None:
    for rule, values in (
        ({"fromEndpoints": [{}]}, ["fromEndpoints: {}"]),
        ({"fromEndpoints": [{"matchLabels": {"a": "b"}}]}, []),
    ):
        policy = kubernetes("CiliumClusterwideNetworkPolicy", "", "x", {"ingress": [rule]}, apiVersion="cilium.io/v2")
        assert [finding.value for finding in network_policy_is_restricted(policy)] == values


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("GlobalNetworkPolicy", "projectcalico.org/v3"),
        ("NetworkPolicy", "crd.projectcalico.org/v1"),
        ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
        ("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2"),
    ],
)
def test_a_policy_that_cannot_be_checked_does_not_pass(kind: str, version: str) -> None:
    """An Allow for everybody in any of these kinds passed."""
    policy = kubernetes(kind, "vision", "x", {"ingress": [{"action": "Allow"}]}, apiVersion=version)
    (finding,) = network_policy_is_restricted(policy)
    assert "cannot be checked" in finding.rule
