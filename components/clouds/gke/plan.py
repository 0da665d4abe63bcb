"""What node pools of GKE become, decided from plain data. Pure: no Pulumi package, nothing unknown.

Blocks are dicts with the names of the SDK's arguments; a test holds them against the SDK and against Google's API.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Owner, Purchase, Sharing, topology_chips
from catalog.machines import MACHINES, Architecture, Machine
from components.capacity.placement import (
    PURCHASE_LABEL,
    SLICE_LABEL,
    SPOT_TAINT,
    NodeSoftware,
    PoolArgs,
    PoolHandle,
    SharingArgs,
    Taint,
    plan_pool,
)
from components.clouds.gke.spec import (
    DEFAULT_DISK_GIB,
    MAX_RUN_HOURS,
    GkeMode,
    GkePoolSpec,
    GkePurchase,
    GpuDriverVersion,
)

GCP_LABELS = {"managed-by": "mlplatform"}
"""On everything in Google Cloud that can have labels."""
CLOUD_LABEL_DOMAIN = "cloud.google.com"
"""GKE sets the labels of this domain itself and refuses most of them from others."""
MAX_POOL_NAME = 40
"""Characters of the name of a cluster or node pool (GKE API)."""
MAX_ACCOUNT_ID = 30
"""Characters of the name of a service account (IAM API)."""
QUEUED_TAINT = Taint(key="cloud.google.com/gke-queued", value="true", effect="NoSchedule")
"""GKE sets it on pools with queued provisioning."""
FLEX_START_LABEL = "cloud.google.com/gke-flex-start"
"""GKE sets it on nodes of the Dynamic Workload Scheduler; pods of a ProvisioningRequest select it (GKE documentation,
how-to/provisioningrequest)."""
ARM_TAINT = Taint(key="kubernetes.io/arch", value="arm64", effect="NoSchedule")
"""GKE sets it on nodes with Arm processors, so that images for others do not start there."""
DRA_LABELS = {"gke-no-default-nvidia-gpu-device-plugin": "true", "nvidia.com/gpu.present": "true"}
"""No device plugin of GKE's, and where the DRA driver runs (GKE documentation, how-to/set-up-dra)."""
WORKLOAD_POLICY_ACCELERATORS = frozenset({"TPU-v7x"})
"""Their slices are shaped by a workload policy instead of a topology of the pool (GKE documentation, tpu7x)."""
SINCE_VERSION: dict[str, dict[GkeMode, str]] = {
    "TPU-v7x": {GkeMode.STANDARD: "1.34.0-gke.2201000", GkeMode.AUTOPILOT: "1.34.1-gke.3084001"}
}
"""Accelerator -> the first version of GKE that has it (GKE documentation, tpu-ironwood). Others: not looked up."""
TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Kubernetes -> API of GKE."""
SHARING_STRATEGIES = {Sharing.TIME_SLICING: "TIME_SHARING", Sharing.MPS: "MPS"}
LOCAL_SSD_CHOICES: dict[str, tuple[int, ...]] = {
    "g2-standard-4": (1,),
    "g2-standard-8": (1,),
    "g2-standard-12": (1,),
    "g2-standard-16": (1,),
    "g2-standard-24": (2,),
    "g2-standard-32": (1,),
    "g2-standard-48": (4,),
    "g2-standard-96": (8,),
    "a2-highgpu-1g": (1, 2, 4, 8),
    "a2-highgpu-2g": (2, 4, 8),
    "a2-highgpu-4g": (4, 8),
    "a2-highgpu-8g": (8,),
    "n2-standard-8": (1, 2, 4, 8, 16, 24),
    "n2-standard-16": (2, 4, 8, 16, 24),
    "n2-standard-32": (4, 8, 16, 24),
}
"""Machine -> how many local SSDs it may have. Not named: none to choose (Compute Engine documentation, local-ssd)."""
SCARCE_DEVICES = 8
"""Machines with as many devices are seldom to be had twice: upgrades take a node away before they add one."""


@dataclass(frozen=True)
class GkeGroup:
    """One node pool of GKE: all nodes of a pool, or one slice of it."""

    role: str
    """Last part of the child's name."""
    name: str
    """In GKE. Changes with what GKE cannot change in place, so that the new one is there before the old one goes."""
    labels: dict[str, str]
    initial_nodes_per_zone: int
    autoscaling: dict[str, Any] | None
    """None: as many nodes as at the start, always."""


@dataclass(frozen=True)
class GkePoolPlan:
    """All that a pool declares."""

    handle: PoolHandle
    groups: tuple[GkeGroup, ...]
    node_config: dict[str, Any]
    """Without labels (each group has its own) and service account (of the cluster)."""
    node_locations: tuple[str, ...]
    placement_policy: dict[str, Any] | None
    workload_topology: str
    """Topology of the workload policy to make; empty: none."""
    management: dict[str, bool]
    upgrade_settings: dict[str, Any] | None
    """None: GKE knows one way only (flex-start)."""
    queued: bool


