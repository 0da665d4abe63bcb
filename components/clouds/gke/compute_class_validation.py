"""Rules on compute classes of GKE, and on the limits of auto-provisioning that classes and pools share."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from catalog.machines import Machine
from components.clouds.gke.node_plan import hosts_of, topologies_of, topology_of
from components.clouds.gke.place_validation import _members, between, check_zones
from components.clouds.gke.spec import (
    ComputeClassSpec,
    GkeMode,
    GkePurchase,
    GpuDriverVersion,
    NodeAutoProvisioningSpec,
)
from components.clouds.gke.validation import (
    MAX_DISK_GIB,
    MIN_DISK_GIB,
    _since,
    _topology,
    check_pool_name,
    check_reservation,
    dynamic,
    known_machine,
    labels_and_taints,
    slice_in_one_zone,
    sold,
)
from components.clouds.pool_validation import MAX_NODES
from components.findings import Finding


def check_class_name(path: str, name: str) -> Iterator[Finding]:
    """A valid name of a compute class: GKE reserves some prefixes."""
    yield from check_pool_name(path, name)
    if name.startswith(("gke", "autopilot")):
        yield Finding(path, name, "the prefixes gke and autopilot are reserved by GKE", "choose another name")


def check_compute_class(
    path: str,
    spec: ComputeClassSpec,
    mode: GkeMode,
    limits: NodeAutoProvisioningSpec | None,
    *,
    region: str = "",
    zones: Sequence[str] = (),
    kubernetes_version: str = "",
) -> Iterator[Finding]:
    """Findings for a compute class. `limits`: of auto-provisioning on a Standard cluster."""
    machine = known_machine(path, spec.get("machine", ""))
    if isinstance(machine, Finding):
        yield machine
    yield from _members(path, spec, {"driver_version": GpuDriverVersion})
    yield from check_zones(f"{path}.zones", spec.get("zones") or [], region, zones)
    yield from labels_and_taints(path, spec.get("labels") or {}, spec.get("taints") or [])
    yield from between(path, spec, "disk_gib", MIN_DISK_GIB, MAX_DISK_GIB)
    yield from between(path, spec, "nodes_max", 1, MAX_NODES)
    yield from _chain(path, list(spec.get("purchases") or []))
    if not isinstance(machine, Machine):
        return
    yield from _since(path, machine, mode, kubernetes_version)
    yield from _topology(path, spec.get("topology"), machine)
    yield from _class_purchases(path, spec, machine)
    yield from _class_slices(path, spec, machine, one_zone=len(spec.get("zones") or zones or [""]) == 1)
    if mode != GkeMode.AUTOPILOT:
        yield from _within_limits(path, spec, machine, limits)


def _chain(path: str, purchases: list[GkePurchase]) -> Iterator[Finding]:
    for index, purchase in enumerate(purchases):
        if purchase not in tuple(GkePurchase) or purchase == GkePurchase.QUEUED or purchase in purchases[:index]:
            yield Finding(
                f"{path}.purchases[{index}]",
                str(purchase),
                "reserved, flex-start, spot or on-demand, each once",
                "correct or remove it; queued nodes need a node pool",
            )
    if not purchases:
        yield Finding(f"{path}.purchases", "(empty)", "at least one purchase option", "write [on-demand]")


def _class_purchases(path: str, spec: ComputeClassSpec, machine: Machine) -> Iterator[Finding]:
    chain = [p for p in spec.get("purchases") or [] if p in tuple(GkePurchase)]
    for index, purchase in enumerate(spec.get("purchases") or []):
        yield from sold(f"{path}.purchases[{index}]", machine, purchase)
    if GkePurchase.RESERVED in chain:
        yield from check_reservation(f"{path}.reservation", spec.get("reservation"))
    elif spec.get("reservation"):
        yield Finding(
            f"{path}.reservation", spec["reservation"], "no purchase is reserved", "add reserved, or remove this line"
        )
    if GkePurchase.FLEX_START in chain:
        yield from dynamic(path, {"max_run_hours": spec.get("max_run_hours")}, machine, GkePurchase.FLEX_START)
    elif spec.get("max_run_hours") is not None:
        yield Finding(
            f"{path}.maxRunHours",
            f"{spec['max_run_hours']}",
            "only flex-start nodes have a maximum run time",
            "remove it",
        )
    if spec.get("driver_version") and (not machine.accelerator or machine.topology):
        yield Finding(f"{path}.driverVersion", spec["driver_version"], f"{machine.name} has no GPU", "remove this line")
    elif spec.get("driver_version") == GpuDriverVersion.DISABLED:
        yield Finding(
            f"{path}.driverVersion",
            spec["driver_version"],
            "the nodes of a class have a driver that GKE installs",
            "use default or latest, or declare a pool",
        )


def _class_slices(path: str, spec: ComputeClassSpec, machine: Machine, *, one_zone: bool) -> Iterator[Finding]:
    if topology_of(machine, spec.get("topology")) not in topologies_of(machine):
        return
    hosts = hosts_of(machine, spec.get("topology"))
    if spec.get("nodes_max", 0) % hosts:
        yield Finding(f"{path}.nodesMax", f"{spec['nodes_max']}", f"a multiple of {hosts} hosts", "correct it")
    yield from slice_in_one_zone(path, hosts, one_zone=one_zone)


def _within_limits(
    path: str, spec: ComputeClassSpec, machine: Machine, limits: NodeAutoProvisioningSpec | None
) -> Iterator[Finding]:
    if not limits:
        yield Finding(
            path,
            "a compute class on a standard cluster without limits",
            "node auto-provisioning needs limits",
            "set autoProvisioning of the cluster, or declare a pool",
        )
        return
    nodes = int(spec.get("nodes_max") or 0)
    for key, (asked, unit) in _counted(machine, nodes).items():
        most = _limit(limits, key) or 0
        if asked > most >= 0:
            yield Finding(
                f"{path}.nodesMax",
                f"{nodes} of {machine.name}: {asked} {unit}",
                f"the cluster may make {int(most)} {unit} with auto-provisioning",
                f"lower it, or raise autoProvisioning.{key}",
            )


def check_all_within_limits(
    path: str, limits: NodeAutoProvisioningSpec, nodes: Mapping[str, tuple[Machine, int]]
) -> Iterator[Finding]:
    """The limits cover all pools and classes at their maximum size. `nodes`: name -> machine, maximum number of nodes.

    GKE counts every node of the cluster, and grows no pool beyond them (GKE documentation, node auto-provisioning;
    accelerators: kubernetes/autoscaler, core/scaleup/resource). An accelerator without a limit of its own has none.
    """
    counted: dict[str, dict[str, int]] = defaultdict(dict)
    units = {}
    for name, (machine, most) in nodes.items():
        for key, (asked, units[key]) in _counted(machine, most).items():
            counted[key][name] = asked
    for key, amounts in counted.items():
        limit, together = _limit(limits, key), sum(amounts.values())
        if limit is not None and together > limit:
            who = ", ".join(f"{name} {asked}" for name, asked in amounts.items())
            yield Finding(
                f"{path}.{key}",
                f"{int(limit)} of {together} {units[key]} that pools and classes reach ({who})",
                "GKE counts every node of the cluster, including those of pools, and creates none beyond a limit",
                f"raise it to {together}, or lower nodesMax",
            )


def _counted(machine: Machine, nodes: int) -> dict[str, tuple[int, str]]:
    """Limit -> how much of it that number of machines uses, and its unit."""
    counted = {"cpuMax": (machine.cpu * nodes, "vCPUs"), "memoryGibMax": (machine.memory_gib * nodes, "GiB")}
    if machine.accelerator:
        counted[f"acceleratorsMax.{machine.accelerator}"] = (machine.devices * nodes, machine.accelerator)
    return counted


def _limit(limits: NodeAutoProvisioningSpec, key: str) -> int | None:
    plain = {"cpuMax": limits["cpu_max"], "memoryGibMax": limits["memory_gib_max"]}
    return plain[key] if key in plain else limits["accelerators_max"].get(key.removeprefix("acceleratorsMax."))
