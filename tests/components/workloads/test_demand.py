"""What workloads take of their pools."""

from typing import Any

from components.workloads.demand import inference_demand, model_server_demand, training_demand
from tests.components.platform_handles import CPU, H100, MIG

JOB: Any = {"accelerators": {"count": 8}}


def test_a_training_takes_its_devices_once_for_each_worker() -> None:
    (one,) = training_demand("t", "fit", "vision", JOB, H100)
    (many,) = training_demand("t", "fit", "vision", JOB, H100, {"count": 2})
    assert (one.key, one.units_per_pod, one.pods) == ("h100", 8, 1)
    assert (many.units_per_pod, many.pods, many.units) == (8, 2, 16)


def test_a_served_model_counts_at_its_most_replicas_with_its_canary() -> None:
    service: Any = {"accelerators": {"count": 1}, "min_replicas": 2, "max_replicas": 4}
    (plain,) = inference_demand("s", "llm", "vision", service, H100)
    (with_canary,) = inference_demand("s", "llm", "vision", {**service, "canary": {"replicas": 2}}, H100)
    (server,) = model_server_demand("s", "llm", "vision", service, H100)
    assert (plain.pods, with_canary.pods, server.pods) == (4, 6, 4)


def test_a_partition_is_a_key_of_its_own() -> None:
    (demand,) = training_demand("t", "f", "v", {"accelerators": {"count": 1, "mig_profile": "3g.40gb"}}, MIG)
    assert demand.key == "mig/3g.40gb"
    (unnamed,) = training_demand("t", "f", "v", {"accelerators": {"count": 1}}, MIG)
    assert unnamed.key == "mig/?"


def test_cpu_pools_are_not_counted() -> None:
    assert training_demand("t", "f", "v", {}, CPU) == []
    assert model_server_demand("t", "f", "v", {}, CPU) == []
