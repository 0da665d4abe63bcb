"""The objects of a model server with an image of the team. Pure: plain dicts in Kubernetes' format."""

from collections.abc import Mapping
from typing import Any

from catalog.versions import IMAGES
from components.addons.gateway_spec import GatewayHandle
from components.base.pods import (
    Mounted,
    claimed,
    container,
    http_probe,
    pod_claims,
    pod_spec,
    resources,
    scratch,
    startup_probe,
)
from components.base.workload_labels import HOME, container_environment, environment_from, temporary_files
from components.capacity.placement import PoolHandle
from components.storage.object_store_plan import object_store_environment
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind
from components.tenants.handles import TeamHandle
from components.workloads.files import file_mounts
from components.workloads.serving.plan import served_resources, shared, spread_out, update_strategy
from components.workloads.serving.spec import (
    DEFAULT_GRACE_SECONDS,
    DEFAULT_MODEL_PATH,
    DEFAULT_MODEL_SIZE_GIB,
    DEFAULT_SCALE_TARGET_PERCENT,
    DEFAULT_SERVER_STORAGE_GIB,
    DEFAULT_SERVING_PORT,
    DEFAULT_STARTUP_MINUTES,
    DEFAULT_TIMEOUT_SECONDS,
    DOWNLOAD_CPU_MILLIS,
    DOWNLOAD_MEMORY_GIB,
    ModelServerSpec,
    model_server_storage_gib,
    replicas_of,
)

SERVER_CONTAINER = "server"
HTTP_PORT_NAME = "http"


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
    config_map: Any = None,
) -> dict[str, Any]:
    """The pod template of one replica. `tracking`: variables of a client of the tracking server. `device_claim`: name
    of its ResourceClaimTemplate. `config_map`: name of that with its files."""
    model = model_mount(server)
    mounts = [temporary_files(_temporary_gib(server)), *shared(server), *([model] if model else [])]
    mounts += file_mounts(server, config_map)
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
