"""What people write of MetalLB. Pure."""

from typing import Required, TypedDict

POOL_ANNOTATION = "metallb.io/address-pool"
"""On a Service: the pool that gives it an address."""


class MetalLbSpec(TypedDict, total=False):
    """Which addresses it may give out."""

    addresses: Required[list[str]]
    """Ranges of the local network that nothing else uses: `192.168.10.0/24` or `192.168.10.20-192.168.10.40`."""
    interfaces: list[str]
    """Network interfaces of the nodes that answer for the addresses; default: all."""
    automatic: bool
    """Whether a Service that asks for no pool gets an address of this one; default true. With false the platform's
    gateway asks by `gateway.serviceAnnotations`."""
    load_balancer_class: str
    """Serve only Services of this loadBalancerClass, the platform's gateway among them; default: those without one."""
    control_plane_ranges: list[str]
    """Addresses that the API server calls webhooks from; default: the private ranges."""
