"""The dev environment, whole, by `make`, on the real engine and API server, with the policies: what it promises.

One environment is brought up and asked everything, because an `up` of it is the expensive part. Killed runs at many
moments are in test_lifecycle.py, of dev itself in the campaign. Pods of images of the process node run for real, where
this computer can do it. Not proved here: that another container starts, or that an operator does its work.
"""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from rich.console import Console

from components.base.labels import LABELS
from simulator.cluster import Cluster, State
from tests.engine.conftest import LiveCluster
from tests.engine.kills import killed, names_of_processes
from tools.backend import cluster_name, state_directory
from tools.engine import Engine
from tools.events import STACK_TYPE
from tools.facts import plain_environment
from tools.lifecycle import Lifecycle
from tools.processes import choose
from tools.screen import Screen

REPOSITORY = Path(__file__).parents[2]
LINKED = ("catalog", "stacks", "settings", "components", "policies", "report", "simulator", ".venv")
SETTINGS: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
TEN_DIGITS = [
    [int(level, 17) / 16 for level in picture]
    for picture in """
005d910000dfaf5003f20b8004c008800580098004b01c7002e5ac00006da000
000cd500000bg900003fg60007fgg200001gg300001gg600001gg600000bga00
0004fc00003gfe00008d8g000016fb00018df10009gg500003dggb500003bg90
007fd10008d6f400021dd000002fb1000001cc1000001a8000845e90007dd900
0001b00000078000001d6220007f098005ga0g6004fgdg100003fa000002g400
00ca000000egge0000dgfa1000bgg70000047g7000004g900054cg40009gga00
000cd000005g800000dg300000ed000000fc720000dgdg30007gbf800019fb30
0078dgf100774bc000008d100488ff6002bff400000g5000009f100000d50000
009e810000ceec00009a0f40003gce20004gg20003g8ad2001f13g8000bgfb10
00bc000002gggd0003gcae0001g1cf0000dg9f20000309b000009f40009cd300
""".split()
]
"""A picture of each digit, 64 pixels of 17 levels: the first ten of the data set digits (UCI 80, optical recognition of
handwritten digits, scikit-learn's copy)."""
OVER_QUOTA = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "greedy", "namespace": "language"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "main",
                "image": "ghcr.io/example/greedy:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "1", "memory": "1Gi"}},
            }
        ],
    },
}


def pool_of_each_pod(cluster: Any, namespace: str) -> dict[str, set[str | None]]:
    """Workload -> pools that its pods sit on."""
    pods = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    pools = {node["metadata"]["name"]: node["metadata"]["labels"].get("mlplatform.dev/pool") for node in nodes}
    found: dict[str, set[str | None]] = {}
    for pod in pods:
        name = pod["metadata"]["labels"].get("app.kubernetes.io/name", "")
        found.setdefault(name, set()).add(pools[pod["spec"]["nodeName"]])
    return found


def services_without_pods(cluster: Any) -> list[str]:
    """Services that choose pods and find no ready one. The bundled charts tell the provider not to wait for theirs."""
    services = json.loads(cluster.kubectl("get", "services", "-A", "-o", "json"))["items"]
    slices = json.loads(cluster.kubectl("get", "endpointslices", "-A", "-o", "json"))["items"]
    served = {
        (one["metadata"]["namespace"], one["metadata"]["labels"].get("kubernetes.io/service-name"))
        for one in slices
        if any(endpoint["conditions"].get("ready") for endpoint in one.get("endpoints") or [])
    }
    return [
        f"{service['metadata']['namespace']}/{service['metadata']['name']}"
        for service in services
        if service["spec"].get("selector")
        and (service["metadata"]["namespace"], service["metadata"]["name"]) not in served
    ]


