"""Rules on EKS: networks, clusters and pools. What AWS would refuse half-way, or bill without use, is refused before.

The functions take plain specs (`components.clouds.eks.spec`); settings and components call the same ones, and paths are
written as the settings are, in camelCase.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from ipaddress import IPv4Network, ip_network
from typing import Any

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, DeviceAllocation, Sharing
from catalog.machines import MACHINES, Machine, eks_ami_type
from components.base.grammar import QUALIFIED_NAME, address_range
from components.base.groups import SYSTEM, check_group_name
from components.base.names import check_object_name
from components.capacity.placement import PoolArgs, SharingArgs
from components.clouds.eks.spec import (
    DEFAULT_DISK_GIB,
    DEFAULT_FLOW_LOG_DAYS,
    DEFAULT_LOG_DAYS,
    DEFAULT_OIDC_PREFIX,
    EksClusterSpec,
    EksImage,
    EksNetworkSpec,
    EksPoolSpec,
    EksPurchase,
    EksSupport,
    NodeProvisioning,
    OidcProviderSpec,
)
from components.clouds.eks.tables import (
    ADDONS,
    BOTTLEROCKET_MIG_MODELS,
    CLUSTER_AUTOSCALER_TAGS,
    DRA_SINCE,
    EKS_VERSIONS,
    IN_AUTO_MODE,
    LOG_RETENTION_DAYS,
    WITH_RESERVATION,
)
from components.clouds.pool_validation import check_sharing, check_size
from components.clouds.working_hours_validation import check_working_hours
from components.findings import Finding, camel

PRIVATE_RANGES = tuple(ip_network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
"""RFC 1918 and RFC 6598: what a VPC takes without announcing somebody else's addresses to its nodes."""
VPC_PREFIXES = range(16, 21)
"""EC2 takes /16 to /28; below /20 the pods of a few GPU nodes fill a zone's subnet."""
MAX_ZONES = 6
MAX_MACHINES = 20
"""Instance types of one managed node group (EKS API, CreateNodegroup)."""
MAX_POOL_NAME = 54
"""A node group's name has at most 63 characters, nine of them the digest."""
MAX_KEY = 80
"""A tag has a key of 128 characters; the Cluster Autoscaler's part before a label's key takes up to 48."""
DISK_GIB = (30, 16384)
"""The images take 20 GiB and more; a gp3 volume has 16 TiB at most (EC2 user guide, general-purpose volumes)."""
MAX_NODE_SKEW = 3
"""Minor versions that a kubelet may be behind the API server (Kubernetes, Version Skew Policy, from 1.28 on)."""

_ZONE = re.compile(r"([a-z]{2}(-[a-z]+)+-\d)[a-z]")
_VPC = re.compile(r"vpc-[0-9a-f]{8,17}")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
_RESERVATION = re.compile(r"cr-[0-9a-f]{8,17}")
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ROLE = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+")
_ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^?#\s]*)?")
_VERSION = re.compile(r"1\.\d{2}")
_ADDON_VERSION = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")
_RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "eks.amazonaws.com", "karpenter.sh", "karpenter.k8s.aws")


def is_region(text: str) -> bool:
    """Whether it is written like a region of AWS."""
    return bool(_REGION.fullmatch(text))


def check_place(path: str, region: str, account_id: str) -> Iterator[Finding]:
    """A region and an account, as AWS writes them."""
    if not is_region(region):
        yield Finding(f"{path}.region", region or "(missing)", "a region of AWS", "write it like eu-west-1, no zone")
    if not _ACCOUNT.fullmatch(account_id):
        yield Finding(
            f"{path}.accountId",
            account_id or "(missing)",
            "the twelve digits of an AWS account",
            'write it in quotes, "012345678901", or YAML drops a leading zero',
        )


def check_eks_network(path: str, spec: EksNetworkSpec, region: str = "") -> Iterator[Finding]:
    """A VPC: exactly one of created and existing, large enough, in zones of its region. `region`: empty, not known."""
    yield from _check_cidr(f"{path}.cidr", str(spec.get("cidr") or ""))
    if spec.get("vpc_id"):
        yield from _check_existing_network(path, spec, region)
    else:
        yield from _check_created_network(path, spec, region)


