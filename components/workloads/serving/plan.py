"""What both ways to serve a model share, and the objects of KServe. Pure: plain dicts in Kubernetes' format."""

from collections.abc import Mapping
from typing import Any

from components.base.pods import (
    DEVICES,
    ZONE_TOPOLOGY,
    Mounted,
    container,
    pod_claims,
    pod_spec,
    resources,
    scratch,
    spread,
)
from components.base.workload_labels import HOME, container_environment, temporary_files
from components.capacity.placement import PoolHandle, pod_needs
from components.storage.volumes import shared_memory
from components.tenants.handles import TeamHandle
from components.workloads.files import file_mounts
from components.workloads.serving.runtime_table import Choice
from components.workloads.serving.spec import (
    DEFAULT_INFERENCE_STORAGE_GIB,
    DEFAULT_SCALE_TARGET_PERCENT,
    DEFAULT_TIMEOUT_SECONDS,
    TRANSFORMER_STORAGE_GIB,
    InferenceSpec,
    ModelServerSpec,
    ScaleMetric,
    TransformerSpec,
    replicas_of,
    runtime_version,
)
from components.workloads.training.spec import shared_memory_mib

KSERVE_CONTAINER = "kserve-container"
"""KServe identifies the serving container by this name."""
METRICS_PATH = "/metrics"
NOTHING: Mapping[str, str] = {}


