"""The spec of a ComputeClass of GKE. Pure."""

from typing import Any

from catalog.accelerators import DeviceAllocation
from catalog.machines import MACHINES, Architecture, Machine
from components.capacity.placement import POOL_LABEL, PURCHASE_LABEL, SPOT_TAINT, PoolHandle, Taint
from components.capacity.sharing import SharingArgs
from components.clouds.gke.node_plan import gke_accelerator, own_labels, run_hours, software_of, topology_of
from components.clouds.gke.plan import _handle
from components.clouds.gke.spec import DEFAULT_DISK_GIB, ComputeClassSpec, GkePurchase, GpuDriverVersion
from components.clouds.gke.tables import ARM_TAINT

COMPUTE_CLASS_LABEL = "cloud.google.com/compute-class"


def plan_compute_class(
    name: str, spec: ComputeClassSpec, cluster_zones: list[str]
) -> tuple[PoolHandle, dict[str, Any]]:
    """The handle of a compute class and the `spec` of its object."""
    machine = MACHINES[spec["machine"]]
    purchases = [GkePurchase(purchase) for purchase in spec["purchases"]]
    taints = list(spec.get("taints") or [])
    own_class = Taint(key=COMPUTE_CLASS_LABEL, value=name, effect="NoSchedule")
    cloud_taints = [own_class, *([ARM_TAINT] if machine.architecture is Architecture.ARM64 else [])]
    # Nodes may have several purchase options: the class is as reliable as the least reliable one.
    purchase = GkePurchase.SPOT if GkePurchase.SPOT in purchases else purchases[0]
    topology = topology_of(machine, spec.get("topology"))
    handle, labels = _handle(
        name,
        machine,
        topology,
        purchase,
        (0, int(spec["nodes_max"])),
        [*taints, *cloud_taints],
        software_of(DeviceAllocation.DEVICE_PLUGIN),
        SharingArgs(),
    )
    # The class determines the hardware: a selector on GKE's hardware labels could contradict it.
    handle["placement"]["node_selector"] = {POOL_LABEL: name, COMPUTE_CLASS_LABEL: name}
    if GkePurchase.FLEX_START in purchases:
        handle["placement"]["max_run_hours"] = run_hours(spec.get("max_run_hours"))
    declared = own_labels({**(spec.get("labels") or {}), **labels})
    del declared[PURCHASE_LABEL]  # it differs from node to node
    spot = [{"key": SPOT_TAINT, "value": "true", "effect": "NoSchedule"}]
    body: dict[str, Any] = {
        "description": f"Nodes of pool {name}",
        "nodePoolAutoCreation": {"enabled": True},
        "nodePoolConfig": {
            "nodeLabels": declared,
            "taints": [*(spot if purchase is GkePurchase.SPOT else []), *({**taint} for taint in taints)],
            "imageStreaming": {"enabled": True},
        },
        "priorities": [_priority(machine, spec, each, topology, cluster_zones) for each in purchases],
        "activeMigration": {"optimizeRulePriority": bool(spec.get("move_up"))},
        "whenUnsatisfiable": "DoNotScaleUp",
    }
    if not body["nodePoolConfig"]["taints"]:
        del body["nodePoolConfig"]["taints"]
    return handle, body


def _priority(
    machine: Machine, spec: ComputeClassSpec, purchase: GkePurchase, topology: str, cluster_zones: list[str]
) -> dict[str, Any]:
    zones = list(spec.get("zones") or cluster_zones)
    rule: dict[str, Any] = {
        "machineType": machine.name,
        "storage": {
            "bootDiskType": machine.boot_disks[0],
            "bootDiskSize": int(spec.get("disk_gib") or DEFAULT_DISK_GIB),
        },
    }
    if machine.accelerator and topology:
        rule["tpu"] = {"type": gke_accelerator(machine), "count": machine.devices, "topology": topology}
    elif machine.accelerator:
        version = GpuDriverVersion(spec.get("driver_version") or GpuDriverVersion.DEFAULT).value
        rule["gpu"] = {"type": gke_accelerator(machine), "count": machine.devices, "driverVersion": version}
    match purchase:
        case GkePurchase.SPOT:
            rule["spot"] = True
        case GkePurchase.FLEX_START:
            rule["flexStart"] = {"enabled": True}
            rule["maxRunDurationSeconds"] = run_hours(spec.get("max_run_hours")) * 3600
        case GkePurchase.RESERVED:
            rule["reservations"] = {
                "affinity": "Specific",
                "specific": [{**reservation_parts(spec["reservation"]), "zones": zones}],
            }
        case _:
            rule["spot"] = False
    if purchase is not GkePurchase.RESERVED:
        # GKE refuses a location together with a reservation, because the reservation has its own zones.
        rule["location"] = {"zones": zones}
    return rule


def reservation_parts(reservation: str) -> dict[str, Any]:
    """A reservation as a ComputeClass names it."""
    name, *blocks = reservation.split("/reservationBlocks/")
    named: dict[str, Any] = {"name": name}
    if "/" in name:
        _, project, _, alone = name.split("/")
        named = {"name": alone, "project": project}
    for block in blocks:
        first, *second = block.split("/reservationSubBlocks/")
        named["reservationBlock"] = {"name": first}
        for sub_block in second:
            named["reservationBlock"]["reservationSubBlock"] = {"name": sub_block}
    return named
