"""What the serving components register. Not proved here: that KServe, rclone and the gateway act on it."""

from typing import Any

import pytest

from catalog.versions import IMAGES
from components.capacity.placement import PoolHandle
from components.findings import Refused
from components.storage.plan import ObjectStoreKind
from components.workloads.serving.inference_service import InferenceService
from components.workloads.serving.model_server import ModelServer
from components.workloads.serving.model_server_plan import domain_of, download, model_mount
from components.workloads.serving.spec import ScaleMetric
from tests.components.platform_handles import (
    CPU,
    GATEWAY,
    H100,
    MIG,
    MONITORING,
    SHARED_L4,
    SPOT,
    STORE,
    TEAM,
    TRACKING,
    pool,
)
from tests.recorder import Recording, record

SERVICE: Any = {
    "model_format": "huggingface",
    "storage_uri": "s3://models/dev/llama/1",
    "accelerators": {"count": 1},
    "cpu_millis": 8000,
    "memory_gib": 64,
}
SERVER: Any = {
    "image": "ghcr.io/example/server:2.0",
    "storage_uri": "s3://models/dev/ranker/7",
    "accelerators": {"count": 1},
    "cpu_millis": 4000,
    "memory_gib": 32,
}


def inference(change: dict[str, Any] | None = None, **args: Any) -> Recording:
    told = {"service": {**SERVICE, **(change or {})}, "team": TEAM, "pool": H100, **args}
    return record(lambda: InferenceService("llm", told) and None)  # type: ignore[arg-type]


OWN_RUNTIMES: Any = {"our-own": {"image": "x:1", "formats": [{"name": "huggingface", "priority": 0}]}}


def spec_of(change: dict[str, Any] | None = None, pool: PoolHandle = H100) -> dict[str, Any]:
    return inference(change, pool=pool, runtimes=OWN_RUNTIMES).one("InferenceService", "llm-service").inputs["spec"]  # type: ignore[no-any-return]


def server(change: dict[str, Any] | None = None, **args: Any) -> Recording:
    told = {"server": {**SERVER, **(change or {})}, "team": TEAM, "pool": H100, **args}
    return record(lambda: ModelServer("ranker", told) and None)  # type: ignore[arg-type]


