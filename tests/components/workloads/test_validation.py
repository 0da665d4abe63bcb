"""What is refused of trainings and served models, and that the good ones pass in silence."""

from typing import Any

import pytest

from components.base.schedules import cron_problem
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.validation import (
    check_checkpoint_storage,
    check_environment,
    check_inference,
    check_model_server,
    check_schedule,
    check_scheduled_training,
    check_storage_uri,
    check_training,
)
from tests.components.platform_handles import CPU, FLEX_START, H100, MIG, ONE_HOST, QUEUED, SHARED_L4, SLICE, SPOT, pool

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
SERVICE: dict[str, Any] = {
    "model_format": "huggingface",
    "storage_uri": "s3://models/dev/llama",
    "accelerators": {"count": 1},
    "cpu_millis": 8000,
    "memory_gib": 64,
    "min_replicas": 2,
    "max_replicas": 4,
}
SERVER: dict[str, Any] = {
    "image": "ghcr.io/example/server:2.0",
    "accelerators": {"count": 1},
    "cpu_millis": 4000,
    "memory_gib": 32,
}
DOMAINS = {"public": "ml.example.com"}


def only(findings: Any) -> Finding:
    (finding,) = findings
    assert finding.value
    assert finding.rule
    assert finding.remedy
    return finding  # type: ignore[no-any-return]


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


@pytest.mark.parametrize("name", ["TOKENIZERS_PARALLELISM", "MAX_TOKENS", "VLLM_MAX_TOKENS_PER_BATCH", "TOKEN_LIMIT"])
def test_a_variable_about_the_tokens_of_a_text_is_no_credential(name: str) -> None:
    """Each of these was refused as what looks like a credential."""
    assert training({"environment": {name: "4096"}}) == []
    assert training({"environment": {f"{name}_SECRET": "4096"}})


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
        ({"fatal_exit_codes": [0]}, "fatalExitCodes"),
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


def inference(change: dict[str, Any], on: PoolHandle = H100) -> list[Finding]:
    return list(check_inference("s", {**SERVICE, **change}, on))  # type: ignore[typeddict-item]


def test_good_services_pass() -> None:
    canary = {"version": "v2", "storage_uri": "hf://org/model", "traffic_percent": 10, "replicas": 2}
    transformer = {"image": "x:1", "cpu_millis": 100, "memory_gib": 1}
    assert inference({"canary": canary, "transformer": transformer}) == []
    assert inference({"accelerators": {"count": 1}, "memory_gib": 16}, SHARED_L4) == []
    assert inference({"accelerators": {}, "memory_gib": 16}, CPU) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"storage_uri": "ftp://host/model"}, "storageUri"),
        ({"storage_uri": "models/llama"}, "storageUri"),
        ({"storage_uri": "https://user:secret@host/model"}, "storageUri"),
        ({"min_replicas": 0}, "minReplicas"),
        ({"min_replicas": 5}, "minReplicas"),
        ({"runtime_version": "latest"}, "runtimeVersion"),
        ({"runtime_version": "server:v1"}, "runtimeVersion"),
        ({"scale_target_percent": 100}, "scaleTargetPercent"),
        ({"timeout_seconds": 0}, "timeoutSeconds"),
        (
            {"canary": {"version": "v2", "storage_uri": "s3://models/b", "traffic_percent": 101}},
            "canary.trafficPercent",
        ),
        ({"canary": {"version": "v2", "storage_uri": "x", "traffic_percent": 1}}, "canary.storageUri"),
        ({"canary": {"storage_uri": "s3://models/b", "traffic_percent": 1}, "version": "v1"}, "canary.version"),
        (
            {"version": "v2", "canary": {"version": "v2", "storage_uri": "s3://models/b", "traffic_percent": 1}},
            "canary.version",
        ),
        (
            {"canary": {"version": "v2", "storage_uri": "s3://models/b", "traffic_percent": 1, "replicas": 3}},
            "canary.replicas",
        ),
        ({"transformer": {"image": "x:latest", "cpu_millis": 1, "memory_gib": 1}}, "transformer.image"),
        ({"transformer": {"image": "x:1", "cpu_millis": 1}}, "transformer.memoryGib"),
        (
            {"transformer": {"image": "x:1", "cpu_millis": 1, "memory_gib": 1, "min_replicas": 3, "max_replicas": 2}},
            "transformer.minReplicas",
        ),
        (
            {"transformer": {"image": "x:1", "cpu_millis": 1, "memory_gib": 1, "environment": {"API_KEY": "x"}}},
            "transformer.environment.API_KEY",
        ),
    ],
)
def test_a_bad_service_is_refused_with_the_path_of_its_setting(change: dict[str, Any], path: str) -> None:
    assert only(inference(change)).path == f"s.{path}"


def test_no_device_of_another_vendor_is_held_by_a_server_that_runs_on_the_cpu() -> None:
    amd, one = pool("amd", accelerator="MI300X"), {"accelerators": {"count": 1}, "memory_gib": 16}
    found = only(inference(one, amd))
    assert (found.path, found.value) == ("s.runtimeVersion", "(missing)")
    assert "amd.com/gpu" in found.rule
    assert only(inference({**one, "accelerators": {"count": 4}}, ONE_HOST)).path == "s.runtimeVersion"
    for chosen in ({"runtime_version": "v1-rocm"}, {"model_format": "triton"}):
        assert inference({**one, **chosen}, amd) == []


