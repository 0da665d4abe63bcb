"""Rules on networks and clusters of GKE."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind
from catalog.machines import MACHINES
from components.base.grammar import address_range
from components.clouds.gke.place_validation import NAME, VERSION, _members, between
from components.clouds.gke.spec import (
    DEFAULT_MAINTENANCE_DAYS,
    DEFAULT_MAINTENANCE_HOURS,
    DEFAULT_RANGES,
    ExclusionScope,
    GkeClusterSpec,
    GkeMode,
    GkeNetworkSpec,
    MaintenanceSpec,
    NodeAutoProvisioningSpec,
    ReleaseChannel,
)
from components.findings import Finding, camel

_SECURITY_GROUP = re.compile(r"gke-security-groups@([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}")
_EMAIL = re.compile(r"[^@\s]+@([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}")
_WORKFORCE = "principalSet://iam.googleapis.com/locations/global/workforcePools/"
"""Groups of Workforce Identity Federation (Google Cloud documentation, GKE role-based access control)."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WORLD = ("0.0.0.0/0", "::/0")
MIN_WEEKLY_HOURS = 12
"""Least hours of maintenance a week: GKE requires 48 hours in 32 days, which contain at least four whole weeks (GKE
documentation, maintenance windows)."""
MAX_UPGRADE_FREE_DAYS, MAX_EXCLUSION_DAYS = 90, 180
"""Days of an exclusion: of all upgrades, and of minor ones."""


def check_gke_network(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    """Either an existing network with all four names, or valid ranges of a network to create."""
    made = ("nodes_cidr", "pods_cidr", "services_cidr", "private_services_prefix", "flow_log_percent", "mtu")
    if spec.get("network_id") or spec.get("subnetwork_id"):
        for key in ("network_id", "subnetwork_id", "pods_range_name", "services_range_name"):
            if not spec.get(key):
                yield Finding(f"{path}.{camel(key)}", "(missing)", "an existing network needs all four keys", "add it")
        for key in made:
            if spec.get(key) is not None:
                yield Finding(
                    f"{path}.{camel(key)}",
                    str(spec.get(key)),
                    "an existing network has its own ranges",
                    "remove this line",
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
        yield from between(path, spec, key, least, most)


def _range_names(path: str, spec: GkeNetworkSpec) -> Iterator[Finding]:
    for key in ("pods_range_name", "services_range_name"):
        value = spec.get(key)
        if value and not NAME.fullmatch(str(value)):
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
                    "ranges of a network must not overlap",
                    "choose another",
                )


def _private_range(value: str) -> ipaddress.IPv4Network | None:
    try:
        network = address_range(value)
    except ValueError:
        return None
    return network if isinstance(network, ipaddress.IPv4Network) and network.is_private else None


def check_gke_cluster(path: str, spec: GkeClusterSpec) -> Iterator[Finding]:
    """Findings for a cluster without its pools."""
    yield from _members(path, spec, {"mode": GkeMode, "release_channel": ReleaseChannel})
    version = spec.get("kubernetes_version")
    if version is not None and not VERSION.fullmatch(version):
        yield Finding(f"{path}.kubernetesVersion", version or "(empty)", "a version of GKE", "write it like 1.35")
    group = spec.get("security_group")
    if group is not None and not _SECURITY_GROUP.fullmatch(group):
        yield Finding(
            f"{path}.securityGroup",
            group or "(empty)",
            "GKE accepts only a group of this name:  gke-security-groups@<your domain>",
            "write it like gke-security-groups@example.com",
        )
    ranges = spec.get("authorized_ranges") or []
    if spec.get("public_endpoint") and not ranges:
        yield Finding(
            f"{path}.authorizedRanges",
            "(missing)",
            "a public control plane must name its client ranges",
            "name the ranges of your offices and runners, or use the DNS endpoint (dnsEndpoint: true)",
        )
    for index, block in enumerate(ranges):
        yield from _authorized(f"{path}.authorizedRanges[{index}]", block)
    yield from _maintenance(f"{path}.maintenance", spec.get("maintenance") or {})
    if spec.get("auto_provisioning"):
        yield from _auto_provisioning(f"{path}.autoProvisioning", spec["auto_provisioning"], spec.get("mode"))


def check_carried_group(path: str, group: str, spec: GkeClusterSpec) -> Iterator[Finding]:
    """A group that logins on GKE can have: a Google Group inside the security group, or a group of a workforce pool."""
    if group.startswith(_WORKFORCE):
        return
    if not spec.get("security_group"):
        yield Finding(
            path,
            group,
            "a group of logins on this cluster: GKE passes on Google Groups inside one security group only",
            "set cluster.controlPlane.securityGroup: gke-security-groups@<your domain>, and write the group's e-mail "
            f"address; or name a group of a workforce pool, {_WORKFORCE}…",
        )
    elif not _EMAIL.fullmatch(group):
        yield Finding(
            path,
            group,
            "the e-mail address of a Google Group, or a group of a workforce pool; GKE accepts no other name",
            f"write it like {group}@{spec['security_group'].partition('@')[2]}",
        )


def _authorized(path: str, block: str) -> Iterator[Finding]:
    if block in _WORLD:
        yield Finding(
            path,
            block,
            "the control plane must not be open to the internet",
            "name the client ranges, or use the DNS endpoint, where IAM controls access",
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
    yield from between(path, spec, "hours", 4, 24)
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
            f"GKE requires 48 hours in 32 days:  {MIN_WEEKLY_HOURS} a week",
            "use more hours or more days",
        )
    names = [exclusion["name"] for exclusion in spec.get("exclusions") or []]
    for index, exclusion in enumerate(spec.get("exclusions") or []):
        at = f"{path}.exclusions[{index}]"
        if names.index(exclusion["name"]) != index or not NAME.fullmatch(exclusion["name"]):
            yield Finding(
                f"{at}.name", exclusion["name"] or "(empty)", "a name that no other exclusion has", "choose another"
            )
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
            path,
            "on an autopilot cluster",
            "Autopilot creates all nodes itself",
            "remove this; only quotas limit an Autopilot cluster",
        )
    yield from between(path, spec, "cpu_max", 1, 1_000_000)
    yield from between(path, spec, "memory_gib_max", 1, 10_000_000)
    for name, count in spec["accelerators_max"].items():
        at = f"{path}.acceleratorsMax.{name}"
        if name not in ACCELERATORS or not _on_gke(name):
            yield Finding(at, name, f"an accelerator of GKE: {', '.join(_gke_accelerators())}", "correct the name")
        if not isinstance(count, int | float) or not 0 <= count <= 100_000:
            yield Finding(
                at, f"{count}", "a number of devices, 0 to 100,000", "correct the number; every limit must be finite"
            )


def _on_gke(accelerator: str) -> bool:
    return any(m.accelerator == accelerator and m.kind is ClusterKind.GKE for m in MACHINES.values())


def _gke_accelerators() -> list[str]:
    return [name for name in ACCELERATORS if _on_gke(name)]