@pytest.fixture
def life(toolchain, tmp_path, tmp_path_factory, monkeypatch) -> Iterator[Lifecycle]:
    """A checkout with settings files of its own: plain pulumi writes its salt there."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path_factory.mktemp("h")))  # short: sockets are below it
    monkeypatch.setenv("MLPLATFORM_PROCESSES", "auto")
    project = tmp_path / "checkout"
    project.mkdir()
    for name in LINKED:
        (project / name).symlink_to(REPOSITORY / name, target_is_directory=True)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (project / name).write_bytes((REPOSITORY / name).read_bytes())
    screen = Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8")))  # noqa: SIM115
    made = Lifecycle(project=project, screen=screen, tools=lambda: toolchain)
    yield made
    made.down("dev", yes=True)


class Arguments(threading.Thread):
    """What every process of the machine was started with, while this runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add(" ".join(process.info["cmdline"] or []))

    def __enter__(self) -> "Arguments":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def objects_of_ours(cluster: LiveCluster) -> set[str]:
    """Objects with our labels that nothing else owns: what somebody declared. Endpoints have those of their Service."""
    listable = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    label = f"app.kubernetes.io/managed-by={LABELS['app.kubernetes.io/managed-by']}"
    answer = cluster.kubectl("get", ",".join(listable), "-A", "-l", label, "-o", "json", "--ignore-not-found")
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for item in json.loads(answer)["items"]
        if not item["metadata"].get("ownerReferences") and item["kind"] != "Endpoints"
    }


def secret_values(cluster: LiveCluster) -> set[str]:
    """What stands in any Secret, encoded and in clear; short values (a user) and addresses are found everywhere."""
    secrets = json.loads(cluster.kubectl("get", "secrets", "-A", "-o", "json"))["items"]
    encoded = {value for secret in secrets for key, value in (secret.get("data") or {}).items() if key != "host"}
    decoded = {base64.b64decode(value).decode(errors="replace") for value in encoded}
    addresses = {value for value in decoded if ".svc.cluster.local" in value and "@" not in value}
    return {value for value in encoded | decoded - addresses if len(value) >= 16}


def declared(engine: Engine) -> set[str]:
    """The objects that the state knows, named as `objects_of_ours` does."""
    found = set()
    for resource in engine.resources():
        metadata = resource.get("outputs", {}).get("metadata")
        if resource["type"].startswith("kubernetes:") and metadata:
            found.add(f"{resource['outputs']['kind']} {metadata.get('namespace', '')}/{metadata['name']}")
    return found


