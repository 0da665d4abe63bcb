"""A model that is served for real: trained in a pod, put into an S3 server, downloaded and served by MLServer.

The InferenceService and the S3 server are those that the components declare. MLServer, the storage initializer and
MLflow are installed from PyPI at the first use (1.6 GB).
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import pytest

from catalog.versions import CHARTS, IMAGES
from components.storage.object_store_plan import kserve_annotations, rclone_environment
from components.storage.object_store_server import PORT, bucket_job_spec, drawn_keys, server_spec, server_store
from simulator import behaviour, stand_ins
from simulator.cluster import Cluster
from simulator.process_node import support
from simulator.process_node.images import find
from simulator.process_node.member import Processes
from tests.components.platform_handles import BLOCK, CPU, PRIORITIES
from tests.simulator.conftest import Client, Object, node
from tests.simulator.test_custom_resources import definitions
from tests.support.definitions import established
from tests.support.served import inference_object, runtime_objects
from tools.store import cache_root
from tools.toolchain import Toolchain

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"),
]
FORMATS = ("mlflow", "sklearn")
SERVER: Any = {
    "namespace": "object-store",
    "bucket": "models",
    "storage": BLOCK,
    "storage_gib": 1,
    "client_namespaces": ["vision"],
}
STORE = server_store("object-store", SERVER)
SERVED = {"storage_uri": "", "cpu_millis": 500, "memory_gib": 2, "ephemeral_storage_gib": 2, "protocol_version": "v2"}
TRAINING = """
import joblib, json, mlflow, os
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
x, y = load_iris(return_X_y=True)
model = LogisticRegression(max_iter=500).fit(x, y)
mlflow.sklearn.save_model(model, "/out/mlflow", input_example=x[:2])
os.makedirs("/out/sklearn")
joblib.dump(model, "/out/sklearn/model.joblib")
asked = x[::15]
print(json.dumps({"asked": asked.tolist(), "answer": model.predict(asked).tolist()}))
"""
INSTALLATION_SECONDS = 600


def named(kind: str, name: str, namespace: str = "", version: str = "v1", **rest: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}


def training() -> Object:
    """A Job that trains a model and puts it into the bucket in both formats."""
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    mounts = [{"name": "out", "mountPath": "/out"}, {"name": "tmp", "mountPath": "/tmp"}]
    home = {"name": "HOME", "value": "/tmp"}
    common = {"securityContext": restricted, "volumeMounts": mounts}
    train = {"name": "train", "image": IMAGES["mlflow"].reference, "command": ["python", "-c", TRAINING], "env": [home]}
    command = ["rclone", "copy", "/out", f"store:{STORE['bucket']}/iris"]
    put = {"name": "put", "image": IMAGES["rclone"].reference, "command": command}
    return {
        "template": {
            "spec": {
                "restartPolicy": "OnFailure",
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "initContainers": [train | common],
                "containers": [put | common | {"env": [*rclone_environment(STORE), home]}],
                "volumes": [{"name": one["name"], "emptyDir": {}} for one in mounts],
            }
        }
    }


def objects() -> list[Object]:
    """The S3 server with its bucket, and a team with the keys of it."""
    pods = {"app.kubernetes.io/name": "seaweedfs", "app.kubernetes.io/instance": "object-store"}
    keys, data = STORE["credentials_secret_name"], drawn_keys()
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    annotated = {"annotations": kserve_annotations(STORE)}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": BLOCK["class_name"],
        "resources": {"requests": {"storage": "1Gi"}},
    }
    ports = [{"name": "s3", "port": PORT, "targetPort": PORT}]
    provisioner = {"provisioner": "simulated.mlplatform.dev/block"}
    server = server_spec("object-store", SERVER, STORE, "keys")
    home, team = "object-store", "vision"
    return [
        named("StorageClass", BLOCK["class_name"], version="storage.k8s.io/v1", **provisioner),
        *(named("PriorityClass", one, version="scheduling.k8s.io/v1", value=1) for one in {*PRIORITIES.values()}),
        *(named("Namespace", one, metadata={"labels": enforced}) for one in (home, team)),
        named("ServiceAccount", "object-store", home),
        named("Secret", keys, home, data=data),
        named("PersistentVolumeClaim", "object-store", home, spec=claim),
        named("Deployment", "object-store", home, "apps/v1", spec=server),
        named("Service", "object-store", home, spec={"selector": pods, "ports": ports}),
        named("Job", "bucket", home, "batch/v1", spec=bucket_job_spec("object-store", STORE)),
        named("Secret", keys, team, metadata=annotated, data={k: v for k, v in data.items() if k.startswith("AWS")}),
        named("ServiceAccount", "serving", team, secrets=[{"name": keys}]),
    ]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """A cluster with a process node, an S3 server and a trained model."""

    def __init__(self, toolchain: Toolchain, home: Path) -> None:
        self.ports = {one: free_port() for one in FORMATS}
        loopback = {port: f"{one}-predictor.vision.svc.cluster.local:80" for one, port in self.ports.items()}
        self.cluster = Cluster("real", home=home)
        self.cluster.start(toolchain, processes=Processes(cache_root(os.environ) / "processes", loopback))
        self.client = Client(self.cluster, toolchain, "vision")
        self.state = home / "nodes" / "real" / "state"

    def train(self) -> dict[str, Any]:
        client = self.client
        kinds = ("serving.kserve.io/v1beta1 InferenceService",)
        crds = definitions(stand_ins.folder() / "crds")
        client.apply(node("plain", {"cpu": "4", "memory": "8Gi", "pods": "110"}), *(crds[kind] for kind in kinds))
        established(client, "crd", "inferenceservices.serving.kserve.io")
        store = Client(self.cluster, client.toolchain, "object-store")
        both = objects()
        store.apply(*(one for one in both if one["metadata"].get("namespace") != "vision"))
        client.apply(*(one for one in both if one["metadata"].get("namespace") == "vision"))
        self.finished("object-store", "bucket")
        client.apply(named("Job", "train", "vision", "batch/v1", spec=training()))
        self.finished("vision", "train")
        found: dict[str, Any] = json.loads(client("logs", "job/train", "--container=train").splitlines()[-1])
        return found

    def finished(self, namespace: str, job: str) -> None:
        def complete() -> bool:
            status = json.loads(self.client("get", "job", job, "--output=json", "--namespace", namespace))["status"]
            return bool(status.get("succeeded"))

        self.client.until(f"job {job}", complete, INSTALLATION_SECONDS)

    def memory(self, word: str) -> int:
        """MiB (PSS) of the processes with a word in their command, and of those that they started."""
        found = {one for one in psutil.process_iter(["cmdline"]) if word in " ".join(one.info["cmdline"] or [])}
        found |= {child for one in found for child in one.children(recursive=True)}
        return sum(one.memory_full_info().pss for one in found) >> 20


@pytest.fixture(scope="module")
def serving(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, dict[str, Any]]]:
    home = tmp_path_factory.mktemp("h")
    try:
        found = Serving(toolchain, home)
        yield found, found.train()
    finally:
        Cluster("real", home=home).delete()


def predicted(port: int, name: str, rows: list[list[float]]) -> list[int]:
    """The answer of the model over KServe's protocol, version 2."""
    asked = {
        "name": "x",
        "shape": [len(rows), len(rows[0])],
        "datatype": "FP64",
        "data": [value for row in rows for value in row],
        "parameters": {"content_type": "np"},
    }
    body = json.dumps({"inputs": [asked], "parameters": {"content_type": "np"}}).encode()
    request = Request(f"http://127.0.0.1:{port}/v2/models/{name}/infer", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        found: list[int] = json.load(answer)["outputs"][0]["data"]
    return found


@pytest.mark.parametrize("model_format", FORMATS)
def test_a_served_model_answers_as_the_trained_one(
    serving: tuple[Serving, dict[str, Any]], model_format: str, record_property: Any
) -> None:
    platform, trained = serving
    client = platform.client
    service = {**SERVED, "model_format": model_format, "storage_uri": f"s3://{STORE['bucket']}/iris/{model_format}"}
    start = time.monotonic()
    client.apply(inference_object(service, CPU, model_format))

    def ready() -> bool:
        status = client.get("inferenceservice", model_format).get("status", {})
        return any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))

    client.until(f"{model_format} is ready", ready, INSTALLATION_SECONDS)
    record_property("seconds_until_ready", round(time.monotonic() - start, 1))
    record_property("mebibytes_of_all_mlservers", platform.memory("mlserver start"))

    def answer() -> list[int] | None:
        try:
            return predicted(platform.ports[model_format], model_format, trained["asked"])
        except (URLError, ConnectionError):
            return None  # the Service learns of a ready pod a moment later

    assert client.until("an answer", answer, 30) == trained["answer"]
    (one,) = client.items("pods", f"--selector=serving.kserve.io/inferenceservice={model_format}")
    assert one["spec"]["nodeName"] == "process-0"
    (server,) = one["spec"]["containers"]
    runtime = next(one for one in runtime_objects() if one["metadata"]["name"] == "kserve-mlserver")
    declared = runtime["spec"]["containers"][0]
    assert server["image"] == declared["image"]
    variables = {variable["name"]: variable.get("value") for variable in server["env"]}
    for variable in declared["env"]:
        if "{{" not in variable["value"]:  # KServe fills it in
            assert variables[variable["name"]] == variable["value"]


