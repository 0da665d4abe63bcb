"""Handles that the components of an EKS cluster pass to each other."""

from typing import TypedDict

from pulumi import Input

from components.clouds.eks.spec import NodeProvisioning

__all__ = ["EksHandle", "EksNetworkHandle", "KarpenterHandle", "NodeProvisioning"]


class EksNetworkHandle(TypedDict):
    """The VPC of a cluster."""

    vpc_id: Input[str]
    """Of the VPC."""
    cidr: Input[str]
    """IPv4 range of the VPC."""
    private_subnet_ids: dict[str, Input[str]]
    """Availability zone -> subnet of nodes and databases."""
    public_subnet_ids: dict[str, Input[str]]
    """Availability zone -> subnet of load balancers; empty: none is public."""


class EksHandle(TypedDict):
    """A cluster as node pools and services see it."""

    name: Input[str]
    """Of the cluster."""
    region: str
    """Where it is."""
    account_id: str
    """Account that owns the cluster."""
    kubernetes_version: str
    """Minor version of the control plane, `1.35`."""
    provisioning: NodeProvisioning
    """How its nodes are created."""
    network: EksNetworkHandle
    """Network of the cluster."""
    security_group_id: Input[str]
    """Security group of the cluster, for traffic between control plane and nodes."""
    node_role_arn: Input[str]
    """IAM role that nodes of managed groups run as."""
    key_arn: Input[str]
    """KMS key that encrypts its secrets."""


class KarpenterHandle(TypedDict):
    """Karpenter as its pools see it."""

    node_role_name: Input[str]
    """IAM role that its nodes run as."""
