"""The dev environment with MLPLATFORM_REAL=prometheus: what prometheus-operator makes of it, running as processes.

Only this finds a monitor of ours that no server answers, a permission that a service account lacks, and a dashboard
whose expressions have no data. Nothing is asked of targets that are simulated: nobody answers there.
"""

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from rich.console import Console

from components.monitoring.boards import expressions, plain
from simulator import real
from simulator.configuration import POD_NETWORK
from simulator.process_node import support
from tests.controllers.conftest import until
from tests.engine.conftest import LiveCluster
from tests.engine.test_dev_stack import LINKED, REPOSITORY
from tools import processes
from tools.backend import cluster_name
from tools.lifecycle import Lifecycle
from tools.screen import Screen
from tools.toolchain import Toolchain

pytestmark = pytest.mark.skipif(
    bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"
)
PROMETHEUS, MLFLOW = "http://127.0.0.1:9090/api/v1", "http://127.0.0.1:5000"
SIMULATED = (ipaddress.ip_network(POD_NETWORK), ipaddress.ip_network("10.128.0.0/9"))
"""Addresses of simulated pods, and of simulated nodes (simulator/stages/node.yaml)."""
OWN = ipaddress.ip_network("10.64.0.0/16")
"""Those of the process node and its pods."""
WITHOUT_DATA = ("gpu:", "gpu_utilisation", "DCGM_", "route:", "request_predict", "certmanager_", "volume_stats")
"""Parts of expressions whose exporters are simulated, or that the kubelet has only for volumes of a driver."""
NOTHING_TO_SHOW = ("error", "kube_job_status_active", "deadline_used", "Ready", "kube_cronjob_status_last")
"""The same, of which a healthy platform that has just started has nothing."""
RULE = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "PrometheusRule",
    "metadata": {"name": "trial", "namespace": "vision"},
    "spec": {
        "groups": [
            {
                "name": "trial",
                "interval": "5s",
                "rules": [
                    {
                        "alert": "MlflowAnswers",
                        "expr": 'sum by (namespace) (mlflow_http_request_total{method="GET"}) > 0',
                        "labels": {"severity": "warning"},
                    }
                ],
            }
        ]
    },
}
"""An alert of a team's own, from a namespace of its own, on a metric that only the running server has."""


def ask(path: str, **query: str) -> Any:
    """The data of an answer of Prometheus; None while it does not answer."""
    try:
        with urlopen(f"{PROMETHEUS}/{path}?{urlencode(query)}", timeout=20) as answer:
            return json.load(answer)["data"]
    except HTTPError as refused:
        raise AssertionError(f"{query}: {refused.read().decode()}") from None
    except (URLError, ConnectionError):
        return None


class Monitored:
    """The dev environment, up."""

    def __init__(self, project: Path, toolchain: Toolchain, home: Path) -> None:
        for name in LINKED:
            (project / name).symlink_to(REPOSITORY / name, target_is_directory=True)
        for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
            (project / name).write_bytes((REPOSITORY / name).read_bytes())
        self.console = Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
        self.life = Lifecycle(project=project, screen=Screen(self.console), tools=lambda: toolchain)
        self.cluster = LiveCluster(home / "clusters" / cluster_name(project, "dev") / "kubeconfig.yaml", toolchain)

    def listed(self, *what: str) -> list[dict[str, Any]]:
        return list(json.loads(self.cluster.kubectl("get", *what, "-o", "json"))["items"])

    def raw(self, service: str, path: str) -> Any:
        """The answer of a Service in `monitoring`, through the API server."""
        return json.loads(
            self.cluster.kubectl("get", "--raw", f"/api/v1/namespaces/monitoring/services/http:{service}/proxy{path}")
        )


