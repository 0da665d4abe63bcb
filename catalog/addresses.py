"""Addresses and labels of networks that rules and components name."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network

ANYWHERE = "0.0.0.0/0"
METADATA_SERVICE = "169.254.169.254/32"
"""Where clouds hand out the credentials of a node. On GKE two other things answer there, for pods: the metadata server
of the node with the identity of the pod (`namespaces.identity_egress`), and Cloud DNS."""
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
"""Address -> the ports that a rule for this address alone may name: Cloud DNS, the identity of the pod, and the same
after the translation of nodes without Dataplane V2 (GKE documentation, how-to/network-policy, cloud-dns)."""
METADATA_PORTS = frozenset({80, 988})
"""On which credentials are handed out: a rule for every destination may not name them."""
WIDEST_PRIVATE_PREFIX = {4: 8, 6: 7}
"""10.0.0.0/8 and fc00::/7 (RFC 1918, RFC 4193): a wider range is part of the internet, and counts as the world."""
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""Set by the API server on every namespace, with its name as value: that it exists selects all of them."""


def metadata_service_in(network: Network, cut_out: Sequence[Network] = ()) -> Network | None:
    """The metadata service that a range contains and none of the ranges cut out of it does."""
    for service in METADATA_SERVICES:
        address = service.network_address
        if address in network and not any(address in other for other in cut_out):
            return service
    return None
