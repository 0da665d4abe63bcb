"""The tracking server's own command, environment and probe, on a real MLflow, a real PostgreSQL and a real S3 server.

What runs is what the components put into the pods; `kubelet.py` says what stands in for the node. Not proved here: the
images (the same packages come from PyPI), NetworkPolicies, and SeaweedFS (the S3 server is moto).
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from components.addons.gateway_spec import GatewayHandle
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreKind
from components.storage.postgresql import CA_FOLDER
from components.tracking.backup import DUMP_FOLDER, DatabaseBackupArgs, backup_spec, restore_spec
from components.tracking.database import ExternalDatabaseArgs, external_handle
from components.tracking.server_pod import PORT, TEMPORARY_FOLDER
from components.tracking.tracking_server import (
    RouteArgs,
    TrackingServerArgs,
    migration_spec,
    server_spec,
    tracking_handle,
)
from tests.mlflow_real.conftest import HERE, S3, PostgreSql, free_port, stop, wait_until
from tests.mlflow_real.kubelet import Kubelet

HOSTNAME = "mlflow.example.com"
NAMESPACE = "mlflow"
SERVICE = f"mlflow.{NAMESPACE}.svc.cluster.local:{PORT}"
GATEWAY = GatewayHandle(
    name="platform",
    namespace="gateway",
    class_name="platform",
    domains={"internal": "example.com"},
    listeners={"internal": "internal"},
    route_namespace_labels={},
    pods={"app": "envoy"},
    ports=[10443],
    ranges=[],
)
SECRET_KEY = "canary-secret-access-key"


@dataclass
class Platform:
    """The pods of a tracking server, and the node that runs them."""

    kubelet: Kubelet
    server: dict[str, Any]
    migration: dict[str, Any]
    backup: dict[str, Any]
    restore: dict[str, Any]
    port: int
    home: Path
    process: subprocess.Popen[bytes] | None = None
    started_seconds: float = 0.0

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.home / "mlflow.log"

    def start(self) -> None:
        """Starts the server and waits as long as its startup probe would."""
        began = time.monotonic()
        self.process = self.kubelet.start(self.server, self.log)
        probe = self.server["startupProbe"]
        limit = probe["periodSeconds"] * probe["failureThreshold"]
        wait_until(lambda: self.answer(probe["httpGet"]["path"])[0] == 200, limit, "MLflow", self.log)
        self.started_seconds = time.monotonic() - began

    def answer(self, path: str, *, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and text of a request to the server; (0, reason) when it does not answer."""
        data = json.dumps(body).encode() if body is not None else None
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=named, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=30) as reply:
                return int(reply.status), reply.read().decode()
        except HTTPError as refusal:
            return refusal.code, refusal.read().decode()
        except OSError as trouble:
            return 0, str(trouble)

    def client(self, what: str) -> dict[str, Any]:
        """Runs the client program with the environment that workloads get, and nothing else."""
        environment = tracking_handle("mlflow", NAMESPACE)["environment"]
        # The name that the cluster's DNS would know is this machine here.
        uri = environment["MLFLOW_TRACKING_URI"].replace(SERVICE, f"127.0.0.1:{self.port}")
        answer = subprocess.run(
            ["python", str(HERE / "programs" / "client.py"), what],
            env={**environment, "MLFLOW_TRACKING_URI": uri, "PATH": self.kubelet.path, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert answer.returncode == 0, answer.stderr + self.log.read_text()[-3000:]
        return dict(json.loads(answer.stdout.splitlines()[-1]))


def _containers(spec: dict[str, Any], kind: str) -> dict[str, Any]:
    pod = spec["jobTemplate"]["spec"]["template"]["spec"] if "jobTemplate" in spec else spec["template"]["spec"]
    return {one["name"]: one for one in pod[kind]}


@pytest.fixture(scope="module")
def platform(
    mlflow_environment: Path, postgresql: PostgreSql, s3: S3, rclone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Every pod of the tracking server, planned by the components; the schema migrated, the server up."""
    home = tmp_path_factory.mktemp("pods")
    folders = {CA_FOLDER: postgresql.certificates, DUMP_FOLDER: home / "backup", TEMPORARY_FOLDER: home / "tmp"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    database = external_handle(
        "mlflow-database",
        ExternalDatabaseArgs(host="localhost", port=postgresql.port, database="mlflow", ca_certificate="(a file here)"),
    )
    store = object_store(
        "artifacts",
        ObjectStoreArgs(
            kind=ObjectStoreKind.S3_COMPATIBLE,
            bucket=s3.bucket,
            prefix="platform",
            endpoint=s3.endpoint,
            credentials_secret_name="object-store",
        ),
    )
    args = TrackingServerArgs(
        namespace=NAMESPACE,
        database=database,
        artifacts=store,
        route=RouteArgs(gateway=GATEWAY, domain="internal", host="mlflow"),
    )
    copies = DatabaseBackupArgs(namespace=NAMESPACE, database=database, store=store)
    port = free_port()
    kubelet = Kubelet(
        path=f"{mlflow_environment / 'bin'}:{postgresql.programs}:{rclone}:/usr/bin:/bin",
        library_path=postgresql.library_path,
        secrets={
            database["secret_name"]: {"username": postgresql.username, "password": postgresql.password},
            "object-store": {"AWS_ACCESS_KEY_ID": "canary-access-key", "AWS_SECRET_ACCESS_KEY": SECRET_KEY},
        },
        fields={"status.podIP": "10.1.2.3", "metadata.namespace": NAMESPACE},
        folders=folders,
        ports={PORT: port},
    )
    backup, restore = backup_spec("mlflow-backup", copies, "17 2 * * *", 30), restore_spec("mlflow-backup", copies)
    made = Platform(
        kubelet=kubelet,
        server=_containers(server_spec("mlflow", args), "containers")["mlflow"],
        migration=_containers(migration_spec("mlflow", args), "containers")["migrate"],
        backup={**_containers(backup, "initContainers"), **_containers(backup, "containers")},
        restore={**_containers(restore, "initContainers"), **_containers(restore, "containers")},
        port=port,
        home=home,
    )
    kubelet.run(made.migration, home / "migrate.log")
    try:
        made.start()
        yield made
    finally:
        if made.process:
            stop(made.process)


def _schema_version(postgresql: PostgreSql) -> str:
    return postgresql.query("SELECT version_num FROM alembic_version")


def test_the_migration_brings_an_empty_database_to_the_schema_and_changes_nothing_the_second_time(
    platform: Platform, postgresql: PostgreSql
) -> None:
    version = _schema_version(postgresql)
    tables = postgresql.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
    assert version
    assert int(tables) > 20
    platform.kubelet.run(platform.migration, platform.home / "migrate-again.log")
    assert _schema_version(postgresql) == version
    assert postgresql.query("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'") == tables


def test_what_a_training_writes_is_read_back_and_its_artifacts_lie_in_the_store(platform: Platform, s3: S3) -> None:
    written = platform.client("write")
    found = platform.client("read")
    assert found == {
        "param": "0.1",
        "losses": [1.0, 0.5, 1.0 / 3],
        "version": "1",
        "version_run": written["run_id"],
        "run_id": written["run_id"],
        "weights": "weights of a model\n",
    }
    assert written["artifact_uri"].startswith("mlflow-artifacts:/")
    path = written["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert f"platform/mlflow/{path}/model/weights.txt" in s3.objects()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mlflow:{port}", 200),
        ("mlflow.mlflow.svc:{port}", 200),
        ("mlflow.mlflow.svc.cluster.local:{port}", 200),
        ("10.1.2.3:{port}", 200),
        (HOSTNAME, 200),
        ("10.1.2.4:{port}", 403),
        ("evil.example.com", 403),
        (f"{HOSTNAME}.evil.example.com", 403),
    ],
)
def test_only_hosts_that_were_given_out_are_answered(platform: Platform, host: str, status: int) -> None:
    path, named = "/api/2.0/mlflow/experiments/search", host.format(port=platform.port)
    found, text = platform.answer(path, method="POST", body={"max_results": 1}, Host=named)
    assert found == status, text


def test_the_probes_are_answered_whatever_the_host(platform: Platform) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        path = platform.server[probe]["httpGet"]["path"]
        assert platform.answer(path, Host="10.9.9.9:1") == (200, "OK")


def test_a_browser_may_write_from_the_public_name_and_from_no_other_site(platform: Platform) -> None:
    def create(name: str, origin: str) -> int:
        path = "/ajax-api/2.0/mlflow/experiments/create"
        return platform.answer(path, method="POST", body={"name": name}, Host=HOSTNAME, Origin=origin)[0]

    assert create("from-the-site", f"https://{HOSTNAME}") == 200
    assert create("from-elsewhere", "https://evil.example.com") == 403


def test_prometheus_gets_metrics_at_the_address_of_the_pod(platform: Platform) -> None:
    status, text = platform.answer("/metrics", Host=f"10.1.2.3:{platform.port}")
    assert status == 200
    assert "mlflow_http_request_duration_seconds_count" in text


def test_no_process_has_a_secret_among_its_arguments(platform: Platform, postgresql: PostgreSql) -> None:
    assert platform.process
    root = psutil.Process(platform.process.pid)
    lines = [" ".join(process.cmdline()) for process in [root, *root.children(recursive=True)]]
    assert any("uvicorn" in line for line in lines), lines
    for line in lines:
        assert postgresql.password not in line
        assert SECRET_KEY not in line
    assert postgresql.password not in platform.log.read_text()


def test_each_worker_stays_within_the_memory_that_a_pod_asks_for(platform: Platform) -> None:
    assert platform.process
    root = psutil.Process(platform.process.pid)
    used = sum(process.memory_full_info().pss for process in [root, *root.children(recursive=True)]) / 2**20
    asked = int(platform.server["resources"]["limits"]["memory"].removesuffix("Gi")) * 1024
    assert used < asked * 0.75, f"{used:.0f} MiB of {asked} MiB"


def test_a_backup_is_restored_by_the_commands_that_operators_run(
    platform: Platform, postgresql: PostgreSql, s3: S3
) -> None:
    def everything() -> str:
        return postgresql.query(
            "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM metrics), (SELECT count(*) FROM model_versions),"
            " (SELECT version_num FROM alembic_version)"
        )

    before = everything()
    assert platform.process
    stop(platform.process)
    for round_number in (1, 2):  # a copy of what was restored is as good as the first one
        for name in ("dump", "upload"):
            platform.kubelet.run(platform.backup[name], platform.home / f"{name}-{round_number}.log")
        copies = [key for key in s3.objects() if key.startswith("platform/backups/mlflow-backup/mlflow-")]
        assert len(copies) == round_number
        assert all(key.endswith("Z.dump") for key in copies)
        postgresql.query("DELETE FROM metrics; CREATE TABLE of_a_newer_schema (id int)")
        for name in ("download", "restore"):
            platform.kubelet.run(platform.restore[name], platform.home / f"{name}-{round_number}.log")
        assert everything() == before
        assert postgresql.query("SELECT to_regclass('of_a_newer_schema')") == ""
        for left in (platform.home / "backup").iterdir():
            left.unlink()
        time.sleep(1.1)  # names of copies hold seconds
    platform.kubelet.run(platform.migration, platform.home / "migrate-restored.log")
    platform.start()
    assert platform.client("read")["losses"] == [1.0, 0.5, 1.0 / 3]


def test_copies_that_are_too_old_go_once_a_new_one_is_there(platform: Platform, s3: S3) -> None:
    upload = platform.backup["upload"]
    environment = [{**one, "value": "1ms"} if one["name"] == "BACKUP_MAXIMUM_AGE" else one for one in upload["env"]]
    (platform.home / "backup" / "unrelated.txt").write_text("stays here", encoding="utf-8")
    platform.kubelet.run({**upload, "env": environment}, platform.home / "expire.log")
    assert [key for key in s3.objects() if key.startswith("platform/backups/")] == []
    assert any(key.startswith("platform/mlflow/") for key in s3.objects()), "artifacts are none of its business"


def test_a_restore_without_any_copy_says_so_and_touches_nothing(platform: Platform, postgresql: PostgreSql) -> None:
    before = postgresql.query("SELECT count(*) FROM runs")
    log = platform.home / "nothing.log"
    process = platform.kubelet.start(platform.restore["download"], log)
    assert process.wait(timeout=60) != 0
    assert "no copy in store:artifacts/platform/backups/mlflow-backup" in log.read_text()
    assert postgresql.query("SELECT count(*) FROM runs") == before
    assert os.environ.get("PGPASSWORD") is None
