"""Selection of the nodes for accelerator software: those of the pools with such devices. Pure.

Every pool has one owner for each piece of software, and each function selects pools by one owner: no pool is in two of
`platform_plugin_pools`, `dra_pools` and `operator_pools`.
"""

from typing import Any

from catalog.accelerators import ACCELERATORS, DeviceAllocation, Owner
from catalog.machines import EFA_RESOURCE
from components.capacity.placement import POOL_LABEL, PoolHandle

"""What the EFA device plugin offers (aws/eks-charts stable/aws-efa-k8s-device-plugin)."""
GKE_DRIVER_ROOT = "/home/kubernetes/bin/nvidia"
"""Driver directory of Container-Optimized OS (GKE documentation, GPUs). Without a mount of it NVML is not found and no
metric is exported (dcgm-exporter issues 484, 523, 530)."""


def nvidia_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """The pools whose nodes have NVIDIA devices of the catalogue."""
    return [pool for pool in pools if _vendor(pool) == "NVIDIA"]


def platform_plugin_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """NVIDIA pools on which the platform installs the device plugin; they have no other plugin and no DRA driver."""
    return [pool for pool in nvidia_pools(pools) if _ours(pool, DeviceAllocation.DEVICE_PLUGIN)]


def dra_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """NVIDIA pools on which the platform installs the DRA driver."""
    return [pool for pool in nvidia_pools(pools) if _ours(pool, DeviceAllocation.DRA)]


def operator_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """NVIDIA pools on which the GPU Operator installs software."""
    return [pool for pool in nvidia_pools(pools) if operated(pool)]


def operated(pool: PoolHandle) -> bool:
    """Whether the GPU Operator installs software on that pool."""
    return Owner.OPERATOR in (pool["software"]["driver"], pool["software"]["device_plugin"])


def exporter_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """NVIDIA pools for the platform's DCGM exporter; the GPU Operator installs its own."""
    return [pool for pool in nvidia_pools(pools) if not operated(pool)]


def vendor_plugin_pools(pools: list[PoolHandle], vendor: str) -> list[PoolHandle]:
    """The pools with that vendor's devices on which the platform installs the device plugin."""
    return [pool for pool in pools if _vendor(pool) == vendor and _ours(pool, DeviceAllocation.DEVICE_PLUGIN)]


def custom_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """The pools with devices that are not in the catalogue."""
    named = [pool for pool in pools if pool["capacity"]["accelerator"]]
    return [pool for pool in named if pool["capacity"]["accelerator"] not in ACCELERATORS]


def custom_plugin_pools(pools: list[PoolHandle], resource_name: str) -> list[PoolHandle]:
    """Pools with that extended resource, not in the catalogue, on which the platform installs the device plugin."""
    ours = [pool for pool in custom_pools(pools) if _ours(pool, DeviceAllocation.DEVICE_PLUGIN)]
    return [pool for pool in ours if resource_name in pool["capacity"]["units_per_node"]]


def custom_resources(pools: list[PoolHandle]) -> list[str]:
    """The extended resources that are not in the catalogue."""
    return sorted({name for pool in custom_pools(pools) for name in pool["capacity"]["units_per_node"]})


def efa_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """The pools whose nodes have network interfaces that programs use directly (EFA)."""
    return [pool for pool in pools if EFA_RESOURCE in pool["placement"]["fabric"]]


def accelerator_charts(pools: list[PoolHandle]) -> list[str]:
    """The charts that the accelerators of these pools need, by the name of `versions.CHARTS`."""
    wanted = {
        "aws-efa-k8s-device-plugin": efa_pools(pools),
        "dcgm-exporter": exporter_pools(pools),
        "dra-driver-nvidia-gpu": dra_pools(pools),
        "gpu-operator": operator_pools(pools),
        "nvidia-device-plugin": platform_plugin_pools(pools),
    }
    return [chart for chart, theirs in wanted.items() if theirs]


def _ours(pool: PoolHandle, device_allocation: DeviceAllocation) -> bool:
    software = pool["software"]
    return software["device_plugin"] == Owner.PLATFORM and software["device_allocation"] == device_allocation


def _vendor(pool: PoolHandle) -> str:
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    return accelerator.vendor if accelerator else ""


def affinity_to(pools: list[PoolHandle]) -> dict[str, Any]:
    """For `spec.affinity`: only the nodes of these pools, by the pool label of their handles.

    The labels of Node Feature Discovery, which charts select, are not used: they are set late, and only while its
    workers run. The accelerator's labels are not used either: on an existing cluster GPU Feature Discovery sets them,
    and it is scheduled by the same selection.
    """
    names = sorted(pool["placement"]["pool"] for pool in pools)
    term = {"matchExpressions": [{"key": POOL_LABEL, "operator": "In", "values": names}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
