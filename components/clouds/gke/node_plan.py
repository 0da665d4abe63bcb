"""The node configuration of a GKE pool, and the parts of it that are immutable. Pure: no Pulumi package."""

from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Owner, Sharing, topology_chips
from catalog.machines import MACHINES, Architecture, Machine
from components.capacity.placement import SPOT_TAINT, NodeSoftware, Taint
from components.capacity.sharing import SharingArgs
from components.clouds.gke.spec import DEFAULT_DISK_GIB, MAX_RUN_HOURS, GkePoolSpec, GkePurchase, GpuDriverVersion
from components.clouds.gke.tables import (
    ARM_TAINT,
    CLOUD_LABEL_DOMAIN,
    DYNAMIC,
    QUEUED_TAINT,
    SHARING_STRATEGIES,
    TAINT_EFFECTS,
)
from components.clouds.names import GCP_LABELS


def topology_of(machine: Machine, topology: str | None) -> str:
    """Topology of one slice: from the settings, else the slice of one machine; empty if there are no slices."""
    return topology or machine.topology


def hosts_of(machine: Machine, topology: str | None) -> int:
    """Machines of one slice; 1 where there are no slices."""
    shape = topology_of(machine, topology)
    return topology_chips(shape) // machine.devices if shape else 1


def topologies_of(machine: Machine) -> list[str]:
    """Topologies of slices that a TPU machine can be part of: one machine, and with four chips per machine the larger
    ones.
    """
    if not machine.topology:
        return []
    table = ACCELERATORS[machine.accelerator].topologies
    larger = [t for t, chips in table.items() if machine.devices == 4 and 4 in chips and topology_chips(t) > 4]
    return [machine.topology, *(t for t in larger if t != machine.topology)]


def software_of(device_allocation: DeviceAllocation, *, own_driver: bool = False) -> NodeSoftware:
    """GKE installs driver and device plugin; with DRA it installs neither, and the cluster's operator installs the
    driver.

    `own_driver`: so it is with the device plugin too (GKE documentation, how-to/gpus, manual installation).
    """
    if device_allocation is DeviceAllocation.DRA:
        return NodeSoftware(driver=Owner.FOUND, device_plugin=Owner.PLATFORM, device_allocation=device_allocation)
    driver = Owner.FOUND if own_driver else Owner.CLOUD
    return NodeSoftware(driver=driver, device_plugin=Owner.CLOUD, device_allocation=device_allocation)


def own_labels(labels: dict[str, str]) -> dict[str, str]:
    """Labels that the platform declares: GKE sets the labels of its own domain."""
    return {key: value for key, value in labels.items() if key.split("/", 1)[0] != CLOUD_LABEL_DOMAIN}


def cloud_taints(machine: Machine, purchase: GkePurchase) -> list[Taint]:
    """Taints that GKE sets in addition to the device's: pods tolerate them, pools do not declare them."""
    arm = [ARM_TAINT] if machine.architecture is Architecture.ARM64 else []
    return arm + ([QUEUED_TAINT] if purchase is GkePurchase.QUEUED else [])


def plan_node_config(
    machine: Machine, spec: GkePoolSpec, purchase: GkePurchase, software: NodeSoftware, taints: list[Taint]
) -> dict[str, Any]:
    """The block `node_config` of a node pool, without labels and service account."""
    accelerator = ACCELERATORS[machine.accelerator] if machine.accelerator else None
    gpu = accelerator is not None and not accelerator.is_tpu
    if purchase is GkePurchase.SPOT:
        taints = [Taint(key=SPOT_TAINT, value="true", effect="NoSchedule"), *taints]
    if accelerator and gpu:
        # GKE sets it only if another pool is running already, and the first pools of a cluster start together.
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
        # Secure boot loads no driver that Google has not signed.
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
    """Maximum run time of a flex-start node."""
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


def fixed_part(spec: GkePoolSpec) -> dict[str, Any]:
    """Values of a node pool that GKE or the provider cannot change in place.

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
