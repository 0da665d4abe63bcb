"""What the parts of an EKS cluster hand to each other."""

from enum import StrEnum
from typing import TypedDict

from pulumi import Input


class NodeProvisioning(StrEnum):
    """Who makes the nodes of a cluster: one way for the whole of it."""

    MANAGED_GROUPS = "managed-groups"
    """EKS managed node groups, sized by the Cluster Autoscaler."""
    KARPENTER = "karpenter"
    """Karpenter, which we install on one managed group."""
    AUTO_MODE = "auto-mode"
    """EKS Auto Mode: AWS runs Karpenter, the device plugin and the storage driver."""


class EksNetworkHandle(TypedDict):
    """A VPC that a cluster can stand in."""

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
    """Whose it is."""
    kubernetes_version: str
    """Minor version of the control plane, `1.35`."""
    provisioning: NodeProvisioning
    """Who makes its nodes."""
    network: EksNetworkHandle
    """Where it stands."""
    security_group_id: Input[str]
    """Of the cluster: control plane and nodes talk through it."""
    node_role_arn: Input[str]
    """IAM role that nodes of managed groups run as."""
    key_arn: Input[str]
    """KMS key that encrypts its secrets."""
