"""Settings of MetalLB. Pure."""

from typing import Required, TypedDict

POOL_ANNOTATION = "metallb.io/address-pool"
"""Annotation of a Service: the pool of its address."""


class MetalLbSpec(TypedDict, total=False):
    """Addresses that it may assign."""

    addresses: Required[list[str]]
    """Ranges of the local network that nothing else uses: `192.168.10.0/24` or `192.168.10.20-192.168.10.40`."""
    interfaces: list[str]
    """Network interfaces of the nodes that answer for the addresses; default: all."""
    automatic: bool
    """Whether a Service without a pool annotation gets an address of this pool; default true. If false, set the
    annotation of the platform's gateway in `gateway.serviceAnnotations`."""
    load_balancer_class: str
    """Serve only Services of this loadBalancerClass, the platform's gateway among them; default: those without one."""
    control_plane_ranges: list[str]
    """Addresses that the API server calls webhooks from; default: the private ranges."""
