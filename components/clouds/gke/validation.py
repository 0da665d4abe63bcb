"""Rules on GKE: networks, clusters, node pools, classes of nodes. Used by the settings and by the components."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Sharing
from catalog.machines import MACHINES, Machine
from components.base.grammar import LABEL_VALUE, QUALIFIED_NAME, address_range, check_labels, check_text
from components.capacity.placement import SharingArgs, Taint
from components.clouds.gke.plan import (
    CLOUD_LABEL_DOMAIN,
    DYNAMIC,
    LAST_END_MINUTE,
    LOCAL_SSD_CHOICES,
    MAX_POOL_NAME,
    SINCE_VERSION,
    hosts_of,
    topologies_of,
    topology_of,
)
from components.clouds.gke.spec import (
    DEFAULT_MAINTENANCE_DAYS,
    DEFAULT_MAINTENANCE_HOURS,
    DEFAULT_RANGES,
    MAX_RUN_HOURS,
    ComputeClassSpec,
    ExclusionScope,
    GkeClusterSpec,
    GkeMode,
    GkeNetworkSpec,
    GkePoolSpec,
    GkePurchase,
    GpuDriverVersion,
    MaintenanceSpec,
    NodeAutoProvisioningSpec,
    ReleaseChannel,
)
from components.clouds.pool_validation import MAX_NODES, TAINT_EFFECTS, check_sharing
from components.clouds.working_hours import WorkingHoursSpec
from components.clouds.working_hours_validation import check_working_hours
from components.findings import Finding, camel

_PROJECT = re.compile(r"([a-z0-9.-]+:)?[a-z][-a-z0-9]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_ZONE = re.compile(r"([a-z]+-[a-z]+[0-9]+)-[a-z]")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_RESERVATION = re.compile(
    r"(projects/[a-z0-9:.-]+/reservations/)?[a-z]([-a-z0-9]{0,61}[a-z0-9])?"
    r"(/reservationBlocks/[-a-z0-9]+(/reservationSubBlocks/[-a-z0-9]+)?)?"
)
_VERSION = re.compile(r"1\.[0-9]{2}(\.[0-9]+(-gke\.[0-9]+)?)?")
_SECURITY_GROUP = re.compile(r"gke-security-groups@([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}")
_EMAIL = re.compile(r"[^@\s]+@([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}")
_WORKFORCE = "principalSet://iam.googleapis.com/locations/global/workforcePools/"
"""Groups of Workforce Identity Federation (Google Cloud documentation, GKE role-based access control)."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORLD = ("0.0.0.0/0", "::/0")
KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
"""Label domains of Kubernetes itself; nodes may not give themselves most of them."""
COMPACT_ACCELERATORS = ("L4", "A100-40GB", "A100-80GB", "H100")
"""GPUs whose machines take a compact placement policy (GKE documentation, compact-placement). Newer ones are dense by
their reservation."""
SPOT_OR_DYNAMIC = ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g")
"""Machines that Google sells as spot or through the Dynamic Workload Scheduler alone (Compute Engine documentation,
accelerator-optimized machines, A3 High)."""
MIN_DISK_GIB, MAX_DISK_GIB = 20, 65536
MIN_WEEKLY_HOURS = 12
"""48 hours of maintenance in 32 days, of which four whole weeks are sure (GKE documentation, maintenance windows)."""
MAX_UPGRADE_FREE_DAYS, MAX_EXCLUSION_DAYS = 90, 180
"""Days of an exclusion: of all upgrades, and of minor ones."""
SLICES_AT_MOST = 200
"""GKE gets slow with more node pools (GKE documentation, node auto-provisioning)."""


def is_region(text: str) -> bool:
    """Whether it is written like a region: zones are held against nothing else."""
    return bool(_REGION.fullmatch(text))


