"""One exception from isolation with every field, and what its fields need to count: for all who take such rules."""

from collections.abc import Mapping
from typing import Any

from components.base.cluster_network import PolicyEngine
from components.base.traffic_rules import Direction, TrafficRuleArgs
from tests.components.contract.case import ABSENT

RULE = TrafficRuleArgs(
    name="web",
    direction=Direction.INGRESS,
    pods={"app": "web"},
    peer_namespace="gateway",
    peer_pods={"app": "proxy"},
    ports=[80],
    udp_ports=[53],
)


def rule_contexts(path: str) -> Mapping[str, Mapping[str, Any]]:
    """Where the other side is no single namespace. `path` is that of the rule."""
    outside = {f"{path}.peer_namespace": ABSENT, f"{path}.cidr": "10.0.0.0/8", f"{path}.except_cidrs": ["10.1.0.0/16"]}
    return {
        f"{path}.peer_namespace_labels": {
            f"{path}.peer_namespace": ABSENT,
            f"{path}.peer_namespace_labels": {"team": "vision"},
        },
        f"{path}.every_namespace": {f"{path}.peer_namespace": ABSENT, f"{path}.every_namespace": False},
        f"{path}.any_destination": {f"{path}.any_destination": False},
        f"{path}.api_server": {f"{path}.api_server": False},
        f"{path}.from_nodes": {f"{path}.from_nodes": False, "network.policies": PolicyEngine.CILIUM},
        f"{path}.cidr": outside,
        f"{path}.except_cidrs": outside,
    }
