"""A team's trainings and models on the real engine, API server, controllers and scheduler.

Not proved here: that containers do their work (pods are simulated), and what KServe itself makes of a service.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import yaml

from simulator import stand_ins
from tests.support.definitions import established

REQUESTS = stand_ins.folder() / "crds" / "gke-provisioning-request.yaml"


def listed(cluster, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *what, "-n", "vision", "-o", "json"))["items"]
    return found


def eventually(answer: Callable[[], Any], seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := answer()) and time.monotonic() < deadline:
        time.sleep(0.3)
    return found


def nodes_of(cluster, job: str) -> list[str]:
    pods = listed(cluster, "pods", "-l", f"batch.kubernetes.io/job-name={job}")
    return sorted(pod["spec"]["nodeName"] for pod in pods if pod["status"].get("phase") == "Running")


def run_of(cluster, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.kubectl("get", "job", name, "-n", "vision", "-o", "json"))
    return found


def test_a_teams_workloads_run_where_they_belong_and_stay_as_they_are(workspace, cluster):
    before = cluster.census()
    engine = workspace("workloads", config={"workloads:run": "1"})
    up = engine.up()
    assert up.failures == ()

    # A slice of four hosts is one run's alone, though both runs would fit any four of the eight hosts.
    hosts = {"tpu-0 tpu-1 tpu-2 tpu-3", "tpu-4 tpu-5 tpu-6 tpu-7"}
    assert eventually(lambda: {" ".join(nodes_of(cluster, job)) for job in ("one-1", "two-1")} == hosts)
    assert eventually(lambda: [node.rsplit("-", 1)[0] for node in nodes_of(cluster, "fit-1")] == ["gpu"])

    # Devices by claim: allocated by the scheduler from what the node published, and counted by the quota.
    assert eventually(lambda: [node.rsplit("-", 1)[0] for node in nodes_of(cluster, "claims-1")] == ["claimed"])
    (claim,) = listed(cluster, "resourceclaims")
    results = claim["status"]["allocation"]["devices"]["results"]
    assert sorted(result["device"] for result in results) == sorted({result["device"] for result in results})
    assert [(len(results), result["driver"]) for result in results[:1]] == [(4, "gpu.nvidia.com")]
    refused = cluster.kubectl("apply", "-f", "-", check=False, text=greedy_claim(4))
    assert "exceeded quota: team" in refused

    # The autoscaler's replicas are its own.
    cluster.kubectl("scale", "deployment/ranker", "-n", "vision", "--replicas=2")
    again = engine.up()
    assert (again.failures, again.changes) == ((), {})
    drift = engine.refresh()
    assert (drift.failures, drift.changes) == ((), {})
    assert (
        json.loads(cluster.kubectl("get", "deployment/ranker", "-n", "vision", "-o", "json"))["spec"]["replicas"] == 2
    )

    # The team's quota: 2 + 1 + 2 of 12 are taken.
    refused = cluster.kubectl("apply", "-f", "-", check=False, text=greedy_pod(8))
    assert "exceeded quota: team" in refused
    assert "is forbidden: violates PodSecurity" in cluster.kubectl(
        "run", "root", "-n", "vision", "--image=x:1", "--privileged", check=False
    )
    assert may(cluster, "create", "jobs.batch")
    for forbidden in (
        "secrets",
        "resourcequotas",
        "networkpolicies.networking.k8s.io",
        "rolebindings.rbac.authorization.k8s.io",
    ):
        assert not may(cluster, "update", forbidden)

    gone = engine.destroy()
    assert gone.failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()


def greedy_claim(count: int) -> str:
    """A claim of that many devices."""
    request = {"name": "devices", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": count}}
    return yaml.safe_dump(
        {
            "apiVersion": "resource.k8s.io/v1",
            "kind": "ResourceClaim",
            "metadata": {"name": "greedy", "namespace": "vision"},
            "spec": {"devices": {"requests": [request]}},
        }
    )


def greedy_pod(count: int) -> str:
    units = {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": str(count)}
    safe = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "c",
        "image": "x:1",
        "resources": {"limits": units, "requests": units},
        "securityContext": safe,
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "greedy", "namespace": "vision"}}
    return json.dumps({**body, "spec": {"containers": [container]}})


def may(cluster, verb: str, resource: str) -> bool:
    answer: str = cluster.kubectl(
        "auth", "can-i", verb, resource, "-n", "vision", "--as=someone", "--as-group=engineers", check=False
    )
    return answer.strip() == "yes"


def test_a_run_is_fixed_when_it_starts_and_only_another_run_takes_its_place(workspace, cluster):
    engine = workspace("workloads", config={"workloads:alone": "true"})

    def ask(**settings: str) -> None:
        told = {"workloads:alone": "true", **{f"workloads:{key}": value for key, value in settings.items()}}
        (engine.project / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": told}), encoding="utf-8")

    ask(run="1")
    assert engine.up().failures == ()
    uid = run_of(cluster, "fit-1")["metadata"]["uid"]
    (claim,) = listed(cluster, "pvc")

    # Other settings for the same run: refused in the preview, by the API server, and nothing happens to it.
    ask(run="1", image="registry.example.com/program:2")
    for outcome in (engine.preview(), engine.up()):
        assert [failure.resource for failure in outcome.failures] == ["Job fit-run-1"]
        assert "run fit-1 was started with other settings" in outcome.failures[0].message
    assert run_of(cluster, "fit-1")["metadata"]["uid"] == uid

    # Its deadline can be moved, more than once, and after a refused change. (The second update is the component.)
    for minutes in (90, 120):
        ask(run="1", deadline=f"{minutes}")
        moved = engine.up()
        assert (moved.failures, moved.changes) == ((), {"update": 2})
        run = run_of(cluster, "fit-1")
        assert (run["metadata"]["uid"], run["spec"]["activeDeadlineSeconds"]) == (uid, minutes * 60)
    assert engine.refresh().changes == {}

    # Another run takes its place; the checkpoints stay.
    ask(run="2")
    replaced = engine.up()
    assert (replaced.failures, replaced.changes) == ((), {"create": 1, "update": 1, "delete": 1})
    assert eventually(lambda: [job["metadata"]["name"] for job in listed(cluster, "jobs")] == ["fit-2"])
    assert [found["metadata"]["uid"] for found in listed(cluster, "pvc")] == [claim["metadata"]["uid"]]


def test_a_run_on_queued_nodes_is_announced_once_and_up_waits_for_none_of_it(workspace, cluster):
    cluster.kubectl("apply", "--server-side", "-f", str(REQUESTS))
    established(cluster.kubectl, "-f", str(REQUESTS))
    engine = workspace("workloads", config={})

    def ask(**settings: str) -> None:
        told = {"workloads:alone": "true", **{f"workloads:{key}": value for key, value in settings.items()}}
        (engine.project / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": told}), encoding="utf-8")

    def announced() -> dict[str, Any]:
        return {
            kind: [(found["metadata"]["name"], found["metadata"]["uid"]) for found in listed(cluster, kind)]
            for kind in ("podtemplates", "provisioningrequests", "jobs")
        }

    def names() -> set[str]:
        return {name for found in announced().values() for name, _ in found}

    ask(run="1", queued="24")
    assert engine.up().failures == ()
    first = announced()
    assert names() == {"fit-1"}
    (request,), (template,) = listed(cluster, "provisioningrequests"), listed(cluster, "podtemplates")
    assert request["spec"]["parameters"] == {"maxRunDurationSeconds": "86400"}
    assert template["template"]["spec"] == run_of(cluster, "fit-1")["spec"]["template"]["spec"]
    (pod,) = eventually(lambda: listed(cluster, "pods", "-l", "batch.kubernetes.io/job-name=fit-1"))
    assert pod["metadata"]["annotations"]["autoscaling.x-k8s.io/consume-provisioning-request"] == "fit-1"
    assert pod["status"]["phase"] == "Pending"
    again = engine.up()
    assert (again.failures, again.changes) == ((), {})
    assert engine.refresh().changes == {}

    # What the pool offers later counts from the next run on.
    ask(run="1", queued="48", taint="example.com/later")
    later = engine.up()
    assert (later.failures, later.changes) == ((), {})
    assert announced() == first
    assert listed(cluster, "podtemplates")[0]["template"] == template["template"]

    ask(run="2", queued="48")
    assert engine.up().failures == ()
    assert eventually(lambda: names() == {"fit-2"})
    (request,) = listed(cluster, "provisioningrequests")
    assert request["spec"]["parameters"] == {"maxRunDurationSeconds": "172800"}
    assert engine.destroy().failures == ()
    cluster.kubectl("delete", "-f", str(REQUESTS))
