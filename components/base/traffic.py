"""The traffic that add-ons need besides DNS, named once: the API server in both directions, and being scraped."""

from collections.abc import Mapping

from components.base.namespaces import Direction, TrafficRuleArgs


def to_api_server(pods: Mapping[str, str] | None = None) -> TrafficRuleArgs:
    """Egress to the API server, of a namespace or some of its pods: the ports that it has in this cluster, anywhere.

    Its address is not known beforehand, and no peer selects it everywhere: Cilium's `ipBlock` matches no node, and an
    API server is one on most clusters of one's own (docs/adr/0024).
    """
    rule = TrafficRuleArgs(name="api-server", direction=Direction.EGRESS, api_server=True)
    if pods:
        rule["pods"] = dict(pods)
    return rule


def webhook_from_api_server(pods: dict[str, str], port: int, ranges: list[str]) -> list[TrafficRuleArgs]:
    """Ingress from the API server to a webhook, whether it calls from an address range or through its tunnel's agents.

    `ranges` are the addresses of the control plane. Konnectivity agents (GKE, many others) run in kube-system. Cilium
    knows an API server that is a node by its identity, not by its address.
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
    """Ingress from Prometheus; nothing where nobody scrapes (empty namespace)."""
    if not monitoring_namespace:
        return []
    return [
        TrafficRuleArgs(name="metrics", direction=Direction.INGRESS, peer_namespace=monitoring_namespace, ports=ports)
    ]
