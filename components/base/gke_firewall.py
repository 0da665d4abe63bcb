"""Ports that Google's firewall opens from the control plane of a GKE cluster to its nodes, and how to open others.
Pure.

A control plane that is peered with the VPC calls webhooks from a separate address range; Google's rule for that range
opens only `OPENED` (GKE documentation, how-to/private-clusters, "Adding firewall rules for specific use cases"). A
control plane with Private Service Connect calls through Konnectivity's agents and needs no rule.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from components.base.flows import WEBHOOKS

OPENED = frozenset({443, 10250})
"""TCP ports of nodes and pods that Google's rule opens to a peered control plane."""
CONTROL_PLANE_PREFIX = 28
"""Length of the range of a peered control plane, `masterIpv4CidrBlock` (GKE documentation, private clusters)."""
NODE_PREFIX = 24
"""An address this close to a node's is in the same subnet, so it is Private Service Connect. A peered range overlaps no
subnet."""
WHICH = (
    "gcloud container clusters describe CLUSTER --location=LOCATION --format='value(privateClusterConfig.peeringName)'"
)
"""Prints a name if the control plane is peered, and nothing otherwise."""


def closed_ports(addons: Sequence[str]) -> dict[int, list[str]]:
    """Port that Google's rule does not open -> the add-ons, of these, whose webhook uses it."""
    found: dict[int, list[str]] = {}
    for webhook in WEBHOOKS.values():
        if webhook.addon in addons and webhook.port not in OPENED:
            found.setdefault(webhook.port, []).append(webhook.addon)
    return found


def firewall_command(ports: Sequence[int], source: str = "CONTROL_PLANE_RANGE") -> str:
    """The command that opens ports of all nodes and pods of a network to a control plane."""
    rules = ",".join(f"tcp:{port}" for port in sorted(ports))
    return (
        "gcloud compute firewall-rules create allow-webhooks-CLUSTER --network=NETWORK --direction=INGRESS "
        f"--action=ALLOW --rules={rules} --source-ranges={source} --target-tags=NODE_TAG"
    )


def control_plane_range(address: str) -> str:
    """The range of a peered control plane, from the address of its API server."""
    return str(ip_network(f"{address}/{CONTROL_PLANE_PREFIX}", strict=False))


def may_be_peered(address: str, node_addresses: Sequence[str]) -> bool:
    """Whether an API server at this address can be peered: not with a public one, not in the nodes' subnet."""
    found = ip_address(address)
    if found.version != 4 or found.is_global:
        return False
    near = ip_network(f"{address}/{NODE_PREFIX}", strict=False)
    return not any(ip_address(node) in near for node in node_addresses)