def _check_cidr(path: str, cidr: str) -> Iterator[Finding]:
    try:
        network = address_range(cidr)
    except ValueError as error:
        yield Finding(path, cidr or "(missing)", f"an IPv4 range: {error}", "write it like 10.20.0.0/16")
        return
    private = isinstance(network, IPv4Network) and any(network.subnet_of(wide) for wide in PRIVATE_RANGES)  # type: ignore[arg-type]
    if not private:
        listed = ", ".join(str(wide) for wide in PRIVATE_RANGES)
        yield Finding(path, cidr, f"a private IPv4 range, part of {listed}", "write it like 10.20.0.0/16")
    elif network.prefixlen not in VPC_PREFIXES:
        yield Finding(
            path,
            cidr,
            f"/{VPC_PREFIXES[0]} to /{VPC_PREFIXES[-1]}: EC2 takes no larger VPC, every pod takes an address",
            f"use {network.network_address}/{VPC_PREFIXES[0]}",
        )


def _check_created_network(path: str, spec: EksNetworkSpec, region: str) -> Iterator[Finding]:
    for key in ("private_subnet_ids", "public_subnet_ids"):
        if spec.get(key):
            yield Finding(
                f"{path}.{camel(key)}",
                ", ".join(spec[key]),
                "subnets are named of a VPC that exists",
                "set vpcId, or remove this line",
            )
    zones = spec.get("zones") or []
    if not 2 <= len(zones) <= MAX_ZONES:
        yield Finding(
            f"{path}.zones",
            ", ".join(zones) or "(missing)",
            f"two to {MAX_ZONES} availability zones: EKS asks for two",
            "name them, like [eu-west-1a, eu-west-1b, eu-west-1c]",
        )
    yield from _check_zone_names(f"{path}.zones", zones, region)
    yield from _check_days(f"{path}.flowLogDays", spec.get("flow_log_days", DEFAULT_FLOW_LOG_DAYS))


def _check_existing_network(path: str, spec: EksNetworkSpec, region: str) -> Iterator[Finding]:
    if not _VPC.fullmatch(spec["vpc_id"]):
        yield Finding(f"{path}.vpcId", spec["vpc_id"], "the id of a VPC", "write it like vpc-0123456789abcdef0")
    for key in ("zones", "single_nat_gateway", "flow_log_days"):
        if key in spec:
            yield Finding(
                f"{path}.{camel(key)}",
                str(spec[key]),
                "a VPC that exists is taken as it is",
                "remove this line, or remove vpcId to create one",
            )
    private = spec.get("private_subnet_ids") or {}
    if len(private) < 2:
        yield Finding(
            f"{path}.privateSubnetIds",
            ", ".join(private) or "(missing)",
            "private subnets in two zones or more: EKS asks for two",
            "write {eu-west-1a: subnet-…, eu-west-1b: subnet-…}",
        )
    for key in ("private_subnet_ids", "public_subnet_ids"):
        subnets: Mapping[str, str] = spec.get(key) or {}  # type: ignore[assignment]
        yield from _check_zone_names(f"{path}.{camel(key)}", list(subnets), region)
        for zone, subnet in subnets.items():
            if not _SUBNET.fullmatch(subnet):
                yield Finding(
                    f"{path}.{camel(key)}.{zone}",
                    subnet,
                    "the id of a subnet",
                    "write it like subnet-0123456789abcdef0",
                )
    taken = [*private.values(), *(spec.get("public_subnet_ids") or {}).values()]
    for subnet in sorted({subnet for subnet in taken if taken.count(subnet) > 1}):
        yield Finding(
            f"{path}.privateSubnetIds", subnet, "a subnet is in one zone, and either private or public", "correct one"
        )


