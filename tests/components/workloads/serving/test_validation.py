"""What is refused of served models, and that good ones pass."""

from typing import Any

import pytest

from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.serving.validation import check_inference, check_model_server
from tests.components.platform_handles import CPU, FLEX_START, H100, ONE_HOST, QUEUED, SHARED_L4, SPOT, pool
from tests.support.findings import only

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
