"""Address ranges that pods may reach."""

from collections.abc import Iterator, Sequence

from catalog.addresses import Network, metadata_service_in
from components.base.grammar import address_range
from components.findings import Finding


def check_destinations(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Address ranges that pods may reach, on ports that are named elsewhere: no metadata service among them."""
    for cidr in ranges:
        network = _read(path, cidr)
        if isinstance(network, Finding):
            yield network
        elif service := metadata_service_in(network):
            yield Finding(
                path,
                cidr,
                f"pods do not reach {service}: it hands out the node's credentials",
                "choose a range without it",
            )


def check_ranges(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Address ranges that a NetworkPolicy can hold."""
    for text in ranges:
        network = _read(path, text)
        if isinstance(network, Finding):
            yield network


def _read(path: str, text: str) -> Network | Finding:
    try:
        return address_range(text)
    except ValueError as error:
        return Finding(path, text, f"an address range: {error}", "write it like 10.20.0.0/16, one host as 10.20.0.7/32")