def test_a_model_without_its_objects_waits(serving: tuple[Serving, dict[str, Any]]) -> None:
    client = serving[0].client
    service = {**SERVED, "model_format": "sklearn", "storage_uri": f"s3://{STORE['bucket']}/absent"}
    client.apply(inference_object(service, CPU, "absent"))

    def restarted() -> bool:
        found = client.items("pods", "--selector=serving.kserve.io/inferenceservice=absent")
        statuses = found[0]["status"].get("initContainerStatuses", []) if found else []
        return any(one["restartCount"] for one in statuses)

    client.until("the storage initializer fails", restarted, 120)
    conditions = client.get("inferenceservice", "absent")["status"]["conditions"]
    assert {one["type"]: one["status"] for one in conditions}["Ready"] == "False"


def test_a_model_of_another_server_stays_simulated(serving: tuple[Serving, dict[str, Any]]) -> None:
    client = serving[0].client
    service = {**SERVED, "model_format": "huggingface", "storage_uri": f"s3://{STORE['bucket']}/absent"}
    client.apply(inference_object(service, CPU, "simulated"))
    deployment = client.until(
        "its Deployment", lambda: client.items("deployments", "--selector=app=isvc.simulated-predictor")
    )[0]
    spec = deployment["spec"]["template"]["spec"]
    assert [one["image"] for one in spec["containers"]] == ["simulated"]
    assert "initContainers" not in spec


def test_the_images_of_the_template_are_in_the_table() -> None:
    folder = Path(behaviour.__file__).parent / "process_node" / "stages"
    text = (folder / "deployment-of-part.tmpl").read_text(encoding="utf-8")
    for reference in (
        IMAGES["mlserver"].reference,
        f"kserve/storage-initializer:{CHARTS['kserve-resources'].version}",
    ):
        assert f'"{reference}"' in text
        assert find(reference)
