"""Teams, workloads, and the ledger that joins them with the pools."""

from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import replace

from components.capacity.validation import check_ledger
from components.findings import Finding
from components.tenants.validation import (
    check_internet,
    check_registry,
    check_team,
    holdings_within_quota,
)
from components.workloads.serving.hosts import MAX_LABEL
from settings.kinds.base import Replicas
from settings.models.platform import ExistingStore, InClusterStore
from settings.models.workloads import Workload
from settings.partial import all_named, as_far_as_known
from settings.published import published
from settings.settings import Settings
from settings.validation.remedies import or_declare

_DEVICE_KEYS = frozenset({"accelerators", "pool", "team"})


_SIZE_KEYS = frozenset({"cpuMillis", "memoryGib", "ephemeralStorageGib"})
"""What decides how much a workload takes of pools, and of its team's quota for everything else; kinds add to both."""


@as_far_as_known
def check_tenancy(settings: Settings, invalid_teams: Set[str]) -> Iterator[Finding]:
    """Teams, workloads, and the ledger that joins them with the pools."""
    yield from _teams(settings)
    # One mistake is one finding: a workload whose own size is wrong is not held against pools and quotas as well.
    without_devices, without_size = set[str](), set[str]()
    for path, name, workload in settings.workloads():
        if workload.team not in invalid_teams and all_named(invalid_teams):
            yield from _team_of(path, workload, settings)
        kind = settings.kind_of(workload)
        of_devices = _DEVICE_KEYS | kind.device_keys
        of_size = of_devices | _SIZE_KEYS | kind.size_keys
        for finding in _workload(path, name, workload, settings):
            keys = {*finding.path.removeprefix(path).split(".")}
            for deciding, unsized in ((of_devices, without_devices), (of_size, without_size)):
                if keys & deciding:
                    unsized.add(path)
            yield finding
    ledger = settings.ledger
    yield from check_ledger(replace(ledger, demands=tuple(d for d in ledger.demands if d.path not in without_devices)))
    teams = {name: team for name, team in settings.teams.items() if name not in invalid_teams}
    sized = [one for one in settings.holdings() if one.path not in without_size]
    yield from holdings_within_quota(teams, sized)


@as_far_as_known
def _teams(settings: Settings) -> Iterator[Finding]:
    supplies = settings.supplies()
    for name, team in settings.teams.items():
        yield from check_team(f"teams.{name}", name, team, supplies)
        if not isinstance(settings.object_store, InClusterStore):
            store = settings.object_store
            endpoint = (store.endpoint or "") if isinstance(store, ExistingStore) else ""
            yield from check_internet(f"teams.{name}", team, endpoint, store.ranges)
        registry = team.get("registry")
        if registry:
            yield from check_registry(f"teams.{name}.registry", registry["server"], registry["username"])


@as_far_as_known
def _team_of(path: str, workload: Workload, settings: Settings) -> Iterator[Finding]:
    if workload.team not in settings.teams:
        known = ", ".join(settings.teams) or "(none declared)"
        remedy = or_declare(workload.team, [*settings.teams], "teams")
        yield Finding(f"{path}.team", workload.team, f"a team of this environment: {known}", remedy)


@as_far_as_known
def _workload(path: str, name: str, workload: Workload, settings: Settings) -> Iterator[Finding]:
    pool = settings.pools.get(workload.pool)
    if pool is None:
        known = ", ".join(settings.pools) or "(none that is right)"
        remedy = or_declare(workload.pool, [*settings.pools], "cluster.pools")
        yield Finding(f"{path}.pool", workload.pool, f"a pool of this cluster: {known}", remedy)
        return
    kind = settings.kind_of(workload)
    yield from kind.findings(path, name, workload, pool, settings)
    replicas = kind.replicas(path, workload)
    if replicas:
        yield from _autoscaling(replicas, settings)


def _autoscaling(replicas: Replicas, settings: Settings) -> Iterator[Finding]:
    """Replicas follow the load only where something serves the metrics of pods."""
    if settings.cluster.has_pod_metrics:
        return
    if replicas.most > replicas.fewest:
        yield Finding(
            f"{replicas.path}.maxReplicas",
            str(replicas.most),
            "without metrics-server (cluster.metricsServer: false) the number of replicas never changes",
            f"use maxReplicas {replicas.fewest}, or install metrics-server and remove metricsServer",
        )


@as_far_as_known
def check_workload_names(settings: Settings) -> Iterator[Finding]:
    """Within a team, a name stands for one thing: Services and volumes are named after workloads."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path, name, workload in settings.workloads():
        places[workload.team, name].append(path)
    for (team, name), paths in places.items():
        if len(paths) > 1:
            yield Finding(
                paths[-1],
                f"{name} (also {', '.join(paths[:-1])})",
                f"within team {team} a name stands for one workload",
                "rename one of them",
            )


@as_far_as_known
def check_public_names(settings: Settings) -> Iterator[Finding]:
    """A public name leads to one place, and is one that DNS can hold."""
    named = [*published(settings)]
    ingress = settings.mlflow.ingress
    if ingress:
        named.insert(0, ("mlflow.ingress.hostname", ingress["hostname"]))
    owners: dict[str, str] = {}
    for path, hostname in sorted(named, key=lambda one: one[0] != "grafana"):
        label = hostname.partition(".")[0]
        if len(label) > MAX_LABEL and not path.endswith(".hostname"):
            yield Finding(
                path,
                f"{label} ({len(label)} characters)",
                f"KServe publishes it under this name, and a label of a host name has at most {MAX_LABEL}",
                "shorten the model's name or version, or the team's namespace",
            )
        if hostname in owners:
            what = "Grafana" if owners[hostname] == "grafana" else owners[hostname]
            yield Finding(path, hostname, f"a public name leads to one place; this leads to {what}", "choose another")
        owners.setdefault(hostname, path)
