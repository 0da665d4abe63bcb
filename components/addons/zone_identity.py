"""Write access to a DNS zone for one service account, by an identity of the zone's cloud."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypedDict, cast

from pulumi import Input, Resource, ResourceOptions

from components.clouds.dns import DnsProvider, DnsZoneHandle
from components.clouds.eks.handles import EksHandle
from components.clouds.gke.handles import GkeHandle


class ZoneAccess(StrEnum):
    """What for."""

    RECORDS = "records"
    """Records of every type: external-dns."""
    CHALLENGES = "challenges"
    """Answers to DNS-01 challenges: cert-manager."""


class ZoneClusters(TypedDict, total=False):
    """The cluster in which the zone's writer runs, in the zone's cloud."""

    eks: EksHandle
    """For a zone of Route 53."""
    gke: GkeHandle
    """For a zone of Cloud DNS."""


def clusters_of(args: Mapping[str, Any]) -> ZoneClusters:
    """The clusters among the arguments of an add-on. Pure."""
    return cast(ZoneClusters, {key: args[key] for key in ZoneClusters.__annotations__ if key in args})


def region_of(clusters: ZoneClusters) -> str:
    """The region of the cluster on AWS; empty if there is none. Pure."""
    return clusters["eks"]["region"] if "eks" in clusters else ""


# Imported on use: the packages of the clouds take 0.3 s of CPU, which clusters without a cloud save.
def zone_identity(
    name: str,
    zone: DnsZoneHandle,
    clusters: ZoneClusters,
    account: tuple[Input[str], str],
    access: ZoneAccess,
    opts: ResourceOptions,
) -> Resource:
    """Declare the identity of a service account (`account`: namespace and name) for exactly that zone."""
    if DnsProvider(zone["provider"]) is DnsProvider.ROUTE53:
        return _on_aws(name, zone, clusters["eks"], account, access, opts)
    return _on_google_cloud(name, zone, clusters["gke"], account, access, opts)


def _on_aws(
    name: str,
    zone: DnsZoneHandle,
    cluster: EksHandle,
    account: tuple[Input[str], str],
    access: ZoneAccess,
    opts: ResourceOptions,
) -> Resource:
    from components.clouds.eks.dns import challenge_statements, record_statements  # noqa: PLC0415
    from components.clouds.eks.pod_identity import PodIdentity, PodIdentityArgs  # noqa: PLC0415

    statements = record_statements if access is ZoneAccess.RECORDS else challenge_statements
    namespace, service_account = account
    args = PodIdentityArgs(
        cluster=cluster,
        namespace=namespace,
        service_account=service_account,
        statements=statements(zone["zone"], cluster["region"]),
    )
    return PodIdentity(name, args, opts=opts)


def _on_google_cloud(
    name: str,
    zone: DnsZoneHandle,
    cluster: GkeHandle,
    account: tuple[Input[str], str],
    access: ZoneAccess,
    opts: ResourceOptions,
) -> Resource:
    from components.clouds.gke.dns import challenge_grants, record_grants  # noqa: PLC0415
    from components.clouds.gke.workload_identity import WorkloadIdentity, WorkloadIdentityArgs  # noqa: PLC0415

    grants = record_grants if access is ZoneAccess.RECORDS else challenge_grants
    namespace, service_account = account
    args = WorkloadIdentityArgs(
        cluster=cluster, namespace=namespace, service_account=service_account, grants=grants(zone["zone"])
    )
    return WorkloadIdentity(name, args, opts=opts)