@pytest.fixture(scope="module")
def monitored(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    home, project = tmp_path_factory.mktemp("h"), tmp_path_factory.mktemp("checkout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLPLATFORM_HOME", str(home))
        patch.setenv(processes.VARIABLE, processes.Choice.ON)
        patch.setenv(real.VARIABLE, real.Part.PROMETHEUS)
        made = Monitored(project, toolchain, home)
        try:
            made.life.up("dev")
            until(lambda: ask("query", query='up{job="mlflow"} == 1'), 240, lambda: "Prometheus does not answer")
            yield made
        finally:
            made.life.down("dev", yes=True)


def test_up_says_where_prometheus_answers(monitored: Monitored) -> None:
    assert (
        f"{PROMETHEUS.removesuffix('/api/v1')} is kube-prometheus-stack-prometheus" in monitored.console.export_text()
    )


def test_the_operator_reconciles_our_objects_into_real_pods(monitored: Monitored) -> None:
    for kind in ("prometheuses", "alertmanagers"):
        (one,) = monitored.listed(f"{kind}.monitoring.coreos.com", "-n", "monitoring")
        until(lambda kind=kind: available(monitored, kind), 90, lambda one=one: json.dumps(one["status"]))
    sets = monitored.listed("statefulsets", "-n", "monitoring")
    assert {one["metadata"]["labels"].get("managed-by") for one in sets} == {"prometheus-operator"}
    pods = monitored.listed("pods", "-n", "monitoring")
    places = {pod["metadata"]["labels"]["app.kubernetes.io/name"]: pod["spec"]["nodeName"] for pod in pods}
    processes_of = {name for name, node in places.items() if node == "process-0"}
    assert processes_of == {
        "prometheus",
        "alertmanager",
        "kube-state-metrics",
        "kube-prometheus-stack-prometheus-operator",
    }
    (claim,) = monitored.listed("persistentvolumeclaims", "-n", "monitoring")
    assert claim["status"]["phase"] == "Bound"


def available(monitored: Monitored, kind: str) -> bool:
    (one,) = monitored.listed(f"{kind}.monitoring.coreos.com", "-n", "monitoring")
    conditions = {each["type"]: each for each in one.get("status", {}).get("conditions", [])}
    assert all(each.get("message", "") != "simulated" for each in conditions.values())
    return {name: each["status"] for name, each in conditions.items()} == {"Available": "True", "Reconciled": "True"}


def test_every_rule_of_the_cluster_is_loaded_and_evaluates(monitored: Monitored) -> None:
    declared = sorted(
        rule.get("alert") or rule["record"]
        for one in monitored.listed("prometheusrules.monitoring.coreos.com", "-A")
        for group in one["spec"]["groups"]
        for rule in group["rules"]
    )
    assert len(declared) > 40

    def loaded() -> list[dict[str, Any]]:
        rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
        return [] if any(rule["health"] == "unknown" for rule in rules) else rules

    rules = until(loaded, 120, lambda: "some rule was never evaluated")
    assert sorted(rule["name"] for rule in rules) == declared
    assert [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] != "ok"] == []


def test_every_target_that_is_a_process_is_up_and_only_simulated_ones_are_down(monitored: Monitored) -> None:
    def targets() -> list[dict[str, Any]]:
        found = [one for one in ask("targets", state="active")["activeTargets"] if not simulated(one)]
        return found if all(one["health"] == "up" for one in found) else []

    found = until(targets, 120, lambda: json.dumps(ask("targets", state="active"))[:4000])
    pools = {one["scrapePool"].split("/")[2] for one in found}
    stack = "kube-prometheus-stack"
    parts = ("alertmanager", "kube-state-metrics", "kubelet", "operator", "prometheus")
    assert pools == {"mlflow", *(f"{stack}-{part}" for part in parts)}


def simulated(target: dict[str, Any]) -> bool:
    """Nobody answers there: a simulated pod or node, or the API server, whose own address is not the pods' network."""
    address = ipaddress.ip_address(target["discoveredLabels"]["__address__"].rpartition(":")[0])
    if target["scrapePool"].split("/")[2].endswith("-apiserver"):
        return True
    return address not in OWN and any(address in network for network in SIMULATED)


def test_dashboards_have_data_of_what_runs(monitored: Monitored) -> None:
    shown = [plain(one) for one in expressions()]
    live = [one for one in shown if not any(part in one for part in (*WITHOUT_DATA, *NOTHING_TO_SHOW))]
    assert len(live) >= 12

    def empty() -> list[str]:
        urlopen(f"{MLFLOW}/api/2.0/mlflow/experiments/search?max_results=1", timeout=20).close()
        return [one for one in live if not ask("query", query=one)["result"]]

    until(lambda: not empty(), 180, lambda: f"no data: {empty()}")
    for one in shown:  # each parses and evaluates
        assert ask("query", query=one) is not None, one


def test_an_alert_of_a_team_fires_and_reaches_alertmanager(monitored: Monitored) -> None:
    monitored.cluster.kubectl("apply", "-f", "-", text=json.dumps(RULE))

    def received() -> list[dict[str, Any]]:
        alerts = monitored.raw("alertmanager-operated:9093", "/api/v2/alerts")
        return [one for one in alerts if one["labels"]["alertname"] == "MlflowAnswers"]

    (alert,) = until(received, 240, lambda: json.dumps(ask("alerts")))
    assert alert["labels"]["namespace"] == "mlflow"
    assert (alert["labels"]["environment"], alert["status"]["state"]) == ("dev", "active")


def test_a_refresh_finds_no_drift(monitored: Monitored) -> None:
    """The operator changes nothing that the stack declares."""
    monitored.life.refresh("dev")
    assert "no drift" in monitored.console.export_text().splitlines()[-1]