def deployment(change: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    return server(change, **args).one("Deployment").inputs["spec"]  # type: ignore[no-any-return]


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {variable["name"]: variable.get("value", variable.get("valueFrom")) for variable in container["env"]}


# ---- KServe


def test_a_service_is_an_inference_service_and_its_disruption_budget() -> None:
    recording = inference()
    assert recording.kinds() == [
        "InferenceService llm",
        "InferenceService llm-service",
        "PodDisruptionBudget llm-disruption-budget",
    ]
    annotations = recording.one("InferenceService", "llm-service").inputs["metadata"]["annotations"]
    assert annotations["serving.kserve.io/deploymentMode"] == "Standard"
    assert annotations["pulumi.com/waitFor"] == "condition=Ready"
    budget = recording.one("PodDisruptionBudget").inputs["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_the_predictor_serves_as_the_team_on_its_pool_hardened() -> None:
    predictor = spec_of()["predictor"]
    assert predictor["serviceAccountName"] == "serving"
    assert predictor["priorityClassName"] == "p-serving"
    assert predictor["nodeSelector"]["mlplatform.dev/pool"] == "h100"
    assert predictor["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert predictor["labels"]["app.kubernetes.io/component"] == "serving"
    assert predictor["securityContext"]["runAsNonRoot"] is True
    assert "containers" not in predictor
    model = predictor["model"]
    assert model["storageUri"] == "s3://models/dev/llama/1"
    assert model["modelFormat"] == {"name": "huggingface"}
    assert model["protocolVersion"] == "v1"
    assert model["resources"]["requests"]["nvidia.com/gpu"] == model["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert model["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"image", "name", "runtime"} & set(model) == set()


def test_an_update_needs_no_spare_accelerator_and_on_cpu_loses_no_replica() -> None:
    on_gpu, on_cpu = spec_of(), spec_of({"accelerators": {}, "cpu_millis": 1000, "memory_gib": 4}, CPU)
    assert on_gpu["predictor"]["deploymentStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert on_cpu["predictor"]["deploymentStrategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "v1"},
        {"model_format": "onnx"},
        {"model_format_version": "1"},
        {"protocol_version": "v2"},
        {"runtime": "kserve-huggingfaceserver"},
        {"runtime_version": "v0.21.0-gpu"},
        {"storage_uri": "hf://org/model"},
        {"arguments": ["--dtype=auto"]},
        {"environment": {"A": "b"}},
        {"accelerators": {"count": 2}},
        {"cpu_millis": 1000},
        {"memory_gib": 32},
        {"cpu_limit_millis": 16_000},
        {"ephemeral_storage_gib": 10},
        {"shared_memory_gib": 0},
        {"read_only_root": False},
        {"min_replicas": 2},
        {"max_replicas": 2},
        {"scale_metric": ScaleMetric.MEMORY},
        {"scale_target_percent": 50},
        {"timeout_seconds": 10},
        {"annotations": {"a": "b"}},
        {"canary": {"version": "v2", "storage_uri": "s3://models/2", "traffic_percent": 5}},
        {"transformer": {"image": "x:1", "cpu_millis": 100, "memory_gib": 1}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_of_a_service_arrives(change: dict[str, Any]) -> None:
    assert spec_of(change) != spec_of()


SHARE: dict[str, Any] = {"accelerators": {"count": 1}, "memory_gib": 16}
CANARY: dict[str, Any] = {"version": "v2", "storage_uri": "s3://models/2", "traffic_percent": 5}
DRA = pool("dra", device_allocation="dra")


@pytest.mark.parametrize("on", [SHARED_L4, DRA], ids=["share", "claim"])
@pytest.mark.parametrize(
    ("model_format", "image", "suffix"), [("huggingface", "huggingfaceserver", "-gpu"), ("vLLM", "vllm", "")]
)
def test_where_kserve_sees_no_gpu_it_gets_the_tag_for_one(
    on: PoolHandle, model_format: str, image: str, suffix: str
) -> None:
    spec = spec_of({**SHARE, "model_format": model_format, "version": "v1", "canary": CANARY}, on)
    tag = IMAGES[image].tag + suffix
    assert spec["predictor"]["model"]["runtimeVersion"] == tag
    assert spec["canary"][0]["predictor"]["model"]["runtimeVersion"] == tag


@pytest.mark.parametrize(
    ("change", "on"),
    [
        ({}, H100),
        ({**SHARE, "accelerators": {"count": 1, "mig_profile": "1g.10gb"}}, MIG),
        ({**SHARE, "accelerators": {}}, CPU),
        ({**SHARE, "model_format": "triton"}, SHARED_L4),
        ({**SHARE, "runtime": "our-own"}, SHARED_L4),
    ],
    ids=["gpu", "partition", "cpu", "one-image", "own-runtime"],
)
def test_elsewhere_kserve_finds_the_image_by_itself(change: dict[str, Any], on: PoolHandle) -> None:
    assert "runtimeVersion" not in spec_of(change, on)["predictor"]["model"]


def test_a_tag_that_is_given_is_taken() -> None:
    told = spec_of({**SHARE, "runtime_version": "v0.21.0-gpu"}, SHARED_L4)["predictor"]["model"]
    assert told["runtimeVersion"] == "v0.21.0-gpu"


def test_a_canary_is_a_named_version_with_a_part_of_the_traffic() -> None:
    spec = spec_of(
        {"version": "v1", "canary": {"version": "v2", "storage_uri": "s3://models/dev/llama/2", "traffic_percent": 10}}
    )
    assert spec["predictor"]["name"] == "v1"
    (canary,) = spec["canary"]
    assert canary == {
        "trafficPercent": 10,
        "predictor": {
            "name": "v2",
            "minReplicas": 1,
            "model": {
                "name": "kserve-container",
                "modelFormat": {"name": "huggingface"},
                "protocolVersion": "v1",
                "storageUri": "s3://models/dev/llama/2",
            },
        },
    }
    # Ignored in Standard mode, without a word: kserve/kserve#5335.
    assert "canaryTrafficPercent" not in spec["predictor"]
    assert "canary" not in spec_of()


def test_a_transformer_runs_on_any_cpu_node() -> None:
    transformer: Any = {
        "image": "x:1",
        "command": ["serve"],
        "arguments": ["-v"],
        "environment": {"A": "b"},
        "cpu_millis": 100,
        "memory_gib": 1,
        "min_replicas": 2,
        "max_replicas": 3,
    }
    part = spec_of({"transformer": transformer})["transformer"]
    (container,) = part["containers"]
    assert (container["name"], container["image"]) == ("kserve-container", "x:1")
    assert (container["command"], container["args"]) == (["serve"], ["-v"])
    assert environment(container) == {"A": "b", "HOME": "/tmp"}
    assert (part["minReplicas"], part["maxReplicas"]) == (2, 3)
    assert "nodeSelector" not in part
    assert "nvidia.com/gpu" not in container["resources"]["limits"]


def test_a_service_is_scraped_where_there_is_monitoring() -> None:
    endpoints = inference(monitoring=MONITORING).one("PodMonitor").inputs["spec"]["podMetricsEndpoints"]
    assert endpoints == [{"portNumber": 8080, "path": "/metrics", "interval": "30s"}]
    other = inference({"metrics_port": 8002}, monitoring=MONITORING).one("PodMonitor").inputs["spec"]
    assert other["podMetricsEndpoints"][0]["portNumber"] == 8002
    assert inference({"metrics_port": 0}, monitoring=MONITORING).of("PodMonitor") == []


def test_a_service_that_cannot_run_registers_nothing() -> None:
    with pytest.raises(Refused, match="must not run on nodes that can all be reclaimed"):
        inference({"memory_gib": 16}, pool=SPOT)


# ---- A server of the team's own


def test_a_server_is_a_deployment_with_a_service_and_a_budget() -> None:
    assert server().kinds() == [
        "Deployment ranker-server",
        "ModelServer ranker",
        "PodDisruptionBudget ranker-disruption-budget",
        "Service ranker-service",
    ]


def test_everything_that_can_be_asked_for() -> None:
    change = {"hostname": "ranker.int.ml.example.com", "min_replicas": 2, "max_replicas": 4}
    assert server(change, gateway=GATEWAY, monitoring=MONITORING, artifacts=STORE).kinds() == [
        "Deployment ranker-server",
        "HTTPRoute ranker-route",
        "HorizontalPodAutoscaler ranker-autoscaler",
        "ModelServer ranker",
        "PodDisruptionBudget ranker-disruption-budget",
        "PodMonitor ranker-monitor",
        "Service ranker-service",
    ]


def test_replicas_are_said_only_where_nothing_scales_them() -> None:
    assert deployment()["replicas"] == 1
    recording = server({"max_replicas": 3, "scale_target_percent": 50})
    assert "replicas" not in recording.one("Deployment").inputs["spec"]
    scaling = recording.one("HorizontalPodAutoscaler").inputs["spec"]
    assert (scaling["minReplicas"], scaling["maxReplicas"]) == (1, 3)
    assert scaling["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ranker"}
    (metric,) = scaling["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == 50


def test_selectors_are_two_labels_that_never_change_and_the_pods_carry_them() -> None:
    recording = server()
    selector = {"app.kubernetes.io/name": "ranker", "app.kubernetes.io/component": "serving"}
    spec = recording.one("Deployment").inputs["spec"]
    assert spec["selector"] == {"matchLabels": selector}
    assert selector.items() <= spec["template"]["metadata"]["labels"].items()
    assert recording.one("Service").inputs["spec"]["selector"] == selector
    assert recording.one("PodDisruptionBudget").inputs["spec"]["selector"] == {"matchLabels": selector}


def test_the_model_is_there_before_the_server_starts() -> None:
    spec = deployment(artifacts=STORE)["template"]["spec"]
    (first,) = spec["initContainers"]
    (program,) = spec["containers"]
    assert first["image"].startswith("docker.io/rclone/rclone:")
    told = environment(first)
    assert told["SOURCE"] == ":s3:models/dev/ranker/7"
    assert told["TARGET"] == environment(program)["MODEL_DIR"] == "/models"
    assert told["RCLONE_S3_PROVIDER"] == "Other"
    assert told["RCLONE_S3_ENDPOINT"] == STORE["endpoint"]
    assert told["AWS_SECRET_ACCESS_KEY"] == {"secretKeyRef": {"name": "store-keys", "key": "AWS_SECRET_ACCESS_KEY"}}
    model = {"name": "model", "mountPath": "/models"}
    assert model in first["volumeMounts"]
    assert model in program["volumeMounts"]
    assert {"name": "model", "emptyDir": {"sizeLimit": "20Gi"}} in spec["volumes"]
    assert program["resources"]["limits"]["ephemeral-storage"] == "30Gi"


def test_volumes_of_all_containers_are_declared() -> None:
    spec = deployment(artifacts=STORE)["template"]["spec"]
    names = [volume["name"] for volume in spec["volumes"]]
    assert len(names) == len(set(names))
    mounted = {m["name"] for c in [*spec["initContainers"], *spec["containers"]] for m in c["volumeMounts"]}
    assert mounted == set(names)


def test_other_stores_are_configured_in_rclone_in_their_own_way() -> None:
    def told(uri: str, store: Any) -> dict[str, Any]:
        asked: Any = {**SERVER, "storage_uri": uri}
        mounted = model_mount(asked)
        assert mounted
        return environment(download(asked, store, mounted))

    amazon = {**STORE, "kind": ObjectStoreKind.S3, "endpoint": "", "credentials_secret_name": ""}
    assert told("s3://models/b", amazon)["RCLONE_S3_PROVIDER"] == "AWS"
    assert "RCLONE_S3_ENDPOINT" not in told("s3://models/b", amazon)
    assert told("gs://models/b", None)["SOURCE"] == ":gcs:models/b"
    assert told("gs://models/b", None)["RCLONE_GCS_ENV_AUTH"] == "true"
    assert "RCLONE_S3_PROVIDER" not in told("gs://models/b", None)
    assert told("s3://models/b", None)["RCLONE_S3_ENV_AUTH"] == "true"


def test_a_model_on_a_claim_is_mounted_and_not_downloaded() -> None:
    spec = deployment({"storage_uri": "pvc://weights/ranker/7"})["template"]["spec"]
    assert "initContainers" not in spec
    assert {"name": "model", "persistentVolumeClaim": {"claimName": "weights", "readOnly": True}} in spec["volumes"]
    mount = {"name": "model", "mountPath": "/models", "readOnly": True, "subPath": "ranker/7"}
    assert mount in spec["containers"][0]["volumeMounts"]


def test_an_image_that_brings_its_model_gets_none() -> None:
    spec = deployment({"storage_uri": ""})["template"]["spec"]
    assert "initContainers" not in spec
    assert "MODEL_DIR" not in environment(spec["containers"][0])
    assert [volume["name"] for volume in spec["volumes"]] == ["tmp", "shared-memory"]


@pytest.mark.parametrize(
    "change",
    [
        {"image": "x:1"},
        {"command": ["serve"]},
        {"arguments": ["-v"]},
        {"environment": {"A": "b"}},
        {"environment_secrets": ["hub"]},
        {"port": 9000},
        {"storage_uri": "gs://models/b"},
        {"model_path": "/elsewhere"},
        {"model_size_gib": 5},
        {"accelerators": {"count": 2}},
        {"cpu_millis": 1000},
        {"memory_gib": 16},
        {"cpu_limit_millis": 8000},
        {"ephemeral_storage_gib": 5},
        {"shared_memory_gib": 0},
        {"read_only_root": False},
        {"min_replicas": 2},
        {"ready_path": "/r"},
        {"live_path": "/l"},
        {"startup_minutes": 20},
        {"grace_seconds": 30},
        {"annotations": {"a": "b"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_of_a_server_arrives(change: dict[str, Any]) -> None:
    assert deployment(change) != deployment()


def test_probes_let_the_model_load_and_tell_ready_from_alive() -> None:
    (program,) = deployment({"startup_minutes": 20})["template"]["spec"]["containers"]
    startup = program["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 20 * 60
    assert program["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert program["livenessProbe"]["httpGet"]["path"] == "/health/live"
    assert program["ports"] == [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]
    assert program["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}


def test_up_waits_as_long_as_a_rollout_may_take() -> None:
    recording = server({"startup_minutes": 20})
    metadata = recording.one("Deployment").inputs["metadata"]
    assert metadata["annotations"] == {"pulumi.com/timeoutSeconds": "1800"}
    assert recording.one("Deployment").inputs["spec"]["progressDeadlineSeconds"] == 1800
    assert recording.one("Service").inputs["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}


def test_a_route_goes_through_the_listener_of_the_domain_that_fits_best() -> None:
    change = {"hostname": "ranker.int.ml.example.com", "timeout_seconds": 5}
    spec = server(change, gateway=GATEWAY).one("HTTPRoute").inputs["spec"]
    assert spec["parentRefs"] == [{"name": "edge", "namespace": "gateway", "sectionName": "https-internal"}]
    assert spec["hostnames"] == ["ranker.int.ml.example.com"]
    (rule,) = spec["rules"]
    assert rule["backendRefs"] == [{"name": "ranker", "port": 80}]
    assert rule["timeouts"] == {"request": "5s"}
    assert domain_of("x.ml.example.com", GATEWAY["domains"]) == "public"
    assert domain_of("x.example.com", GATEWAY["domains"]) == ""
    assert server(gateway=GATEWAY).of("HTTPRoute") == []


def test_metrics_are_scraped_from_the_servers_port_where_it_has_some() -> None:
    (endpoint,) = (
        server({"port": 9000, "metrics_path": "/m"}, monitoring=MONITORING)
        .one("PodMonitor")
        .inputs["spec"]["podMetricsEndpoints"]
    )
    assert (endpoint["portNumber"], endpoint["path"]) == (9000, "/m")
    assert server({"metrics_path": ""}, monitoring=MONITORING).of("PodMonitor") == []


def test_a_server_that_cannot_run_registers_nothing() -> None:
    with pytest.raises(Refused, match="there is no gateway"):
        server({"hostname": "ranker.ml.example.com"})


def test_a_server_finds_the_tracking_server_where_there_is_one_and_its_own_word_counts_more() -> None:
    def told(change: dict[str, Any], **args: Any) -> Any:
        return environment(deployment(change, **args)["template"]["spec"]["containers"][0]).get("MLFLOW_TRACKING_URI")

    assert told({}) is None
    assert told({}, tracking=TRACKING) == "http://mlflow.mlflow.svc.cluster.local:5000"
    assert told({"environment": {"MLFLOW_TRACKING_URI": "http://own"}}, tracking=TRACKING) == "http://own"
