"""Which nodes the software of accelerators runs on: those of the pools that carry such devices. Pure."""

from typing import Any

from components.catalog import ACCELERATORS, DeviceMechanism, Owner
from components.placement import PoolHandle


def nvidia_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """The pools whose nodes carry NVIDIA devices of the catalogue."""
    return [pool for pool in pools if _vendor(pool) == "NVIDIA"]


def platform_plugin_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """Those of them to which we bring the device plugin: nobody else does, and pods do not claim their devices."""
    return [
        pool
        for pool in nvidia_pools(pools)
        if pool["software"]["device_plugin"] == Owner.PLATFORM
        and pool["software"]["mechanism"] == DeviceMechanism.DEVICE_PLUGIN
    ]


def claimed_pools(pools: list[PoolHandle]) -> list[PoolHandle]:
    """Those of them whose devices pods claim (DRA)."""
    return [pool for pool in pools if pool["software"]["mechanism"] == DeviceMechanism.DRA]


def _vendor(pool: PoolHandle) -> str:
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    return accelerator.vendor if accelerator else ""


def affinity_to(pools: list[PoolHandle]) -> dict[str, Any]:
    """For `spec.affinity`: the nodes of these pools and no others, by the labels that each pool hands out.

    Not by the labels of Node Feature Discovery, as charts do: they come late, and never while its workers do not run.
    """
    terms = [
        {
            "matchExpressions": [
                {"key": key, "operator": "In", "values": [value]}
                for key, value in sorted(pool["placement"]["node_selector"].items())
            ]
        }
        for pool in sorted(pools, key=lambda pool: pool["placement"]["pool"])
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}
