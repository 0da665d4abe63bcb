"""Rules on the owners of driver and device plugin on existing nodes."""

from collections.abc import Iterator

from catalog.accelerators import LAST_BRANCH_BEFORE_TURING, Accelerator, DeviceAllocation, Owner
from components.findings import Finding


def check_software(
    path: str, *, driver: Owner, device_plugin: Owner, device_allocation: DeviceAllocation, accelerator: Accelerator
) -> Iterator[Finding]:
    """Owners of the software of an existing pool: exactly one for each piece, and a supported combination."""
    if driver not in (Owner.FOUND, Owner.IMAGE, Owner.OPERATOR):
        yield Finding(
            f"{path}.driver",
            driver,
            "found, image or operator: nothing else installs a driver on existing nodes",
            "use found if the nodes have one, operator if NVIDIA's GPU Operator should install it",
        )
    if device_plugin not in (Owner.PLATFORM, Owner.OPERATOR, Owner.FOUND):
        yield Finding(
            f"{path}.devicePlugin",
            device_plugin,
            "platform, operator or found",
            "write found if the cluster includes one (managed clouds do)",
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
            "the GPU Operator's driver and the program that validates its nodes (CUDA 13) support no GPU before Turing",
            f"write driver: found (branch {LAST_BRANCH_BEFORE_TURING} is the last for {accelerator.name}) and "
            "devicePlugin: platform, for every NVIDIA pool of this cluster",
        )
    if driver == Owner.OPERATOR and device_plugin == Owner.FOUND:
        yield Finding(
            f"{path}.devicePlugin",
            "found, and driver: operator",
            "the GPU Operator installs its own device plugin with the driver, so nodes would have two",
            "write devicePlugin: operator and remove the existing device plugin, or write driver: found",
        )
    if (
        device_allocation == DeviceAllocation.DEVICE_PLUGIN
        and driver == Owner.OPERATOR
        and device_plugin == Owner.PLATFORM
    ):
        yield Finding(
            f"{path}.devicePlugin",
            "platform, and driver: operator",
            "a GPU Operator that installs the driver installs its device plugin too, so nodes would have two",
            "write devicePlugin: operator",
        )
    if device_allocation == DeviceAllocation.DRA and device_plugin == Owner.OPERATOR:
        yield Finding(
            f"{path}.devicePlugin",
            "operator, and deviceAllocation: dra",
            "a node cannot have both the operator's device plugin and DRA",
            "write devicePlugin: platform (DRA driver), with driver: operator if the operator should install it",
        )
