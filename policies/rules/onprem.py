"""Rules on what a cluster without a cloud needs: who owns accelerators, where addresses and volumes come from."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import PurePosixPath
from typing import Any

from components.addons.accelerator_nodes import nvidia_pools, operated, operator_pools
from components.catalog import LAST_BRANCH_BEFORE_TURING, Accelerator, DeviceMechanism, Owner, Sharing
from components.placement import PoolHandle, sharing_of
from components.stores import Encryption
from policies.rules.addons import check_nvidia_pools, check_ranges
from policies.rules.finding import Finding
from policies.rules.grammar import (
    HOST,
    HOST_PATH,
    INTERFACE,
    MOUNT_PATH,
    QUALIFIED_NAME,
    address_range,
    check_text,
    check_texts,
)

Address = IPv4Address | IPv6Address


def check_gpu_operator(path: str, pools: list[PoolHandle], driver_version: str = "") -> Iterator[Finding]:
    """The operator owns every node with an NVIDIA device, in the same way."""
    theirs = operator_pools(pools)
    if not theirs:
        yield Finding(
            f"{path}.pools",
            "no pool that says operator",
            "the GPU Operator serves pools whose driver or device plugin it brings",
            "leave it out of the add-ons, or write devicePlugin: operator for the pools with NVIDIA devices",
        )
        return
    for pool in nvidia_pools(pools):
        if not operated(pool):
            yield Finding(
                f"{path}.pools.{_name(pool)}",
                f"driver {pool['software']['driver']}, device plugin {pool['software']['device_plugin']}",
                "the GPU Operator runs on every node with an NVIDIA device, also where another device plugin does",
                "write devicePlugin: operator for this pool too, or for no pool",
            )
    drivers = {pool["software"]["driver"] == Owner.OPERATOR for pool in theirs}
    if len(drivers) > 1:
        yield Finding(
            f"{path}.pools",
            _listed("driver", theirs),
            "one setting of the operator brings the driver to all of its nodes or to none",
            "write driver: operator for all of them (nodes with a driver keep theirs), or for none",
        )
    mechanisms = {pool["software"]["mechanism"] for pool in theirs}
    if len(mechanisms) > 1:
        yield Finding(
            f"{path}.pools",
            _listed("mechanism", theirs),
            "one setting of the operator brings its device plugin to all of its nodes or to none",
            "use one mechanism for all of them",
        )
    shared = {sharing_of(pool["capacity"])["strategy"] for pool in theirs}
    if {Sharing.MIG, Sharing.MPS} <= shared:
        yield Finding(
            f"{path}.pools",
            ", ".join(f"{_name(pool)}: {sharing_of(pool['capacity'])['strategy']}" for pool in theirs),
            "the operator has one MIG strategy for all of its nodes, and the device plugin refuses `mixed` with MPS",
            "share the devices of one kind of pool another way, or write devicePlugin: platform for every NVIDIA pool",
        )
    if driver_version and True not in drivers:
        yield Finding(
            f"{path}.driverVersion",
            driver_version,
            "only where the operator brings the driver",
            "remove it, or write driver: operator for the pools",
        )


def check_dra_driver(path: str, dra: list[PoolHandle]) -> Iterator[Finding]:
    """The DRA driver has a pool that asks by claim, and devices that are whole."""
    yield from check_nvidia_pools(path, dra, "the DRA driver (mechanism dra, brought by the platform)")


def check_efa_pools(path: str, efa: list[PoolHandle]) -> Iterator[Finding]:
    """The EFA device plugin has a pool whose nodes have such interfaces."""
    if not efa:
        yield Finding(
            f"{path}.pools",
            "no pool with EFA interfaces",
            "the EFA device plugin runs on nodes that have them, and on no others",
            "leave it out of the add-ons, or set efa on a pool whose machines have it",
        )


def check_address_ranges(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """Ranges that MetalLB can give out: addresses of hosts, none in two ranges."""
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
                "addresses that hosts of the local network can have",
                "use a part of the network's own range that its DHCP server leaves alone",
            )
        for other, start, end in known:
            if start.version == first.version and int(first) <= int(end) and int(start) <= int(last):
                yield Finding(path, text, f"no address in two ranges, and {other} has some of these", "join the two")
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


def check_host_paths(path: str, paths: Sequence[str]) -> Iterator[Finding]:
    """Directories of a node that volumes may fill."""
    if not paths:
        yield Finding(path, "(none)", "at least one directory of the nodes", "write one like /var/lib/local-volumes")
    for text in paths:
        parsed = PurePosixPath(text)
        if not HOST_PATH.accepts(text) or len(parsed.parts) < 3:
            yield Finding(
                path,
                text,
                "an absolute directory, two levels deep at least: teams fill it, and it is emptied",
                "write one like /var/lib/local-volumes, on a disk of its own",
            )


def check_encryption(path: str, encryption: str) -> Iterator[Finding]:
    """What encrypts volumes at rest, of drivers that take no parameter for it."""
    known = [each.value for each in Encryption if each is not Encryption.PARAMETER]
    if encryption not in known:
        yield Finding(
            f"{path}.encryption",
            encryption or "(none)",
            f"volumes are encrypted at rest, by one of: {', '.join(known)}",
            "write storage-system for an array or filer, node-disk for LUKS on every node",
        )


def check_nfs(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """An export that can be mounted."""
    server, share = args["server"], args["share"]
    if not HOST.accepts(server) or ":" in server:
        yield Finding(
            f"{path}.server",
            server or "(missing)",
            "a host name or an address, without a scheme, a port or a path",
            "write it like filer.example.com",
        )
    if not MOUNT_PATH.accepts(share):
        yield Finding(
            f"{path}.share", share or "(missing)", "the absolute path of an export", "write it like /exports/ml"
        )
    if args.get("kubelet_directory"):
        yield from check_text(f"{path}.kubeletDirectory", args["kubelet_directory"], HOST_PATH)
    yield from check_encryption(path, args["encryption"])


def check_metallb(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Ranges that can be given out, on interfaces and to a class that can be."""
    yield from check_address_ranges(f"{path}.addresses", args["addresses"])
    yield from check_texts(f"{path}.interfaces", args.get("interfaces") or [], INTERFACE)
    yield from check_ranges(f"{path}.controlPlaneRanges", args.get("control_plane_ranges") or [])
    if args.get("load_balancer_class"):
        yield from check_text(f"{path}.loadBalancerClass", args["load_balancer_class"], QUALIFIED_NAME)