@pytest.mark.parametrize("key", ["model_format", "storage_uri", "cpu_millis", "memory_gib"])
def test_what_a_service_must_say_is_asked_for(key: str) -> None:
    service: Any = {name: value for name, value in SERVICE.items() if name != key}
    assert only(check_inference("s", service, H100)).value == "(missing)"


def test_models_are_not_served_from_spot_nodes_nor_from_several_hosts() -> None:
    assert only(inference({"memory_gib": 16}, SPOT)).path == "s.pool"
    on_slice = {"model_format": "triton", "accelerators": {"count": 4}, "cpu_millis": 8000}
    assert only(inference(on_slice, pool("v5e", accelerator="TPU-v5e", topology="4x4", nodes_max=4))).path == "s.pool"


def test_models_are_served_from_flex_start_nodes_and_not_from_queued_ones() -> None:
    found = only(inference({}, QUEUED))
    assert (found.path, found.value) == ("s.pool", "queued (queued)")
    assert only(check_model_server("s", SERVER, QUEUED, DOMAINS)).path == "s.pool"  # type: ignore[arg-type]
    assert inference({}, FLEX_START) == []


def server(change: dict[str, Any], domains: Any = DOMAINS) -> list[Finding]:
    return list(check_model_server("m", {**SERVER, **change}, H100, domains))  # type: ignore[typeddict-item]


def test_a_good_server_passes() -> None:
    assert server({"storage_uri": "s3://models/x", "hostname": "x.ml.example.com"}) == []
    assert server({}, None) == []


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"image": "x"}, "image"),
        ({"storage_uri": "hf://org/model"}, "storageUri"),
        ({"port": 80}, "port"),
        ({"startup_minutes": 0}, "startupMinutes"),
        ({"grace_seconds": 4000}, "graceSeconds"),
        ({"ready_path": "ready"}, "readyPath"),
        ({"live_path": "live"}, "livePath"),
        ({"hostname": "x.elsewhere.com"}, "hostname"),
        ({"hostname": "ml.example.com"}, "hostname"),
        ({"min_replicas": 2, "max_replicas": 1}, "minReplicas"),
        ({"environment": {"DB_PASSWORD": "x"}}, "environment.DB_PASSWORD"),
    ],
)
def test_a_bad_server_is_refused_with_the_path_of_its_setting(change: dict[str, Any], path: str) -> None:
    assert only(server(change)).path == f"m.{path}"


def test_a_host_name_needs_a_gateway() -> None:
    assert "there is no gateway" in only(server({"hostname": "x.ml.example.com"}, None)).rule


def test_a_malformed_host_name_is_refused() -> None:
    assert server({"hostname": "X.ml.example.com"})[0].rule == "a DNS name in lower case"


def test_a_credential_is_never_shown() -> None:
    assert "hunter2" not in str(only(check_environment("e", {"PASSWORD": "hunter2"})))
    assert "secret" not in only(check_storage_uri("u", "https://me:secret@host/x", ("https",))).value


@pytest.mark.parametrize(
    ("uri", "is_good"),
    [
        ("s3://models/a", True),
        ("s3://team.models-2/a", True),
        ("s3://Models/a", False),
        ("s3://models_2/a", False),
        ("s3://ab/a", False),
        (f"s3://{'a' * 64}/a", False),
        ("gs://models_2/a", True),
        (f"gs://{'a' * 63}.{'b' * 63}/a", True),
        (f"gs://{'a' * 64}/a", False),
        ("gs://-models/a", False),
        ("pvc://weights", True),
        ("pvc://weights/Llama_3", True),
        ("pvc://Not_A_Claim/x", False),
        ("hf://Org_1/Model", True),
        ("https://account.blob.core.windows.net/Container/a", True),
    ],
)
def test_a_model_lies_in_a_bucket_or_claim_that_can_have_that_name(uri: str, is_good: bool) -> None:
    assert [finding.value for finding in inference({"storage_uri": uri})] == ([] if is_good else [uri])


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        ("--name={{.Name}}", True),
        ("--name={{ .Namespace }}/{{- .Name -}}", True),
        ("{{.Annotations.modelFormat}} {{`{{ message }}`}}", True),
        ("{% if true %} {one: {two: 2}}", True),
        ("{{ message }}", False),
        ("{{.Nam}}", False),
        ("{{-.Name}}", False),
        ("{{.Labels.app}}", False),
        ("{{.Labels.app.kubernetes.io/name}}", False),
        ('{{ "x" }}', False),
        ("{{", False),
    ],
)
def test_a_model_says_nothing_that_kserve_would_read_as_a_placeholder_without_a_value(text: str, is_good: bool) -> None:
    """By Go's text/template over the JSON of the container; what passes was executed so with Go 1.26 once."""
    found = inference({"arguments": ["--x", text], "environment": {"TEXT": text}})
    assert [finding.path for finding in found] == ([] if is_good else ["s.arguments[1]", "s.environment.TEXT"])


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("hpa", True), ("none", True), ("external", True), ("keda", False), ("kpa", False), ("", False)],
)
def test_a_model_scales_by_what_kserve_can_do_here(value: str, is_good: bool) -> None:
    found = inference({"annotations": {"serving.kserve.io/autoscalerClass": value, "example.com/autoscalerClass": "x"}})
    assert [finding.value for finding in found] == ([] if is_good else [value])