def test_the_dev_environment_keeps_its_promises(life: Lifecycle, toolchain: Any, capsys: Any) -> None:
    own = Cluster(cluster_name(life.project, "dev"))
    own.start(toolchain, processes=choose(os.environ, own.node).processes)
    cluster, state = LiveCluster(own.kubeconfig, toolchain), state_directory(life.project)
    before, settings = cluster.census(), (life.project / "Pulumi.dev.yaml").read_bytes()

    # The first run brings everything up, once, and nothing that no state knows.
    with Arguments() as arguments:
        life.up("dev")
    engine = life._begin(life.facts(life.project, "dev"), start_cluster=False).engine
    ours = objects_of_ours(cluster)
    assert len(ours) > 200
    assert ours - declared(engine) == set()
    assert (life.project / "Pulumi.dev.yaml").read_bytes() == settings

    # It ends with the summary, made of what is really there.
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "dev is up" in rows
    assert "detector vision distributed training 2 2 Succeeded h100-0 h100-1" in rows
    assert "vision h100 16 16 0" in rows

    # Every Service finds its pods, but for those of Jobs that are done, and of CoreDNS, which does not run here.
    without = {"kube-system/kube-prometheus-stack-coredns", "vision/detector", "language/language-model"}
    assert set(services_without_pods(cluster)) <= without

    pods_are_placed(cluster, cpu=None if own.node.running() else "cpu")
    if own.node.running():
        nodes = "--output=jsonpath={.items[*].spec.nodeName}"
        assert set(cluster.kubectl("get", "pods", "-n", "mlflow", nodes).split()) == {"process-0"}
        a_model_is_trained_and_answers(cluster, rows, life.screen.console.export_text(clear=False))
    the_api_server_refuses(cluster)
    secrets_stand_in_secrets(cluster, state, arguments)

    # Plain pulumi, in the project's root, finds nothing to do, and a refresh no drift.
    assert " unchanged" in plain_preview(life, toolchain)
    drift = engine.refresh(preview_only=True)
    assert (drift.changes, drift.failures) == ({}, ())

    # A pool grows and nothing else changes.
    grown = yaml.safe_load(settings)
    grown["config"]["mlplatform:environment"]["deviceCaps"]["H100"] = 24
    grown["config"]["mlplatform:cluster"]["pools"]["h100"]["nodesMax"] = 3
    (life.project / "Pulumi.dev.yaml").write_text(yaml.safe_dump(grown), encoding="utf-8")
    larger = engine.up()
    assert larger.failures == ()
    changed = {(step.operation, step.urn.rsplit("::")[-1]) for step in larger.steps if step.operation != "same"}
    assert changed == {("create", "h100-node-2"), ("update", "h100")}
    assert "h100-2" in cluster.kubectl("get", "nodes", "-o", "name")

    # All of it without a state, as a run that is killed in its last moment leaves it: the next one takes it over.
    engine.remove(force=True)
    engine.create()
    again = engine.up()
    assert (again.failures, again.violations) == ((), ())
    assert objects_of_ours(cluster) - declared(engine) == set()

    # Nothing is left over.
    gone = engine.destroy()
    assert gone.failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()
    life.down("dev")
    assert own.status().state is State.ABSENT
    assert not state.exists()
    assert names_of_processes(life) == []


def a_model_is_trained_and_answers(cluster: LiveCluster, rows: list[str], said: str) -> None:
    """The training ran, and MLServer answers with its model; the screen shows an answer. Asked here: all ten digits."""
    assert "digits vision training 1 1 Succeeded process-0" in rows
    assert "digit-reader vision KServe model 1 1 Running; ready process-0" in rows
    assert "vision/digit-reader: predict 0  (asked with examples/requests/digit-reader.json)" in said
    log = cluster.kubectl("logs", "job/digits-1", "-n", "vision").splitlines()
    accuracy = next(line for line in log if line.startswith("accuracy "))
    assert float(accuracy.split()[1]) > 0.9
    answers = served(cluster, TEN_DIGITS)
    assert sum(answer == digit for digit, answer in enumerate(answers)) >= 9


def served(cluster: LiveCluster, pictures: list[list[float]]) -> list[int]:
    """What the model takes pictures of 8 by 8 pixels for, asked through the API server."""
    data = [value for picture in pictures for value in picture]
    asked = {"name": "pixels", "shape": [len(pictures), 64], "datatype": "FP64", "data": data}
    path = "/api/v1/namespaces/vision/services/digit-reader-predictor:80/proxy/v2/models/digit-reader/infer"
    answer = cluster.kubectl("create", "--raw", path, "--filename", "-", text=json.dumps({"inputs": [asked]}))
    found: list[int] = json.loads(answer)["outputs"][0]["data"]
    return found


def pods_are_placed(cluster: LiveCluster, cpu: str | None) -> None:
    """The real scheduler put each pod on its team's pool; pods that run for real are on a node of none."""
    assert pool_of_each_pod(cluster, "vision") == {
        "detector": {"h100"},
        "resnet": {"a100-mig"},
        "detector-api": {"l4-shared"},
        "digits": {cpu},
        "digit-reader": {cpu},
    }
    language = pool_of_each_pod(cluster, "language")
    assert language["language-model"] == {"v5e"}
    hosts = json.loads(cluster.kubectl("get", "pods", "-n", "language", "-o", "json"))["items"]
    slices = [pod["spec"]["nodeName"] for pod in hosts if pod["metadata"]["name"].startswith("language-model")]
    assert sorted(slices) == ["v5e-0", "v5e-1", "v5e-2", "v5e-3"]