def _check_zone_names(path: str, zones: Sequence[str], region: str) -> Iterator[Finding]:
    first = _ZONE.fullmatch(zones[0]) if zones else None
    of = {match[1] if (match := _ZONE.fullmatch(zone)) else "" for zone in zones}
    if region and len(zones) > 1 and len(of) == 1 and not of & {region, ""}:
        own = of.pop()
        rule = f"zones of {own}, where the cluster is in {region}: one of the two is wrong"
        yield Finding(path, ", ".join(zones), rule, f"write region: {own}, or name zones like {region}a")
        region = own
    region = region or (first[1] if first else "")
    for zone in zones:
        match = _ZONE.fullmatch(zone)
        if not match or (region and match[1] != region):
            where = f" of region {region}" if region else ""
            example = f"{region or 'eu-west-1'}a"
            yield Finding(path, zone, f"an availability zone{where}", f"write it like {example}")
    for zone in sorted({zone for zone in zones if zones.count(zone) > 1}):
        yield Finding(path, zone, "each zone once", "remove the other")


def _check_days(path: str, days: Any) -> Iterator[Finding]:
    if days not in LOG_RETENTION_DAYS:
        near = min(LOG_RETENTION_DAYS, key=lambda kept: abs(kept - days))
        listed = ", ".join(str(kept) for kept in sorted(LOG_RETENTION_DAYS))
        yield Finding(path, f"{days}", f"days that CloudWatch Logs can keep: {listed}", f"use {near}")


def check_eks_cluster(path: str, spec: EksClusterSpec) -> Iterator[Finding]:
    """A control plane."""
    yield from _check_version(path, str(spec.get("kubernetes_version") or ""))
    ranges, public = spec.get("public_ranges") or [], bool(spec.get("public_endpoint"))
    if public != bool(ranges):
        yield Finding(
            f"{path}.publicRanges",
            ", ".join(ranges) or "(none)",
            "a public endpoint names who may reach it, a private one nobody",
            "give the ranges of your offices and runners, like [203.0.113.0/24]" if public else "set publicEndpoint",
        )
    yield from check_public_ranges(f"{path}.publicRanges", ranges)
    admins = spec.get("admin_role_arns") or []
    if not admins:
        yield Finding(
            f"{path}.adminRoleArns",
            "(none)",
            "somebody administers the cluster; nobody is admin by creating it",
            "name the role that runs Pulumi, like arn:aws:iam::012345678901:role/deploy",
        )
    yield from _check_roles(f"{path}.adminRoleArns", admins)
    for group, arns in (spec.get("group_role_arns") or {}).items():
        yield from check_group_name(f"{path}.groupRoleArns.{group}", group)
        yield from _check_roles(f"{path}.groupRoleArns.{group}", arns)
        if not arns:
            yield Finding(f"{path}.groupRoleArns.{group}", "(none)", "one role or more", "name roles, or remove it")
    if provider := spec.get("identity_provider"):
        yield from _check_identity_provider(f"{path}.identityProvider", provider)
    yield from _check_days(f"{path}.logDays", spec.get("log_days", DEFAULT_LOG_DAYS))
    auto = spec.get("provisioning") == NodeProvisioning.AUTO_MODE
    for addon, version in (spec.get("addon_versions") or {}).items():
        installed = [each for each in ADDONS if not auto or each not in IN_AUTO_MODE]
        yield from check_addon_version(f"{path}.addonVersions", addon, version, installed)


def _check_roles(path: str, arns: Sequence[str]) -> Iterator[Finding]:
    for index, arn in enumerate(arns):
        if not _ROLE.fullmatch(arn):
            yield Finding(
                f"{path}[{index}]",
                arn,
                "the ARN of an IAM role (no user, no session, no account root)",
                "write it like arn:aws:iam::012345678901:role/deploy",
            )
        if arn in arns[:index]:
            yield Finding(f"{path}[{index}]", arn, "each role once", "remove the other")


def _check_identity_provider(path: str, spec: OidcProviderSpec) -> Iterator[Finding]:
    """EKS API, OidcIdentityProviderConfigRequest."""
    issuer = str(spec.get("issuer_url") or "")
    if not _ISSUER.fullmatch(issuer):
        yield Finding(
            f"{path}.issuerUrl",
            issuer or "(missing)",
            "an https URL without query: the claim iss of the provider's ID tokens",
            "write it like https://login.example.com",
        )
    if not spec.get("client_id"):
        yield Finding(f"{path}.clientId", "(missing)", "required", "name the client that ID tokens are issued for")
    for key in ("groups_claim", "groups_prefix", "username_claim", "username_prefix"):
        written = spec.get(key)
        if written is None:
            continue
        if not written:
            yield Finding(f"{path}.{camel(key)}", "(empty)", "not empty", f"write it, or leave {camel(key)} out")
        elif key.endswith("prefix") and (SYSTEM in str(written) or written == "-"):
            yield Finding(
                f"{path}.{camel(key)}",
                str(written),
                f"a prefix without {SYSTEM}, which Kubernetes keeps for its own users and groups",
                f"write {DEFAULT_OIDC_PREFIX}, or leave {camel(key)} out",
            )