def bounded(stem: str, limit: int) -> str:
    """The stem, or as much of it as fits with a digest of all of it."""
    if len(stem) <= limit:
        return stem
    return f"{stem[: limit - 9].rstrip('-')}-{_digest(stem, 8)}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def topology_of(machine: Machine, topology: str | None) -> str:
    """Shape of one slice: as written, else the slice that is one machine; empty where there are no slices."""
    return topology or machine.topology


def hosts_of(machine: Machine, topology: str | None) -> int:
    """Machines of one slice; 1 where there are no slices."""
    shape = topology_of(machine, topology)
    return topology_chips(shape) // machine.devices if shape else 1


def topologies_of(machine: Machine) -> list[str]:
    """Slices that a TPU machine can be part of: itself, and on machines with four chips the larger ones."""
    if not machine.topology:
        return []
    table = ACCELERATORS[machine.accelerator].topologies
    larger = [t for t, chips in table.items() if machine.devices == 4 and 4 in chips and topology_chips(t) > 4]
    return [machine.topology, *(t for t in larger if t != machine.topology)]


def software_of(device_allocation: DeviceAllocation, *, own_driver: bool = False) -> NodeSoftware:
    """GKE brings driver and device plugin; with DRA neither: who runs the cluster installs the driver.

    `own_driver`: so it is with the device plugin too (GKE documentation, how-to/gpus, manual installation).
    """
    if device_allocation is DeviceAllocation.DRA:
        return NodeSoftware(driver=Owner.FOUND, device_plugin=Owner.PLATFORM, device_allocation=device_allocation)
    driver = Owner.FOUND if own_driver else Owner.CLOUD
    return NodeSoftware(driver=driver, device_plugin=Owner.CLOUD, device_allocation=device_allocation)


_HANDLE_PURCHASE = {GkePurchase.SPOT: Purchase.SPOT, GkePurchase.RESERVED: Purchase.RESERVED}
"""The others are taken away from nobody while they live; how long flex-start and queued ones do stands beside it."""


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
    """The handle of a pool and all labels of its nodes; `extra` are taints beside the device's and spot's."""
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


def own_labels(labels: dict[str, str]) -> dict[str, str]:
    """Those that we declare: GKE's own domain is GKE's."""
    return {key: value for key, value in labels.items() if key.split("/", 1)[0] != CLOUD_LABEL_DOMAIN}


def plan_gke_pool(name: str, spec: GkePoolSpec, cluster_zones: list[str]) -> GkePoolPlan:
    """Everything about one pool of a Standard cluster. Trusts its arguments: `check_gke_pool` judged them."""
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
        [*taints, *_cloud_taints(machine, purchase)],
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
    node_config = _node_config(machine, spec, purchase, software, taints)
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


DYNAMIC = (GkePurchase.FLEX_START, GkePurchase.QUEUED)
"""Obtained through the Dynamic Workload Scheduler: no repair, one upgrade strategy, no reservation."""


def _cloud_taints(machine: Machine, purchase: GkePurchase) -> list[Taint]:
    """Taints that GKE sets by itself beside the device's: pods tolerate them, we do not declare them."""
    arm = [ARM_TAINT] if machine.architecture is Architecture.ARM64 else []
    return arm + ([QUEUED_TAINT] if purchase is GkePurchase.QUEUED else [])


