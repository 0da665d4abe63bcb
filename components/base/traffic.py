"""Traffic that add-ons need in addition to DNS: the API server in both directions, and scraping."""

from collections.abc import Mapping

from components.base.traffic_rules import Direction, TrafficRuleArgs


def to_api_server(pods: Mapping[str, str] | None = None) -> TrafficRuleArgs:
    """Egress to the API server, for a namespace or some of its pods: every destination, on the API server's ports.

    Its address is not known beforehand, and no peer selects it on every CNI: Cilium's `ipBlock` matches no node, and
    the API server is a node on most self-managed clusters (docs/adr/0024).
    """
    rule = TrafficRuleArgs(name="api-server", direction=Direction.EGRESS, api_server=True)
    if pods:
        rule["pods"] = dict(pods)
    return rule


def webhook_from_api_server(pods: dict[str, str], port: int, ranges: list[str]) -> list[TrafficRuleArgs]:
    """Ingress from the API server to a webhook, from an address range or through the agents of its tunnel.

    `ranges` are the addresses of the control plane. Konnectivity agents (GKE, many others) run in kube-system. Cilium
    identifies an API server that is a node by its identity, not by its address.
    """
    tunnel = TrafficRuleArgs(
        name="webhook-tunnel", direction=Direction.INGRESS, pods=pods, peer_namespace="kube-system", ports=[port]
    )
    return [
        tunnel,
        *(
            TrafficRuleArgs(name=f"webhook-{index}", direction=Direction.INGRESS, pods=pods, cidr=cidr, ports=[port])
            for index, cidr in enumerate(ranges)
        ),
        TrafficRuleArgs(name="webhook-nodes", direction=Direction.INGRESS, pods=pods, from_nodes=True, ports=[port]),
    ]


def scraped(monitoring_namespace: str, ports: list[int]) -> list[TrafficRuleArgs]:
    """Ingress from Prometheus; empty without Prometheus (empty namespace)."""
    if not monitoring_namespace:
        return []
    return [
        TrafficRuleArgs(name="metrics", direction=Direction.INGRESS, peer_namespace=monitoring_namespace, ports=ports)
    ]
