"""Nodes and workloads on a simulated cluster: placed, limited, refused and ended by the real control plane."""

import json
from typing import Any

import pytest

from .conftest import NODES, Client, Object

pytestmark = pytest.mark.engine


def container(**fields: Any) -> Object:
    return {"name": "main", "image": "example/image:1", **fields}


def template(labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return {
        "metadata": {"labels": labels or {}, "annotations": annotations or {}},
        "spec": {"containers": [container()], **spec},
    }


def accelerated(resource: str, count: int, taint: str) -> Object:
    limits = {resource: str(count)}
    return template(
        {"app": "x"},
        containers=[container(resources={"limits": limits})],
        tolerations=[{"key": "accelerator", "value": taint}],
    )


def workload(kind: str, name: str, pods: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"template": pods, **spec},
    }


def job(name: str, annotations: dict[str, str] | None = None, policy: str = "Never", **spec: Any) -> Object:
    return workload("Job", name, template(annotations=annotations, restartPolicy=policy), **spec)


def simulated_by(**annotations: str) -> dict[str, str]:
    return {f"simulated.mlplatform.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}


def selecting(replicas: int) -> Object:
    return {"replicas": replicas, "selector": {"matchLabels": {"app": "x"}}}


def test_a_node_has_the_capacity_of_its_annotation_and_says_that_it_is_simulated(simulated: Client) -> None:
    for declared in NODES:
        found = simulated.get("node", declared["metadata"]["name"])
        wanted = json.loads(declared["metadata"]["annotations"]["simulated.mlplatform.dev/capacity"])
        assert found["status"]["capacity"] == found["status"]["allocatable"] == wanted
        assert found["status"]["nodeInfo"]["osImage"] == "simulated"
        assert {address["type"] for address in found["status"]["addresses"]} == {"InternalIP", "Hostname"}
        assert found["metadata"]["labels"]["kubernetes.io/hostname"] == declared["metadata"]["name"]


def test_a_node_follows_a_change_of_its_declared_capacity(simulated: Client) -> None:
    def capacity(**resources: str) -> Object:
        annotation = {"simulated.mlplatform.dev/capacity": json.dumps(resources)}
        return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "reshaped", "annotations": annotation}}

    simulated.apply(capacity(cpu="8", pods="10", fpga="2"))
    simulated.has("node", "reshaped", "Ready")
    simulated.apply(capacity(cpu="16", pods="10"))
    simulated.until(
        "new capacity without the resource that is gone",
        lambda: simulated.get("node", "reshaped")["status"]["capacity"] == {"cpu": "16", "pods": "10"},
    )
    simulated("delete", "node", "reshaped")


def test_a_node_without_a_capacity_is_not_ready_and_says_why(simulated: Client) -> None:
    simulated.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "bare"}})
    found = simulated.has("node", "bare", "Ready", "False")
    (ready,) = [condition for condition in found["status"]["conditions"] if condition["type"] == "Ready"]
    assert ready["reason"] == "NoCapacityAnnotation"
    simulated("delete", "node", "bare")