def zones_region(region: str, zones: Sequence[str]) -> str:
    """The region that zones are held against: none where two or more are all of one other region, so that it is the
    region that is misspelt."""
    of = {match.group(1) if (match := _ZONE.fullmatch(zone)) else "" for zone in zones}
    return region if is_region(region) and (region in of or len(of) != 1 or len(zones) == 1 or "" in of) else ""


def check_place(path: str, project: str, region: str, zones: Sequence[str]) -> Iterator[Finding]:
    """A project, a region and zones that can be."""
    if not _PROJECT.fullmatch(project):
        yield Finding(
            f"{path}.project",
            project or "(missing)",
            "a project id: 6 to 30 of a-z, 0-9 and '-', a letter first",
            "write the id (not the name, not the number): gcloud config get project",
        )
    if not is_region(region):
        yield Finding(
            f"{path}.region",
            region or "(missing)",
            "a region: the cluster is regional",
            "write it like europe-west4, without a zone's letter",
        )
    elif not zones_region(region, zones):
        own = zones[0].rpartition("-")[0]
        yield Finding(
            f"{path}.region",
            region,
            f"the region of its zones, which are of {own}",
            f"write {own}, or name other zones",
        )
    yield from check_zones(f"{path}.zones", zones, zones_region(region, zones))
    if not zones:
        yield Finding(f"{path}.zones", "(empty)", "a cluster has nodes in one zone at least", "name the zones")


def check_zones(path: str, zones: Sequence[str], region: str = "", known: Sequence[str] = ()) -> Iterator[Finding]:
    """Zones of one region, each once; of the cluster, where they are known."""
    for index, zone in enumerate(zones):
        match = _ZONE.fullmatch(zone)
        if not match or (region and match.group(1) != region):
            place = region or "europe-west4"
            yield Finding(f"{path}[{index}]", zone or "(empty)", f"a zone of {place}", f"write it like {place}-a")
        elif known and zone not in known:
            yield Finding(
                f"{path}[{index}]", zone, f"a zone of the cluster: {', '.join(known)}", "choose one, or add it there"
            )
    if len(set(zones)) != len(zones):
        yield Finding(path, ", ".join(zones), "each zone once", "remove the second")