def spread_out(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Replicas on different nodes and in different zones, if there are several."""
    return [spread(labels), spread(labels, topology=ZONE_TOPOLOGY)]


def update_strategy(pool: PoolHandle) -> dict[str, Any]:
    """How replicas are replaced: on accelerators the old one is stopped first, because a spare device is rare."""
    spare = not pool["capacity"]["units_per_node"]
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0} if spare else {"maxSurge": 0, "maxUnavailable": 1},
    }


def disruption_budget_spec(labels: Mapping[str, str]) -> dict[str, Any]:
    """The `spec` of a PodDisruptionBudget that never blocks a drain: one replica at a time, unhealthy ones at any
    time."""
    return {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": dict(labels)},
    }


def pod_monitor_spec(labels: Mapping[str, str], port: int, path: str = METRICS_PATH) -> dict[str, Any]:
    """The `spec` of a PodMonitor."""
    return {
        "selector": {"matchLabels": dict(labels)},
        "podMetricsEndpoints": [{"portNumber": int(port), "path": path, "interval": "30s"}],
    }


def served_resources(spec: InferenceSpec | ModelServerSpec, pool: PoolHandle, storage_gib: int) -> dict[str, Any]:
    """The `resources` of the serving container."""
    needs = pod_needs(pool, spec.get("accelerators") or {})
    return resources(
        cpu_millis=spec["cpu_millis"],
        memory_mib=int(spec["memory_gib"]) * 1024,
        cpu_limit_millis=spec.get("cpu_limit_millis", 0),
        ephemeral_storage_mib=int(storage_gib) * 1024,
        units=needs["units"],
        claims=[DEVICES] if needs["claim"] else (),
    )


def shared(spec: InferenceSpec | ModelServerSpec) -> list[Mounted]:
    """The volume of shared memory, if the container has one."""
    size = shared_memory_mib(spec["memory_gib"], spec.get("accelerators"), spec.get("shared_memory_gib"))
    return [shared_memory(size)] if size else []


def inference_spec(
    service: InferenceSpec,
    pool: PoolHandle,
    team: TeamHandle,
    labels: Mapping[str, str],
    choice: Choice,
    device_claim: Any = None,
    tracking: Mapping[str, str] = NOTHING,
    config_map: Any = None,
) -> dict[str, Any]:
    """The `spec` of an InferenceService. `device_claim`: name of its ResourceClaimTemplate. `config_map`: name of that
    with its files."""
    served = predictor(service, pool, team, labels, choice, device_claim, tracking, config_map)
    spec: dict[str, Any] = {"predictor": served}
    canary, transformed = service.get("canary"), service.get("transformer")
    if canary:
        model = _model(service, pool, canary["storage_uri"], choice)
        spec["canary"] = [
            {
                "trafficPercent": int(canary["traffic_percent"]),
                "predictor": {
                    "name": canary["version"],
                    "minReplicas": int(canary.get("replicas", 1)),
                    "model": {"name": KSERVE_CONTAINER, **model},
                },
            }
        ]
    if transformed:
        spec["transformer"] = transformer(transformed, team, labels, tracking)
    return spec


def _model(service: InferenceSpec, pool: PoolHandle, uri: str, choice: Choice) -> dict[str, Any]:
    version, runtime = service.get("model_format_version"), service.get("runtime")
    tag = runtime_version(service, pool)
    return {
        "modelFormat": {"name": service["model_format"]} | ({"version": version} if version else {}),
        "storageUri": uri,
        **({"protocolVersion": choice.protocol.value} if choice.protocol else {}),
        **({"runtime": runtime} if runtime else {}),
        **({"runtimeVersion": tag} if tag else {}),
    }


def predictor(
    service: InferenceSpec,
    pool: PoolHandle,
    team: TeamHandle,
    labels: Mapping[str, str],
    choice: Choice,
    device_claim: Any = None,
    tracking: Mapping[str, str] = NOTHING,
    config_map: Any = None,
) -> dict[str, Any]:
    """The part that serves the model. Everything but its model applies to a canary too: KServe merges that over
    this."""
    storage_gib = service.get("ephemeral_storage_gib", DEFAULT_INFERENCE_STORAGE_GIB)
    mounts = [temporary_files(storage_gib), *shared(service), *file_mounts(service, config_map)]
    program = container(
        name=KSERVE_CONTAINER,
        image="",
        args=service.get("arguments") or (),
        env=container_environment({**HOME, **tracking}, (), service.get("environment") or {}),
        resources=served_resources(service, pool, storage_gib),
        mounts=mounts,
        read_only_root=service.get("read_only_root", True),
    )
    model = _model(service, pool, service["storage_uri"], choice) | {
        key: value for key, value in program.items() if key not in ("name", "image")
    }
    version, annotations = service.get("version"), service.get("annotations")
    fewest, most = replicas_of(service)
    pods = pod_spec(
        containers=(),
        service_account=team["serving_service_account"],
        pool=pool,
        mounts=mounts,
        priorityClassName=team["priorities"]["serving"],
        resourceClaims=pod_claims(device_claim),
        topologySpreadConstraints=spread_out(labels),
    )
    return {
        **{key: value for key, value in pods.items() if key != "containers"},
        **({"name": version} if version else {}),
        **({"annotations": dict(annotations)} if annotations else {}),
        "labels": dict(labels),
        "model": model,
        "minReplicas": fewest,
        "maxReplicas": most,
        "scaleMetric": str(service.get("scale_metric", ScaleMetric.CPU)),
        "scaleTarget": int(service.get("scale_target_percent", DEFAULT_SCALE_TARGET_PERCENT)),
        "timeout": int(service.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS)),
        "deploymentStrategy": update_strategy(pool),
    }


def transformer(
    spec: TransformerSpec, team: TeamHandle, labels: Mapping[str, str], tracking: Mapping[str, str] = NOTHING
) -> dict[str, Any]:
    """The part that prepares requests and responses."""
    tmp = scratch("tmp", "/tmp", 1024)  # noqa: S108 - a volume of the pod's own
    program = container(
        name=KSERVE_CONTAINER,
        image=spec["image"],
        command=spec.get("command") or (),
        args=spec.get("arguments") or (),
        env=container_environment({**HOME, **tracking}, (), spec.get("environment") or {}),
        resources=resources(
            cpu_millis=spec["cpu_millis"],
            memory_mib=int(spec["memory_gib"]) * 1024,
            ephemeral_storage_mib=TRANSFORMER_STORAGE_GIB * 1024,
        ),
        mounts=[tmp],
    )
    fewest, most = replicas_of(spec)
    pods = pod_spec(
        containers=[program],
        service_account=team["serving_service_account"],
        mounts=[tmp],
        priorityClassName=team["priorities"]["serving"],
        topologySpreadConstraints=spread_out(labels),
    )
    return {**pods, "labels": dict(labels), "minReplicas": fewest, "maxReplicas": most}
