"""Rules on networks and clusters of EKS."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from ipaddress import IPv4Network
from typing import Any

from catalog.addresses import PRIVATE_RANGES
from components.base.grammar import address_range
from components.base.groups import SYSTEM, check_group_name
from components.clouds.eks.spec import (
    DEFAULT_FLOW_LOG_DAYS,
    DEFAULT_LOG_DAYS,
    DEFAULT_OIDC_PREFIX,
    EksClusterSpec,
    EksNetworkSpec,
    EksSupport,
    NodeProvisioning,
    OidcProviderSpec,
)
from components.clouds.eks.tables import (
    ADDONS,
    EKS_VERSIONS,
    IN_AUTO_MODE,
    LOG_RETENTION_DAYS,
)
from components.findings import Finding, camel

VPC_PREFIXES = range(16, 21)
"""EC2 accepts /16 to /28; below /20 the pods of a few GPU nodes use up a zone's subnet."""
MAX_ZONES = 6
ZONE = re.compile(r"([a-z]{2}(-[a-z]+)+-\d)[a-z]")
_VPC = re.compile(r"vpc-[0-9a-f]{8,17}")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8,17}")
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ROLE = re.compile(r"arn:aws(-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+")
_ISSUER = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^?#\s]*)?")
VERSION = re.compile(r"1\.\d{2}")
_ADDON_VERSION = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")


def is_region(text: str) -> bool:
    """Whether the text has the form of an AWS region."""
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
    """A VPC: either created or existing, large enough, in zones of its region. `region`: empty if not known."""
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
    private = isinstance(network, IPv4Network) and any(network.subnet_of(IPv4Network(wide)) for wide in PRIVATE_RANGES)
    if not private:
        listed = ", ".join(PRIVATE_RANGES)
        yield Finding(path, cidr, f"a private IPv4 range, part of {listed}", "write it like 10.20.0.0/16")
    elif network.prefixlen not in VPC_PREFIXES:
        yield Finding(
            path,
            cidr,
            f"/{VPC_PREFIXES[0]} to /{VPC_PREFIXES[-1]}: EC2 accepts no larger VPC, and every pod uses an address",
            f"use {network.network_address}/{VPC_PREFIXES[0]}",
        )


def _check_created_network(path: str, spec: EksNetworkSpec, region: str) -> Iterator[Finding]:
    for key in ("private_subnet_ids", "public_subnet_ids"):
        if spec.get(key):
            yield Finding(
                f"{path}.{camel(key)}",
                ", ".join(spec[key]),
                "subnets are set for an existing VPC only",
                "set vpcId, or remove this line",
            )
    zones = spec.get("zones") or []
    if not 2 <= len(zones) <= MAX_ZONES:
        yield Finding(
            f"{path}.zones",
            ", ".join(zones) or "(missing)",
            f"two to {MAX_ZONES} availability zones; EKS requires two",
            "name them, like [eu-west-1a, eu-west-1b, eu-west-1c]",
        )
    yield from check_zone_names(f"{path}.zones", zones, region)
    yield from _check_days(f"{path}.flowLogDays", spec.get("flow_log_days", DEFAULT_FLOW_LOG_DAYS))


def _check_existing_network(path: str, spec: EksNetworkSpec, region: str) -> Iterator[Finding]:
    if not _VPC.fullmatch(spec["vpc_id"]):
        yield Finding(f"{path}.vpcId", spec["vpc_id"], "the id of a VPC", "write it like vpc-0123456789abcdef0")
    for key in ("zones", "single_nat_gateway", "flow_log_days"):
        if key in spec:
            yield Finding(
                f"{path}.{camel(key)}",
                str(spec[key]),
                "an existing VPC is used unchanged",
                "remove this line, or remove vpcId to create one",
            )
    private = spec.get("private_subnet_ids") or {}
    if len(private) < 2:
        yield Finding(
            f"{path}.privateSubnetIds",
            ", ".join(private) or "(missing)",
            "private subnets in two zones or more; EKS requires two",
            "write {eu-west-1a: subnet-…, eu-west-1b: subnet-…}",
        )
    for key in ("private_subnet_ids", "public_subnet_ids"):
        subnets: Mapping[str, str] = spec.get(key) or {}  # type: ignore[assignment]
        yield from check_zone_names(f"{path}.{camel(key)}", subnets, region)
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


