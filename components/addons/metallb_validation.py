"""Rules on the addresses that MetalLB assigns."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from components.base.destinations import check_ranges
from components.base.grammar import (
    INTERFACE,
    QUALIFIED_NAME,
    address_range,
    check_text,
    check_texts,
)
from components.findings import Finding

Address = IPv4Address | IPv6Address


def check_address_ranges(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Ranges that MetalLB can assign: addresses of hosts, none in two ranges."""
    if not ranges:
        yield Finding(path, "(none)", "at least one range of addresses", "write one like 192.168.10.20-192.168.10.40")
    known: list[tuple[str, Address, Address]] = []
    for text in ranges:
        try:
            first, last = _ends(text)
        except ValueError as error:
            yield Finding(
                path,
                text,
                f"a range of addresses: {error}",
                "write it like 192.168.10.0/24 or 192.168.10.20-192.168.10.40",
            )
            continue
        if first.is_loopback or first.is_multicast or first.is_unspecified or first.is_link_local:
            yield Finding(
                path,
                text,
                "valid host addresses of the local network",
                "use a part of the network's range that its DHCP server does not assign",
            )
        for other, start, end in known:
            if start.version == first.version and int(first) <= int(end) and int(start) <= int(last):
                yield Finding(
                    path, text, f"ranges must not overlap, and {other} has some of these addresses", "join the two"
                )
        known.append((text, first, last))


def _ends(text: str) -> tuple[Address, Address]:
    if not text.isprintable():
        raise ValueError("written on one line")
    if "/" in text:
        network = address_range(text)
        return network[0], network[-1]
    head, dash, tail = text.partition("-")
    if not dash:
        raise ValueError("one address is written with its length, 192.168.10.20/32")
    first, last = ip_address(head.strip()), ip_address(tail.strip())
    if first.version != last.version or int(first) > int(last):
        raise ValueError("the first address comes before the last, and both are IPv4 or both IPv6")
    return first, last


def check_metallb(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Assignable ranges, valid interfaces and a valid class."""
    yield from check_address_ranges(f"{path}.addresses", args["addresses"])
    yield from check_texts(f"{path}.interfaces", args.get("interfaces") or [], INTERFACE)
    yield from check_ranges(f"{path}.controlPlaneRanges", args.get("control_plane_ranges") or [])
    if args.get("load_balancer_class"):
        yield from check_text(f"{path}.loadBalancerClass", args["load_balancer_class"], QUALIFIED_NAME)
