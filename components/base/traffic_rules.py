"""Traffic rules of namespaces, and the NetworkPolicies that they become. Pure, except for the type of a range."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Required, TypedDict

from pulumi import Input

from catalog.addresses import ANYWHERE, METADATA_SERVICE, NAMESPACE_LABEL
from components.base.cluster_network import USUAL_API_SERVER_PORTS


class Direction(StrEnum):
    """Seen from the namespace."""

    INGRESS = "Ingress"
    EGRESS = "Egress"


class TrafficRuleArgs(TypedDict, total=False):
    """One allow rule in addition to default deny."""

    name: Required[str]
    """Purpose; part of the NetworkPolicy's name."""
    direction: Required[Direction]
    """Ingress or egress."""
    pods: dict[str, str]
    """Pods of this namespace that it applies to, by label; missing: all."""
    peer_namespace: str
    """Peer: pods of that namespace. With no peer namespace and no `cidr`: this namespace itself."""
    peer_namespace_labels: dict[str, str]
    """Peer: pods of every namespace with these labels; instead of `peer_namespace`."""
    every_namespace: bool
    """Peer: pods of every namespace, with `peer_pods`; instead of `peer_namespace`."""
    peer_pods: dict[str, str]
    """Peer: pods with these labels."""
    any_destination: bool
    """Peer: every destination, on `ports`; egress only. For nodes, which no other peer selects on every CNI."""
    api_server: bool
    """Peer: every destination, on the ports of the API server in `network`; egress only."""
    from_nodes: bool
    """Peer: nodes, and the API server on them; ingress only. Declared only with PolicyEngine.CILIUM, because elsewhere
    a `cidr` selects them."""
    cidr: Input[str]
    """Peer: an address range that is not pods (API server, cloud API, the internet)."""
    except_cidrs: list[str]
    """Ranges excluded from `cidr`."""
    ports: list[int]
    """TCP ports; missing: all."""
    udp_ports: list[int]
    """UDP ports."""


SYSTEM_NAMESPACE, DNS_PORT = "kube-system", 53
DNS_PODS = ({"k8s-app": "kube-dns"}, {"k8s-app": "node-local-dns"})
"""CoreDNS and kube-dns, and the cache on each node. GKE Dataplane V2 and Cilium's local redirect send traffic for the
DNS Service to the cache's pod before egress is enforced (gke-labs/kube-agents#162)."""
CILIUM_NODES = ("kube-apiserver", "remote-node", "host")
"""Entities of Cilium that call webhooks from nodes. Through a tunnel a control-plane node connects with an address that
is not an API server's, hence all nodes (Cilium documentation, security/policy/layer3, entities)."""


def to_anywhere(name: str, ports: list[int]) -> TrafficRuleArgs:
    """Egress to any address outside of the cluster except the metadata service, on these ports: cloud APIs,
    registries."""
    return TrafficRuleArgs(
        name=name, direction=Direction.EGRESS, cidr=ANYWHERE, except_cidrs=[METADATA_SERVICE], ports=ports
    )


def identity_egress(*, google: bool) -> list[TrafficRuleArgs]:
    """Egress to the service on the pod's node that issues its cloud identity: the agent of EKS Pod Identity, or GKE's
    metadata server, which serves the identity of the pod and not of the node.

    Sources: EKS User Guide, pod-id-agent-setup; GKE docs, how-to/network-policy (Workload Identity, Dataplane V2).
    """
    ways = [("169.254.169.254/32", 80), ("169.254.169.252/32", 988)] if google else [("169.254.170.23/32", 80)]
    return [
        TrafficRuleArgs(name=f"identity-{index}", direction=Direction.EGRESS, cidr=cidr, ports=[port])
        for index, (cidr, port) in enumerate(ways)
    ]


def policy_spec(rule: TrafficRuleArgs, api_server_ports: Sequence[int] = USUAL_API_SERVER_PORTS) -> dict[str, Any]:
    """The `spec` of the NetworkPolicy for one rule. Pure."""
    if "cidr" in rule:
        block: dict[str, Any] = {"cidr": rule["cidr"]}
        if rule.get("except_cidrs"):
            block["except"] = rule["except_cidrs"]
        peer: dict[str, Any] = {"ipBlock": block}
    else:
        peer = {"podSelector": {"matchLabels": rule["peer_pods"]} if rule.get("peer_pods") else {}}
        if "peer_namespace" in rule:
            peer["namespaceSelector"] = {"matchLabels": {NAMESPACE_LABEL: rule["peer_namespace"]}}
        elif "peer_namespace_labels" in rule:
            peer["namespaceSelector"] = {"matchLabels": rule["peer_namespace_labels"]}
        elif rule.get("every_namespace"):
            peer["namespaceSelector"] = {}
    to_api_server = bool(rule.get("api_server"))
    tcp_ports = api_server_ports if to_api_server else rule.get("ports", [])
    ports = [{"protocol": "TCP", "port": int(port)} for port in tcp_ports]
    ports += [{"protocol": "UDP", "port": int(port)} for port in rule.get("udp_ports", [])]
    direction = Direction(rule["direction"])
    side = "from" if direction is Direction.INGRESS else "to"
    opening: dict[str, Any] = {} if to_api_server or rule.get("any_destination") else {side: [peer]}
    opening |= {"ports": ports} if ports else {}
    return {
        "podSelector": {"matchLabels": rule["pods"]} if rule.get("pods") else {},
        "policyTypes": [direction.value],
        direction.value.lower(): [opening],
    }


def cilium_policy_spec(rule: TrafficRuleArgs) -> dict[str, Any]:
    """The `spec` of the CiliumNetworkPolicy for a rule with `from_nodes`. Pure."""
    ports = [{"port": str(int(port)), "protocol": "TCP"} for port in rule.get("ports", [])]
    return {
        "endpointSelector": {"matchLabels": rule["pods"]} if rule.get("pods") else {},
        "ingress": [{"fromEntities": list(CILIUM_NODES), "toPorts": [{"ports": ports}]}],
    }


def dns_policy_spec(addresses: Sequence[str]) -> dict[str, Any]:
    """The `spec` of the NetworkPolicy for DNS: the DNS pods, and these ranges. Pure."""
    namespace = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: SYSTEM_NAMESPACE}}}
    pods: list[dict[str, Any]] = [{"podSelector": {"matchLabels": labels}, **namespace} for labels in DNS_PODS]
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("TCP", "UDP")]
    to = [*pods, *({"ipBlock": {"cidr": cidr}} for cidr in addresses)]
    return {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": to, "ports": ports}]}
