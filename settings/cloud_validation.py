"""The rules on what only a cloud has: cluster, data services, names; and on how an environment is cut into stacks."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, cast

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES, Machine
from components.base.grammar import STACK, check_text
from components.base.groups import GROUPS, check_group_name
from components.capacity.placement import PoolHandle
from components.clouds import data_validation as cloud_data
from components.clouds.eks import cluster_validation as eks
from components.clouds.eks import validation as eks_pools
from components.clouds.eks.handles import NodeProvisioning
from components.clouds.gke import cluster_validation as gke
from components.clouds.gke import validation as gke_pools
from components.clouds.gke.compute_class_validation import check_all_within_limits
from components.clouds.gke.handles import GkeMode
from components.clouds.gke.place_validation import check_place as check_gke_place
from components.findings import Finding
from components.storage.plan import AccessMode, StoragePurpose, plan_storage_classes
from components.storage.validation import check_attachment
from settings.models.clouds import EksCluster, GkeCluster
from settings.models.environment import Scope
from settings.models.platform import CloudDns, CloudSqlManaged, ManagedGcs, ManagedS3, RdsManaged, Route53
from settings.partial import as_far_as_known
from settings.settings import PROJECT, Settings

_LIMITS = "cluster.controlPlane.autoProvisioning"
_ONLY_ON: dict[type, tuple[ClusterKind, str]] = {
    ManagedS3: (ClusterKind.EKS, "use managed-gcs on gke; elsewhere in-cluster, or a bucket that exists"),
    ManagedGcs: (ClusterKind.GKE, "use managed-s3 on eks; elsewhere in-cluster, or a bucket that exists"),
    RdsManaged: (ClusterKind.EKS, "use cloud-sql on gke; elsewhere in-cluster or external"),
    CloudSqlManaged: (ClusterKind.GKE, "use rds on eks; elsewhere in-cluster or external"),
    Route53: (ClusterKind.EKS, "use cloud-dns on gke; elsewhere leave dns out"),
    CloudDns: (ClusterKind.GKE, "use route53 on eks; elsewhere leave dns out"),
}

_SERVICES: dict[str, Callable[[Settings], Any]] = {
    "objectStore": attrgetter("object_store"),
    "mlflow.database": attrgetter("mlflow.database"),
    "dns": attrgetter("dns"),
}
"""Where a service stands in the settings, and how it is read."""


def judge_cloud(settings: Settings, sound: Settings) -> Iterator[Finding]:
    """Everything that is wrong with the cloud's part of an environment. `sound`: without pools that are wrong."""
    yield from _place(settings)
    yield from _network(settings)
    control_plane = [*_control_plane(settings)]
    yield from control_plane
    if not any(finding.path.startswith(_LIMITS) for finding in control_plane):
        yield from _limits(sound)
    yield from _groups(settings)
    yield from _pool_names(sound)
    if sound is settings:
        yield from _a_home_for_the_platform(settings)
    yield from _disks(sound)
    for path in _SERVICES:
        yield from _cloud_service(path, settings)
    yield from _layers(settings)


@as_far_as_known
def _place(settings: Settings) -> Iterator[Finding]:
    match settings.cluster:
        case EksCluster() as cluster:
            yield from eks.check_place("cluster", cluster.region, cluster.account_id)
        case GkeCluster() as cluster:
            yield from check_gke_place("cluster", cluster.project, cluster.region, cluster.zones)


@as_far_as_known
def _network(settings: Settings) -> Iterator[Finding]:
    match settings.cluster:
        case EksCluster() as cluster:
            # Zones of a region that is none would all be wrong as well.
            region = cluster.region if eks.is_region(cluster.region) else ""
            yield from eks.check_eks_network("cluster.network", cluster.network, region)
        case GkeCluster() as cluster:
            yield from gke.check_gke_network("cluster.network", cluster.network)


@as_far_as_known
def _control_plane(settings: Settings) -> Iterator[Finding]:
    match settings.cluster:
        case EksCluster() as cluster:
            yield from eks.check_eks_cluster("cluster.controlPlane", cluster.control_plane)
            yield from _eks_extras(cluster, keep_data=settings.keep_data)
        case GkeCluster() as cluster:
            yield from gke.check_gke_cluster("cluster.controlPlane", cluster.control_plane)


