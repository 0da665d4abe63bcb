"""The objects of a served model. Pure: every function returns plain dicts in Kubernetes' format."""

from collections.abc import Mapping
from typing import Any

from catalog.versions import IMAGES
from components.addons.gateway_spec import GatewayHandle
from components.base.pods import (
    DEVICES,
    ZONE_TOPOLOGY,
    Mounted,
    claimed,
    container,
    http_probe,
    pod_claims,
    pod_spec,
    resources,
    scratch,
    spread,
    startup_probe,
)
from components.base.workload_labels import HOME, container_environment, environment_from, temporary_files
from components.capacity.placement import PoolHandle, pod_needs
from components.storage.object_store_plan import object_store_environment
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind
from components.storage.volumes import shared_memory
from components.tenants.handles import TeamHandle
from components.workloads.serving.runtime_table import Choice
from components.workloads.serving.spec import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_INFERENCE_STORAGE_GIB,
    DEFAULT_MODEL_PATH,
    DEFAULT_MODEL_SIZE_GIB,
    DEFAULT_SCALE_TARGET_PERCENT,
    DEFAULT_SERVER_STORAGE_GIB,
    DEFAULT_SERVING_PORT,
    DEFAULT_STARTUP_MINUTES,
    DEFAULT_TIMEOUT_SECONDS,
    DOWNLOAD_CPU_MILLIS,
    DOWNLOAD_MEMORY_GIB,
    TRANSFORMER_STORAGE_GIB,
    InferenceSpec,
    ModelServerSpec,
    ScaleMetric,
    TransformerSpec,
    model_server_storage_gib,
    replicas_of,
    runtime_version,
)
from components.workloads.training.spec import shared_memory_mib

KSERVE_CONTAINER = "kserve-container"
"""KServe identifies the serving container by this name."""
SERVER_CONTAINER = "server"
METRICS_PATH = "/metrics"
HTTP_PORT_NAME = "http"
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


def _shared(spec: InferenceSpec | ModelServerSpec) -> list[Mounted]:
    size = shared_memory_mib(spec["memory_gib"], spec.get("accelerators"), spec.get("shared_memory_gib"))
    return [shared_memory(size)] if size else []


# ---- KServe


def inference_spec(
    service: InferenceSpec,
    pool: PoolHandle,
    team: TeamHandle,
    labels: Mapping[str, str],
    choice: Choice,
    device_claim: Any = None,
    tracking: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """The `spec` of an InferenceService. `device_claim`: name of its ResourceClaimTemplate."""
    spec: dict[str, Any] = {"predictor": predictor(service, pool, team, labels, choice, device_claim, tracking)}
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
) -> dict[str, Any]:
    """The part that serves the model. Everything but its model applies to a canary too: KServe merges that over
    this."""
    storage_gib = service.get("ephemeral_storage_gib", DEFAULT_INFERENCE_STORAGE_GIB)
    mounts = [temporary_files(storage_gib), *_shared(service)]
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


# ---- A model server with an image of the team


def model_mount(server: ModelServerSpec) -> Mounted | None:
    """Volume of the model: a claim, or space for a download; None if the image contains it."""
    uri, path = server.get("storage_uri", ""), server.get("model_path", DEFAULT_MODEL_PATH)
    if uri.startswith("pvc://"):
        claim, _, below = uri.removeprefix("pvc://").partition("/")
        mounted = claimed("model", path, claim, read_only=True)
        return Mounted(mounted.volume, {**mounted.mount, "subPath": below}) if below else mounted
    return scratch("model", path, _model_gib(server) * 1024) if uri else None


def _model_gib(server: ModelServerSpec) -> int:
    return int(server.get("model_size_gib", DEFAULT_MODEL_SIZE_GIB))


def download(server: ModelServerSpec, store: ObjectStoreHandle | None, model: Mounted) -> dict[str, Any]:
    """The container that downloads the model before the server starts. An empty download is a failure."""
    scheme, _, place = server["storage_uri"].partition("://")
    settings = (
        {"RCLONE_GCS_ENV_AUTH": "true", "RCLONE_GCS_BUCKET_POLICY_ONLY": "true"} if scheme == "gs" else _s3(store)
    )
    path = model.mount["mountPath"]
    variables = {
        **HOME,
        **settings,
        "RCLONE_CONFIG": "/tmp/rclone.conf",  # noqa: S108 - there is none; rclone warns on a read-only home otherwise
        "SOURCE": f":{'gcs' if scheme == 'gs' else 's3'}:{place}",
        "TARGET": path,
    }
    tmp = scratch("tmp", "/tmp", _temporary_gib(server) * 1024)  # noqa: S108 - a volume of the pod's own
    return container(
        name="download",
        image=IMAGES["rclone"].reference,
        # rclone succeeds for a prefix without objects, and copies nothing.
        command=["/bin/sh", "-c", 'rclone copy "$SOURCE" "$TARGET" && test -n "$(ls -A "$TARGET")"'],
        env=container_environment(variables, object_store_environment(store) if store else (), {}),
        resources=resources(
            cpu_millis=DOWNLOAD_CPU_MILLIS,
            memory_mib=DOWNLOAD_MEMORY_GIB * 1024,
            ephemeral_storage_mib=model_server_storage_gib(server) * 1024,
        ),
        mounts=[model, tmp],
    )


def _s3(store: ObjectStoreHandle | None) -> dict[str, str]:
    if store is None:
        return {"RCLONE_S3_PROVIDER": "AWS", "RCLONE_S3_ENV_AUTH": "true"}
    own = store["kind"] is ObjectStoreKind.S3_COMPATIBLE
    return {
        "RCLONE_S3_PROVIDER": "Other" if own else "AWS",
        "RCLONE_S3_ENV_AUTH": "true",
        "RCLONE_S3_REGION": store["region"],
        **({"RCLONE_S3_ENDPOINT": store["endpoint"]} if store["endpoint"] else {}),
    }


