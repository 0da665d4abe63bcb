"""What Google's firewall lets the control plane of a GKE cluster reach on its nodes, and how to open the rest. Pure.

A control plane that is peered with the VPC calls webhooks from an address range of its own; Google's rule for that
range opens `OPENED` and no more (GKE documentation, how-to/private-clusters, "Adding firewall rules for specific use
cases"). One that is connected by Private Service Connect calls through Konnectivity's agents and needs no rule.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from components.base.flows import WEBHOOKS

OPENED = frozenset({443, 10250})
"""TCP ports of nodes and pods that Google's own rule opens to a peered control plane."""
CONTROL_PLANE_PREFIX = 28
"""Length of the range of a peered control plane, `masterIpv4CidrBlock` (GKE documentation, private clusters)."""
NODE_PREFIX = 24
"""An address this close to a node's is of the same subnet: that of Private Service Connect. A peered range overlaps no
subnet."""
WHICH = (
    "gcloud container clusters describe CLUSTER --location=LOCATION --format='value(privateClusterConfig.peeringName)'"
)
"""Prints a name where the control plane is peered, and nothing elsewhere."""


def closed_ports(addons: Sequence[str]) -> dict[int, list[str]]:
    """Port that Google's rule leaves closed -> the add-ons, of these, whose webhook answers on it."""
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
    """The range of a peered control plane, by the address of its API server."""
    return str(ip_network(f"{address}/{CONTROL_PLANE_PREFIX}", strict=False))


def may_be_peered(address: str, node_addresses: Sequence[str]) -> bool:
    """Whether an API server at this address can be behind a peering: not at a public one, not in the nodes' subnet."""
    found = ip_address(address)
    if found.version != 4 or found.is_global:
        return False
    near = ip_network(f"{address}/{NODE_PREFIX}", strict=False)
    return not any(ip_address(node) in near for node in node_addresses)
