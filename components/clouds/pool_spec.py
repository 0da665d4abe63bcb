"""The description of an existing pool. Imports no Pulumi package."""

from typing import Required, TypedDict

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner
from components.capacity.placement import SOFTWARE, NodeSoftware, PoolArgs


class DescribedNodePoolSpec(TypedDict, total=False):
    """The owner of each piece of software that devices of nodes need: exactly one for each."""

    driver: Owner
    """Owner of driver and container runtime hook: found (default), image, or operator (NVIDIA's GPU Operator)."""
    device_plugin: Owner
    """Owner of the device plugin: platform (default), operator, or found."""
    mig_mixed: bool
    """With devicePlugin found and sharing mig: whether the device plugin runs with MIG strategy `mixed`; default
    false."""


class DescribedNodePoolArgs(DescribedNodePoolSpec, total=False):
    """Nodes that exist, and the owner of each piece of software that their devices need."""

    pool: Required[PoolArgs]
    """The nodes."""


def described_software(args: DescribedNodePoolArgs) -> NodeSoftware:
    """The owner of each piece of software on the nodes of a described pool. Pure."""
    usual = SOFTWARE[ClusterKind.EXISTING]
    return NodeSoftware(
        driver=Owner(args.get("driver", usual["driver"])),
        device_plugin=Owner(args.get("device_plugin", usual["device_plugin"])),
        device_allocation=DeviceAllocation(args["pool"].get("device_allocation", usual["device_allocation"])),
    )
