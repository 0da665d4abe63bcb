"""Rules on node pools of GKE. Used by the settings and by the components."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Sharing
from catalog.machines import MACHINES, Machine
from components.base.grammar import LABEL_VALUE, QUALIFIED_NAME, check_labels, check_text
from components.capacity.placement import Taint
from components.capacity.sharing import SharingArgs
from components.clouds.gke.node_plan import hosts_of, topologies_of, topology_of
from components.clouds.gke.place_validation import NAME, VERSION, _members, between, check_zones
from components.clouds.gke.schedule_plan import LAST_END_MINUTE
from components.clouds.gke.spec import MAX_RUN_HOURS, GkeMode, GkePoolSpec, GkePurchase, GpuDriverVersion
from components.clouds.gke.tables import CLOUD_LABEL_DOMAIN, DYNAMIC, LOCAL_SSD_CHOICES, MAX_POOL_NAME, SINCE_VERSION
from components.clouds.pool_validation import MAX_NODES, TAINT_EFFECTS, check_sharing
from components.clouds.working_hours import WorkingHoursSpec
from components.clouds.working_hours_validation import check_working_hours
from components.findings import Finding, Rule, broken

_RESERVATION = re.compile(
    r"(projects/[a-z0-9:.-]+/reservations/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
    r"(/reservationBlocks/[-a-z0-9]+(/reservationSubBlocks/[-a-z0-9]+)?)?"
)
KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
"""Label domains of Kubernetes itself; kubelets may not set most of them on their nodes."""
COMPACT_ACCELERATORS = ("L4", "A100-40GB", "A100-80GB", "H100")
"""GPUs whose machines support a compact placement policy (GKE documentation, compact-placement). Newer ones are placed
densely by their reservation."""
SPOT_OR_DYNAMIC = ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g")
"""Machines that Google sells as spot or through the Dynamic Workload Scheduler alone (Compute Engine documentation,
accelerator-optimized machines, A3 High)."""
MIN_DISK_GIB, MAX_DISK_GIB = 20, 65536
SLICES_AT_MOST = 200
"""GKE becomes slow with more node pools (GKE documentation, node auto-provisioning)."""


def check_gke_pool(
    path: str,
    spec: GkePoolSpec,
    mode: GkeMode,
    *,
    region: str = "",
    zones: Sequence[str] = (),
    kubernetes_version: str = "",
) -> Iterator[Finding]:
    """Findings for one pool. `region` and the rest: of the cluster, if known."""
    if mode == GkeMode.AUTOPILOT:
        yield Finding(
            path,
            f"a pool of {spec.get('machine')} on an autopilot cluster",
            "Autopilot has no declared pools; GKE creates nodes for the requests of pods",
            "declare a compute class with this machine, or use mode standard",
        )
        return
    machine = known_machine(path, spec.get("machine", ""))
    if isinstance(machine, Finding):
        yield machine
    yield from _members(
        path,
        spec,
        {"purchase": GkePurchase, "driver_version": GpuDriverVersion, "device_allocation": DeviceAllocation},
    )
    yield from check_zones(f"{path}.zones", spec.get("zones") or [], region, zones)
    yield from labels_and_taints(path, spec.get("labels") or {}, spec.get("taints") or [])
    if spec.get("working_hours"):
        yield from _working_hours(f"{path}.workingHours", spec["working_hours"], int(spec.get("nodes_min") or 0))
    yield from between(path, spec, "disk_gib", MIN_DISK_GIB, MAX_DISK_GIB)
    if not isinstance(machine, Machine):
        return
    yield from _since(path, machine, mode, kubernetes_version)
    yield from _sizes(path, spec, machine)
    yield from _purchase(path, spec, machine, one_zone=len(spec.get("zones") or zones or [""]) == 1)
    yield from _devices(path, spec, machine)
    yield from _local_ssds(path, spec, machine)
    yield from _compact(path, spec, machine, one_zone=len(spec.get("zones") or zones or [""]) == 1)


def _working_hours(path: str, hours: WorkingHoursSpec, nodes_min: int) -> Iterator[Finding]:
    found = list(check_working_hours(path, hours, nodes_min))
    yield from found
    minute = str(hours.get("end") or "").split(" ", 1)[0]
    if not found and not (minute.isdecimal() and int(minute) <= LAST_END_MINUTE):
        yield Finding(
            f"{path}.end",
            hours["end"],
            f"a minute of 0 to {LAST_END_MINUTE}; GKE turns autoscaling off and then empties the pool in the same hour",
            "write it like `0 20 * * 1-5`",
        )


def known_machine(path: str, name: str) -> Machine | Finding:
    machine = MACHINES.get(name)
    names = [m.name for m in MACHINES.values() if m.kind is ClusterKind.GKE]
    if machine and machine.kind is ClusterKind.GKE:
        return machine
    if machine:
        alike = [
            m.name for m in MACHINES.values() if m.kind is ClusterKind.GKE and m.accelerator == machine.accelerator
        ]
        return Finding(
            f"{path}.machine",
            name,
            f"a machine of GKE; this one is of {machine.kind}",
            f"use {', '.join(alike)}" if alike else f"GKE has no {machine.accelerator}: use {', '.join(names)}",
        )
    close = get_close_matches(name, names, n=1, cutoff=0.4)
    return Finding(
        f"{path}.machine",
        name or "(missing)",
        f"a machine of the catalogue: {', '.join(names)}",
        f"did you mean {close[0]}? Others need a row in catalog/machines.py" if close else "choose one",
    )


def _since(path: str, machine: Machine, mode: GkeMode, version: str) -> Iterator[Finding]:
    """An incomplete version means its newest release: 1.34 has what 1.34.0-gke.2201000 has."""
    since = SINCE_VERSION.get(machine.accelerator, {}).get(mode)
    if not since or not VERSION.fullmatch(version):
        return
    first, numbers = (tuple(map(int, re.findall("[0-9]+", text))) for text in (since, version))
    if numbers < first[: len(numbers)]:
        yield Finding(
            f"{path}.machine",
            f"{machine.name} on GKE {version}",
            f"GKE has {machine.accelerator} from {since} on ({mode})",
            "raise controlPlane.kubernetesVersion or leave it to the release channel, or use another machine",
        )


def _sizes(path: str, spec: GkePoolSpec, machine: Machine) -> Iterator[Finding]:
    nodes_min, nodes_max = spec.get("nodes_min", 0), spec.get("nodes_max", 0)
    for key, value, least in (("nodesMin", nodes_min, 0), ("nodesMax", nodes_max, 1)):
        if not least <= value <= MAX_NODES:
            yield Finding(f"{path}.{key}", f"{value}", f"{least} to {MAX_NODES}", "correct the number of nodes")
    if nodes_min > nodes_max >= 1:
        yield Finding(f"{path}.nodesMin", f"{nodes_min}", f"at most nodesMax ({nodes_max})", "lower it")
    yield from _topology(path, spec.get("topology"), machine)
    shape = topology_of(machine, spec.get("topology"))
    if shape not in topologies_of(machine):
        return
    hosts = hosts_of(machine, spec.get("topology"))
    if min(nodes_max, nodes_min) >= 0 and (nodes_max % hosts or nodes_min % hosts):
        nearest = max(1, round(nodes_max / hosts)) * hosts
        yield Finding(
            f"{path}.nodesMax",
            f"{nodes_max} (nodesMin {nodes_min})",
            f"a {shape} slice is {hosts} hosts that are scaled together, so both must be multiples of {hosts}",
            f"use {nearest} for nodesMax, and a multiple of {hosts} (or 0) for nodesMin",
        )
    if hosts > 1 and nodes_max // hosts > SLICES_AT_MOST:
        yield Finding(
            f"{path}.nodesMax",
            f"{int(nodes_max // hosts)} slices",
            f"each slice is a node pool, and GKE becomes slow with more than  {SLICES_AT_MOST}",
            "use fewer or larger slices",
        )


def _topology(path: str, topology: str | None, machine: Machine) -> Iterator[Finding]:
    if not topology:
        return
    offered = topologies_of(machine)
    if not offered:
        yield Finding(f"{path}.topology", topology, f"only TPU slices have one; {machine.name} is none", "remove it")
    elif topology not in offered:
        several = "" if len(offered) > 1 else "; larger slices need machines with four chips"
        yield Finding(
            f"{path}.topology",
            topology,
            f"a slice of {machine.name}: {', '.join(offered)}{several}",
            "choose one; the number of nodes follows from it",
        )


def _purchase(path: str, spec: Any, machine: Machine, *, one_zone: bool) -> Iterator[Finding]:
    purchase, reservation = spec.get("purchase") or GkePurchase.ON_DEMAND, spec.get("reservation")
    if purchase == GkePurchase.RESERVED:
        yield from check_reservation(f"{path}.reservation", reservation)
        if not one_zone:
            yield Finding(
                f"{path}.zones",
                "several zones",
                "a reservation needs exactly one zone",
                "name only the zone of the reservation",
            )
    elif reservation:
        yield Finding(
            f"{path}.reservation",
            reservation,
            f"{purchase} nodes use no reservation",
            "use purchase reserved, or remove this line",
        )
    if purchase in DYNAMIC:
        yield from dynamic(path, spec, machine, str(purchase))
    elif spec.get("max_run_hours") is not None:
        yield Finding(
            f"{path}.maxRunHours",
            f"{spec['max_run_hours']}",
            "only flex-start and queued nodes have a maximum run time",
            "remove this line, or use purchase flex-start",
        )
    yield from sold(f"{path}.purchase", machine, purchase)
    if topology_of(machine, spec.get("topology")) in topologies_of(machine):
        yield from slice_in_one_zone(path, hosts_of(machine, spec.get("topology")), one_zone=one_zone)


def sold(path: str, machine: Machine, purchase: GkePurchase) -> Iterator[Finding]:
    if machine.name in SPOT_OR_DYNAMIC and purchase in (GkePurchase.ON_DEMAND, GkePurchase.RESERVED):
        yield Finding(
            path,
            f"{purchase} on {machine.name}",
            f"Google sells {', '.join(SPOT_OR_DYNAMIC)} as spot, flex-start or queued alone",
            "use one of these, or a3-highgpu-8g",
        )


def slice_in_one_zone(path: str, hosts: int, *, one_zone: bool) -> Iterator[Finding]:
    if hosts > 1 and not one_zone:
        yield Finding(f"{path}.zones", "several zones", "the hosts of a slice are in one zone", "name one zone")


def dynamic(path: str, spec: Any, machine: Machine, purchase: str) -> Iterator[Finding]:
    yield from between(path, spec, "max_run_hours", 1, MAX_RUN_HOURS)
    if not machine.accelerator:
        yield Finding(
            f"{path}.purchase", purchase, f"for accelerators; {machine.name} has none", "use spot or on-demand"
        )
    if machine.accelerator == "TPU-v4":
        yield Finding(f"{path}.purchase", purchase, "not for TPU v4", "use reserved, on-demand or spot")
    if spec.get("nodes_min"):
        yield Finding(
            f"{path}.nodesMin",
            f"{spec['nodes_min']}",
            f"{purchase} nodes are created for pending pods and removed after at most  {MAX_RUN_HOURS} hours",
            "set nodesMin to 0",
        )


def check_reservation(path: str, reservation: str | None) -> Iterator[Finding]:
    """The name of a reservation, as Compute Engine has it."""
    if not reservation or not _RESERVATION.fullmatch(reservation):
        yield Finding(
            path,
            reservation or "(missing)",
            "reserved nodes need a reservation",
            "write its name, or projects/<project>/reservations/<name> for a shared one "
            "(a block: …/reservationBlocks/<block>)",
        )


def _devices(path: str, spec: GkePoolSpec, machine: Machine) -> Iterator[Finding]:
    accelerator = ACCELERATORS[machine.accelerator] if machine.accelerator else None
    sharing = spec.get("sharing") or SharingArgs()
    strategy = sharing.get("strategy") or Sharing.EXCLUSIVE
    dra = spec.get("device_allocation") == DeviceAllocation.DRA
    driver, remove = spec.get("driver_version"), "remove this line"
    if accelerator is None or accelerator.is_tpu:
        what = f"{machine.name} carries {'TPUs' if accelerator else 'no accelerator'}"
        needs_gpu = f"{what}; DRA is for NVIDIA GPUs here (TPUs need API versions that GKE has off)"
        without_gpu: list[Rule] = [
            (accelerator is None and sharing, "sharing", strategy, f"{what}: nothing to share", remove),
            (driver, "driverVersion", driver, f"{what}: no driver", remove),
            (dra, "deviceAllocation", "dra", needs_gpu, remove),
        ]
        yield from broken(path, without_gpu)
    if accelerator is None:
        return
    yield from check_sharing(f"{path}.sharing", sharing, accelerator)
    if strategy == Sharing.MIG:
        yield from _one_profile(f"{path}.sharing.migProfiles", sharing.get("mig_profiles") or {}, machine)
    if dra and not accelerator.is_tpu:
        use_plugin = "remove sharing, or use deviceAllocation device-plugin"
        no_driver = "with DRA GKE installs no driver; you install it (how-to/set-up-dra)"
        with_dra: list[Rule] = [
            (strategy != Sharing.EXCLUSIVE, "sharing", strategy, "GKE shares no GPUs with DRA", use_plugin),
            (driver, "driverVersion", driver, no_driver, remove),
        ]
        yield from broken(path, with_dra)


def _one_profile(path: str, profiles: dict[str, int], machine: Machine) -> Iterator[Finding]:
    accelerator = ACCELERATORS[machine.accelerator]
    if len(profiles) > 1:
        yield Finding(
            path,
            ", ".join(profiles),
            "GKE partitions all GPUs of a pool alike",
            "use one profile, and one pool for each other profile",
        )
    for name, count in profiles.items():
        profile = accelerator.mig_profile(name)
        if profile and count != profile.maximum:
            yield Finding(
                f"{path}.{name}",
                f"{count}",
                f"GKE makes as many {name} of each {accelerator.name} as fit: {profile.maximum}",
                f"write {name}: {profile.maximum}",
            )


def _local_ssds(path: str, spec: GkePoolSpec, machine: Machine) -> Iterator[Finding]:
    wanted = spec.get("local_ssds")
    if not wanted:
        return
    choices = LOCAL_SSD_CHOICES.get(machine.name, ())
    if wanted not in choices:
        brings = f"; it comes with {machine.local_ssds}, which pods get anyway" if machine.local_ssds else ""
        yield Finding(
            f"{path}.localSsds",
            f"{wanted}",
            f"{machine.name} takes {' or '.join(map(str, choices)) or 'none to choose'}{brings}",
            f"use {choices[0]}" if choices else "remove this line",
        )


def _compact(path: str, spec: GkePoolSpec, machine: Machine, *, one_zone: bool) -> Iterator[Finding]:
    if not spec.get("compact"):
        return
    purchase = spec.get("purchase") or GkePurchase.ON_DEMAND
    rules: list[Rule] = [
        (
            machine.accelerator not in COMPACT_ACCELERATORS,
            "compact",
            machine.name,
            f"compact placement is for machines with {', '.join(COMPACT_ACCELERATORS)}",
            "remove this line; TPU slices and newer GPUs are placed by slice and by reservation",
        ),
        (not one_zone, "zones", "several zones", "compact nodes need exactly one zone", "name one zone"),
        (
            purchase in (GkePurchase.QUEUED, GkePurchase.RESERVED),
            "compact",
            f"with purchase {purchase}",
            "queued nodes are placed by the queue, reserved ones where the reservation is",
            "remove this line",
        ),
    ]
    yield from broken(path, rules)


def labels_and_taints(path: str, labels: dict[str, str], taints: Sequence[Taint]) -> Iterator[Finding]:
    yield from check_labels(f"{path}.labels", labels)
    for key, value in labels.items():
        domain = key.split("/", 1)[0] if "/" in key else ""
        if domain == CLOUD_LABEL_DOMAIN or domain in KUBERNETES_DOMAINS or domain.endswith(".kubernetes.io"):
            yield Finding(
                f"{path}.labels.{key}", f"{key}={value}", f"labels of {domain} are set by GKE", "use your own domain"
            )
    device_taints = {row.taint_key for row in ACCELERATORS.values()}
    for index, taint in enumerate(taints):
        at = f"{path}.taints[{index}]"
        if taint["effect"] not in TAINT_EFFECTS:
            yield Finding(
                f"{at}.effect",
                taint["effect"] or "(empty)",
                f"one of {', '.join(TAINT_EFFECTS)}",
                "NoSchedule keeps pods away that do not tolerate it",
            )
        if taint["key"] in device_taints:
            yield Finding(f"{at}.key", taint["key"], "the platform sets the taint of the devices", "remove this taint")
        yield from check_text(f"{at}.key", taint["key"], QUALIFIED_NAME)
        yield from check_text(f"{at}.value", taint["value"], LABEL_VALUE)


def check_pool_name(path: str, name: str) -> Iterator[Finding]:
    """A valid name in GKE with the suffix that the platform adds."""
    if not NAME.fullmatch(name) or len(name) > MAX_POOL_NAME:
        yield Finding(
            path, name or "(missing)", f"1 to {MAX_POOL_NAME} of a-z, 0-9 and '-', a letter first", "choose such a name"
        )
