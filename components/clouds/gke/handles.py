"""Handles that the components of a GKE cluster pass to each other."""

from typing import TypedDict

from pulumi import Input

from components.clouds.gke.spec import GkeMode

__all__ = ["GkeHandle", "GkeMode", "GkeNetworkHandle"]


class GkeNetworkHandle(TypedDict):
    """The VPC network of a cluster."""

    network_id: Input[str]
    """Self link or id of the network."""
    subnetwork_id: Input[str]
    """Self link or id of the subnetwork of its nodes."""
    pods_range_name: str
    """Secondary range of the subnetwork for addresses of pods."""
    services_range_name: str
    """Secondary range of the subnetwork for addresses of Services."""


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
    """How its nodes are created."""
    network: GkeNetworkHandle
    """Network of the cluster."""
    node_service_account: Input[str]
    """E-mail of the service account that nodes run as."""
    workload_pool: Input[str]
    """`<project>.svc.id.goog`."""