def _eks_extras(cluster: EksCluster, *, keep_data: bool) -> Iterator[Finding]:
    """What is said of a file system and an autoscaler is said of ones that are made."""
    if cluster.file_system and not cluster.shared_file_system:
        yield Finding("cluster.fileSystem", "(given)", "of the file system that sharedFileSystem makes", "remove one")
    elif cluster.shared_file_system:
        yield from cloud_data.check_efs_file_system("cluster.fileSystem", cluster.file_system, keep_data=keep_data)
    if cluster.idle_minutes and cluster.provisioning is not NodeProvisioning.MANAGED_GROUPS:
        rule = "of the Cluster Autoscaler, which sizes managed groups"
        yield Finding("cluster.idleMinutes", str(cluster.idle_minutes), rule, "remove it")


@as_far_as_known
def _limits(settings: Settings) -> Iterator[Finding]:
    """What GKE may make by itself holds pools and classes together."""
    if isinstance(settings.cluster, GkeCluster) and (limits := settings.cluster.control_plane.get("auto_provisioning")):
        yield from check_all_within_limits(_LIMITS, limits, _nodes(settings))


@as_far_as_known
def _groups(settings: Settings) -> Iterator[Finding]:
    """Groups that a cloud's login carries. On a cluster that exists, its owner has set up the logins."""
    for name, team in settings.teams.items():
        for key in GROUPS:
            path, groups = f"teams.{name}.{key}", cast(dict[str, Any], team).get(key) or []
            for group in groups:
                # One mistake is one finding: a group of Kubernetes' own is reported with the team.
                if next(check_group_name(path, group), None):
                    continue
                match settings.cluster:
                    case EksCluster() as cluster:
                        yield from eks.check_carried_group(path, group, cluster.control_plane)
                    case GkeCluster() as cluster:
                        yield from gke.check_carried_group(path, group, cluster.control_plane)


@as_far_as_known
def _pool_names(settings: Settings) -> Iterator[Finding]:
    if isinstance(settings.cluster, EksCluster | GkeCluster):
        check = eks_pools.check_pool_name if isinstance(settings.cluster, EksCluster) else gke_pools.check_pool_name
        for name in settings.pools:
            yield from check(f"cluster.pools.{name}", name)


@as_far_as_known
def _a_home_for_the_platform(settings: Settings) -> Iterator[Finding]:
    """Add-ons, databases and gateways need nodes that are there before them and take any pod."""
    match settings.cluster:
        case EksCluster() as cluster if cluster.provisioning is not NodeProvisioning.AUTO_MODE:
            homes = [name for name, pool in settings.pools.items() if is_home(pool)]
        case GkeCluster() as cluster if cluster.mode is not GkeMode.AUTOPILOT:
            homes = [name for name, pool in settings.pools.items() if is_home(pool)]
        case _:
            return
    if not homes:
        yield Finding(
            "cluster.pools",
            ", ".join(settings.pools) or "(none)",
            "one pool takes the platform itself: no accelerator, no taint, not spot, nodesMin at least 1",
            "add one, like cpu with three nodes of a general machine",
        )


def takes_any_pod(pool: PoolHandle) -> bool:
    """Whether pods run on a pool that nobody sent there."""
    return not pool["capacity"]["accelerator"] and not pool["placement"]["tolerations"]


def is_home(pool: PoolHandle) -> bool:
    """Whether the platform itself can run on a pool."""
    return takes_any_pod(pool) and pool["capacity"]["nodes_min"] > 0


def _nodes(settings: Settings) -> dict[str, tuple[Machine, int]]:
    """GKE: pool or class -> its machine, and how many of it there are at most."""
    assert isinstance(settings.cluster, GkeCluster)
    specs = {**settings.cluster.pools, **settings.cluster.compute_classes}
    return {name: (MACHINES[spec["machine"]], int(spec["nodes_max"])) for name, spec in specs.items()}


