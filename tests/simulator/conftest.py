"""Simulated clusters for tests, each in a home of its own that is gone afterwards.

`simulated` is one cluster for the session, and hands out namespaces (`namespace`); tests that stop, kill or delete make
their own with `home`.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.cluster import Cluster
from tools import toolchain as toolchains
from tools.progress import Silent
from tools.toolchain import Toolchain

Object = dict[str, Any]


class Client:
    """kubectl on one cluster, with waiting that ends as soon as it can."""

    def __init__(self, cluster: Cluster, toolchain: Toolchain, namespace: str = "default") -> None:
        self.cluster = cluster
        self.toolchain = toolchain
        self.namespace = namespace

    def run(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Runs kubectl and returns whatever came of it."""
        program = str(self.toolchain.path("kubectl"))
        return subprocess.run(
            [program, f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self.namespace}", *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *arguments: str, text: str | None = None) -> str:
        """Runs kubectl, which must succeed, and returns its output."""
        run = self.run(*arguments, text=text)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def apply(self, *objects: Object) -> None:
        self(
            "apply", "--server-side", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        )

    def get(self, kind: str, name: str) -> Object:
        found: Object = json.loads(self("get", kind, name, "--output=json"))
        return found

    def items(self, kind: str, *arguments: str) -> list[Object]:
        found: list[Object] = json.loads(self("get", kind, "--output=json", *arguments))["items"]
        return found

    def until(self, what: str, test: Callable[[], Any], seconds: float = 30) -> Any:
        """Asks again and again until the answer is true, and returns it."""
        deadline = time.monotonic() + seconds
        while not (answer := test()):
            assert time.monotonic() < deadline, f"not in {seconds} s: {what}"
            time.sleep(0.1)
        return answer

    def has(self, kind: str, name: str, condition: str, status: str = "True") -> Object:
        """Waits until an object has a condition, and returns the object."""
        self("wait", f"--for=condition={condition}={status}", f"{kind}/{name}", "--timeout=45s")
        return self.get(kind, name)


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The real tools, made ready if they are not."""
    return toolchains.ensure(Silent())


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home for clusters; whatever still lives there afterwards is deleted."""
    yield tmp_path
    for cluster in Cluster.clusters(tmp_path):
        cluster.delete()


@pytest.fixture(scope="session")
def simulated(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One cluster for the session, with a GPU node, a TPU node and a node for everything else."""
    cluster = Cluster("shared", home=tmp_path_factory.mktemp("home"))
    try:
        cluster.start(toolchain)
        client = Client(cluster, toolchain)
        client.apply(*NODES)
        for node in NODES:
            client.has("node", node["metadata"]["name"], "Ready")
        yield client
    finally:
        cluster.delete()


@pytest.fixture
def client(simulated: Client, request: pytest.FixtureRequest) -> Client:
    """The shared cluster, in a namespace that belongs to this test."""
    name = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:50].strip("-")
    simulated.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    there = Client(simulated.cluster, simulated.toolchain, name)
    there.until("service account", lambda: there.run("get", "serviceaccount", "default").returncode == 0)
    return there


def node(name: str, capacity: dict[str, str], **taints: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"pool": name},
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                "simulated.mlplatform.dev/capacity": json.dumps(capacity),
            },
        },
        "spec": {"taints": [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in taints.items()]},
    }


NODES = (
    node("plain", {"cpu": "64", "memory": "256Gi", "pods": "200", "ephemeral-storage": "500Gi"}),
    node("gpu", {"cpu": "192", "memory": "2000Gi", "pods": "110", "nvidia.com/gpu": "8"}, accelerator="gpu"),
    node("tpu", {"cpu": "112", "memory": "192Gi", "pods": "110", "google.com/tpu": "4"}, accelerator="tpu"),
)
