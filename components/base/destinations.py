"""Address ranges that pods may reach."""

from collections.abc import Iterator, Sequence

from catalog.addresses import METADATA_PORTS, Network, metadata_service_in
from components.base.grammar import address_range
from components.findings import Finding


def check_destinations(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Address ranges that pods may reach, on ports that are set elsewhere: none contains the metadata service."""
    for index, cidr in enumerate(ranges):
        yield from check_destination(f"{path}[{index}]", cidr)


def check_destination(path: str, cidr: str) -> Iterator[Finding]:
    """One such range."""
    network = _read(path, cidr)
    if isinstance(network, Finding):
        yield network
    elif service := metadata_service_in(network):
        rule = f"pods must not reach {service}: it serves the node's credentials"
        yield Finding(path, cidr, rule, "choose a range without it")


def check_ranges(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Address ranges that are valid in a NetworkPolicy."""
    for index, text in enumerate(ranges):
        network = _read(f"{path}[{index}]", text)
        if isinstance(network, Finding):
            yield network


def _read(path: str, text: str) -> Network | Finding:
    try:
        return address_range(text)
    except ValueError as error:
        return Finding(path, text, f"an address range: {error}", "write it like 10.20.0.0/16, one host as 10.20.0.7/32")


def check_api_server_ports(path: str, ports: Sequence[int], service_port: int) -> Iterator[Finding]:
    """Ports on which pods may reach every destination, to reach the API server; its Service port is one of them."""
    if service_port not in ports and all(0 < port < 2**16 for port in ports):
        yield Finding(
            path,
            ", ".join(map(str, ports)) or "(none)",
            f"some CNIs see the port of the Service of the API server, which is {service_port}",
            f"add {service_port}",
        )
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        if not 0 < port < 2**16:
            yield Finding(here, str(port), "a TCP port must be a number from 1 to 65535", "write a number like 16443")
        elif port in METADATA_PORTS:
            yield Finding(
                here,
                str(port),
                "pods must not reach the metadata service, which serves the node's credentials on this port",
                "make the API server listen on another port",
            )
        elif port in ports[:index]:
            yield Finding(here, str(port), "ports must be unique", "remove it")
