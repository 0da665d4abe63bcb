"""What a pool that somebody else made is described with. No Pulumi package is imported here."""

from typing import Required, TypedDict

from catalog.accelerators import Owner
from components.capacity.placement import PoolArgs


class DescribedNodePoolArgs(TypedDict, total=False):
    """Nodes that are there, and who brings what their devices need: exactly one for each."""

    pool: Required[PoolArgs]
    """The nodes."""
    driver: Owner
    """Who brings driver and container runtime hook: found (default), image, or operator (NVIDIA's GPU Operator)."""
    device_plugin: Owner
    """Who offers the devices to the scheduler: platform (default), operator, or found."""
    mig_mixed: bool
    """Device plugin found and sharing mig: says that it runs with MIG strategy `mixed`; default false."""
