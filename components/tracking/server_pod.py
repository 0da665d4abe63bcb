"""The tracking server's container and its migration: command, environment, probes. Pure.

tests/engine/test_real_data.py runs it with a real MLflow, PostgreSQL and S3 server.

- Artifacts go through the server (`--serve-artifacts`): clients need no keys for the store and no network access to it.
- The Host header must be an allowed one: MLflow (3.5 and later) refuses others, so that a web page cannot reach the
server through its visitor's browser. Health checks are exempt; Prometheus is not, and sends the pod's address.
- A browser sends its Origin with each write, also on the same site; MLflow accepts only the configured origins.
"""

from typing import Any

from catalog.versions import IMAGES
from components.base.pods import Mounted, container, environment, http_probe, resources, scratch, startup_probe
from components.storage.object_store_plan import object_store_environment
from components.storage.plan import ObjectStoreHandle
from components.storage.postgresql import DatabaseHandle, ca_mounts, libpq_environment, sqlalchemy_uri

PORT = 5000
HEALTH = "/health"
TEMPORARY_FOLDER = "/tmp"  # noqa: S108 - an emptyDir of the pod
MIGRATION_TEMPORARY_MIB = 256
METRICS_FOLDER = f"{TEMPORARY_FOLDER}/metrics"
"""Folder in which the workers of one pod aggregate their metrics."""


def allowed_hosts(name: str, hostname: str) -> list[str]:
    """Allowed Host headers: the Service's names, the pod itself, a forwarded port, the public name."""
    service = [name, f"{name}.$(POD_NAMESPACE)", f"{name}.$(POD_NAMESPACE).svc"]
    inside = [*service, f"{service[-1]}.cluster.local", "$(POD_IP)", "[$(POD_IP)]", "localhost", "127.0.0.1"]
    return [f"{host}:{PORT}" for host in inside] + ([hostname] if hostname else [])


def artifact_root(store: ObjectStoreHandle) -> str:
    """Root of artifacts in the store; `mlflow-artifacts:/1/ab…` is `<root>/1/ab…` there."""
    return f"{store['uri']}/mlflow"


def server_arguments(name: str, store: ObjectStoreHandle, workers: int, hostname: str) -> list[str]:
    """Arguments of `mlflow server`. No secrets: those are environment variables."""
    arguments = [
        "--host=0.0.0.0",
        f"--port={PORT}",
        f"--workers={workers}",
        "--serve-artifacts",
        f"--artifacts-destination={artifact_root(store)}",
        f"--allowed-hosts={','.join(allowed_hosts(name, hostname))}",
        "--x-frame-options=DENY",
        f"--expose-prometheus={METRICS_FOLDER}",
    ]
    return [*arguments, f"--cors-allowed-origins=https://{hostname}"] if hostname else arguments


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def common_environment(database: DatabaseHandle) -> list[dict[str, Any]]:
    """Environment of server and migration."""
    plain = {
        "MLFLOW_BACKEND_STORE_URI": sqlalchemy_uri(database),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # The image has no account for the user id, and Python reads its home and name.
        "HOME": TEMPORARY_FOLDER,
        "USER": "mlflow",
    }
    return environment(plain) + libpq_environment(database)


def server_environment(database: DatabaseHandle, store: ObjectStoreHandle) -> list[dict[str, Any]]:
    """The server's `env`."""
    # Jobs of the GenAI features run in separate processes, on the server's memory, once in every replica.
    jobs = environment({"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
    pod = [_field("POD_IP", "status.podIP"), _field("POD_NAMESPACE", "metadata.namespace")]
    return [*common_environment(database), *object_store_environment(store), *jobs, *pod]


def mounts_of(database: DatabaseHandle, temporary_mib: int) -> list[Mounted]:
    """Volumes of server and migration: writable folders, and the certificate authority."""
    return [scratch("tmp", TEMPORARY_FOLDER, temporary_mib), *ca_mounts(database)]


def server_container(
    name: str,
    database: DatabaseHandle,
    store: ObjectStoreHandle,
    *,
    workers: int,
    hostname: str,
    cpu_millis: int,
    memory_mib: int,
    upload_gib: int,
) -> dict[str, Any]:
    """The container of the tracking server, with the volumes of `mounts_of(database, upload_gib * 1024)`."""
    temporary_mib = upload_gib * 1024
    return container(
        name="mlflow",
        image=IMAGES["mlflow"].reference,
        command=["mlflow", "server"],
        args=server_arguments(name, store, workers, hostname),
        env=server_environment(database, store),
        ports={"http": PORT},
        # Each uploaded file is stored in /tmp before it is forwarded; that counts towards the pod's local disk.
        resources=resources(cpu_millis=cpu_millis, memory_mib=memory_mib, ephemeral_storage_mib=temporary_mib + 512),
        mounts=mounts_of(database, temporary_mib),
        startupProbe=startup_probe(HEALTH, PORT, within_seconds=180),
        readinessProbe=http_probe(HEALTH, PORT),
        livenessProbe=http_probe(HEALTH, PORT, period_seconds=20, timeout_seconds=10),
        # Endpoints are removed while the pod already ends: requests in these seconds would be lost.
        lifecycle={"preStop": {"sleep": {"seconds": 10}}},
    )


def migration_container(database: DatabaseHandle) -> dict[str, Any]:
    """The container that migrates the schema to the version of the server; idempotent."""
    return container(
        name="migrate",
        image=IMAGES["mlflow"].reference,
        command=["mlflow", "db", "upgrade"],
        args=["$(MLFLOW_BACKEND_STORE_URI)"],
        env=common_environment(database),
        resources=resources(cpu_millis=250, memory_mib=1024, ephemeral_storage_mib=MIGRATION_TEMPORARY_MIB + 512),
        mounts=mounts_of(database, MIGRATION_TEMPORARY_MIB),
    )
