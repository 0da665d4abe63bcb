"""Ways in through a Gateway: what a component needs to know of it, and the objects that follow. Pure."""

from collections.abc import Mapping
from typing import Any, TypedDict

from components.namespaces import Direction, TrafficRuleArgs


class RouteArgs(TypedDict, total=False):
    """The way in through a Gateway; TLS ends at its listener."""

    hostname: str
    """Required. Public name: `grafana.example.com`."""
    gateway_name: str
    """Required. The Gateway."""
    gateway_namespace: str
    """Required. Its namespace."""
    listener: str
    """Its listener (`sectionName`); empty or missing: every one that takes the hostname."""
    data_plane_namespace: str
    """Required. Where the pods run that forward requests."""
    data_plane_pods: dict[str, str]
    """Required. Their labels."""


def http_route_spec(route: RouteArgs, service: str, port: int) -> dict[str, Any]:
    """The `spec` of the HTTPRoute that sends every path of that host to one Service."""
    parent = {"name": route["gateway_name"], "namespace": route["gateway_namespace"]}
    if route.get("listener"):
        parent["sectionName"] = route["listener"]
    return {
        "parentRefs": [parent],
        "hostnames": [route["hostname"]],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }


def from_data_plane(route: RouteArgs, pods: Mapping[str, str], port: int) -> TrafficRuleArgs:
    """Ingress from the gateway's pods to those behind the route."""
    return TrafficRuleArgs(
        name="gateway",
        direction=Direction.INGRESS,
        pods=dict(pods),
        peer_namespace=route["data_plane_namespace"],
        peer_pods=dict(route["data_plane_pods"]),
        ports=[port],
    )