def check_zone_names(path: str, written: Collection[str], region: str) -> Iterator[Finding]:
    """Zones of one region, each once, in a list or as the keys of a mapping."""
    zones = [*written]
    first = ZONE.fullmatch(zones[0]) if zones else None
    of = {match[1] if (match := ZONE.fullmatch(zone)) else "" for zone in zones}
    if region and len(zones) > 1 and len(of) == 1 and not of & {region, ""}:
        own = of.pop()
        rule = f"zones of {own}, where the cluster is in {region}: one of the two is wrong"
        yield Finding(path, ", ".join(zones), rule, f"write region: {own}, or name zones like {region}a")
        region = own
    region = region or (first[1] if first else "")
    for index, zone in enumerate(zones):
        here = f"{path}.{zone}" if isinstance(written, Mapping) else f"{path}[{index}]"
        match = ZONE.fullmatch(zone)
        if not match or (region and match[1] != region):
            where = f" of region {region}" if region else ""
            example = f"{region or 'eu-west-1'}a"
            yield Finding(here, zone, f"an availability zone{where}", f"write it like {example}")
        elif zone in zones[:index]:
            yield Finding(here, zone, "each zone once", "remove it")


def _check_days(path: str, days: Any) -> Iterator[Finding]:
    if days not in LOG_RETENTION_DAYS:
        near = min(LOG_RETENTION_DAYS, key=lambda kept: abs(kept - days))
        listed = ", ".join(str(kept) for kept in sorted(LOG_RETENTION_DAYS))
        yield Finding(path, f"{days}", f"days that CloudWatch Logs can keep: {listed}", f"use {near}")


def check_eks_cluster(path: str, spec: EksClusterSpec) -> Iterator[Finding]:
    """A control plane."""
    yield from check_version(path, str(spec.get("kubernetes_version") or ""))
    ranges, public = spec.get("public_ranges") or [], bool(spec.get("public_endpoint"))
    if public != bool(ranges):
        yield Finding(
            f"{path}.publicRanges",
            ", ".join(ranges) or "(none)",
            "publicRanges is required with a public endpoint and not allowed without one",
            "name the ranges of your offices and runners, like [203.0.113.0/24]" if public else "set publicEndpoint",
        )
    yield from check_public_ranges(f"{path}.publicRanges", ranges)
    admins = spec.get("admin_role_arns") or []
    if not admins:
        yield Finding(
            f"{path}.adminRoleArns",
            "(none)",
            "at least one administrator; the creator of the cluster is not granted admin",
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
    """A group that logins on this cluster can have: an access entry names it, or the identity provider sends it."""
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
        "a group of logins on this cluster: EKS accepts groups of access entries and of an OIDC provider only",
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
    """IPv4 ranges of /8 or narrower."""
    for index, text in enumerate(ranges):
        here = f"{path}[{index}]"
        try:
            network = address_range(text)
        except ValueError as error:
            yield Finding(here, text, f"an IPv4 range: {error}", "write it like 203.0.113.0/24")
            continue
        if network.version != 4:
            yield Finding(
                here, text, "the endpoint of an IPv4 cluster accepts IPv4 ranges only", "write 203.0.113.0/24"
            )
        elif network.prefixlen < 8:
            yield Finding(
                here, text, "/8 or narrower; the API server must not be open to the internet", "name your own ranges"
            )


def support_warning(spec: EksClusterSpec, today: date) -> str:
    """The warning for a control plane whose version is out of its chosen support; empty: it is supported.

    Not a finding: changes to a cluster with an old version are allowed."""
    version = EKS_VERSIONS[spec["kubernetes_version"]]
    extended = spec.get("support", EksSupport.STANDARD) == EksSupport.EXTENDED
    until = version.extended_until if extended else version.standard_until
    if until is None or today <= until:
        return ""
    support = EksSupport.EXTENDED if extended else EksSupport.STANDARD
    return (
        f"{support} support of Kubernetes {spec['kubernetes_version']} ended on {until}: AWS upgrades the cluster "
        f"itself. Upgrade, one minor version at a time{'' if extended else ', or set support: extended for a while'}."
    )


def check_version(path: str, version: str) -> Iterator[Finding]:
    newest = list(EKS_VERSIONS)[-1]
    if not VERSION.fullmatch(version):
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
            f"a version of this table of EKS versions:  {', '.join(EKS_VERSIONS)}",
            "choose one; a newer one gets a row in components/clouds/eks/tables.py",
        )