def the_api_server_refuses(cluster: LiveCluster) -> None:
    """The API server refuses what a team has no quota for, and what breaks Pod Security."""
    refused = cluster.kubectl("create", "-f", "-", text=json.dumps(OVER_QUOTA), check=False)
    assert "exceeded quota" in refused
    assert "requests.nvidia.com/gpu=0" in refused
    privileged = json.loads(json.dumps(OVER_QUOTA))
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert "violates PodSecurity" in cluster.kubectl("create", "-f", "-", text=json.dumps(privileged), check=False)


def secrets_stand_in_secrets(cluster: LiveCluster, state: Path, arguments: Arguments) -> None:
    """Secrets stand in Secrets: no argument of a process, no other object, nothing that is left on disk has one."""
    hidden = secret_values(cluster)
    assert len(hidden) > 10
    assert [text for text in arguments.seen if any(value in text for value in hidden)] == []
    listable = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kinds = ",".join(kind for kind in listable if kind not in {"secrets", "componentstatuses"})
    manifests = cluster.kubectl("get", kinds, "-A", "-o", "yaml", "--ignore-not-found")
    assert [value for value in hidden if value in manifests] == []
    left = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in left)
    assert [p for p in left if any(value in p.read_text(errors="replace") for value in hidden)] == []


def plain_preview(life: Lifecycle, toolchain: Any) -> str:
    """What `pulumi preview` says, which must find nothing to do."""
    command = [toolchain.path("pulumi"), "preview", "--stack", "dev", "--expect-no-changes"]
    answer = subprocess.run(
        [*command, "--policy-pack", "policies"],
        cwd=life.project,
        env={**toolchain.environment(), **plain_environment(life.project, "dev")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


@pytest.mark.skipif("MLPLATFORM_TEST_KILLS" not in os.environ, reason="of the long run: make campaign")
def test_dev_comes_up_after_a_kill_and_goes_after_a_kill(life: Lifecycle, toolchain: Any) -> None:
    own = Cluster(cluster_name(life.project, "dev"))
    cluster, state = LiveCluster(own.kubeconfig, toolchain), state_directory(life.project)

    def there(*what: str) -> bool:
        return "NotFound" not in cluster.kubectl("get", *what, check=False)

    # Killed in the midst of it, the next one converges: everything is there, once, and nothing that no state knows.
    assert killed(life, "dev", lambda: life.up("dev"), when=lambda: there("namespace", "mlflow"))
    life.up("dev")
    assert "the last up of" in life.screen.console.export_text()
    engine = life._begin(life.facts(life.project, "dev"), start_cluster=False).engine
    assert objects_of_ours(cluster) - declared(engine) == set()
    life.up("dev")
    assert "nothing to do" in life.screen.console.export_text()

    # A destroy whose engine is killed does not keep the cluster: it goes as a whole, with all that is left of it.
    def is_half_gone() -> bool:
        return not there("deployment", "-n", "vision", "detector-api")

    assert killed(life, "dev", lambda: life.down("dev"), when=is_half_gone)
    assert "did not end; the simulated cluster is deleted as a whole" in life.screen.console.export_text()
    assert own.status().state is State.ABSENT
    assert not state.exists()
    assert names_of_processes(life) == []


def test_settings_that_are_refused_register_nothing(workspace: Any, cluster: Any) -> None:
    broken = json.loads(json.dumps(SETTINGS))
    broken["mlplatform:training"]["detector"]["job"]["accelerators"]["count"] = 16
    engine = workspace(REPOSITORY / "stacks", stack="dev", config=broken)
    plan = engine.preview()
    said = "\n".join(str(failure) for failure in plan.failures)
    assert "training.detector.job" in said
    assert "a node of pool h100 offers 8" in said
    assert "Traceback" not in said
    # The engine's language host registers the stack itself before it runs the program.
    assert [step.urn for step in plan.steps if step.type != STACK_TYPE] == []