def _node_config(
    machine: Machine, spec: GkePoolSpec, purchase: GkePurchase, software: NodeSoftware, taints: list[Taint]
) -> dict[str, Any]:
    accelerator = ACCELERATORS[machine.accelerator] if machine.accelerator else None
    gpu = accelerator is not None and not accelerator.is_tpu
    if purchase is GkePurchase.SPOT:
        taints = [Taint(key=SPOT_TAINT, value="true", effect="NoSchedule"), *taints]
    if accelerator and gpu:
        # GKE sets it by itself only where another pool runs already, and a cluster's first pools start together.
        taints = [Taint(key=accelerator.taint_key, value="present", effect="NoSchedule"), *taints]
    config: dict[str, Any] = {
        "machine_type": machine.name,
        "disk_type": machine.boot_disks[0],
        "disk_size_gb": int(spec.get("disk_gib") or DEFAULT_DISK_GIB),
        "image_type": "COS_CONTAINERD",
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "metadata": {"disable-legacy-endpoints": "true"},
        "resource_labels": GCP_LABELS,
        "gvnic": {"enabled": True},
        "gcfs_config": {"enabled": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
        "kubelet_config": {"insecure_kubelet_readonly_port_enabled": "FALSE"},
        # A driver that is not signed by Google is not loaded with secure boot.
        "shielded_instance_config": {
            "enable_secure_boot": software["driver"] is Owner.CLOUD,
            "enable_integrity_monitoring": True,
        },
        "taints": [{"key": t["key"], "value": t["value"], "effect": TAINT_EFFECTS[t["effect"]]} for t in taints],
        **_purchase_config(spec, purchase),
    }
    if gpu:
        config["guest_accelerators"] = [_guest_accelerator(machine, spec, software)]
    ssds = machine.local_ssds or int(spec.get("local_ssds") or 0)
    if ssds:
        config["ephemeral_storage_local_ssd_config"] = {"local_ssd_count": ssds}
    return config


def _purchase_config(spec: GkePoolSpec, purchase: GkePurchase) -> dict[str, Any]:
    if purchase is GkePurchase.SPOT:
        return {"spot": True}
    if purchase is GkePurchase.RESERVED:
        return {
            "reservation_affinity": {
                "consume_reservation_type": "SPECIFIC_RESERVATION",
                "key": "compute.googleapis.com/reservation-name",
                "values": [spec["reservation"]],
            }
        }
    if purchase in DYNAMIC:
        return {
            "flex_start": True,
            "max_run_duration": f"{run_hours(spec.get('max_run_hours')) * 3600}s",
            "reservation_affinity": {"consume_reservation_type": "NO_RESERVATION"},
        }
    return {}


def run_hours(hours: int | None) -> int:
    """Life of a flex-start node."""
    return int(hours or MAX_RUN_HOURS)


def _guest_accelerator(machine: Machine, spec: GkePoolSpec, software: NodeSoftware) -> dict[str, Any]:
    version = GpuDriverVersion(spec.get("driver_version") or GpuDriverVersion.DEFAULT).value.upper()
    guest: dict[str, Any] = {
        "type": gke_accelerator(machine),
        "count": machine.devices,
        "gpu_driver_installation_config": {
            "gpu_driver_version": version if software["driver"] is Owner.CLOUD else "INSTALLATION_DISABLED"
        },
    }
    sharing = spec.get("sharing") or SharingArgs()
    strategy = Sharing(sharing.get("strategy") or Sharing.EXCLUSIVE)
    if strategy is Sharing.MIG:
        guest["gpu_partition_size"] = next(iter(sharing["mig_profiles"]))
    elif strategy in SHARING_STRATEGIES:
        guest["gpu_sharing_config"] = {
            "gpu_sharing_strategy": SHARING_STRATEGIES[strategy],
            "max_shared_clients_per_gpu": int(sharing["replicas"]),
        }
    return guest


def gke_accelerator(machine: Machine) -> str:
    """The name that GKE gives to the devices of a machine, also on its nodes' labels."""
    return next(iter(ACCELERATORS[machine.accelerator].node_labels[ClusterKind.GKE].values()))


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


def fixed_part(spec: GkePoolSpec) -> dict[str, Any]:
    """What GKE, or the provider, cannot change on a node pool that exists.

    Sizes, zones, disk size, labels, taints and upgrade settings are changed in place.
    """
    machine = MACHINES[spec["machine"]]
    sharing = spec.get("sharing") or SharingArgs()
    return {
        "machine": machine.name,
        "topology": topology_of(machine, spec.get("topology")),
        "purchase": str(spec.get("purchase") or GkePurchase.ON_DEMAND),
        "reservation": spec.get("reservation") or "",
        "sharing": [
            str(sharing.get("strategy") or Sharing.EXCLUSIVE),
            int(sharing.get("replicas") or 0),
            sorted(sharing.get("mig_profiles") or {}),
        ],
        "driver": str(spec.get("driver_version") or GpuDriverVersion.DEFAULT),
        # The key of before 0.1.0: names of pools that exist end in a digest of this.
        "mechanism": str(spec.get("device_allocation") or DeviceAllocation.DEVICE_PLUGIN),
        "local_ssds": int(spec.get("local_ssds") or 0),
        "max_run_hours": int(spec.get("max_run_hours") or 0),
        "compact": bool(spec.get("compact")),
    }


def cloud_pool_name(stem: str, spec: GkePoolSpec) -> str:
    """Name of a node pool in GKE: another one for what cannot be changed in place."""
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
                # All hosts or none: GKE scales a slice as one.
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
    """Nodes that GKE starts with in each zone: enough for the fewest, unless that is more than the most.

    GKE counts by zone here and in all zones together when it scales.
    """
    enough = -(-nodes_min // zones)
    return enough if enough * zones <= nodes_max else nodes_min // zones


# What a cluster declares.