def check_carried_group(path: str, group: str, spec: EksClusterSpec) -> Iterator[Finding]:
    """A group that a login on this cluster carries: an access entry names it, or the identity provider sends it."""
    provider = spec.get("identity_provider")
    prefix = (provider.get("groups_prefix") or DEFAULT_OIDC_PREFIX) if provider else ""
    if group in (spec.get("group_role_arns") or {}) or (prefix and group.startswith(prefix)):
        return
    by_provider = (
        f"write it with the prefix of the identity provider, {prefix}{group}"
        if prefix
        else "declare cluster.controlPlane.identityProvider and write the group with its groupsPrefix"
    )
    yield Finding(
        path,
        group,
        "a group that logins on this cluster carry: EKS knows groups of access entries and of an OIDC provider only",
        f"name the IAM roles of its members in cluster.controlPlane.groupRoleArns, or {by_provider}",
    )


def check_addon_version(path: str, addon: str, version: str, installed: Sequence[str]) -> Iterator[Finding]:
    """A managed add-on that is installed there, and a version as EKS writes it."""
    if addon not in installed:
        yield Finding(
            f"{path}.{addon}",
            addon,
            f"an add-on that is installed here: {', '.join(installed)}",
            "correct the name, or remove it",
        )
    if not _ADDON_VERSION.fullmatch(version):
        yield Finding(f"{path}.{addon}", version, "a version of EKS's", "write it like v1.20.4-eksbuild.2")


