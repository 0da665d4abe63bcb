"""Every rule that settings can break once their shapes are right: the rules that components hold too, all at once."""

from collections import defaultdict
from collections.abc import Iterator

from components.catalog import ClusterKind
from components.charts import ChartOrigin
from components.stores import plan_storage_classes
from policies.rules.accelerators import check_pool
from policies.rules.capacity import check_ledger
from policies.rules.finding import Finding
from policies.rules.mlflow import check_backup, check_hostname
from policies.rules.storage import check_object_store, check_storage_classes
from policies.rules.tenants import check_team
from policies.rules.workloads import (
    check_checkpoint_storage,
    check_inference,
    check_model_server,
    check_scheduled_training,
    check_training,
)
from stacks.models.platform import ExistingDatabase, ExistingStore
from stacks.models.workloads import Inference, ModelServer, Training, Workload
from stacks.settings import PROJECT, Settings


def judge(settings: Settings) -> Iterator[Finding]:
    """Everything that is wrong with an environment."""
    broken = [f for name, pool in settings.cluster.pools.items() for f in check_pool(f"cluster.pools.{name}", pool)]
    yield from broken
    yield from _charts(settings)
    yield from check_storage_classes("storage", plan_storage_classes(PROJECT, settings.storage_args))
    yield from _object_store(settings)
    yield from _mlflow(settings)
    if broken:  # teams and workloads are only judged against pools that can exist
        return
    supplies = settings.supplies()
    for name, team in settings.teams.items():
        yield from check_team(f"teams.{name}", name, team, supplies)
    yield from _names(settings)
    for path, name, workload in settings.workloads():
        yield from _workload(path, name, workload, settings)
    yield from check_ledger(settings.ledger)


def _charts(settings: Settings) -> Iterator[Finding]:
    origin, location = settings.charts.origin, settings.charts.location
    if origin is ChartOrigin.BUNDLED and settings.cluster.kind != ClusterKind.SIMULATED:
        yield Finding(
            "charts.origin",
            origin,
            f"bundled charts are stand-ins that run nothing; this is a real cluster ({settings.cluster.kind})",
            "use upstream, or mirror with the address of your registry",
        )
    if (origin is ChartOrigin.MIRROR) != bool(location):
        yield Finding(
            "charts.location",
            location or "(missing)",
            "a mirror has an address, and nothing else has",
            "give oci://… or https://… with origin mirror, and leave it out otherwise",
        )


def _object_store(settings: Settings) -> Iterator[Finding]:
    store = settings.object_store
    if isinstance(store, ExistingStore):
        keys = (store.access_key_id, store.secret_access_key)
        if any(keys) and not all(keys):
            yield Finding(
                "objectStore.secretAccessKey",
                "[secret]",
                "a key has two halves",
                "give accessKeyId and secretAccessKey, or neither (workload identity)",
            )
        args = store.model_dump(exclude={"access_key_id", "secret_access_key"}, exclude_none=True)
        yield from check_object_store(
            "objectStore", {**args, "credentials_secret_name": "object-store-keys" if all(keys) else ""}
        )


def _mlflow(settings: Settings) -> Iterator[Finding]:
    mlflow = settings.mlflow
    yield from check_backup("mlflow.backup", mlflow.backup.schedule, mlflow.backup.retention_days)
    if isinstance(mlflow.database, ExistingDatabase):
        yield from check_hostname("mlflow.database.host", mlflow.database.host)


def _names(settings: Settings) -> Iterator[Finding]:
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


def _workload(path: str, name: str, workload: Workload, settings: Settings) -> Iterator[Finding]:
    if workload.team not in settings.teams:
        known = ", ".join(settings.teams) or "(none declared)"
        yield Finding(f"{path}.team", workload.team, f"a team of this environment: {known}", "correct or declare it")
    pool = settings.pools.get(workload.pool)
    if pool is None:
        known = ", ".join(settings.pools)
        yield Finding(f"{path}.pool", workload.pool, f"a pool of this cluster: {known}", "correct or declare it")
        return
    match workload:
        case Training(schedule=None):
            yield from check_training(f"{path}.job", name, workload.job, pool, workload.workers)
        case Training(workers=None, schedule=schedule) if schedule:
            yield from check_scheduled_training(f"{path}.job", name, workload.job, schedule, pool)
        case Training():
            yield Finding(
                f"{path}.schedule", "with workers", "a repeated training has one worker", "remove schedule or workers"
            )
        case Inference():
            yield from check_inference(f"{path}.service", workload.service, pool)
        case ModelServer():
            domains = {domain["name"]: domain["domain"] for domain in settings.domains}
            yield from check_model_server(f"{path}.server", workload.server, pool, domains)
    if isinstance(workload, Training):
        handle = settings.storage_handles.get(workload.checkpoint_purpose)
        modes = handle["access_modes"] if handle else None
        yield from check_checkpoint_storage(f"{path}.job", workload.job, workload.workers, modes)
