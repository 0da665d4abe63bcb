"""What is refused of trainings, and that good ones pass."""

from typing import Any

import pytest

from components.base.schedules import cron_problem
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.training.validation import (
    check_checkpoint_storage,
    check_schedule,
    check_scheduled_training,
    check_training,
)
from tests.components.platform_handles import CPU, FLEX_START, H100, MIG, ONE_HOST, QUEUED, SLICE, SPOT
from tests.support.findings import only

JOB: dict[str, Any] = {
    "run": "1",
    "image": "ghcr.io/example/train:1.4",
    "accelerators": {"count": 8},
    "cpu_millis": 64_000,
    "memory_gib": 512,
    "deadline_minutes": 720,
}
ON_CPU = {**JOB, "accelerators": {}, "cpu_millis": 4000, "memory_gib": 16}
ON_SPOT = {**JOB, "accelerators": {"count": 1}, "memory_gib": 64, "checkpoint": {"size_gib": 100}}


def training(change: dict[str, Any], on: PoolHandle = H100, workers: Any = None) -> list[Finding]:
    return list(check_training("training.fit", "fit", {**JOB, **change}, on, workers))  # type: ignore[typeddict-item]


def test_good_trainings_pass() -> None:
    assert training({}) == []
    assert training(ON_CPU, CPU) == []
    assert training(ON_SPOT, SPOT) == []
    assert training({}, H100, {"count": 2}) == []
    assert training({"accelerators": {"count": 4}, "cpu_millis": 8000, "memory_gib": 64}, SLICE, {"count": 4}) == []
    assert training({"accelerators": {"count": 4}, "cpu_millis": 8000, "memory_gib": 64}, ONE_HOST) == []
    assert training({"accelerators": {"count": 1, "mig_profile": "3g.40gb"}, "memory_gib": 64}, MIG) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"run": ""}, "run"),
        ({"run": "Run_1"}, "run"),
        ({"run": "a-run-name-too-long"}, "run"),
        ({"image": "ghcr.io/example/train:latest"}, "image"),
        ({"image": "ghcr.io/example/train"}, "image"),
        ({"image": ""}, "image"),
        ({"deadline_minutes": 0}, "deadlineMinutes"),
        ({"retries": 11}, "retries"),
        ({"grace_seconds": 7200}, "graceSeconds"),
        ({"fatal_exit_codes": [1, 0]}, "fatalExitCodes[1]"),
        ({"cpu_millis": 500_000}, "cpuMillis"),
        ({"memory_gib": 4096}, "memoryGib"),
        ({"cpu_limit_millis": 1000}, "cpuLimitMillis"),
        ({"shared_memory_gib": 512}, "sharedMemoryGib"),
        ({"shared_memory_gib": -1}, "sharedMemoryGib"),
        ({"accelerators": {"count": 9}}, "accelerators.count"),
        ({"accelerators": {"count": 0.5}}, "accelerators.count"),
        ({"accelerators": {"count": -1}}, "accelerators.count"),
        ({"accelerators": {}}, "accelerators.count"),
        ({"accelerators": {"count": 1, "mig_profile": "1g.10gb"}}, "accelerators.migProfile"),
        ({"ttl_minutes": 60}, "ttlMinutes"),
        ({"environment": {"HF_TOKEN": "hf_abc"}}, "environment.HF_TOKEN"),
        ({"environment": {"NVIDIA_VISIBLE_DEVICES": "all"}}, "environment.NVIDIA_VISIBLE_DEVICES"),
    ],
)
def test_a_bad_training_is_refused_with_the_path_of_its_setting(change: dict[str, Any], path: str) -> None:
    assert only(training(change)).path == f"training.fit.{path}"


@pytest.mark.parametrize("key", ["image", "cpu_millis", "memory_gib", "deadline_minutes"])
def test_what_is_required_is_asked_for(key: str) -> None:
    job = {name: value for name, value in JOB.items() if name != key}
    assert only(check_training("t", "t", job, H100)).value == "(missing)"  # type: ignore[arg-type]


def test_a_time_to_live_is_admitted_where_a_second_run_ends_at_the_checkpoint_of_the_first() -> None:
    assert training({"ttl_minutes": 60, "checkpoint": {"size_gib": 10}}) == []


def test_a_cpu_pool_has_no_accelerators_to_take() -> None:
    assert only(training({**ON_CPU, "accelerators": {"count": 1}}, CPU)).path == "training.fit.accelerators.count"


def test_a_pool_with_several_partitions_wants_one_named() -> None:
    finding = only(training({"accelerators": {"count": 1}, "memory_gib": 64}, MIG))
    assert finding.path == "training.fit.accelerators.migProfile"
    assert "1g.10gb, 3g.40gb" in finding.rule


def test_spot_nodes_need_a_checkpoint_and_a_grace_period_that_clouds_give() -> None:
    without = {key: value for key, value in ON_SPOT.items() if key != "checkpoint"}
    assert only(check_training("t", "t", without, SPOT)).path == "t.checkpoint"  # type: ignore[arg-type]
    assert only(training({**ON_SPOT, "grace_seconds": 300}, SPOT)).remedy == "use 120"
    assert only(training({**ON_SPOT, "grace_seconds": 5}, SPOT)).remedy == "use 10"


