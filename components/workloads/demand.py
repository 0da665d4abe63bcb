"""Requests of workloads: at their largest for the capacity ledger, and with their minimum of pods for the team's quota.
Pure."""

from collections.abc import Iterator

from catalog.kserve import FETCH_CPU_MILLIS, FETCH_MEMORY_GIB
from components.capacity.ledger import Demand, Holding, unit_key
from components.capacity.placement import AcceleratorRequest, PoolHandle, resource_name
from components.tenants.spec import UNNAMED_STORAGE_GIB
from components.workloads.serving.spec import (
    DEFAULT_INFERENCE_STORAGE_GIB,
    DOWNLOAD_CPU_MILLIS,
    DOWNLOAD_MEMORY_GIB,
    TRANSFORMER_STORAGE_GIB,
    InferenceSpec,
    ModelServerSpec,
    fetches_model,
    model_server_storage_gib,
    replicas_of,
)
from components.workloads.training.spec import (
    DEFAULT_EPHEMERAL_STORAGE_GIB,
    ScheduleSpec,
    TrainingSpec,
    WorkersSpec,
    accelerator_count,
)


def training_demand(
    path: str, name: str, team: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None = None
) -> list[Demand]:
    """Of a training, once or on a schedule (its runs never overlap); none on a CPU pool."""
    return accelerator_demand(path, name, team, job.get("accelerators"), pool, int(workers["count"]) if workers else 1)


def inference_demand(path: str, name: str, team: str, service: InferenceSpec, pool: PoolHandle) -> list[Demand]:
    """Of a model served by KServe, with its maximum of replicas and its canary; none on a CPU pool."""
    canary = service.get("canary")
    pods = replicas_of(service)[1] + (int(canary.get("replicas", 1)) if canary else 0)
    return accelerator_demand(path, name, team, service.get("accelerators"), pool, pods)


def model_server_demand(path: str, name: str, team: str, server: ModelServerSpec, pool: PoolHandle) -> list[Demand]:
    """Of a model server with its maximum of replicas; updates add none. None on a CPU pool."""
    return accelerator_demand(path, name, team, server.get("accelerators"), pool, replicas_of(server)[1])


def accelerator_demand(
    path: str, name: str, team: str, request: AcceleratorRequest | None, pool: PoolHandle, pods: int
) -> list[Demand]:
    """Of pods that each request the same devices; none if they request none, or the pool has none."""
    units = accelerator_count(request)
    try:
        resource = resource_name(pool["capacity"], (request or {}).get("mig_profile", ""))
    except KeyError:  # validation names the profiles; the ledger reports the missing supply
        return [Demand(path, name, team, f"{pool['capacity']['pool']}/?", units, pods)] if units else []
    return [Demand(path, name, team, unit_key(pool["capacity"], resource), units, pods)] if units and resource else []


# ---- Team quotas. A pod counts with all its containers together or with its largest init container; no container here
# has requests below its limits in the counted resources. Rollouts and autoscalers may use more.


def training_holding(
    path: str,
    name: str,
    team: str,
    job: TrainingSpec,
    workers: WorkersSpec | None = None,
    schedule: ScheduleSpec | None = None,
) -> Holding:
    """Of a training: all workers at once, one run of a schedule, none of a suspended one; its checkpoint volume
    stays."""
    pods = 0 if schedule and schedule.get("suspended") else int(workers["count"]) if workers else 1
    checkpoint = job.get("checkpoint")
    return Holding(
        path,
        name,
        team,
        pods=pods,
        cpu_millis=pods * int(job["cpu_millis"]),
        memory_gib=pods * int(job["memory_gib"]),
        ephemeral_storage_gib=pods * int(job.get("ephemeral_storage_gib", DEFAULT_EPHEMERAL_STORAGE_GIB)),
        storage_gib=int(checkpoint["size_gib"]) if checkpoint else 0,
        claims=1 if checkpoint else 0,
    )


def inference_holdings(path: str, name: str, team: str, service: InferenceSpec) -> Iterator[Holding]:
    """Of a model served by KServe, which takes the pods of a canary from the model's own, except the last one."""
    canary, transformer, (fewest, _) = service.get("canary"), service.get("transformer"), replicas_of(service)
    canary_replicas = int(canary.get("replicas", 1)) if canary else 0
    local_gib = int(service.get("ephemeral_storage_gib", DEFAULT_INFERENCE_STORAGE_GIB))
    parts = [(service["storage_uri"], max(fewest - canary_replicas, 1))]
    parts += [(canary["storage_uri"], canary_replicas)] if canary else []
    for uri, pods in parts:
        fetches = fetches_model(uri)
        yield Holding(
            path,
            name,
            team,
            pods=pods,
            cpu_millis=pods * max(int(service["cpu_millis"]), FETCH_CPU_MILLIS if fetches else 0),
            memory_gib=pods * max(int(service["memory_gib"]), FETCH_MEMORY_GIB if fetches else 0),
            ephemeral_storage_gib=pods * max(local_gib, UNNAMED_STORAGE_GIB if fetches else 0),
        )
    if transformer:
        pods, _ = replicas_of(transformer)
        yield Holding(
            path,
            name,
            team,
            pods=pods,
            cpu_millis=pods * int(transformer["cpu_millis"]),
            memory_gib=pods * int(transformer["memory_gib"]),
            ephemeral_storage_gib=pods * TRANSFORMER_STORAGE_GIB,
        )


def model_server_holding(path: str, name: str, team: str, server: ModelServerSpec) -> Holding:
    """Of a model server, including the container that downloads its model."""
    (pods, _), fetches = replicas_of(server), fetches_model(server.get("storage_uri", ""))
    return Holding(
        path,
        name,
        team,
        pods=pods,
        cpu_millis=pods * max(int(server["cpu_millis"]), DOWNLOAD_CPU_MILLIS if fetches else 0),
        memory_gib=pods * max(int(server["memory_gib"]), DOWNLOAD_MEMORY_GIB if fetches else 0),
        ephemeral_storage_gib=pods * model_server_storage_gib(server),
    )
