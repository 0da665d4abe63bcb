"""The plan of a GKE node pool, from plain data. Pure: no Pulumi package, no unknown values.

Blocks are dicts with the names of the SDK's arguments; a test compares them with the SDK and with Google's API.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from catalog.accelerators import ClusterKind, DeviceAllocation, Purchase
from catalog.machines import MACHINES, Machine
from components.capacity.placement import (
    PURCHASE_LABEL,
    SLICE_LABEL,
    NodeSoftware,
    PoolArgs,
    PoolHandle,
    Taint,
    plan_pool,
)
from components.capacity.sharing import SharingArgs
from components.clouds.gke.node_plan import (
    cloud_taints,
    fixed_part,
    hosts_of,
    own_labels,
    plan_node_config,
    run_hours,
    software_of,
    topology_of,
)
from components.clouds.gke.spec import GkePoolSpec, GkePurchase, GpuDriverVersion
from components.clouds.gke.tables import (
    DRA_LABELS,
    DYNAMIC,
    FLEX_START_LABEL,
    MAX_POOL_NAME,
    SCARCE_DEVICES,
    WORKLOAD_POLICY_ACCELERATORS,
)


@dataclass(frozen=True)
class GkeGroup:
    """One node pool of GKE: all nodes of a pool, or one slice of it."""

    role: str
    """Last part of the child's name."""
    name: str
    """Name in GKE. It changes with the immutable values, so that the new node pool exists before the old one is
    deleted."""
    labels: dict[str, str]
    initial_nodes_per_zone: int
    autoscaling: dict[str, Any] | None
    """None: a fixed number of nodes."""


@dataclass(frozen=True)
class GkePoolPlan:
    """The plan of everything that a pool declares."""

    handle: PoolHandle
    groups: tuple[GkeGroup, ...]
    node_config: dict[str, Any]
    """Without labels (each group has its own) and service account (of the cluster)."""
    node_locations: tuple[str, ...]
    placement_policy: dict[str, Any] | None
    workload_topology: str
    """Topology of the workload policy to create; empty: none."""
    management: dict[str, bool]
    upgrade_settings: dict[str, Any] | None
    """None: GKE supports only one strategy (flex-start)."""
    queued: bool


def bounded(stem: str, limit: int) -> str:
    """The stem; if it is too long, its start and a digest of the whole."""
    if len(stem) <= limit:
        return stem
    return f"{stem[: limit - 9].rstrip('-')}-{_digest(stem, 8)}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


_HANDLE_PURCHASE = {GkePurchase.SPOT: Purchase.SPOT, GkePurchase.RESERVED: Purchase.RESERVED}
"""The others are never preempted; flex-start and queued nodes have a lifetime, which the handle contains."""


def _handle(
    name: str,
    machine: Machine,
    topology: str,
    purchase: GkePurchase,
    nodes: tuple[int, int],
    extra: list[Taint],
    software: NodeSoftware,
    sharing: SharingArgs,
) -> tuple[PoolHandle, dict[str, str]]:
    """The handle of a pool and all labels of its nodes; `extra` are taints in addition to the device's and spot's."""
    args = PoolArgs(
        accelerator=machine.accelerator,
        nodes_min=nodes[0],
        nodes_max=nodes[1],
        purchase=_HANDLE_PURCHASE.get(purchase, Purchase.ON_DEMAND),
        cpu_per_node=machine.cpu,
        memory_gib_per_node=machine.memory_gib,
        taints=extra,
    )
    if machine.accelerator:
        args |= PoolArgs(devices_per_node=machine.devices, sharing=sharing, topology=topology, nodes_max=nodes[1])
    handle, labels, _ = plan_pool(name, args, ClusterKind.GKE, software)
    return handle, {**labels, PURCHASE_LABEL: purchase.value}


