"""The dev environment, whole, on the real engine and API server, with the policies: what `make up` promises.

One environment is brought up and asked everything, because an `up` of it is the expensive part. Killed runs are in
test_lifecycle.py. Not proved here: that a container starts, or that an operator does its work; both are simulated.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml

from tools.events import STACK_TYPE

REPOSITORY = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
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


def pool_of_each_pod(cluster: Any, namespace: str) -> dict[str, set[str]]:
    """Workload -> pools that its pods sit on."""
    pods = json.loads(cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    pools = {node["metadata"]["name"]: node["metadata"]["labels"]["mlplatform.dev/pool"] for node in nodes}
    found: dict[str, set[str]] = {}
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


def secret_values(cluster: Any) -> Iterator[str]:
    """What the stack keeps secret, as it reads in a Secret (base64) and in clear."""
    secrets = json.loads(cluster.kubectl("get", "secrets", "-A", "-o", "json"))["items"]
    for secret in secrets:
        if secret["metadata"]["name"] == "grafana-admin":
            yield secret["data"]["admin-password"]
        if secret["metadata"]["name"].startswith("object-store-keys"):
            yield secret["data"]["AWS_SECRET_ACCESS_KEY"]


def texts_of_a_run(state: Path) -> Iterator[tuple[str, str]]:
    """Everything that a run leaves on disk: state, backups, history, logs."""
    for path in state.rglob("*"):
        if path.is_file():
            yield str(path), path.read_text(encoding="utf-8", errors="replace")


def test_the_dev_environment_keeps_its_promises(workspace: Any, cluster: Any) -> None:
    before = cluster.census()
    engine = workspace(
        REPOSITORY / "stacks",
        stack="dev",
        config=SETTINGS,
        policy_pack=REPOSITORY / "policies",
        environment={
            "MLPLATFORM_HOME": str(cluster.kubeconfig.parents[2]),
            "MLPLATFORM_CLUSTER": cluster.kubeconfig.parent.name,
        },
    )

    # The law holds before anything is there, and the first run brings everything up.
    plan = engine.preview()
    assert (plan.failures, plan.violations) == ((), ())
    first = engine.up()
    assert first.failures == ()
    assert set(first.changes) == {"create"}

    # A second run and a refresh find nothing to do.
    again = engine.up()
    assert (again.changes, again.failures) == ({}, ())
    drift = engine.refresh(preview_only=True)
    assert (drift.changes, drift.failures) == ({}, ())

    # The real scheduler put each pod on its team's pool.
    assert pool_of_each_pod(cluster, "vision") == {
        "detector": {"h100"},
        "resnet": {"a100-mig"},
        "detector-api": {"l4-shared"},
    }
    language = pool_of_each_pod(cluster, "language")
    assert language["language-model"] == {"v5e"}
    hosts = json.loads(cluster.kubectl("get", "pods", "-n", "language", "-o", "json"))["items"]
    slices = [pod["spec"]["nodeName"] for pod in hosts if pod["metadata"]["name"].startswith("language-model")]
    assert sorted(slices) == ["v5e-0", "v5e-1", "v5e-2", "v5e-3"]

    # Every Service finds its pods, but for those of Jobs that are done, and of CoreDNS, which does not run here.
    without = {"kube-system/kube-prometheus-stack-coredns", "vision/detector", "language/language-model"}
    assert set(services_without_pods(cluster)) <= without

    # The API server refuses what a team has no quota for, and what breaks Pod Security.
    refused = cluster.kubectl("create", "-f", "-", text=json.dumps(OVER_QUOTA), check=False)
    assert "exceeded quota" in refused
    assert "requests.nvidia.com/gpu=0" in refused
    privileged = json.loads(json.dumps(OVER_QUOTA))
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    assert "violates PodSecurity" in cluster.kubectl("create", "-f", "-", text=json.dumps(privileged), check=False)

    # Secrets stand in Secrets and nowhere else.
    hidden = list(secret_values(cluster))
    assert len(hidden) >= 3
    needles = {value for encoded in hidden for value in (encoded, base64.b64decode(encoded).decode())}
    listable = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    kinds = ",".join(kind for kind in listable if kind not in {"secrets", "componentstatuses"})
    manifests = cluster.kubectl("get", kinds, "-A", "-o", "yaml", "--ignore-not-found")
    arguments = "\n".join(" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    assert [needle for needle in needles if needle in manifests] == []
    assert [needle for needle in needles if needle in arguments] == []
    assert [path for path, text in texts_of_a_run(engine.state) if any(needle in text for needle in needles)] == []

    # A pool grows and nothing else changes.
    grown = json.loads(json.dumps(SETTINGS))
    grown["mlplatform:environment"]["deviceCaps"]["H100"] = 24
    grown["mlplatform:cluster"]["pools"]["h100"]["nodesMax"] = 3
    (engine.project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": grown}), encoding="utf-8")
    larger = engine.up()
    assert larger.failures == ()
    changed = {(step.operation, step.urn.rsplit("::")[-1]) for step in larger.steps if step.operation != "same"}
    assert changed == {("create", "h100-node-2"), ("update", "h100")}
    assert "h100-2" in cluster.kubectl("get", "nodes", "-o", "name")

    # Nothing is left over.
    gone = engine.destroy()
    assert gone.failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()


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