def _name(pool: PoolHandle) -> str:
    return pool["capacity"]["pool"]


def _listed(key: str, pools: list[PoolHandle]) -> str:
    return ", ".join(f"{_name(pool)}: {pool['software'][key]}" for pool in pools)  # type: ignore[literal-required]


def check_software(
    path: str, *, driver: Owner, device_plugin: Owner, mechanism: DeviceMechanism, accelerator: Accelerator
) -> Iterator[Finding]:
    """Who brings what to a pool that somebody else made: exactly one for each piece, and together they work."""
    if driver not in (Owner.FOUND, Owner.IMAGE, Owner.OPERATOR):
        yield Finding(
            f"{path}.driver",
            driver,
            "found, image or operator: nobody else brings a driver to nodes that are there already",
            "write found where the nodes have one, operator where NVIDIA's GPU Operator should install it",
        )
    if device_plugin not in (Owner.PLATFORM, Owner.OPERATOR, Owner.FOUND):
        yield Finding(
            f"{path}.devicePlugin",
            device_plugin,
            "platform, operator or found",
            "write found where the cluster brings one by itself (a managed cloud does)",
        )
    operated = f"{path}.{'driver' if driver == Owner.OPERATOR else 'devicePlugin'}"
    if Owner.OPERATOR in (driver, device_plugin) and accelerator.vendor != "NVIDIA":
        yield Finding(
            operated,
            "operator",
            "the GPU Operator is for NVIDIA devices",
            "write found, or for the device plugin platform",
        )
    elif Owner.OPERATOR in (driver, device_plugin) and accelerator.before_turing:
        # v26.7.0: driver 595; its validator runs vectorAdd of cuda-samples 13.2 (docker/Dockerfile), built from 7.5 on.
        yield Finding(
            operated,
            f"operator on {accelerator.name}",
            "the GPU Operator's driver and the program that validates its nodes (CUDA 13) know no GPU before Turing",
            f"write driver: found (branch {LAST_BRANCH_BEFORE_TURING} is the last for {accelerator.name}) and "
            "devicePlugin: platform, for every NVIDIA pool of this cluster",
        )
    if driver == Owner.OPERATOR and device_plugin == Owner.FOUND:
        yield Finding(
            f"{path}.devicePlugin",
            "found, and driver: operator",
            "the GPU Operator brings its own device plugin with the driver: there would be two",
            "write devicePlugin: operator and remove the one that is there, or driver: found",
        )
    if mechanism == DeviceMechanism.DEVICE_PLUGIN and driver == Owner.OPERATOR and device_plugin == Owner.PLATFORM:
        yield Finding(
            f"{path}.devicePlugin",
            "platform, and driver: operator",
            "who lets the GPU Operator bring the driver gets its device plugin too: there would be two",
            "write devicePlugin: operator",
        )
    if mechanism == DeviceMechanism.DRA and device_plugin == Owner.OPERATOR:
        yield Finding(
            f"{path}.devicePlugin",
            "operator, and mechanism: dra",
            "the operator's device plugin and DRA do not share a node",
            "write devicePlugin: platform (our DRA driver), with driver: operator if it should bring that",
        )
