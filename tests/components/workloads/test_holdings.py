"""What a workload takes of its team's quota is what its pods ask for, by the objects that they are made from.

Only these tests find a size that a container asks for and the rule on quotas does not count: a container that fetches
the model, the pods of a canary, a default of the LimitRange. Not proved: that KServe's controller merges as restated.
"""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from components.capacity.ledger import Holding
from components.capacity.placement import PoolHandle
from components.tenants.plan import LIMITS
from components.workloads.demand import inference_holdings, model_server_holding, training_holding
from components.workloads.serving.model_server_plan import server_template
from components.workloads.training.plan import job_spec, training_template
from tests.components.platform_handles import CPU, H100
from tests.support.kserve_merge import admitted_pod, effective_requests, merged_autoscalers, merged_deployments
from tests.support.served import chart_values, inference_object, initializer, runtime_objects, team_handle

TEAM = team_handle("vision", "vision")
JOB: dict[str, Any] = {"image": "i", "cpu_millis": 500, "memory_gib": 3, "deadline_minutes": 1, "run": "1"}
MODEL: dict[str, Any] = {"model_format": "sklearn", "storage_uri": "s3://models/a", "cpu_millis": 500, "memory_gib": 3}
SERVER: dict[str, Any] = {"image": "i", "cpu_millis": 1500, "memory_gib": 3}
CANARY: dict[str, Any] = {"version": "b", "storage_uri": "s3://models/b", "traffic_percent": 10}
TRANSFORMER: dict[str, Any] = {"image": "i:1", "cpu_millis": 250, "memory_gib": 1}


def total(holdings: Iterable[Holding]) -> dict[str, int]:
    """Of the pods of all holdings."""
    sizes = [asdict(one) for one in holdings]
    return {
        key: sum(one[key] for one in sizes) for key in ("pods", "cpu_millis", "memory_gib", "ephemeral_storage_gib")
    }


def asked(pods: Iterable[tuple[Any, int]]) -> dict[str, int]:
    """What pods ask for, each so many times, as a quota counts it; requests and limits are the same, but for CPU."""
    sizes: dict[str, Decimal] = {}
    for pod, count in pods:
        requests, limits = effective_requests(pod), effective_requests(pod, "limits")
        assert {**limits, "cpu": requests["cpu"]} == requests
        for name, size in {**requests, "pods": Decimal(1)}.items():
            sizes[name] = sizes.get(name, Decimal(0)) + size * count
    return {
        "pods": int(sizes["pods"]),
        "cpu_millis": int(sizes["cpu"] * 1000),
        "memory_gib": int(sizes["memory"] / 2**30),
        "ephemeral_storage_gib": int(sizes["ephemeral-storage"] / 2**30),
    }


@pytest.mark.parametrize("change", [{}, {"ephemeral_storage_gib": 7}, {"shared_memory_gib": 1}], ids=str)
@pytest.mark.parametrize("workers", [None, {"count": 3}], ids=str)
def test_a_training_holds_what_all_its_workers_ask_for(change: dict[str, Any], workers: Any) -> None:
    job: Any = {**JOB, **change}
    template = training_template(job, CPU, TEAM, labels={}, defaults={}, checkpoint_claim="c")
    count = job_spec(job, template, workers)["parallelism"]
    assert total([training_holding("p", "fit", "vision", job, workers)]) == asked([(template, count)])


@pytest.mark.parametrize("pool", [CPU, H100], ids=["cpu", "h100"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"storage_uri": "pvc://claim/a"},
        {"storage_uri": "s3://models/a"},
        {"storage_uri": "s3://models/a", "cpu_millis": 100, "model_size_gib": 3, "ephemeral_storage_gib": 2},
        {"min_replicas": 2, "max_replicas": 5},
    ],
    ids=str,
)
def test_a_model_server_holds_what_its_fewest_replicas_ask_for(change: dict[str, Any], pool: PoolHandle) -> None:
    server: Any = {**SERVER, **change}
    if pool is H100:
        server["accelerators"] = {"count": 1}
    template = server_template(server, pool, TEAM, labels={}, store=None, tracking={})
    for container in [*template["spec"]["containers"], *template["spec"].get("initContainers", [])]:
        for side in ("requests", "limits"):
            container["resources"][side].pop("nvidia.com/gpu", None)
    held = total([model_server_holding("p", "api", "vision", server)])
    assert held == asked([(template, int(server.get("min_replicas", 1)))])


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"storage_uri": "pvc://claim/a", "memory_gib": 1},
        {"cpu_millis": 50, "memory_gib": 1, "ephemeral_storage_gib": 1},
        {"min_replicas": 3, "max_replicas": 9},
        {"min_replicas": 3, "canary": {**CANARY, "replicas": 2}},
        {"min_replicas": 3, "canary": {**CANARY, "replicas": 3}},
        {"canary": {**CANARY, "storage_uri": "pvc://claim/b"}, "memory_gib": 1},
        {"transformer": {**TRANSFORMER, "min_replicas": 2}},
    ],
    ids=str,
)
def test_a_model_holds_what_kserve_makes_of_it(change: dict[str, Any]) -> None:
    service: Any = {**MODEL, **change} | ({"version": "a"} if "canary" in change else {})
    objects = [inference_object(service, CPU), *runtime_objects()]
    fewest = {
        one["metadata"]["name"]: one["spec"]["minReplicas"] for one in merged_autoscalers(objects, chart_values())
    }
    pods = [
        (admitted_pod(one, initializer(), LIMITS), fewest[one["metadata"]["name"]])
        for one in merged_deployments(objects, chart_values())
    ]
    assert total(inference_holdings("p", "model", "vision", service)) == asked(pods)


def test_checkpoints_are_volumes_whether_or_not_a_schedule_is_suspended() -> None:
    job: Any = {**JOB, "checkpoint": {"size_gib": 30}}
    (plain, running, suspended) = (
        training_holding("p", "fit", "vision", job, None, schedule)
        for schedule in (None, {"cron": "0 3 * * *"}, {"cron": "0 3 * * *", "suspended": True})
    )
    assert [(one.claims, one.storage_gib) for one in (plain, running, suspended)] == [(1, 30)] * 3
    assert (plain.pods, running.pods, suspended.pods) == (1, 1, 0)
    assert suspended.cpu_millis == suspended.memory_gib == suspended.ephemeral_storage_gib == 0
    assert training_holding("p", "fit", "vision", JOB).claims == 0  # type: ignore[arg-type]