def plan_gke_pool(name: str, spec: GkePoolSpec, cluster_zones: list[str]) -> GkePoolPlan:
    """The plan of one pool of a Standard cluster. `check_gke_pool` has validated its arguments."""
    machine = MACHINES[spec["machine"]]
    purchase = GkePurchase(spec.get("purchase") or GkePurchase.ON_DEMAND)
    device_allocation = DeviceAllocation(spec.get("device_allocation") or DeviceAllocation.DEVICE_PLUGIN)
    software = software_of(device_allocation, own_driver=spec.get("driver_version") == GpuDriverVersion.DISABLED)
    topology, hosts = topology_of(machine, spec.get("topology")), hosts_of(machine, spec.get("topology"))
    zones = tuple(spec.get("zones") or cluster_zones)
    nodes = int(spec["nodes_min"]), int(spec["nodes_max"])
    taints = list(spec.get("taints") or [])
    handle, labels = _handle(
        name,
        machine,
        topology,
        purchase,
        nodes,
        [*taints, *cloud_taints(machine, purchase)],
        software,
        spec.get("sharing") or SharingArgs(),
    )
    declared = own_labels({**(spec.get("labels") or {}), **labels})
    if device_allocation is DeviceAllocation.DRA:
        declared |= DRA_LABELS
    if purchase in DYNAMIC:
        handle["placement"]["max_run_hours"] = run_hours(spec.get("max_run_hours"))
    if purchase is GkePurchase.QUEUED:
        handle["placement"]["queued"] = True
        handle["placement"]["node_selector"][FLEX_START_LABEL] = "true"
    node_config = plan_node_config(machine, spec, purchase, software, taints)
    by_policy = hosts > 1 and machine.accelerator in WORKLOAD_POLICY_ACCELERATORS
    return GkePoolPlan(
        handle=handle,
        groups=_groups(name, spec, nodes, hosts, len(zones), purchase, declared),
        node_config=node_config,
        node_locations=zones,
        placement_policy=_placement_policy(spec, topology, hosts, by_policy=by_policy),
        workload_topology=topology if by_policy else "",
        management={"auto_repair": purchase not in DYNAMIC, "auto_upgrade": True},
        upgrade_settings=_upgrade_settings(machine, purchase),
        queued=purchase is GkePurchase.QUEUED,
    )


def _placement_policy(spec: GkePoolSpec, topology: str, hosts: int, *, by_policy: bool) -> dict[str, Any] | None:
    if by_policy:
        return {"type": "COMPACT"}
    if hosts > 1:
        return {"type": "COMPACT", "tpu_topology": topology}
    return {"type": "COMPACT"} if spec.get("compact") else None


def _upgrade_settings(machine: Machine, purchase: GkePurchase) -> dict[str, Any] | None:
    if purchase in DYNAMIC:
        return None
    spare = purchase is GkePurchase.ON_DEMAND and machine.devices < SCARCE_DEVICES and not machine.topology
    return {"strategy": "SURGE", "max_surge": int(spare), "max_unavailable": int(not spare)}


def cloud_pool_name(stem: str, spec: GkePoolSpec) -> str:
    """Name of a node pool in GKE; it changes with the immutable values."""
    digest = _digest(json.dumps(fixed_part(spec), sort_keys=True), 6)
    return f"{bounded(stem, MAX_POOL_NAME - 7)}-{digest}"


def _groups(
    name: str,
    spec: GkePoolSpec,
    nodes: tuple[int, int],
    hosts: int,
    zones: int,
    purchase: GkePurchase,
    labels: dict[str, str],
) -> tuple[GkeGroup, ...]:
    nodes_min, nodes_max = nodes
    anywhere = purchase in (GkePurchase.SPOT, *DYNAMIC)
    if hosts == 1:
        autoscaling = {
            "total_min_node_count": nodes_min,
            "total_max_node_count": nodes_max,
            "location_policy": "ANY" if anywhere else "BALANCED",
        }
        initial = initial_per_zone(nodes_min, nodes_max, zones)
        return (GkeGroup("nodes", cloud_pool_name(name, spec), labels, initial, autoscaling),)
    groups = []
    for index in range(nodes_max // hosts):
        stays = index < nodes_min // hosts
        slice_name = f"{name}-{index}"
        groups.append(
            GkeGroup(
                role=f"slice-{index}",
                name=cloud_pool_name(slice_name, spec),
                labels={**labels, SLICE_LABEL: slice_name},
                initial_nodes_per_zone=hosts if stays else 0,
                # GKE scales all hosts of a slice together.
                autoscaling=None
                if stays
                else {
                    "min_node_count": 0,
                    "max_node_count": hosts,
                    "location_policy": "ANY" if anywhere else "BALANCED",
                },
            )
        )
    return tuple(groups)


def initial_per_zone(nodes_min: int, nodes_max: int, zones: int) -> int:
    """Initial number of nodes in each zone: enough for the minimum, but not more than the maximum in total.

    GKE counts by zone here, and in all zones together for autoscaling.
    """
    enough = -(-nodes_min // zones)
    return enough if enough * zones <= nodes_max else nodes_min // zones