def check_public_ranges(path: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """IPv4 ranges, none of them so wide that it means everybody."""
    for text in ranges:
        try:
            network = address_range(text)
        except ValueError as error:
            yield Finding(path, text, f"an IPv4 range: {error}", "write it like 203.0.113.0/24")
            continue
        if network.version != 4:
            yield Finding(path, text, "the endpoint of an IPv4 cluster takes IPv4 ranges", "write 203.0.113.0/24")
        elif network.prefixlen < 8:
            yield Finding(path, text, "/8 or narrower: the API server is nobody else's", "name your own ranges")


def support_warning(spec: EksClusterSpec, today: date) -> str:
    """What to say of a control plane whose version is past the support that it chose; empty: it is not.

    Not a finding: nobody is to be kept from changing an old cluster."""
    version = EKS_VERSIONS[spec["kubernetes_version"]]
    extended = spec.get("support", EksSupport.STANDARD) == EksSupport.EXTENDED
    until = version.extended_until if extended else version.standard_until
    if until is None or today <= until:
        return ""
    support = EksSupport.EXTENDED if extended else EksSupport.STANDARD
    return (
        f"{support} support of Kubernetes {spec['kubernetes_version']} ended on {until}: AWS upgrades the cluster by "
        f"itself. Upgrade, one minor version at a time{'' if extended else ', or set support: extended for a while'}."
    )


def _check_version(path: str, version: str) -> Iterator[Finding]:
    newest = list(EKS_VERSIONS)[-1]
    if not _VERSION.fullmatch(version):
        yield Finding(
            f"{path}.kubernetesVersion",
            version or "(missing)",
            "a minor version of Kubernetes",
            f'write it in quotes, "{newest}", without patch level',
        )
    elif version not in EKS_VERSIONS:
        yield Finding(
            f"{path}.kubernetesVersion",
            version,
            f"a version that EKS offers, as far as this table knows: {', '.join(EKS_VERSIONS)}",
            "choose one; a newer one gets a row in components/clouds/eks/tables.py",
        )


def _check_node_version(path: str, version: str, control_plane: str) -> Iterator[Finding]:
    wrong = list(_check_version(path, version))
    yield from wrong
    if wrong or not _VERSION.fullmatch(control_plane):
        return
    behind = _numbers(control_plane)[1] - _numbers(version)[1]
    if not 0 <= behind <= MAX_NODE_SKEW:
        yield Finding(
            f"{path}.kubernetesVersion",
            version,
            f"the control plane's version, {control_plane}, or up to {MAX_NODE_SKEW} minor versions behind it",
            "raise the control plane first" if behind < 0 else "raise the pool first, one minor version at a time",
        )


def check_eks_pool(
    path: str,
    spec: EksPoolSpec,
    provisioning: NodeProvisioning,
    *,
    zones: Sequence[str] = (),
    kubernetes_version: str = "",
) -> Iterator[Finding]:
    """One pool. `zones`: those of the network; `kubernetes_version`: the cluster's; empty where not known."""
    size = PoolArgs(nodes_max=spec.get("nodes_max", 0), nodes_min=spec.get("nodes_min", 0))
    yield from check_size(path, {**size, "labels": spec.get("labels") or {}, "taints": spec.get("taints") or []})
    yield from _check_labels_and_taints(path, spec)
    least, most = DISK_GIB
    if not least <= spec.get("disk_gib", DEFAULT_DISK_GIB) <= most:
        yield Finding(f"{path}.diskGib", f"{spec['disk_gib']}", f"{least} to {most} GiB", f"use {DEFAULT_DISK_GIB}")
    if spec.get("working_hours"):
        yield from check_working_hours(f"{path}.workingHours", spec["working_hours"], int(spec.get("nodes_min", 0)))
    if "kubernetes_version" in spec:
        yield from _check_node_version(path, spec["kubernetes_version"], kubernetes_version)
    yield from _check_purchase(path, spec)
    yield from _check_pool_zones(path, spec, zones)
    names = spec.get("machines") or []
    unknown = list(_check_machine_names(f"{path}.machines", names))
    yield from unknown
    if not unknown:
        machines = [MACHINES[name] for name in names]
        yield from _check_machines(path, spec, machines)
        yield from _check_devices(path, spec, machines[0])
        if provisioning is NodeProvisioning.MANAGED_GROUPS and machines[0].accelerator:
            nodes = spec.get("kubernetes_version") or kubernetes_version
            yield from _check_dra(path, spec, ACCELERATORS[machines[0].accelerator], nodes)
    yield from _check_provisioning(path, spec, provisioning)


def check_pool_name(path: str, name: str) -> Iterator[Finding]:
    """A name that a node group, its launch template and a node label can have."""
    yield from check_object_name(path, name)
    if len(name) > MAX_POOL_NAME:
        yield Finding(path, name, f"at most {MAX_POOL_NAME} characters: its node group's name is longer", "shorten it")


def _check_labels_and_taints(path: str, spec: EksPoolSpec) -> Iterator[Finding]:
    written = [(f"{path}.labels.{key}", key) for key in spec.get("labels") or {}]
    for index, taint in enumerate(spec.get("taints") or []):
        written.append((f"{path}.taints[{index}].key", taint["key"]))
    for where, key in written:
        domain = key.rpartition("/")[0]
        if QUALIFIED_NAME.accepts(key) and len(key) > MAX_KEY:
            yield Finding(where, key, f"at most {MAX_KEY} characters: it becomes part of a tag of EC2", "shorten it")
        elif any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED_DOMAINS):
            yield Finding(where, key, f"labels and taints of {domain} are the system's own", "use a domain of yours")


def _check_purchase(path: str, spec: EksPoolSpec) -> Iterator[Finding]:
    purchase, reservation = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND)), spec.get("reservation_id") or ""
    if purchase in WITH_RESERVATION and not _RESERVATION.fullmatch(reservation):
        yield Finding(
            f"{path}.reservationId",
            reservation or "(missing)",
            f"{purchase} names the reservation that it uses",
            "write its id, like cr-0123456789abcdef0",
        )
    if purchase not in WITH_RESERVATION and "reservation_id" in spec:
        yield Finding(
            f"{path}.reservationId",
            reservation or "(empty)",
            f"purchase {purchase} uses no reservation",
            "set purchase to reserved or capacity-block, or remove this line",
        )


