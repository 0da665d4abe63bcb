"""The evaluator of policies, by the examples of the documentation that it restates."""

from typing import Any

import pytest

from tests.support.network_policies import (
    ADDRESSES,
    CILIUM,
    CILIUM_NODES,
    DATAPLANE_V2,
    VPC_CNI,
    Connection,
    Endpoint,
    Kind,
    Policies,
    Semantics,
    Service,
)


def pod(name: str, address: str, namespace: str, **labels: str) -> Endpoint:
    return Endpoint(name, Kind.POD, address, namespace, {"kubernetes.io/metadata.name": namespace}, labels)


CLIENT, SERVER = pod("client", "10.244.0.2", "a", app="client"), pod("server", "10.244.0.3", "b", app="server")
NODE, WORLD = Endpoint("node", Kind.NODE, "10.10.0.1"), Endpoint("world", Kind.ADDRESS, "203.0.113.9")
EVERY_ADDRESS = {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 8080}]}


def egress(*rules: dict[str, Any]) -> Policies:
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [*rules]}
    return Policies([{"kind": "NetworkPolicy", "metadata": {"namespace": "a"}, "spec": spec}])


def allowed(policies: Policies, semantics: Semantics, target: Endpoint, port: int = 8080, **more: Any) -> bool:
    return policies.allow(semantics, Connection(CLIENT, target, port, **more))


@pytest.mark.parametrize(
    ("semantics", "selected"),
    [
        (ADDRESSES, {SERVER, NODE, WORLD}),
        (VPC_CNI, {SERVER, NODE, WORLD}),
        (CILIUM_NODES, {NODE, WORLD}),
        (CILIUM, {WORLD}),
        (DATAPLANE_V2, {WORLD}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_range_for_every_address_selects_what_the_cni_says(semantics: Semantics, selected: set[Endpoint]) -> None:
    policies = egress(EVERY_ADDRESS)
    assert {one for one in (SERVER, NODE, WORLD) if allowed(policies, semantics, one)} == selected
    assert not any(allowed(policies, semantics, one, 443) for one in (SERVER, NODE, WORLD))


@pytest.mark.parametrize("semantics", [ADDRESSES, VPC_CNI, CILIUM, CILIUM_NODES, DATAPLANE_V2])
def test_a_rule_without_peers_is_for_everything_on_every_cni(semantics: Semantics) -> None:
    policies = egress({"ports": [{"port": 8080}]})
    assert all(allowed(policies, semantics, one) for one in (SERVER, NODE, WORLD))


def test_a_service_is_allowed_before_translation_by_its_selector_and_its_own_port() -> None:
    selected = egress({"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "server"}}}]})
    service = Service("b", {"app": "server"}, "10.96.0.9", {8080: 80})
    other = service._replace(selector={"component": "server"})
    assert allowed(selected, VPC_CNI, SERVER, service=service)
    assert not allowed(selected, VPC_CNI, SERVER, service=other)
    assert allowed(selected, ADDRESSES, SERVER, service=other)
    address = {"to": [{"ipBlock": {"cidr": "10.96.0.9/32"}}], "ports": [{"port": 80}]}
    assert allowed(egress(address), VPC_CNI, SERVER, service=service)
    assert not allowed(egress(address), ADDRESSES, SERVER, service=service)


def test_peers_without_a_namespace_are_of_the_policys_own_and_no_policy_allows_everything() -> None:
    neighbour = pod("neighbour", "10.244.0.4", "a", app="server")
    own = egress({"to": [{"podSelector": {"matchLabels": {"app": "server"}}}]})
    assert allowed(own, ADDRESSES, neighbour)
    assert not allowed(own, ADDRESSES, SERVER)
    assert allowed(Policies([]), ADDRESSES, SERVER)
    assert not allowed(egress(), ADDRESSES, SERVER)
    assert not allowed(egress({"to": [{"podSelector": {}}], "ports": [{"port": 1}]}), ADDRESSES, neighbour)


def test_nodes_reach_pods_on_cilium_by_its_own_policy_alone() -> None:
    opened = {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    spec: dict[str, Any] = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [opened]}
    deny = {"kind": "NetworkPolicy", "metadata": {"namespace": "b"}, "spec": spec}
    rule = {"fromEntities": ["kube-apiserver", "remote-node"], "toPorts": [{"ports": [{"port": "9443"}]}]}
    chosen: dict[str, Any] = {"endpointSelector": {"matchLabels": {"app": "server"}}, "ingress": [rule]}
    entity = {"kind": "CiliumNetworkPolicy", "metadata": {"namespace": "b"}, "spec": chosen}
    call = Connection(NODE, SERVER, 9443)
    assert Policies([deny]).allow(ADDRESSES, call)
    assert not Policies([deny]).allow(CILIUM, call)
    assert Policies([deny, entity]).allow(CILIUM, call)
    assert not Policies([deny, entity]).allow(CILIUM, call._replace(port=443))
    assert not Policies([deny, entity]).allow(DATAPLANE_V2, call)