def test_a_run_ends_before_its_nodes_unless_it_can_go_on_on_others() -> None:
    two_days, longer = {"deadline_minutes": 2880}, {"deadline_minutes": 2881}
    resumes = {**longer, "checkpoint": {"size_gib": 100}}
    assert training(two_days, FLEX_START) == training(two_days, QUEUED) == training(longer) == []
    found = only(training(longer, FLEX_START))
    assert (found.path, found.value) == (
        "training.fit.deadlineMinutes",
        "2881 on pool flex, whose nodes end after 48 hours",
    )
    assert found.remedy.startswith("use at most 2880, add checkpoint.sizeGib")
    assert training(resumes, FLEX_START) == []
    # Nodes of the queue come for one request: a pod that is left over waits for ever.
    assert "checkpoint" not in only(training(resumes, QUEUED)).remedy


def test_what_starts_by_itself_has_no_request_for_queued_nodes() -> None:
    again = {"ttl_minutes": 60, "checkpoint": {"size_gib": 100}}
    assert only(training(again, QUEUED)).path == "training.fit.ttlMinutes"
    assert training(again, FLEX_START) == []
    job = {key: value for key, value in JOB.items() if key != "run"}
    schedule: Any = {"cron": "0 3 * * *"}
    found = only(check_scheduled_training("t", "t", job, schedule, QUEUED))  # type: ignore[arg-type]
    assert (found.path, found.value) == ("t.pool", "queued (queued)")
    assert list(check_scheduled_training("t", "t", job, schedule, FLEX_START)) == []  # type: ignore[arg-type]


def test_a_tpu_slice_is_used_whole() -> None:
    on_slice = {"accelerators": {"count": 4}, "cpu_millis": 8000, "memory_gib": 64}
    assert only(training(on_slice, SLICE)).path == "training.fit.workers.count"
    assert only(training(on_slice, SLICE, {"count": 2})).remedy == "use 4 workers"
    half = {**on_slice, "accelerators": {"count": 2}}
    assert only(training(half, SLICE, {"count": 4})).path == "training.fit.accelerators.count"


def test_workers_are_several_and_fit_the_pool_together() -> None:
    assert only(training({}, H100, {"count": 1})).path == "training.fit.workers.count"
    assert only(training({}, H100, {"count": 3})).remedy == "use 2, or raise nodesMax of the pool"
    assert training({"accelerators": {"count": 4}}, H100, {"count": 4}) == []
    assert only(training({}, H100, {"count": 2, "port": 80})).path == "training.fit.workers.port"
    assert only(training({}, H100, {"count": 2, "processes_per_worker": 0})).path.endswith("processesPerWorker")


def test_several_nodes_do_not_write_one_disk() -> None:
    job: Any = {**JOB, "checkpoint": {"size_gib": 10}}
    modes = ["ReadWriteOnce"]
    assert only(check_checkpoint_storage("t", job, {"count": 2}, modes)).path == "t.checkpoint"
    assert list(check_checkpoint_storage("t", job, None, modes)) == []
    assert list(check_checkpoint_storage("t", job, {"count": 2}, ["ReadWriteMany"])) == []
    assert only(check_checkpoint_storage("t", job, None, None)).value == "no storage class for it"
    assert list(check_checkpoint_storage("t", JOB, {"count": 2}, None)) == []  # type: ignore[arg-type]


def test_a_name_that_no_host_can_have_is_refused() -> None:
    assert only(check_training("t", "n" * 60, JOB, H100)).rule.startswith("with the index")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cron",
    ["0 3 * * *", "*/15 * * * *", "0 3 1,15 * *", "30 2 * * MON-FRI", "0 0 1 JAN *", "0 3 * * 0-6", "5 17 7 7 *"],
)
def test_what_kubernetes_understands_as_a_schedule_passes(cron: str) -> None:
    assert cron_problem(cron) == ""


@pytest.mark.parametrize(
    "cron",
    [
        "* * * *",
        "0 3 * * * *",
        "61 * * * *",
        "0 25 * * *",
        "@daily",
        "0 0 31 2 *",
        "0 3 L * *",
        "0 3 * * 5#2",
        "0 3 * * 7",
        "TZ=UTC 0 3 * * *",
        "every night",
        "0 3 * * 5L",
        "0 0 * 13 *",
    ],
)
def test_a_schedule_that_kubernetes_would_refuse_is_refused_before(cron: str) -> None:
    assert only(check_schedule("t.schedule", {"cron": cron})).path == "t.schedule.cron"


def test_the_rest_of_a_schedule_is_checked_too() -> None:
    assert list(check_schedule("s", {"cron": "0 3 * * *", "time_zone": "Europe/Paris"})) == []
    assert only(check_schedule("s", {"cron": "0 3 * * *", "time_zone": "Paris"})).path == "s.timeZone"
    assert only(check_schedule("s", {"cron": "0 3 * * *", "start_within_minutes": 0})).path == "s.startWithinMinutes"
    assert only(check_schedule("s", {"cron": "0 3 * * *", "keep_failed": 99})).path == "s.keepFailed"
    assert only(check_schedule("s", {})).value == "(missing)"


def test_a_scheduled_training_has_no_run_and_a_short_name() -> None:
    job: Any = {key: value for key, value in JOB.items() if key != "run"}
    assert list(check_scheduled_training("t", "nightly", job, {"cron": "0 3 * * *"}, H100)) == []
    assert only(check_scheduled_training("t", "nightly", JOB, {"cron": "0 3 * * *"}, H100)).path == "t.run"  # type: ignore[arg-type]
    assert only(check_scheduled_training("t", "n" * 53, job, {"cron": "0 3 * * *"}, H100)).path == "t"
