"""Monitoring and KServe on the real engine and API server, from the bundled mirror.

Not proved here: that Prometheus, Grafana and KServe run (stand-ins do not); promtool judges the rules in
tests/components/monitoring.
"""

import json
from typing import Any

from components.monitoring.dashboards import dashboards
from components.workloads.serving.runtime_table import RUNTIMES

PASSWORD = "grafana-canary-5b1d"


def listed(cluster, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cluster.kubectl("get", *what, "-o", "json"))["items"]
    return found


def names(cluster, *what: str) -> set[str]:
    return {thing["metadata"]["name"] for thing in listed(cluster, *what)}


def test_monitoring_and_kserve_come_up_in_one_run_settle_grow_and_leave_nothing(workspace, cluster):
    before = cluster.census()
    engine = workspace("monitoring", config={"monitoring:gibibytes": 20}, environment={"GRAFANA_PASSWORD": PASSWORD})

    # The very first preview, on a cluster that knows none of the kinds, already shows every object.
    assert engine.preview().failures == ()
    up = engine.up()
    assert up.failures == ()
    again = engine.up()
    assert (again.failures, again.changes) == ((), {})
    drift = engine.refresh()
    assert (drift.failures, drift.changes) == ((), {})

    (prometheus,) = listed(cluster, "prometheuses.monitoring.coreos.com", "-n", "monitoring")
    spec = prometheus["spec"]
    selectors = ["serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"]
    assert [spec[f"{what}Selector"] for what in selectors] == [{}] * 5
    assert [spec[f"{what}NamespaceSelector"] for what in selectors] == [{}] * 5
    assert (spec["replicas"], spec["retentionSize"]) == (2, "16GiB")
    assert spec["externalLabels"] == {"cluster": "simulated", "environment": "test"}

    ours = {f"mlplatform-{group}" for group in ("accelerators", "training", "serving", "mlflow", "platform")}
    assert ours <= names(cluster, "prometheusrules", "-n", "monitoring")
    labelled = names(cluster, "configmaps", "-n", "monitoring", "-l", "grafana_dashboard=1")
    assert {f"dashboard-{uid}" for uid in dashboards()} <= labelled
    assert names(cluster, "clusterservingruntimes") == {*RUNTIMES}
    (route,) = listed(cluster, "httproutes", "-n", "monitoring")
    assert route["spec"]["hostnames"] == ["grafana.ml.corp.example"]

    # Every pod was admitted under the Pod Security of its namespace, and only node-exporter's is privileged.
    levels = {
        home["metadata"]["name"]: home["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for home in listed(cluster, "namespaces")
    }
    assert (levels["monitoring"], levels["monitoring-nodes"], levels["kserve"]) == (
        "restricted",
        "privileged",
        "restricted",
    )
    exporters = listed(cluster, "pods", "-n", "monitoring-nodes")
    assert {pod["spec"]["nodeName"] for pod in exporters} == {"h100-0", "cpu-0", "cpu-1", "cpu-2"}
    for namespace in ("monitoring", "kserve"):
        pods = listed(cluster, "pods", "-n", namespace)
        assert pods
        assert {pod["status"]["phase"] for pod in pods} == {"Running"}

    config = {item["metadata"]["name"]: item["data"] for item in listed(cluster, "configmaps", "-n", "kserve")}
    inference = config["inferenceservice-config"]
    assert json.loads(inference["deploy"]) == {"defaultDeploymentMode": "Standard"}
    assert json.loads(inference["ingress"])["kserveIngressGateway"] == "gateway/edge"
    assert json.loads(inference["inferenceService"])["resource"]["cpuLimit"] == ""

    (alertmanager,) = listed(cluster, "alertmanagers.monitoring.coreos.com", "-n", "monitoring")
    assert alertmanager["spec"]["secrets"] == ["bot"]

    # The password is in its Secret, and in clear nowhere on disk.
    written = [path for path in engine.state.rglob("*") if path.is_file()]
    assert not [path for path in written if PASSWORD in path.read_text(encoding="utf-8", errors="replace")]

    settings = engine.project / "Pulumi.test.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("gibibytes: 20", "gibibytes: 40"), encoding="utf-8"
    )
    assert engine.up().failures == ()
    (prometheus,) = listed(cluster, "prometheuses.monitoring.coreos.com", "-n", "monitoring")
    assert prometheus["spec"]["retentionSize"] == "32GiB"

    gone = engine.destroy()
    assert gone.failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()
