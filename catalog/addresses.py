"""Addresses and labels of networks that rules and components name."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network

ANYWHERE = "0.0.0.0/0"
POSTGRESQL_PORT = 5432
PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
"""RFC 1918 and RFC 6598: what clouds and data centres give to nodes, control planes and pods."""
METADATA_SERVICE = "169.254.169.254/32"
"""Address where clouds serve the credentials of a node. On GKE two other services answer there, for pods: the metadata
server of the node with the pod's identity (`namespaces.identity_egress`), and Cloud DNS."""
METADATA_SERVICES = (
    IPv4Network(METADATA_SERVICE),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fd20:ce::254/128"),
)
"""Over IPv4 on every cloud, over IPv6 on EC2 (EC2 User Guide, instancedata-data-retrieval) and on Compute Engine (its
documentation, metadata/overview)."""
GKE_METADATA_PORTS = {
    IPv4Network(METADATA_SERVICE): frozenset({53, 80}),
    IPv4Network("169.254.169.252/32"): frozenset({988}),
}
"""Address -> the ports that a rule for this address alone may name: Cloud DNS, the pod's identity, and the same after
the translation on nodes without Dataplane V2 (GKE documentation, how-to/network-policy, cloud-dns)."""
METADATA_PORTS = frozenset({80, 988})
"""Ports that serve credentials: a rule for every destination may not name them."""
WIDEST_PRIVATE_PREFIX = {4: 8, 6: 7}
"""10.0.0.0/8 and fc00::/7 (RFC 1918, RFC 4193): a wider range includes public addresses, and counts as the internet."""
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Set by the API server on every namespace, with its name as value: the existence of the key selects all namespaces."""


def metadata_service_in(network: Network, cut_out: Sequence[Network] = ()) -> Network | None:
    """The metadata service address that a range contains and that none of its exceptions excludes."""
    for service in METADATA_SERVICES:
        address = service.network_address
        if address in network and not any(address in other for other in cut_out):
            return service
    return None
