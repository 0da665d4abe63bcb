"""What the parts of a GKE cluster hand to each other."""

from typing import TypedDict

from pulumi import Input

from components.clouds.gke.spec import GkeMode

__all__ = ["GkeHandle", "GkeMode", "GkeNetworkHandle"]


class GkeNetworkHandle(TypedDict):
    """A VPC network that a cluster can stand in."""

    network_id: Input[str]
    """Self link or id of the network."""
    subnetwork_id: Input[str]
    """Self link or id of the subnetwork of its nodes."""
    pods_range_name: str
    """Secondary range of the subnetwork that pods get addresses from."""
    services_range_name: str
    """Secondary range of the subnetwork that Services get addresses from."""


class GkeHandle(TypedDict):
    """A cluster as node pools and services see it."""

    name: Input[str]
    """Of the cluster."""
    project: str
    """Project id."""
    project_number: Input[str]
    """Its number: principals of workload identity are named by it."""
    region: str
    """Where it is; the cluster is regional."""
    zones: list[str]
    """Zones of its nodes."""
    mode: GkeMode
    """Who makes its nodes."""
    network: GkeNetworkHandle
    """Where it stands."""
    node_service_account: Input[str]
    """E-mail of the service account that nodes run as."""
    workload_pool: Input[str]
    """`<project>.svc.id.goog`."""