@pytest.mark.parametrize(("resource", "pool", "devices"), [("nvidia.com/gpu", "gpu", 8), ("google.com/tpu", "tpu", 4)])
def test_accelerated_pods_are_placed_on_their_pool_until_it_is_full(
    client: Client, resource: str, pool: str, devices: int
) -> None:
    client.apply(workload("Deployment", pool, accelerated(resource, devices // 2, pool), **selecting(3)))

    def phases() -> list[str]:
        return sorted(pod["status"]["phase"] for pod in client.items("pods"))

    client.until("two running, one waiting", lambda: phases() == ["Pending", "Running", "Running"])
    pods = client.items("pods")
    assert {pod["spec"].get("nodeName") for pod in pods if pod["status"]["phase"] == "Running"} == {pool}
    (waiting,) = [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Pending"]
    unplaced = client.has("pod", waiting, "PodScheduled", "False")["status"]["conditions"]
    assert f"Insufficient {resource}" in unplaced[0]["message"]
    client("delete", "deployment", pool, "--cascade=foreground")


def test_deployments_stateful_sets_and_daemon_sets_become_ready(client: Client) -> None:
    pods = template(
        {"app": "x"},
        initContainers=[container(name="prepare"), container(name="sidecar", restartPolicy="Always")],
    )
    client.apply(
        workload("Deployment", "web", pods, **selecting(3)),
        workload("StatefulSet", "db", template({"app": "x"}), serviceName="db", **selecting(2)),
        workload(
            "DaemonSet",
            "agent",
            template({"app": "x"}, tolerations=[{"operator": "Exists"}]),
            selector={"matchLabels": {"app": "x"}},
        ),
    )
    for name in ("deployment/web", "statefulset/db", "daemonset/agent"):
        client("rollout", "status", name, "--timeout=40s")
    agents = [pod for pod in client.items("pods") if pod["metadata"]["name"].startswith("agent")]
    assert {pod["spec"]["nodeName"] for pod in agents} == {"plain", "gpu", "tpu"}
    (web, *_) = [pod for pod in client.items("pods") if pod["metadata"]["name"].startswith("web")]
    assert web["status"]["message"] == "simulated, no container really runs"
    prepared, sidecar = web["status"]["initContainerStatuses"]
    assert prepared["state"]["terminated"]["exitCode"] == 0
    assert sidecar["ready"]
    assert "running" in sidecar["state"]
    addresses = [pod["status"]["podIP"] for pod in client.items("pods")]
    assert len(set(addresses)) == len(addresses)


def test_jobs_end_as_their_annotations_say(client: Client) -> None:
    refuse_42 = {
        "rules": [{"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}}]
    }
    client.apply(
        job("plain"),
        job("ranks", completionMode="Indexed", completions=3, parallelism=3),
        job("fatal", simulated_by(exit_code="42", duration_seconds="1"), backoffLimit=6, podFailurePolicy=refuse_42),
        job(
            "one-rank",
            simulated_by(exit_code="1", failing_index="1", duration_seconds="1"),
            completionMode="Indexed",
            completions=3,
            parallelism=3,
            backoffLimitPerIndex=0,
        ),
        job("restarted", simulated_by(exit_code="1", duration_seconds="1"), policy="OnFailure", backoffLimit=2),
        job("long", simulated_by(duration_seconds="3600")),
    )
    assert client.has("job", "plain", "Complete")["status"]["succeeded"] == 1
    assert client.has("job", "ranks", "Complete")["status"]["completedIndexes"] == "0-2"
    fatal = client.has("job", "fatal", "Failed")["status"]
    assert (fatal["failed"], fatal["conditions"][0]["reason"]) == (1, "PodFailurePolicy")
    ranks = client.has("job", "one-rank", "Failed")["status"]
    assert (ranks["completedIndexes"], ranks["failedIndexes"]) == ("0,2", "1")
    restarted = client.has("job", "restarted", "Failed")["status"]["conditions"]
    assert "BackoffLimitExceeded" in {condition["reason"] for condition in restarted}
    assert client.get("job", "long")["status"]["active"] == 1


def test_a_running_pod_of_a_job_ends_as_failed_when_it_is_deleted(client: Client) -> None:
    client.apply(job("evicted", simulated_by(duration_seconds="3600"), backoffLimit=3))
    (pod,) = client.until(
        "running", lambda: [pod for pod in client.items("pods") if pod["status"]["phase"] == "Running"]
    )
    client("delete", "pod", pod["metadata"]["name"], "--timeout=30s")
    client.until("counted", lambda: client.get("job", "evicted")["status"].get("failed") == 1)


def test_a_pod_that_a_finalizer_holds_stays_until_it_is_let_go(client: Client) -> None:
    held = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    client.apply({**held, "spec": {"containers": [container()]}})
    client.has("pod", "held", "Ready")
    client("delete", "pod", "held", "--wait=false")
    ended = client.until("ended", lambda: (pod := client.get("pod", "held"))["status"]["phase"] == "Failed" and pod)
    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 143
    client("patch", "pod", "held", "--type=merge", "--patch", '{"metadata": {"finalizers": null}}')
    client("wait", "--for=delete", "pod/held", "--timeout=20s")


def test_a_quota_of_accelerators_is_enforced_by_the_api_server(client: Client) -> None:
    client("create", "quota", "team", "--hard=requests.nvidia.com/gpu=4")
    pods = accelerated("nvidia.com/gpu", 2, "gpu")["spec"]
    for name in ("one", "two"):
        client.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pods})
    third = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "three"}, "spec": pods}
    refused = client.run("apply", "-f", "-", text=json.dumps(third))
    assert refused.returncode == 1
    assert "exceeded quota: team" in refused.stderr
    client("delete", "pod", "one", "two")


def test_pod_security_is_enforced_by_the_api_server(client: Client) -> None:
    client("label", "namespace", client.namespace, "pod-security.kubernetes.io/enforce=restricted")
    privileged = container(securityContext={"privileged": True})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [privileged]}}
    refused = client.run("apply", "-f", "-", text=json.dumps(pod))
    assert refused.returncode == 1
    assert 'violates PodSecurity "restricted' in refused.stderr


def test_a_limit_range_gives_its_defaults(client: Client) -> None:
    limits = [{"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"memory": "512Mi"}}]
    client.apply(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "defaults"}, "spec": {"limits": limits}}
    )
    client.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "modest"}, "spec": {"containers": [container()]}}
    )
    resources = client.get("pod", "modest")["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}}


def test_role_based_access_control_is_enforced_by_the_api_server(client: Client) -> None:
    client("create", "role", "viewer", "--verb=get,list", "--resource=pods")
    client("create", "rolebinding", "viewers", "--role=viewer", "--group=team-viewers")
    someone = ("--as=ada", "--as-group=team-viewers")
    assert client.run("get", "pods", *someone).returncode == 0
    refused = client.run("get", "secrets", *someone)
    assert refused.returncode == 1
    assert 'User "ada" cannot list resource "secrets"' in refused.stderr


def test_what_belongs_to_a_deleted_object_is_collected_and_a_namespace_goes_to_the_end(client: Client) -> None:
    client.apply(
        workload("Deployment", "web", template({"app": "x"}), **selecting(2)),
        job("long", simulated_by(duration_seconds="3600")),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
    )
    client("rollout", "status", "deployment/web", "--timeout=40s")
    client("delete", "deployment", "web", "--cascade=foreground", "--timeout=30s")
    assert [pod for pod in client.items("pods") if pod["metadata"]["name"].startswith("web")] == []
    client("delete", "namespace", client.namespace, "--timeout=40s")
