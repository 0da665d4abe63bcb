"""Rules on the software for accelerators: its owners and its pools."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.accelerators import Owner, Sharing
from components.addons.accelerator_nodes import nvidia_pools, operated, operator_pools
from components.base.grammar import (
    API_RESOURCE,
    ENVIRONMENT_NAME,
    EXTENDED_RESOURCE,
    HOST_PATH,
    VERB,
    check_keys,
    check_text,
    check_texts,
)
from components.base.images import check_image
from components.capacity.placement import PoolHandle, sharing_of
from components.findings import Finding


def check_gpu_operator(path: str, pools: list[PoolHandle], driver_version: str = "") -> Iterator[Finding]:
    """The GPU Operator manages all nodes with an NVIDIA device in the same way."""
    theirs = operator_pools(pools)
    if not theirs:
        yield Finding(
            f"{path}.pools",
            "no pool with driver or devicePlugin operator",
            "the GPU Operator needs a pool whose driver or device plugin it installs",
            "remove it from the add-ons, or write devicePlugin: operator for the pools with NVIDIA devices",
        )
        return
    for pool in nvidia_pools(pools):
        if not operated(pool):
            yield Finding(
                f"{path}.pools.{_name(pool)}",
                f"driver {pool['software']['driver']}, device plugin {pool['software']['device_plugin']}",
                "the GPU Operator runs on every node with an NVIDIA device, also next to another device plugin",
                "write devicePlugin: operator for this pool too, or for no pool",
            )
    drivers = {pool["software"]["driver"] == Owner.OPERATOR for pool in theirs}
    if len(drivers) > 1:
        yield Finding(
            f"{path}.pools",
            _listed("driver", theirs),
            "the operator installs the driver on all of its nodes or on none",
            "write driver: operator for all of them (nodes with a driver keep theirs), or for none",
        )
    mechanisms = {pool["software"]["device_allocation"] for pool in theirs}
    if len(mechanisms) > 1:
        yield Finding(
            f"{path}.pools",
            _listed("device_allocation", theirs),
            "the operator installs its device plugin on all of its nodes or on none",
            "use one mechanism for all of them",
        )
    shared = {sharing_of(pool["capacity"])["strategy"] for pool in theirs}
    if {Sharing.MIG, Sharing.MPS} <= shared:
        yield Finding(
            f"{path}.pools",
            ", ".join(f"{_name(pool)}: {sharing_of(pool['capacity'])['strategy']}" for pool in theirs),
            "the operator has one MIG strategy for all of its nodes, and the device plugin refuses `mixed` with MPS",
            "use another sharing strategy on one kind of pool, or write devicePlugin: platform for every NVIDIA pool",
        )
    if driver_version and True not in drivers:
        yield Finding(
            f"{path}.driverVersion",
            driver_version,
            "only if the operator installs the driver",
            "remove it, or write driver: operator for the pools",
        )


def check_dra_driver(path: str, dra: list[PoolHandle]) -> Iterator[Finding]:
    """The DRA driver has a pool with deviceAllocation dra and unshared devices."""
    yield from check_nvidia_pools(path, dra, "the DRA driver (deviceAllocation dra, installed by the platform)")


def check_efa_pools(path: str, efa: list[PoolHandle]) -> Iterator[Finding]:
    """The EFA device plugin has a pool whose nodes have EFA interfaces."""
    if not efa:
        yield Finding(
            f"{path}.pools",
            "no pool with EFA interfaces",
            "the EFA device plugin runs only on nodes with EFA interfaces",
            "remove it from the add-ons, or set efa on a pool whose machines have it",
        )


def _name(pool: PoolHandle) -> str:
    return pool["capacity"]["pool"]


def _listed(key: str, pools: list[PoolHandle]) -> str:
    return ", ".join(f"{_name(pool)}: {pool['software'][key]}" for pool in pools)  # type: ignore[literal-required]


def check_nvidia_pools(path: str, nvidia: list[PoolHandle], what: str) -> Iterator[Finding]:
    """Software for NVIDIA devices has a pool with such devices."""
    if not nvidia:
        yield Finding(
            f"{path}.pools",
            "no pool with NVIDIA devices",
            f"{what} runs only on nodes with NVIDIA devices",
            "remove it from the add-ons, or add a pool with an NVIDIA accelerator",
        )


def check_plugin_pools(path: str, resource_name: str, pools: list[PoolHandle]) -> Iterator[Finding]:
    """The pools of a device plugin have its extended resource."""
    if not pools:
        yield Finding(f"{path}.pools", "(none)", "a device plugin runs on at least one pool", "name the pools")
    for pool in pools:
        offered = pool["capacity"]["units_per_node"]
        if resource_name not in offered:
            yield Finding(
                f"{path}.pools",
                f"{pool['capacity']['pool']} offers {', '.join(sorted(offered)) or 'no devices'}",
                f"every pool of this plugin must offer {resource_name}",
                "give the pool a customAccelerator with that resource name, or remove the pool",
            )


def check_device_plugin(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Rules on a device plugin: its image is pinned, its resource name, host paths and API permissions are valid."""
    yield from check_image(f"{path}.image", args["image"])
    yield from check_text(f"{path}.resourceName", args["resource_name"], EXTENDED_RESOURCE)
    yield from check_keys(f"{path}.environment", args.get("environment") or {}, ENVIRONMENT_NAME)
    if args.get("node_name_variable"):
        yield from check_text(f"{path}.nodeNameVariable", args["node_name_variable"], ENVIRONMENT_NAME)
    if args.get("socket_directory"):
        yield from check_text(f"{path}.socketDirectory", args["socket_directory"], HOST_PATH)
    for index, host in enumerate(args.get("host_paths") or []):
        yield from check_text(f"{path}.hostPaths[{index}].path", host["path"], HOST_PATH)
    for index, rule in enumerate(args.get("api_rules") or []):
        yield from check_texts(f"{path}.apiRules[{index}].resources", rule["resources"], API_RESOURCE)
        yield from check_texts(f"{path}.apiRules[{index}].verbs", rule["verbs"], VERB)