def check_gke_network(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    """A network that exists, named in full, or one that can be made; never half of each."""
    made = ("nodes_cidr", "pods_cidr", "services_cidr", "private_services_prefix", "flow_log_percent", "mtu")
    if spec.get("network_id") or spec.get("subnetwork_id"):
        for key in ("network_id", "subnetwork_id", "pods_range_name", "services_range_name"):
            if not spec.get(key):
                yield Finding(
                    f"{path}.{camel(key)}", "(missing)", "a network that exists is named with all four", "add it"
                )
        for key in made:
            if spec.get(key) is not None:
                yield Finding(
                    f"{path}.{camel(key)}", str(spec.get(key)), "a network that exists has its own", "remove this line"
                )
        yield from _self_links(path, spec)
        yield from _range_names(path, spec)
        return
    yield from _range_names(path, spec)
    if spec.get("pods_range_name", "pods") == spec.get("services_range_name", "services"):
        yield Finding(
            f"{path}.servicesRangeName", spec.get("services_range_name", "services"), "two ranges", "choose another"
        )
    yield from _ranges(path, spec)
    for key, least, most in (
        ("private_services_prefix", 8, 24),
        ("flow_log_percent", 0, 100),
        ("mtu", 1300, 8896),
    ):
        yield from _between(path, spec, key, least, most)


def _range_names(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    for key in ("pods_range_name", "services_range_name"):
        value = spec.get(key)
        if value and not _NAME.fullmatch(str(value)):
            yield Finding(f"{path}.{camel(key)}", str(value), "a-z, 0-9 and '-'", "choose such a name")


def _self_links(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    for key, parts in (("network_id", "global/networks"), ("subnetwork_id", "regions/[a-z0-9-]+/subnetworks")):
        value = str(spec.get(key) or "")
        if value and not re.fullmatch(
            rf"(https://www\.googleapis\.com/compute/v1/)?projects/[^/\s]+/{parts}/[^/\s]+", value
        ):
            example = parts.replace("[a-z0-9-]+", "<region>")
            yield Finding(
                f"{path}.{camel(key)}", value, "a self link", f"write it like projects/<project>/{example}/<name>"
            )


def _ranges(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    networks = {}
    for key, least in (("nodes_cidr", 29), ("pods_cidr", 21), ("services_cidr", 27)):
        value = str(spec.get(key) if spec.get(key) is not None else DEFAULT_RANGES[key])
        network = _private_range(value)
        if network is None or network.prefixlen > least:
            yield Finding(
                f"{path}.{camel(key)}",
                value or "(empty)",
                f"a private IPv4 range of /{least} or larger, without host bits",
                f"write it like {DEFAULT_RANGES[key]}",
            )
        else:
            networks[key] = network
    keys = list(networks)
    for index, key in enumerate(keys):
        for other in keys[index + 1 :]:
            if networks[key].overlaps(networks[other]):
                yield Finding(
                    f"{path}.{camel(other)}",
                    f"{networks[other]} overlaps {camel(key)} {networks[key]}",
                    "ranges of one network are apart from each other",
                    "choose another",
                )


def _private_range(value: str) -> ipaddress.IPv4Network | None:
    try:
        network = address_range(value)
    except ValueError:
        return None
    return network if isinstance(network, ipaddress.IPv4Network) and network.is_private else None


def check_gke_cluster(path: str, spec: GkeClusterSpec) -> Iterator[Finding]:
    """Everything that can be wrong with a cluster by itself."""
    yield from _members(path, spec, {"mode": GkeMode, "release_channel": ReleaseChannel})
    version = spec.get("kubernetes_version")
    if version is not None and not _VERSION.fullmatch(version):
        yield Finding(f"{path}.kubernetesVersion", version or "(empty)", "a version of GKE", "write it like 1.35")
    group = spec.get("security_group")
    if group is not None and not _SECURITY_GROUP.fullmatch(group):
        yield Finding(
            f"{path}.securityGroup",
            group or "(empty)",
            "GKE takes a group of this name alone: gke-security-groups@<your domain>",
            "write it like gke-security-groups@example.com",
        )
    ranges = spec.get("authorized_ranges") or []
    if spec.get("public_endpoint") and not ranges:
        yield Finding(
            f"{path}.authorizedRanges",
            "(missing)",
            "a public control plane says who may reach it",
            "name the ranges of your offices and runners, or use the DNS endpoint (dnsEndpoint: true)",
        )
    for index, block in enumerate(ranges):
        yield from _authorized(f"{path}.authorizedRanges[{index}]", block)
    yield from _maintenance(f"{path}.maintenance", spec.get("maintenance") or {})
    if spec.get("auto_provisioning"):
        yield from _auto_provisioning(f"{path}.autoProvisioning", spec["auto_provisioning"], spec.get("mode"))


def check_carried_group(path: str, group: str, spec: GkeClusterSpec) -> Iterator[Finding]:
    """A group that a login on GKE carries: a Google Group inside the security group, or one of a workforce pool."""
    if group.startswith(_WORKFORCE):
        return
    if not spec.get("security_group"):
        yield Finding(
            path,
            group,
            "a group that logins on this cluster carry: GKE passes on Google Groups inside one security group only",
            "set cluster.controlPlane.securityGroup: gke-security-groups@<your domain>, and write the group's e-mail "
            f"address; or name a group of a workforce pool, {_WORKFORCE}…",
        )
    elif not _EMAIL.fullmatch(group):
        yield Finding(
            path,
            group,
            "the e-mail address of a Google Group, or a group of a workforce pool: GKE knows them by nothing else",
            f"write it like {group}@{spec['security_group'].partition('@')[2]}",
        )


def _authorized(path: str, block: str) -> Iterator[Finding]:
    if block in _WORLD:
        yield Finding(
            path,
            block,
            "the control plane is never open to the whole world",
            "name the ranges that may come in, or use the DNS endpoint: there IAM decides",
        )
        return
    try:
        address_range(block)
    except ValueError:
        yield Finding(path, block or "(empty)", "an address range without host bits", "write it like 203.0.113.0/24")


def _maintenance(path: str, spec: MaintenanceSpec) -> Iterator[Finding]:
    start = spec.get("start")
    if start is not None and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", start):
        yield Finding(f"{path}.start", start or "(empty)", "HH:MM, UTC", "write it like 02:00")
    yield from _between(path, spec, "hours", 4, 24)
    days = spec.get("days")
    for index, day in enumerate(days or []):
        if day not in _DAYS:
            yield Finding(f"{path}.days[{index}]", day or "(empty)", f"one of {', '.join(_DAYS)}", "correct the day")
    if days is not None and (not days or len(set(days)) != len(days)):
        yield Finding(f"{path}.days", ", ".join(days) or "(empty)", "one day or more, each once", "correct the list")
    hours = int(spec.get("hours") or DEFAULT_MAINTENANCE_HOURS) * len(days or DEFAULT_MAINTENANCE_DAYS)
    if hours < MIN_WEEKLY_HOURS:
        yield Finding(
            f"{path}.hours",
            f"{hours} hours a week",
            f"GKE asks for 48 hours in 32 days: {MIN_WEEKLY_HOURS} a week",
            "use more hours or more days",
        )
    names = [exclusion["name"] for exclusion in spec.get("exclusions") or []]
    for index, exclusion in enumerate(spec.get("exclusions") or []):
        at = f"{path}.exclusions[{index}]"
        if names.index(exclusion["name"]) != index or not _NAME.fullmatch(exclusion["name"]):
            yield Finding(f"{at}.name", exclusion["name"] or "(empty)", "a name of its own", "choose another")
        yield from _members(at, exclusion, {"scope": ExclusionScope})
        yield from _exclusion_times(at, exclusion["start"], exclusion["end"], exclusion["scope"])


def _exclusion_times(path: str, start: str, end: str, scope: str) -> Iterator[Finding]:
    times = []
    for key, value in (("start", start), ("end", end)):
        try:
            times.append(datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ"))
        except ValueError:
            yield Finding(f"{path}.{key}", value or "(empty)", "a time in UTC", "write it like 2026-12-20T00:00:00Z")
    if len(times) < 2:
        return
    days = (times[1] - times[0]).total_seconds() / 86400
    most = MAX_UPGRADE_FREE_DAYS if scope == ExclusionScope.NO_UPGRADES else MAX_EXCLUSION_DAYS
    if not 0 < days <= most:
        yield Finding(f"{path}.end", end, f"after the start, {most} days later at most", "correct the times")


def _auto_provisioning(path: str, spec: NodeAutoProvisioningSpec, mode: Any) -> Iterator[Finding]:
    if mode == GkeMode.AUTOPILOT:
        yield Finding(
            path, "on an autopilot cluster", "Autopilot makes all nodes by itself", "remove this; quotas are the limit"
        )
    yield from _between(path, spec, "cpu_max", 1, 1_000_000)
    yield from _between(path, spec, "memory_gib_max", 1, 10_000_000)
    for name, count in spec["accelerators_max"].items():
        at = f"{path}.acceleratorsMax.{name}"
        if name not in ACCELERATORS or not _on_gke(name):
            yield Finding(at, name, f"an accelerator of GKE: {', '.join(_gke_accelerators())}", "correct the name")
        if not isinstance(count, int | float) or not 0 <= count <= 100_000:
            yield Finding(at, f"{count}", "a number of devices, 0 to 100,000", "always finite: correct the number")


def _on_gke(accelerator: str) -> bool:
    return any(m.accelerator == accelerator and m.kind is ClusterKind.GKE for m in MACHINES.values())


def _gke_accelerators() -> list[str]:
    return [name for name in ACCELERATORS if _on_gke(name)]


def check_gke_pool(
    path: str,
    spec: GkePoolSpec,
    mode: GkeMode,
    *,
    region: str = "",
    zones: Sequence[str] = (),
    kubernetes_version: str = "",
) -> Iterator[Finding]:
    """Everything that can be wrong with one pool. `region` and the rest: of the cluster, where they are known."""
    if mode == GkeMode.AUTOPILOT:
        yield Finding(
            path,
            f"a pool of {spec.get('machine')} on an autopilot cluster",
            "Autopilot has no pools of ours: Google makes nodes for what pods ask",
            "declare a compute class with this machine, or use mode standard",
        )
        return
    machine = _known_machine(path, spec.get("machine", ""))
    if isinstance(machine, Finding):
        yield machine
    yield from _members(
        path,
        spec,
        {"purchase": GkePurchase, "driver_version": GpuDriverVersion, "device_allocation": DeviceAllocation},
    )
    yield from check_zones(f"{path}.zones", spec.get("zones") or [], region, zones)
    yield from _labels_and_taints(path, spec.get("labels") or {}, spec.get("taints") or [])
    if spec.get("working_hours"):
        yield from _working_hours(f"{path}.workingHours", spec["working_hours"], int(spec.get("nodes_min") or 0))
    yield from _between(path, spec, "disk_gib", MIN_DISK_GIB, MAX_DISK_GIB)
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
            f"a minute of 0 to {LAST_END_MINUTE}: the pool is emptied in the same hour, after GKE stopped to grow it",
            "write it like `0 20 * * 1-5`",
        )


def _known_machine(path: str, name: str) -> Machine | Finding:
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
    """A version that says less than a whole one stands for its newest: 1.34 has what 1.34.0-gke.2201000 has."""
    since = SINCE_VERSION.get(machine.accelerator, {}).get(mode)
    if not since or not _VERSION.fullmatch(version):
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
    if nodes_min > nodes_max:
        yield Finding(f"{path}.nodesMin", f"{nodes_min}", f"at most nodesMax ({nodes_max})", "lower it")
    yield from _topology(path, spec.get("topology"), machine)
    shape = topology_of(machine, spec.get("topology"))
    if shape not in topologies_of(machine):
        return
    hosts = hosts_of(machine, spec.get("topology"))
    if nodes_max % hosts or nodes_min % hosts:
        nearest = max(1, round(nodes_max / hosts)) * hosts
        yield Finding(
            f"{path}.nodesMax",
            f"{nodes_max} (nodesMin {nodes_min})",
            f"a {shape} slice is {hosts} hosts that come and go together, so both are multiples of {hosts}",
            f"use {nearest} for nodesMax, and a multiple of {hosts} (or 0) for nodesMin",
        )
    if hosts > 1 and nodes_max // hosts > SLICES_AT_MOST:
        yield Finding(
            f"{path}.nodesMax",
            f"{int(nodes_max // hosts)} slices",
            f"each slice is a node pool, and GKE gets slow with more than {SLICES_AT_MOST}",
            "use fewer or larger slices",
        )


def _topology(path: str, topology: str | None, machine: Machine) -> Iterator[Finding]:
    if not topology:
        return
    offered = topologies_of(machine)
    if not offered:
        yield Finding(f"{path}.topology", topology, f"only TPU slices have one; {machine.name} is none", "remove it")
    elif topology not in offered:
        several = "" if len(offered) > 1 else "; larger slices take machines with four chips"
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
            yield Finding(f"{path}.zones", "several zones", "a reservation is in one zone", "name its zone alone")
    elif reservation:
        yield Finding(
            f"{path}.reservation",
            reservation,
            f"{purchase} nodes come from no reservation",
            "use purchase reserved, or remove this line",
        )
    if purchase in DYNAMIC:
        yield from _dynamic(path, spec, machine, str(purchase))
    elif spec.get("max_run_hours") is not None:
        yield Finding(
            f"{path}.maxRunHours",
            f"{spec['max_run_hours']}",
            "only flex-start and queued nodes end by themselves",
            "remove this line, or use purchase flex-start",
        )
    yield from _sold(f"{path}.purchase", machine, purchase)
    if topology_of(machine, spec.get("topology")) in topologies_of(machine):
        yield from _slice_in_one_zone(path, hosts_of(machine, spec.get("topology")), one_zone=one_zone)


def _sold(path: str, machine: Machine, purchase: GkePurchase) -> Iterator[Finding]:
    if machine.name in SPOT_OR_DYNAMIC and purchase in (GkePurchase.ON_DEMAND, GkePurchase.RESERVED):
        yield Finding(
            path,
            f"{purchase} on {machine.name}",
            f"Google sells {', '.join(SPOT_OR_DYNAMIC)} as spot, flex-start or queued alone",
            "use one of these, or a3-highgpu-8g",
        )


def _slice_in_one_zone(path: str, hosts: int, *, one_zone: bool) -> Iterator[Finding]:
    if hosts > 1 and not one_zone:
        yield Finding(f"{path}.zones", "several zones", "the hosts of a slice are in one zone", "name one zone")


def _dynamic(path: str, spec: Any, machine: Machine, purchase: str) -> Iterator[Finding]:
    yield from _between(path, spec, "max_run_hours", 1, MAX_RUN_HOURS)
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
            f"{purchase} nodes come when pods ask for them and go after at most {MAX_RUN_HOURS} hours",
            "set nodesMin to 0",
        )


def check_reservation(path: str, reservation: str | None) -> Iterator[Finding]:
    """The name of a reservation, as Compute Engine has it."""
    if not reservation or not _RESERVATION.fullmatch(reservation):
        yield Finding(
            path,
            reservation or "(missing)",
            "reserved nodes come from a reservation",
            "write its name, or projects/<project>/reservations/<name> for a shared one "
            "(a block: …/reservationBlocks/<block>)",
        )


def _devices(path: str, spec: GkePoolSpec, machine: Machine) -> Iterator[Finding]:
    accelerator = ACCELERATORS[machine.accelerator] if machine.accelerator else None
    sharing = spec.get("sharing") or SharingArgs()
    strategy = sharing.get("strategy") or Sharing.EXCLUSIVE
    dra = spec.get("device_allocation") == DeviceAllocation.DRA
    if accelerator is None or accelerator.is_tpu:
        what = f"{machine.name} carries {'TPUs' if accelerator else 'no accelerator'}"
        if accelerator is None and sharing:
            yield Finding(f"{path}.sharing", str(strategy), f"{what}: nothing to share", "remove this line")
        if spec.get("driver_version"):
            yield Finding(f"{path}.driverVersion", spec["driver_version"], f"{what}: no driver", "remove this line")
        if dra:
            yield Finding(
                f"{path}.deviceAllocation",
                "dra",
                f"{what}; DRA is for NVIDIA GPUs here (TPUs need API versions that GKE has off)",
                "remove this line",
            )
    if accelerator is None:
        return
    yield from check_sharing(f"{path}.sharing", sharing, accelerator)
    if strategy == Sharing.MIG:
        yield from _one_profile(f"{path}.sharing.migProfiles", sharing.get("mig_profiles") or {}, machine)
    if dra and not accelerator.is_tpu:
        if strategy != Sharing.EXCLUSIVE:
            yield Finding(
                f"{path}.sharing",
                str(strategy),
                "GKE shares no GPUs with DRA",
                "remove sharing, or use deviceAllocation device-plugin",
            )
        if spec.get("driver_version"):
            yield Finding(
                f"{path}.driverVersion",
                spec["driver_version"],
                "with DRA GKE installs no driver: it is yours (how-to/set-up-dra)",
                "remove this line",
            )


def _one_profile(path: str, profiles: dict[str, int], machine: Machine) -> Iterator[Finding]:
    accelerator = ACCELERATORS[machine.accelerator]
    if len(profiles) > 1:
        yield Finding(
            path, ", ".join(profiles), "GKE cuts all GPUs of a pool alike", "use one profile, and a pool for each other"
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
    if machine.accelerator not in COMPACT_ACCELERATORS:
        yield Finding(
            f"{path}.compact",
            machine.name,
            f"compact placement is for machines with {', '.join(COMPACT_ACCELERATORS)}",
            "remove this line; TPU slices and newer GPUs are placed by slice and by reservation",
        )
    if not one_zone:
        yield Finding(f"{path}.zones", "several zones", "compact nodes are in one zone", "name one zone")
    purchase = spec.get("purchase") or GkePurchase.ON_DEMAND
    if purchase in (GkePurchase.QUEUED, GkePurchase.RESERVED):
        yield Finding(
            f"{path}.compact",
            f"with purchase {purchase}",
            "queued nodes are placed by the queue, reserved ones where the reservation is",
            "remove this line",
        )


def _labels_and_taints(path: str, labels: dict[str, str], taints: Sequence[Taint]) -> Iterator[Finding]:
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
            yield Finding(f"{at}.key", taint["key"], "the taint of the devices comes with them", "remove this taint")
        yield from check_text(f"{at}.key", taint["key"], QUALIFIED_NAME)
        yield from check_text(f"{at}.value", taint["value"], LABEL_VALUE)


def check_pool_name(path: str, name: str) -> Iterator[Finding]:
    """A name that GKE takes, with what we add to it."""
    if not _NAME.fullmatch(name) or len(name) > MAX_POOL_NAME:
        yield Finding(
            path, name or "(missing)", f"1 to {MAX_POOL_NAME} of a-z, 0-9 and '-', a letter first", "choose such a name"
        )


def check_class_name(path: str, name: str) -> Iterator[Finding]:
    """A name that GKE takes for a class of nodes: those that begin with its own words are its own."""
    yield from check_pool_name(path, name)
    if name.startswith(("gke", "autopilot")):
        yield Finding(path, name, "classes named gke… and autopilot… are GKE's own", "choose another name")


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
    """Everything that can be wrong with a class of nodes. `limits`: what the Standard cluster may make by itself."""
    machine = _known_machine(path, spec.get("machine", ""))
    if isinstance(machine, Finding):
        yield machine
    yield from _members(path, spec, {"driver_version": GpuDriverVersion})
    yield from check_zones(f"{path}.zones", spec.get("zones") or [], region, zones)
    yield from _labels_and_taints(path, spec.get("labels") or {}, spec.get("taints") or [])
    yield from _between(path, spec, "disk_gib", MIN_DISK_GIB, MAX_DISK_GIB)
    yield from _between(path, spec, "nodes_max", 1, MAX_NODES)
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
                "correct or remove it; queued nodes need a pool of their own",
            )
    if not purchases:
        yield Finding(f"{path}.purchases", "(empty)", "a class is bought in one way at least", "write [on-demand]")


def _class_purchases(path: str, spec: ComputeClassSpec, machine: Machine) -> Iterator[Finding]:
    chain = [p for p in spec.get("purchases") or [] if p in tuple(GkePurchase)]
    for index, purchase in enumerate(spec.get("purchases") or []):
        yield from _sold(f"{path}.purchases[{index}]", machine, purchase)
    if GkePurchase.RESERVED in chain:
        yield from check_reservation(f"{path}.reservation", spec.get("reservation"))
    elif spec.get("reservation"):
        yield Finding(
            f"{path}.reservation", spec["reservation"], "no purchase is reserved", "add reserved, or remove this line"
        )
    if GkePurchase.FLEX_START in chain:
        yield from _dynamic(path, {"max_run_hours": spec.get("max_run_hours")}, machine, GkePurchase.FLEX_START)
    elif spec.get("max_run_hours") is not None:
        yield Finding(
            f"{path}.maxRunHours", f"{spec['max_run_hours']}", "only flex-start nodes end by themselves", "remove it"
        )
    if spec.get("driver_version") and (not machine.accelerator or machine.topology):
        yield Finding(f"{path}.driverVersion", spec["driver_version"], f"{machine.name} has no GPU", "remove this line")
    elif spec.get("driver_version") == GpuDriverVersion.DISABLED:
        yield Finding(
            f"{path}.driverVersion",
            spec["driver_version"],
            "the nodes of a class come with a driver of GKE's",
            "use default or latest, or declare a pool",
        )


def _class_slices(path: str, spec: ComputeClassSpec, machine: Machine, *, one_zone: bool) -> Iterator[Finding]:
    if topology_of(machine, spec.get("topology")) not in topologies_of(machine):
        return
    hosts = hosts_of(machine, spec.get("topology"))
    if spec.get("nodes_max", 0) % hosts:
        yield Finding(f"{path}.nodesMax", f"{spec['nodes_max']}", f"a multiple of {hosts} hosts", "correct it")
    yield from _slice_in_one_zone(path, hosts, one_zone=one_zone)


def _within_limits(
    path: str, spec: ComputeClassSpec, machine: Machine, limits: NodeAutoProvisioningSpec | None
) -> Iterator[Finding]:
    if not limits:
        yield Finding(
            path,
            "a class of nodes on a standard cluster without limits",
            "what GKE makes by itself is finite",
            "set autoProvisioning of the cluster, or declare a pool",
        )
        return
    nodes = int(spec.get("nodes_max") or 0)
    for key, (asked, unit) in _counted(machine, nodes).items():
        most = _limit(limits, key) or 0
        if asked > most:
            yield Finding(
                f"{path}.nodesMax",
                f"{nodes} of {machine.name}: {asked} {unit}",
                f"the cluster may make {int(most)} {unit} by itself",
                f"lower it, or raise autoProvisioning.{key}",
            )


def check_all_within_limits(
    path: str, limits: NodeAutoProvisioningSpec, nodes: Mapping[str, tuple[Machine, int]]
) -> Iterator[Finding]:
    """Pools and classes at their largest fit into the limits together. `nodes`: name -> machine, most nodes.

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
                "GKE counts every node of the cluster, those of pools too, and makes none beyond a limit",
                f"raise it to {together}, or lower nodesMax",
            )


def _counted(machine: Machine, nodes: int) -> dict[str, tuple[int, str]]:
    """Limit -> what so many machines take of it, and its unit."""
    counted = {"cpuMax": (machine.cpu * nodes, "vCPUs"), "memoryGibMax": (machine.memory_gib * nodes, "GiB")}
    if machine.accelerator:
        counted[f"acceleratorsMax.{machine.accelerator}"] = (machine.devices * nodes, machine.accelerator)
    return counted


def _limit(limits: NodeAutoProvisioningSpec, key: str) -> int | None:
    plain = {"cpuMax": limits["cpu_max"], "memoryGibMax": limits["memory_gib_max"]}
    return plain[key] if key in plain else limits["accelerators_max"].get(key.removeprefix("acceleratorsMax."))


def _between(path: str, spec: Any, key: str, least: int, most: int) -> Iterator[Finding]:
    value = spec.get(key)
    if value is not None and (not isinstance(value, int | float) or not least <= value <= most):
        yield Finding(f"{path}.{camel(key)}", f"{value}", f"{least} to {most}", "correct the number")


def _members(path: str, spec: Any, enumerations: dict[str, Any]) -> Iterator[Finding]:
    for key, enumeration in enumerations.items():
        value = spec.get(key)
        if value is not None and value not in tuple(enumeration):
            members = ", ".join(member.value for member in enumeration)
            yield Finding(f"{path}.{camel(key)}", str(value) or "(empty)", f"one of {members}", "correct it")