@as_far_as_known
def _disks(settings: Settings) -> Iterator[Finding]:
    """What keeps data on disks runs on machines that take them: the platform (wherever any pod may go), workloads."""
    if not isinstance(settings.cluster, GkeCluster):
        return
    machines = {name: machine for name, (machine, _) in _nodes(settings).items()}
    classes = {plan.purpose: plan for plan in plan_storage_classes(PROJECT, settings.storage_args)}
    standard = classes[StoragePurpose.STANDARD]
    for name, pool in settings.pools.items():
        if takes_any_pod(pool):
            remedy = (
                "Prometheus, PostgreSQL or the object store may run here: use a machine that takes it, taint the pool, "
                "or set storage.parameters.standard.type to one of these (a class is made anew, its volumes stay)"
            )
            yield from check_attachment(f"cluster.pools.{name}.machine", standard, machines[name], remedy)
    for path, _, workload in settings.workloads():
        machine = machines.get(workload.pool)
        if machine is None:
            continue
        for disk in settings.kind_of(workload).disks(path, workload):
            others = [
                other.purpose
                for other in classes.values()
                if AccessMode.READ_WRITE_ONCE in other.access_modes and not [*check_attachment("", other, machine, "")]
            ]
            remedy = f"use {disk.setting} {' or '.join(others)}"
            yield from check_attachment(disk.path, classes[disk.purpose], machine, remedy)


@as_far_as_known
def _cloud_service(path: str, settings: Settings) -> Iterator[Finding]:
    chosen = _SERVICES[path](settings)
    only = _ONLY_ON.get(type(chosen))
    if chosen is None or only is None:
        return
    kind, remedy = only
    if settings.cluster.kind != kind:
        yield Finding(f"{path}.kind", chosen.kind, f"made on a cluster of kind {kind} only", remedy)
        return
    yield from _service(path, chosen, settings)


def _service(path: str, chosen: Any, settings: Settings) -> Iterator[Finding]:
    keep = settings.keep_data
    match chosen:
        case ManagedS3():
            yield from cloud_data.check_s3_bucket(f"{path}.s3", chosen.s3, keep_data=keep)
        case ManagedGcs():
            yield from cloud_data.check_gcs_bucket(f"{path}.gcs", chosen.gcs, keep_data=keep)
        case RdsManaged():
            # One zone is too few for EKS already, which the network says.
            zones = max(2, len(settings.cluster.zones)) if isinstance(settings.cluster, EksCluster) else 0
            args = {"database": {**chosen.rds, "highly_available": settings.environment.highly_available}}
            yield from cloud_data.check_rds_database(f"{path}.rds", args, keep_data=keep, zones=zones)
        case CloudSqlManaged():
            args = {"database": {**chosen.cloud_sql, "highly_available": settings.environment.highly_available}}
            yield from cloud_data.check_cloud_sql_database(f"{path}.cloudSql", args, keep_data=keep)
        case Route53():
            # Whose account it is has been judged with the cluster.
            known = {"zone": chosen.route53, "account_id": "0" * 12}
            yield from cloud_data.check_route53_zone(f"{path}.route53", known)
            yield from _zone_of(f"{path}.route53.domain", chosen.route53["domain"], settings)
        case CloudDns():
            yield from cloud_data.check_cloud_dns_zone(f"{path}.cloudDns", chosen.cloud_dns)
            yield from _zone_of(f"{path}.cloudDns.domain", chosen.cloud_dns["domain"], settings)


def _zone_of(path: str, zone: str, settings: Settings) -> Iterator[Finding]:
    if not f".{settings.environment.domain}".endswith(f".{zone}"):
        yield Finding(
            path,
            zone,
            f"the environment's domain, {settings.environment.domain}, lies in the zone",
            "name the zone that holds it, or leave dns out",
        )


@as_far_as_known
def _layers(settings: Settings) -> Iterator[Finding]:
    made = isinstance(settings.cluster, EksCluster | GkeCluster)
    if settings.scope is not Scope.ALL and not made:
        yield Finding(
            "scope",
            settings.scope,
            f"only a cluster that is made is cut from its platform; this one is {settings.cluster.kind}",
            "remove scope",
        )
    elif (settings.scope is Scope.PLATFORM) != bool(settings.cluster_stack_reference):
        yield Finding(
            "clusterStackReference",
            settings.cluster_stack_reference or "(missing)",
            "scope platform names the stack that holds its cluster, and no other scope does",
            "write clusterStackReference: <organization>/mlplatform/<stack> beside scope: platform, or remove it",
        )
    elif settings.cluster_stack_reference:
        yield from check_text("clusterStackReference", settings.cluster_stack_reference, STACK)
