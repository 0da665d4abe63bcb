"""The route of one host to one Service, and the traffic that the route needs. Pure."""

from collections.abc import Mapping
from typing import Any

from components.addons.gateway_spec import GatewayHandle
from components.base.traffic_rules import Direction, TrafficRuleArgs


def hostname(gateway: GatewayHandle, domain: str, host: str) -> str:
    """`<host>.<suffix of that domain>`. Raises KeyError for a domain that the gateway does not serve."""
    return f"{host}.{gateway['domains'][domain]}"


def http_route_spec(gateway: GatewayHandle, domain: str, host: str, service: str, port: int) -> dict[str, Any]:
    """The `spec` of the HTTPRoute that sends every path of one host to one Service."""
    return {
        "parentRefs": [
            {
                "name": gateway["name"],
                "namespace": gateway["namespace"],
                "sectionName": gateway["listeners"][domain],
            }
        ],
        "hostnames": [hostname(gateway, domain, host)],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }


def from_gateway(gateway: GatewayHandle, pods: Mapping[str, str], port: int) -> list[TrafficRuleArgs]:
    """Ingress to the pods behind a route: from the gateway's pods, or from the addresses of a gateway without pods."""
    rules = [
        TrafficRuleArgs(name=f"gateway-{index}", direction=Direction.INGRESS, pods=dict(pods), cidr=cidr, ports=[port])
        for index, cidr in enumerate(gateway["ranges"])
    ]
    if gateway["pods"]:
        rules.append(
            TrafficRuleArgs(
                name="gateway",
                direction=Direction.INGRESS,
                pods=dict(pods),
                peer_namespace=gateway["namespace"],
                peer_pods=dict(gateway["pods"]),
                ports=[port],
            )
        )
    return rules