def _check_pool_zones(path: str, spec: EksPoolSpec, known: Sequence[str]) -> Iterator[Finding]:
    chosen = spec.get("zones") or []
    yield from _check_zone_names(f"{path}.zones", [zone for zone in chosen if not known or zone in known], "")
    for zone in chosen:
        if known and zone not in known:
            yield Finding(
                f"{path}.zones", zone, f"a zone of the network: {', '.join(known)}", "choose one, or extend the network"
            )
    purchase = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND))
    reason = f"a {purchase} machine" if purchase in WITH_RESERVATION else "EFA" if spec.get("efa") else ""
    if reason and len(chosen) != 1:
        yield Finding(
            f"{path}.zones",
            ", ".join(chosen) or "(missing)",
            f"{reason} stands in exactly one zone",
            "name the zone" + (" of the reservation" if purchase in WITH_RESERVATION else ""),
        )


def _check_machine_names(path: str, names: Sequence[str]) -> Iterator[Finding]:
    offered = [name for name, machine in MACHINES.items() if machine.kind is ClusterKind.EKS]
    if not 1 <= len(names) <= MAX_MACHINES:
        yield Finding(
            path, ", ".join(names) or "(none)", f"1 to {MAX_MACHINES} instance types", "name one, like [p5.48xlarge]"
        )
    for index, name in enumerate(names):
        machine = MACHINES.get(name)
        if machine is None:
            close = get_close_matches(name, offered, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}? " if close else ""
            yield Finding(
                f"{path}[{index}]",
                name or "(empty)",
                "an EC2 machine of the machine table",
                f"{hint}One that is missing gets a row in catalog/machines.py",
            )
        elif machine.kind is not ClusterKind.EKS:
            same = [n for n in offered if MACHINES[n].accelerator == machine.accelerator]
            yield Finding(
                f"{path}[{index}]",
                name,
                f"a machine of EC2; this one is offered on {machine.kind}",
                f"use one of {', '.join(same)}" if same else f"EC2 offers none with {machine.accelerator}",
            )
        if name in names[:index]:
            yield Finding(f"{path}[{index}]", name, "each machine once", "remove the other")


def _check_machines(path: str, spec: EksPoolSpec, machines: Sequence[Machine]) -> Iterator[Finding]:
    purchase = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND))
    if len(machines) > 1:
        names = ", ".join(machine.name for machine in machines)
        if purchase in WITH_RESERVATION:
            yield Finding(f"{path}.machines", names, "a reservation is of one instance type", "name that one")
        for what, values in (
            ("accelerator", {machine.accelerator or "none" for machine in machines}),
            ("number of devices", {str(machine.devices) for machine in machines}),
            ("architecture", {machine.architecture.value for machine in machines}),
        ):
            if len(values) > 1:
                yield Finding(
                    f"{path}.machines",
                    f"{names}: {', '.join(sorted(values))}",
                    f"machines of one pool have the same {what}: its pods are promised one shape",
                    "make a pool of each",
                )
    for machine in machines:
        if spec.get("efa") and not machine.efa_interfaces:
            able = [m.name for m in MACHINES.values() if m.accelerator == machine.accelerator and m.efa_interfaces]
            yield Finding(
                f"{path}.efa",
                f"true on {machine.name}",
                "the machine has Elastic Fabric Adapters",
                f"use {able[-1]}, or remove efa" if able else "remove efa",
            )
        if spec.get("local_nvme") and not machine.nvme_gb:
            yield Finding(
                f"{path}.localNvme",
                f"true on {machine.name}",
                "the machine has local disks",
                "remove localNvme and raise diskGib, or use a machine that has them",
            )
        if purchase is EksPurchase.CAPACITY_BLOCK and not machine.capacity_blocks:
            yield Finding(
                f"{path}.purchase",
                f"capacity-block on {machine.name}",
                "EC2 sells Capacity Blocks of this machine",
                "use reserved or on-demand, or one of "
                + ", ".join(name for name, row in MACHINES.items() if row.capacity_blocks),
            )


