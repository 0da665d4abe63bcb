"""What each workload takes of its pool at its largest, for the capacity ledger. Pure."""

from components.capacity import Demand, unit_key
from components.placement import AcceleratorRequest, PoolHandle, resource_name
from components.serving.spec import InferenceSpec, ModelServerSpec, replicas_of
from components.training.spec import TrainingSpec, WorkersSpec, accelerator_count


def training_demand(
    path: str, name: str, team: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None = None
) -> list[Demand]:
    """Of a training, once or on a schedule (its runs never overlap); nothing on a CPU pool."""
    return _demand(path, name, team, job.get("accelerators"), pool, int(workers["count"]) if workers else 1)


def inference_demand(path: str, name: str, team: str, service: InferenceSpec, pool: PoolHandle) -> list[Demand]:
    """Of a model served by KServe, at its most replicas and with its canary; nothing on a CPU pool."""
    canary = service.get("canary")
    pods = replicas_of(service)[1] + (int(canary.get("replicas", 1)) if canary else 0)
    return _demand(path, name, team, service.get("accelerators"), pool, pods)


def model_server_demand(path: str, name: str, team: str, server: ModelServerSpec, pool: PoolHandle) -> list[Demand]:
    """Of a model server at its most replicas; updates take no more. Nothing on a CPU pool."""
    return _demand(path, name, team, server.get("accelerators"), pool, replicas_of(server)[1])


def _demand(
    path: str, name: str, team: str, request: AcceleratorRequest | None, pool: PoolHandle, pods: int
) -> list[Demand]:
    units = accelerator_count(request)
    try:
        resource = resource_name(pool["capacity"], (request or {}).get("mig_profile", ""))
    except KeyError:  # the rules on workloads name the profiles; the ledger then says that there is no such supply
        return [Demand(path, name, team, f"{pool['capacity']['pool']}/?", units, pods)] if units else []
    return [Demand(path, name, team, unit_key(pool["capacity"], resource), units, pods)] if units and resource else []
