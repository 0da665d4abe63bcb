"""Who may talk to whom under declared policies, as CNIs evaluate them. Pure; no packet is sent.

CNIs differ in two things. What `ipBlock` selects: every address, or (Cilium, GKE Dataplane V2) none of a pod, and none
of a node unless `policyCIDRMatchMode` says so. What egress sees of a connection to a Service: the pod behind it
(iptables, eBPF after translation), or the Service's address (AWS VPC CNI, which adds the addresses of Services whose
selector has the labels of the peer).

Sources: Kubernetes documentation, network-policies; cilium/cilium Documentation/security/policy/layer3.rst and
pkg/k8s/network_policy.go (no peers: a wildcard); aws/amazon-network-policy-controller-k8s pkg/resolvers/endpoints.go;
GKE documentation, how-to/network-policy. Not modelled: that a pod is always reached from its own node, and SNAT.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a CNI knows of one side."""

    POD = "pod"
    NODE = "node"
    """A node, whatever runs on its network: kubelet, API server, pods with hostNetwork."""
    ADDRESS = "address"
    """Outside of the cluster."""


@dataclass(frozen=True)
class Endpoint:
    """One side of a connection."""

    name: str
    kind: Kind
    address: str
    namespace: str = ""
    namespace_labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)


class Service(NamedTuple):
    """A Service with an address of its own."""

    namespace: str
    selector: Mapping[str, str]
    """Empty: of no pods (the API server's)."""
    address: str
    ports: Mapping[int, int]
    """Port of the pods -> its own."""


class Connection(NamedTuple):
    """What is dialled."""

    source: Endpoint
    target: Endpoint
    port: int
    protocol: str = "TCP"
    service: Service | None = None
    """None: the target's own address."""


class Semantics(NamedTuple):
    """How one CNI evaluates policies."""

    name: str
    block_selects: frozenset[Kind]
    """What `ipBlock` can match."""
    sees_services: bool = False
    """Whether egress is evaluated before the Service's address is translated."""
    entities: bool = False
    """Whether CiliumNetworkPolicies count."""


ADDRESSES = Semantics("every CNI that evaluates addresses after translation", frozenset(Kind))
VPC_CNI = Semantics("AWS VPC CNI", frozenset(Kind), sees_services=True)
CILIUM = Semantics("Cilium", frozenset({Kind.ADDRESS}), entities=True)
CILIUM_NODES = Semantics("Cilium, policyCIDRMatchMode nodes", frozenset({Kind.ADDRESS, Kind.NODE}))
DATAPLANE_V2 = Semantics("GKE Dataplane V2", frozenset({Kind.ADDRESS}))


class Policies:
    """The policies of a cluster: NetworkPolicies and CiliumNetworkPolicies, as objects of the API."""

    def __init__(self, objects: Sequence[Mapping[str, Any]]) -> None:
        self.plain = [one for one in objects if one["kind"] == "NetworkPolicy"]
        self.cilium = [one for one in objects if one["kind"] == "CiliumNetworkPolicy"]
        self._rules: dict[tuple[Endpoint, str], list[Mapping[str, Any]] | None] = {}

    def allow(self, semantics: Semantics, one: Connection) -> bool:
        """Whether both sides let it pass."""
        return self._side(semantics, one, "egress") and self._side(semantics, one, "ingress")

    def _side(self, semantics: Semantics, one: Connection, direction: str) -> bool:
        subject = one.source if direction == "egress" else one.target
        if subject.kind is not Kind.POD:
            return True
        rules = self._rules_of(subject, direction)
        if rules is None:
            return True
        key = "to" if direction == "egress" else "from"
        if any(self._rule(semantics, one, rule, key, subject.namespace) for rule in rules):
            return True
        return semantics.entities and direction == "ingress" and any(self._entity(one, subject))

    def _rules_of(self, subject: Endpoint, direction: str) -> list[Mapping[str, Any]] | None:
        """The rules for a pod in one direction; None: no policy selects it, so everything is allowed."""
        if (subject, direction) not in self._rules:
            specs = [
                policy["spec"]
                for policy in self.plain
                if policy["metadata"]["namespace"] == subject.namespace
                and direction.capitalize() in policy["spec"]["policyTypes"]
                and selects(policy["spec"].get("podSelector"), subject.labels)
            ]
            rules = [rule for spec in specs for rule in spec.get(direction) or []]
            self._rules[subject, direction] = rules if specs else None
        return self._rules[subject, direction]

    def _rule(self, semantics: Semantics, one: Connection, rule: Mapping[str, Any], key: str, home: str) -> bool:
        peers = rule.get(key) or []
        service = one.service if key == "to" and semantics.sees_services else None
        seen = service.ports[one.port] if service else one.port
        if not peers:
            return on_port(rule, seen, one.protocol)
        other = one.target if key == "to" else one.source
        for peer in peers:
            if "ipBlock" in peer:
                address = service.address if service else other.address
                kind = Kind.ADDRESS if service else other.kind
                matches, port = kind in semantics.block_selects and in_block(peer["ipBlock"], address), seen
            else:
                matches, port = other.kind is Kind.POD and self._pods(peer, other, home, service), one.port
            if matches and on_port(rule, port, one.protocol):
                return True
        return False

    @staticmethod
    def _pods(peer: Mapping[str, Any], other: Endpoint, home: str, service: Service | None) -> bool:
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], other.namespace_labels):
                return False
        elif other.namespace != home:
            return False
        labels = service.selector if service else other.labels
        return selects(peer.get("podSelector"), labels)

    def _entity(self, one: Connection, subject: Endpoint) -> Iterator[bool]:
        for policy in self.cilium:
            spec = policy["spec"]
            if policy["metadata"]["namespace"] != subject.namespace or not selects(
                spec["endpointSelector"], subject.labels
            ):
                continue
            for rule in spec["ingress"]:
                ports = {int(port["port"]) for group in rule["toPorts"] for port in group["ports"]}
                node = one.source.kind is Kind.NODE and "remote-node" in rule["fromEntities"]
                yield node and one.protocol == "TCP" and one.port in ports


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects something with these labels; an empty one selects everything."""
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        _expression(one, labels) for one in selector.get("matchExpressions") or []
    )


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    match one["operator"]:
        case "In":
            return labels.get(one["key"]) in one["values"]
        case "NotIn":
            return labels.get(one["key"]) not in one["values"]
        case "Exists":
            return one["key"] in labels
    return one["key"] not in labels


def in_block(block: Mapping[str, Any], address: str) -> bool:
    """Whether an `ipBlock` holds an address."""
    found = ip_address(address)
    return found in ip_network(block["cidr"]) and not any(found in ip_network(cut) for cut in block.get("except") or [])


def on_port(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    """Whether a rule is for a port; one that names none is for all."""
    ports = rule.get("ports") or []
    return not ports or any(
        one.get("protocol", "TCP") == protocol and int(one.get("port", port)) == port for one in ports
    )
