"""How the network of a cluster resolves names and evaluates policies: what every isolated namespace must know. Pure.

CNIs agree on NetworkPolicy between pods, and differ about the rest (docs/networking.md has the table and the sources):
whether `ipBlock` selects nodes, and whether a Service's address or what is behind it is what a rule sees.
"""

from enum import StrEnum
from typing import TypedDict


class PolicyEngine(StrEnum):
    """Which policies are declared."""

    KUBERNETES = "kubernetes"
    """NetworkPolicies alone: every CNI that evaluates them, Cilium with `policyCIDRMatchMode: nodes` included."""
    CILIUM = "cilium"
    """CiliumNetworkPolicies as well, where the API server calls webhooks: Cilium's `ipBlock` selects no node."""


class ClusterNetworkHandle(TypedDict):
    """The network of one cluster."""

    policies: PolicyEngine
    """Which policies are declared."""
    dns_addresses: list[str]
    """Ranges in which names are resolved besides the DNS pods of kube-system."""
    api_server_ports: list[int]
    """TCP ports of the Service of the API server and of the API servers behind it."""


NODE_LOCAL_DNS = "169.254.20.10/32"
"""Where NodeLocal DNSCache answers on each node (Kubernetes documentation, nodelocaldns)."""
GKE_CLOUD_DNS = "169.254.169.254/32"
"""Where Cloud DNS answers on the nodes of GKE, whose Autopilot clusters use it (GKE documentation, cloud-dns). The
metadata service has the same address: only port 53 is opened, and only on GKE."""
EKS_AUTO_MODE_DNS = ("10.100.0.10/32", "172.20.0.10/32")
"""The DNS Service in either range that EKS gives Services. On Auto Mode each node answers for it, so there are no DNS
pods to select (EKS User Guide, auto-networking; aws/containers-roadmap#2552)."""

API_SERVICE_PORT = 443
"""Of the Service `kubernetes` of every cluster (kubernetes/kubernetes pkg/controlplane, APIServerServicePort)."""
USUAL_API_SERVER_PORTS = (API_SERVICE_PORT, 6443)
"""The Service's, which is that of managed API servers too, and the one on which most others listen (kube-apiserver
--secure-port). Networks differ in which of them a rule sees."""

USUAL_NETWORK = ClusterNetworkHandle(
    policies=PolicyEngine.KUBERNETES, dns_addresses=[NODE_LOCAL_DNS], api_server_ports=[*USUAL_API_SERVER_PORTS]
)
"""Of a cluster about which nothing else is known."""