def _temporary_gib(server: ModelServerSpec) -> int:
    return int(server.get("ephemeral_storage_gib", DEFAULT_SERVER_STORAGE_GIB))


def server_template(
    server: ModelServerSpec,
    pool: PoolHandle,
    team: TeamHandle,
    *,
    labels: Mapping[str, str],
    store: ObjectStoreHandle | None,
    tracking: Mapping[str, str],
    device_claim: Any = None,
) -> dict[str, Any]:
    """The pod template of one replica. `tracking`: variables of a client of the tracking server. `device_claim`: name
    of its ResourceClaimTemplate."""
    model = model_mount(server)
    mounts = [temporary_files(_temporary_gib(server)), *_shared(server), *([model] if model else [])]
    downloads = model is not None and "emptyDir" in model.volume
    secrets = environment_from(server.get("environment_secrets") or [])
    optional: dict[str, Any] = {"envFrom": secrets} if secrets else {}
    variables = {**HOME, **tracking, **({"MODEL_DIR": model.mount["mountPath"]} if model else {})}
    program = container(
        name=SERVER_CONTAINER,
        image=server["image"],
        command=server.get("command") or (),
        args=server.get("arguments") or (),
        env=container_environment(variables, (), server.get("environment") or {}),
        resources=served_resources(server, pool, model_server_storage_gib(server)),
        mounts=mounts,
        ports={HTTP_PORT_NAME: int(server.get("port", DEFAULT_SERVING_PORT))},
        read_only_root=server.get("read_only_root", True),
        **probes(server),
        # The gateway learns of a pod's end later than the pod; until then it still sends requests.
        lifecycle={"preStop": {"sleep": {"seconds": 5}}},
        **optional,
    )
    annotations = server.get("annotations")
    return {
        "metadata": {"labels": dict(labels)} | ({"annotations": dict(annotations)} if annotations else {}),
        "spec": pod_spec(
            containers=[program],
            init_containers=[download(server, store, model)] if downloads and model else (),
            service_account=team["serving_service_account"],
            pool=pool,
            mounts=mounts,
            priorityClassName=team["priorities"]["serving"],
            resourceClaims=pod_claims(device_claim),
            terminationGracePeriodSeconds=int(server.get("grace_seconds", DEFAULT_GRACE_SECONDS)),
            topologySpreadConstraints=spread_out(labels),
        ),
    }


def probes(server: ModelServerSpec) -> dict[str, Any]:
    """Ready when it can serve, alive while it is healthy; before both, time to load the model."""
    ready = server.get("ready_path", "/health/ready")
    return {
        "startupProbe": startup_probe(ready, HTTP_PORT_NAME, within_seconds=_startup_seconds(server)),
        "readinessProbe": http_probe(ready, HTTP_PORT_NAME),
        "livenessProbe": http_probe(server.get("live_path", "/health/live"), HTTP_PORT_NAME, failures=6),
    }


def _startup_seconds(server: ModelServerSpec) -> int:
    return int(server.get("startup_minutes", DEFAULT_STARTUP_MINUTES)) * 60


def rollout_seconds(server: ModelServerSpec) -> int:
    """How long `up` waits for progress of a rollout: loading the model, a node that is started, and images of 20 GB."""
    return _startup_seconds(server) + 600


def deployment_spec(
    server: ModelServerSpec, pool: PoolHandle, template: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, Any]:
    """The `spec` of the Deployment. With an autoscaler it omits `replicas`: each `up` would overwrite its value."""
    fewest, most = replicas_of(server)
    return {
        **({"replicas": fewest} if fewest == most else {}),
        "selector": {"matchLabels": dict(labels)},
        "strategy": update_strategy(pool),
        "progressDeadlineSeconds": rollout_seconds(server),
        "revisionHistoryLimit": 3,
        "template": template,
    }


def autoscaler_spec(name: str, server: ModelServerSpec) -> dict[str, Any] | None:
    """The `spec` of the HorizontalPodAutoscaler; None if the number of replicas is fixed."""
    fewest, most = replicas_of(server)
    if fewest == most:
        return None
    target = int(server.get("scale_target_percent", DEFAULT_SCALE_TARGET_PERCENT))
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": fewest,
        "maxReplicas": most,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
            }
        ],
    }


def service_spec(labels: Mapping[str, str]) -> dict[str, Any]:
    """The `spec` of the Service: port 80 to the server's."""
    return {
        "type": "ClusterIP",
        "selector": dict(labels),
        "ports": [{"name": HTTP_PORT_NAME, "port": 80, "targetPort": HTTP_PORT_NAME, "protocol": "TCP"}],
    }


def domain_of(hostname: str, domains: Mapping[str, str]) -> str:
    """Name of the gateway's domain of a host name; empty if there is none."""
    fitting = [name for name, suffix in domains.items() if hostname.endswith(f".{suffix}")]
    return max(fitting, key=lambda name: len(domains[name]), default="")


def route_spec(name: str, server: ModelServerSpec, gateway: GatewayHandle) -> dict[str, Any]:
    """The `spec` of the HTTPRoute."""
    listener = gateway["listeners"][domain_of(server["hostname"], gateway["domains"])]
    return {
        "parentRefs": [{"name": gateway["name"], "namespace": gateway["namespace"], "sectionName": listener}],
        "hostnames": [server["hostname"]],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": name, "port": 80}],
                "timeouts": {"request": f"{int(server.get('timeout_seconds', DEFAULT_TIMEOUT_SECONDS))}s"},
            }
        ],
    }