def _check_devices(path: str, spec: EksPoolSpec, machine: Machine) -> Iterator[Finding]:
    sharing = spec.get("sharing") or SharingArgs()
    if spec.get("image") == EksImage.BOTTLEROCKET:
        yield from _check_bottlerocket(path, spec, machine)
    if not machine.accelerator:
        for key, given in (
            ("sharing", sharing),
            ("deviceAllocation", spec.get("device_allocation") == DeviceAllocation.DRA),
        ):
            if given:
                yield Finding(
                    f"{path}.{key}",
                    f"{key} on {machine.name}",
                    "a machine without accelerators has nothing to hand out",
                    "remove this line, or name a machine that carries some",
                )
        return
    yield from check_sharing(f"{path}.sharing", sharing, ACCELERATORS[machine.accelerator])


def _check_dra(path: str, spec: EksPoolSpec, accelerator: Accelerator, kubernetes_version: str) -> Iterator[Finding]:
    if spec.get("device_allocation") != DeviceAllocation.DRA:
        return
    where = f"{path}.deviceAllocation"
    if accelerator.vendor != "NVIDIA":
        yield Finding(where, f"dra on {accelerator.name}", "the platform's DRA driver is NVIDIA's", "use device-plugin")
    since = ".".join(str(part) for part in DRA_SINCE)
    if _VERSION.fullmatch(kubernetes_version) and _numbers(kubernetes_version) < DRA_SINCE:
        yield Finding(
            where,
            f"dra on Kubernetes {kubernetes_version}",
            f"resource.k8s.io/v1 is served from {since} on",
            f"raise kubernetesVersion to {since} or more, or use device-plugin",
        )
    if (spec.get("sharing") or {}).get("strategy", Sharing.EXCLUSIVE) != Sharing.EXCLUSIVE:
        yield Finding(
            f"{path}.sharing", "sharing on a DRA pool", "with DRA a claim says how a device is shared", "remove sharing"
        )
    if spec.get("image") == EksImage.BOTTLEROCKET:
        yield Finding(
            where,
            "dra on bottlerocket",
            "one mechanism for a pool, and the image brings the device plugin",
            "use image al2023, or deviceAllocation device-plugin",
        )
    if not spec.get("nodes_min"):
        yield Finding(
            f"{path}.nodesMin",
            "0 with dra",
            "the Cluster Autoscaler learns from a running node which devices a pool has",
            "use 1 or more, or deviceAllocation device-plugin",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_bottlerocket(path: str, spec: EksPoolSpec, machine: Machine) -> Iterator[Finding]:
    try:
        eks_ami_type(machine, bottlerocket=True)
    except KeyError:
        yield Finding(
            f"{path}.image", f"bottlerocket on {machine.name}", "Bottlerocket boots this machine", "use image al2023"
        )
    sharing = spec.get("sharing") or SharingArgs()
    profiles = sharing.get("mig_profiles") or {}
    accelerator = ACCELERATORS.get(machine.accelerator)
    if sharing.get("strategy") != Sharing.MIG or not accelerator or not accelerator.mig_profiles:
        return
    if accelerator.name not in BOTTLEROCKET_MIG_MODELS:
        yield Finding(
            f"{path}.sharing.strategy",
            f"mig of {accelerator.name} on bottlerocket",
            f"its MIG manager knows {', '.join(BOTTLEROCKET_MIG_MODELS)}",
            "use image al2023",
        )
    for name, count in profiles.items():
        profile = accelerator.mig_profile(name)
        if len(profiles) > 1 or (profile and count != profile.maximum):
            yield Finding(
                f"{path}.sharing.migProfiles",
                ", ".join(f"{each}: {many}" for each, many in profiles.items()),
                "Bottlerocket cuts every GPU into as many partitions of one profile as fit",
                f"write {{{name}: {profile.maximum if profile else count}}}, or use image al2023",
            )
            return


def _check_provisioning(path: str, spec: EksPoolSpec, provisioning: NodeProvisioning) -> Iterator[Finding]:
    """What one maker of nodes cannot do; nothing of it is ignored silently."""
    if provisioning is NodeProvisioning.MANAGED_GROUPS:
        if spec.get("purchase") == EksPurchase.SPOT_OR_ON_DEMAND:
            yield Finding(
                f"{path}.purchase",
                EksPurchase.SPOT_OR_ON_DEMAND.value,
                "a managed node group is spot or on-demand as a whole",
                "make two pools, one of each, or use provisioning karpenter or auto-mode",
            )
        if spec.get("purchase") == EksPurchase.CAPACITY_BLOCK and spec.get("nodes_min"):
            # EKS user guide, capacity-blocks-mng: launches fail before its start, at its end the size is set to 0, and
            # upgrades are to be made at size 0.
            yield Finding(
                f"{path}.nodesMin",
                f"{spec['nodes_min']} with capacity-block",
                "outside of its days a block has no machine, and EKS upgrades such a group only while it is empty",
                "use 0 (and deviceAllocation device-plugin): nodes come when pods ask for them",
            )
        return
    auto = provisioning is NodeProvisioning.AUTO_MODE
    who = "EKS Auto Mode" if auto else "Karpenter"
    strategy = Sharing((spec.get("sharing") or SharingArgs()).get("strategy", Sharing.EXCLUSIVE))
    refused: list[tuple[bool, str, str, str, str]] = [
        (
            bool(spec.get("nodes_min")),
            "nodesMin",
            f"{spec.get('nodes_min')}",
            f"{who} makes nodes when pods ask for them",
            "remove nodesMin, or set it to 0",
        ),
        (
            strategy is not Sharing.EXCLUSIVE,
            "sharing.strategy",
            strategy.value,
            "Auto Mode's own device plugin hands out whole devices"
            if auto
            else "Karpenter knows a machine's whole devices alone: it would start nodes for shares for ever",
            "use exclusive, or provisioning managed-groups",
        ),
        (
            spec.get("device_allocation") == DeviceAllocation.DRA,
            "deviceAllocation",
            "dra",
            "Auto Mode brings a device plugin, and no node has both"
            if auto
            else "Karpenter 1.14 starts no node for a ResourceClaim",
            "use device-plugin, or provisioning managed-groups",
        ),
        (
            "working_hours" in spec,
            "workingHours",
            "given",
            f"{who} keeps a pool empty by itself while no pod asks for it",
            "remove workingHours; suspend the workloads outside working hours",
        ),
        (
            "kubernetes_version" in spec,
            "kubernetesVersion",
            f"{spec.get('kubernetes_version')}",
            f"{who} starts nodes of the control plane's version",
            "remove kubernetesVersion",
        ),
        (auto and "image" in spec, "image", f"{spec.get('image')}", "Auto Mode chooses the image", "remove image"),
        (
            auto and bool(spec.get("efa")),
            "efa",
            "true",
            "a NodeClass of Auto Mode declares no network interfaces",
            "remove efa, or use provisioning managed-groups or karpenter",
        ),
        (
            auto and bool(spec.get("local_nvme")),
            "localNvme",
            "true",
            "Auto Mode decides itself what local disks are for",
            "remove localNvme",
        ),
    ]
    for broken, key, value, rule, remedy in refused:
        if broken:
            yield Finding(f"{path}.{key}", value, rule, remedy)


def check_controller(
    path: str, found: NodeProvisioning, needed: NodeProvisioning, namespace: str = ""
) -> Iterator[Finding]:
    """One maker of nodes in a cluster: two would fight over the same waiting pods. In a namespace that can exist."""
    if namespace:
        yield from check_object_name(f"{path}.namespace", namespace)
    if found is not needed:
        yield Finding(
            f"{path}.cluster", f"provisioning {found}", f"provisioning {needed}: one maker of nodes", "leave it out"
        )


def check_autoscaler_version(path: str, kubernetes_version: str, idle_minutes: float) -> Iterator[Finding]:
    """A Cluster Autoscaler is made for each minor version of Kubernetes."""
    if kubernetes_version not in CLUSTER_AUTOSCALER_TAGS:
        yield Finding(
            f"{path}.kubernetesVersion",
            kubernetes_version,
            f"a version with an autoscaler in this table: {', '.join(CLUSTER_AUTOSCALER_TAGS)}",
            "add its release to components/clouds/eks/tables.py, or use Karpenter",
        )
    if not 1 <= idle_minutes <= 24 * 60:
        yield Finding(f"{path}.idleMinutes", f"{idle_minutes}", "1 minute to a day", "use 10")
