"""The cluster: what its kind says of it, what it brings to the rest, and how an environment is cut into stacks."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, cast

from components.base.grammar import STACK, check_text
from components.base.groups import GROUPS, check_group_name
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.storage.plan import AccessMode, StoragePurpose, plan_storage_classes
from components.storage.validation import check_attachment
from settings.clouds.registry import CLOUDS
from settings.models.environment import Scope
from settings.partial import as_far_as_known
from settings.settings import PROJECT, Settings

_SERVICES: dict[str, Callable[[Settings], Any]] = {
    "objectStore": attrgetter("object_store"),
    "mlflow.database": attrgetter("mlflow.database"),
    "dns": attrgetter("dns"),
}
"""Where a service stands in the settings, and how it is read."""


def check_cluster(settings: Settings, sound: Settings) -> Iterator[Finding]:
    """Everything that is wrong with the cluster but for its pools. `sound`: without pools that are wrong."""
    yield from _own_findings(settings, sound)
    yield from _groups(settings)
    yield from _pool_names(sound)
    if sound is settings:
        yield from _a_home_for_the_platform(settings)
    yield from _disks(sound)
    for path in _SERVICES:
        yield from _cloud_service(path, settings)
    yield from _layers(settings)


@as_far_as_known
def _own_findings(settings: Settings, sound: Settings) -> Iterator[Finding]:
    own = [*settings.cluster.findings(keep_data=settings.keep_data)]
    yield from own
    yield from sound.cluster.findings_of_pools_together(own)


@as_far_as_known
def _groups(settings: Settings) -> Iterator[Finding]:
    """Groups that a cloud's login carries."""
    for name, team in settings.teams.items():
        for key in GROUPS:
            path, groups = f"teams.{name}.{key}", cast(dict[str, Any], team).get(key) or []
            for group in groups:
                # One mistake is one finding: a group of Kubernetes' own is reported with the team.
                if not next(check_group_name(path, group), None):
                    yield from settings.cluster.check_group(path, group)


@as_far_as_known
def _pool_names(settings: Settings) -> Iterator[Finding]:
    for name in settings.pools:
        yield from settings.cluster.check_pool_name(f"cluster.pools.{name}", name)


@as_far_as_known
def _a_home_for_the_platform(settings: Settings) -> Iterator[Finding]:
    """Add-ons, databases and gateways need nodes that are there before them and take any pod."""
    if settings.cluster.needs_plain_pool and not any(is_home(pool) for pool in settings.pools.values()):
        yield Finding(
            "cluster.pools",
            ", ".join(settings.pools) or "(none)",
            "one pool takes the platform itself: no accelerator, no taint, not spot, nodesMin at least 1",
            "add one, like cpu with three nodes of a general machine",
        )


def takes_any_pod(pool: PoolHandle) -> bool:
    """Whether pods without a node selector can run on a pool."""
    return not pool["capacity"]["accelerator"] and not pool["placement"]["tolerations"]


def is_home(pool: PoolHandle) -> bool:
    """Whether the platform itself can run on a pool."""
    return takes_any_pod(pool) and pool["capacity"]["nodes_min"] > 0


@as_far_as_known
def _disks(settings: Settings) -> Iterator[Finding]:
    """What keeps data on disks runs on machines that take them: the platform (wherever any pod may go), workloads."""
    machines = settings.cluster.disk_machines
    if not machines:
        return
    classes = {plan.purpose: plan for plan in plan_storage_classes(PROJECT, settings.storage_args)}
    standard = classes[StoragePurpose.STANDARD]
    for name, pool in settings.pools.items():
        if takes_any_pod(pool):
            remedy = (
                "Prometheus, PostgreSQL or the object store may run here: use a machine that takes it, taint the pool, "
                "or set storage.parameters.standard.type to one of these (the class is replaced, its volumes stay)"
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
    """A managed service is one of the cluster's own cloud."""
    chosen, cluster = _SERVICES[path](settings), settings.cluster
    if type(chosen) in cluster.services:
        yield from cluster.check_service(path, chosen, settings.environment, keep_data=settings.keep_data)
    for cloud in CLOUDS:
        if type(chosen) in cloud.services and not isinstance(cluster, cloud):
            rule = f"made on a cluster of kind {cloud.kind_name()} only"
            yield Finding(f"{path}.kind", chosen.kind, rule, cloud.services[type(chosen)])


@as_far_as_known
def _layers(settings: Settings) -> Iterator[Finding]:
    if settings.scope is not Scope.ALL and not settings.cluster.is_made:
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
            "add clusterStackReference: <organization>/mlplatform/<stack> to scope: platform, or remove it",
        )
    elif settings.cluster_stack_reference:
        yield from check_text("clusterStackReference", settings.cluster_stack_reference, STACK)
