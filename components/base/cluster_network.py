"""How the network of a cluster resolves names and enforces policies, for isolated namespaces. Pure.

CNIs agree on NetworkPolicy between pods, and differ otherwise (docs/networking.md has the table and the sources):
whether `ipBlock` selects nodes, and whether a rule applies to a Service's address or to its endpoints.
"""

from enum import StrEnum
from typing import TypedDict


class PolicyEngine(StrEnum):
    """The kinds of policies that are declared."""

    KUBERNETES = "kubernetes"
    """NetworkPolicies only: every CNI that enforces them, Cilium with `policyCIDRMatchMode: nodes` included."""
    CILIUM = "cilium"
    """CiliumNetworkPolicies too, where the API server calls webhooks: Cilium's `ipBlock` selects no node."""


class ClusterNetworkHandle(TypedDict):
    """The network of one cluster."""

    policies: PolicyEngine
    """The kinds of policies that are declared."""
    dns_addresses: list[str]
    """Address ranges of DNS in addition to the DNS pods of kube-system."""
    api_server_ports: list[int]
    """TCP ports of the Service of the API server and of the API servers behind it."""


NODE_LOCAL_DNS = "169.254.20.10/32"
"""Address of NodeLocal DNSCache on each node (Kubernetes documentation, nodelocaldns)."""
GKE_CLOUD_DNS = "169.254.169.254/32"
"""Address of Cloud DNS on the nodes of GKE, whose Autopilot clusters use it (GKE documentation, cloud-dns). The
metadata service has the same address: only port 53 is allowed, and only on GKE."""
EKS_AUTO_MODE_DNS = ("10.100.0.10/32", "172.20.0.10/32")
"""The DNS Service in either range that EKS uses for Services. On Auto Mode each node answers for it, so there are no
DNS pods to select (EKS User Guide, auto-networking; aws/containers-roadmap#2552)."""

API_SERVICE_PORT = 443
"""Of the Service `kubernetes` of every cluster (kubernetes/kubernetes pkg/controlplane, APIServerServicePort)."""
USUAL_API_SERVER_PORTS = (API_SERVICE_PORT, 6443)
"""The Service's port, which managed API servers use too, and the port on which most others listen (kube-apiserver
--secure-port). A rule applies to one or the other, depending on the network."""

USUAL_NETWORK = ClusterNetworkHandle(
    policies=PolicyEngine.KUBERNETES, dns_addresses=[NODE_LOCAL_DNS], api_server_ports=[*USUAL_API_SERVER_PORTS]
)
"""The network of a cluster that is not described."""
