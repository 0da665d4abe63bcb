"""The monitoring stack: its namespaces, what goes to the chart, what is refused.

Not proved here: what the chart makes of the values (the engine test installs the stand-in; upstream's chart at
88.5.3 was rendered with these values by hand: no hook jobs left, every pod within its namespace's Pod Security).
"""

from typing import Any

import pulumi
import pytest

from catalog.accelerators import ClusterKind
from components.addons.gateway_spec import GatewayHandle
from components.addons.monitoring import Monitoring, monitoring_handle
from components.addons.monitoring_traffic import MonitoringArgs, monitoring_namespace, nodes_namespace
from components.addons.monitoring_values import (
    alertmanager_config,
    control_plane_values,
    default_rules,
    monitoring_values,
)
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.traffic_rules import policy_spec
from components.capacity.placement import PoolArgs, plan_pool
from components.findings import Refused
from components.monitoring.metrics import NODE_LABELS
from components.storage.plan import StorageHandle, StoragePurpose
from policies.objects import PlannedObject
from policies.rules.network.network_policies import network_policy_is_restricted
from tests.recorder import Recording, record

STORAGE = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="standard", access_modes=["ReadWriteOnce"])
GATEWAY = GatewayHandle(
    name="platform",
    namespace="gateway",
    class_name="platform",
    domains={"internal": "ml.example.com"},
    listeners={"internal": "https-internal"},
    route_namespace_labels={"mlplatform.dev/gateway-routes": "true"},
    pods={"app.kubernetes.io/component": "proxy"},
    ports=[10080, 10443],
    ranges=[],
)
PUBLISHED: Any = {"gateway": GATEWAY, "grafana_domain": "internal"}
SLACK: Any = {"name": "ops", "kind": "slack", "secret_name": "slack", "secret_key": "url", "channel": "#ml"}
PAGER: Any = {"name": "night", "kind": "pagerduty", "secret_name": "pager", "secret_key": "key"}
HOOK: Any = {"name": "bot", "kind": "webhook", "secret_name": "bot", "secret_key": "url", "severities": ["info"]}


def arguments(**more: Any) -> MonitoringArgs:
    given: Any = {
        "source": ChartSource(origin=ChartOrigin.UPSTREAM, location=""),
        "cluster_kind": ClusterKind.EKS,
        "cluster": "one",
        "environment": "test",
        "storage": STORAGE,
        "storage_gib": 100,
        "grafana_admin_password": "correct horse",
        **more,
    }
    return given


def recorded(**more: Any) -> Recording:
    return record(lambda: Monitoring("monitoring", arguments(**more)) and None)


def chart(recording: Recording) -> Any:
    return recording.one("Chart").inputs


def test_rules_of_control_planes_that_a_cloud_hides_are_off_and_dashboards_of_every_namespace_are_read() -> None:
    values = monitoring_values(arguments())
    assert values["defaultRules"] == default_rules(arguments())
    assert values["grafana"]["sidecar"]["dashboards"]["searchNamespace"] == "ALL"


def test_the_stack_is_two_namespaces_a_secret_and_a_chart_and_nothing_else() -> None:
    recording = recorded()
    kinds = [f"{r.kind} {r.name}" for r in recording.resources if r.kind not in ("NetworkPolicy",)]
    assert sorted(kinds) == [
        "AddonChart monitoring-stack",
        "Chart monitoring-stack-chart",
        "IsolatedNamespace monitoring-home",
        "IsolatedNamespace monitoring-nodes",
        "Monitoring monitoring",
        "Namespace monitoring-home-namespace",
        "Namespace monitoring-nodes-namespace",
        "Secret monitoring-grafana-admin",
    ]


def test_only_node_exporter_lives_in_a_privileged_namespace() -> None:
    levels = {
        namespace.inputs["metadata"]["name"]: namespace.inputs["metadata"]["labels"][
            "pod-security.kubernetes.io/enforce"
        ]
        for namespace in recorded().of("Namespace")
    }
    assert levels == {"monitoring": "restricted", "monitoring-nodes": "privileged"}
    assert chart(recorded())["values"]["prometheus-node-exporter"]["namespaceOverride"] == "monitoring-nodes"


def test_the_password_is_a_secret_wherever_it_is_written() -> None:
    found = [value for resource in recorded().resources for value in _bare_texts(resource.inputs)]
    assert "admin-password" in str(recorded().one("Secret").inputs)
    assert "correct horse" not in found


def _bare_texts(value: Any) -> list[Any]:
    """Every text outside of a secret."""
    if pulumi.runtime.rpc.is_rpc_secret(value):
        return []
    if isinstance(value, dict):
        return [text for item in value.values() for text in _bare_texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _bare_texts(item)]
    return [value]


def test_an_existing_secret_is_used_and_none_is_created() -> None:
    args = arguments(grafana_admin_secret_name="vault-grafana")
    del args["grafana_admin_password"]
    recording = record(lambda: Monitoring("monitoring", args) and None)
    assert recording.of("Secret") == []
    assert chart(recording)["values"]["grafana"]["admin"]["existingSecret"] == "vault-grafana"


def test_the_chart_waits_for_the_namespaces_and_the_secret() -> None:
    recording = recorded()
    waited = recording.one("Chart").dependencies
    assert recording.one("Secret").urn in waited
    assert recording.one("Namespace", "monitoring-nodes").urn in waited


def test_monitors_and_rules_of_every_namespace_are_found_whatever_their_labels() -> None:
    spec = monitoring_values(arguments())["prometheus"]["prometheusSpec"]
    found = {key: value for key, value in spec.items() if key.endswith("SelectorNilUsesHelmValues")}
    assert found == dict.fromkeys(
        (
            f"{what}SelectorNilUsesHelmValues"
            for what in ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
        ),
        False,
    )


def test_samples_leave_by_age_or_before_the_volume_is_full() -> None:
    spec = monitoring_values(arguments())["prometheus"]["prometheusSpec"]
    assert (spec["retention"], spec["retentionSize"]) == ("15d", "80GiB")
    spec = monitoring_values(arguments(retention_days=90, retention_size_gib=50))["prometheus"]["prometheusSpec"]
    assert (spec["retention"], spec["retentionSize"]) == ("90d", "50GiB")
    assert spec["storageSpec"]["volumeClaimTemplate"]["spec"] == {
        "storageClassName": "standard",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "100Gi"}},
    }


@pytest.mark.parametrize(("keep", "deleted"), [(True, "Retain"), (False, "Delete")])
def test_volumes_stay_where_data_is_kept(keep: bool, deleted: str) -> None:
    spec = monitoring_values(arguments(keep_data=keep))["prometheus"]["prometheusSpec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": deleted, "whenScaled": "Retain"}


def test_high_availability_is_two_prometheus_and_three_alertmanagers_apart() -> None:
    values = monitoring_values(arguments(highly_available=True))
    assert values["prometheus"]["prometheusSpec"]["replicas"] == 2
    assert values["prometheus"]["prometheusSpec"]["podAntiAffinity"] == "hard"
    assert values["alertmanager"]["alertmanagerSpec"]["replicas"] == 3
    assert values["prometheus"]["podDisruptionBudget"] == {"enabled": True}
    assert monitoring_values(arguments())["prometheus"]["prometheusSpec"]["replicas"] == 1


def test_prometheus_gets_the_memory_and_cpu_that_are_asked_for() -> None:
    spec = monitoring_values(arguments(prometheus_memory_gib=8, prometheus_cpu_millis=2500))["prometheus"]
    assert spec["prometheusSpec"]["resources"]["requests"]["cpu"] == "2500m"
    assert spec["prometheusSpec"]["resources"]["limits"]["memory"] == "8Gi"


def test_every_alert_says_which_cluster_and_environment_it_is_about() -> None:
    spec = monitoring_values(arguments())["prometheus"]["prometheusSpec"]
    assert spec["externalLabels"] == {"cluster": "one", "environment": "test"}


@pytest.mark.parametrize("kind", list(ClusterKind))
def test_no_control_plane_is_scraped_unless_it_is_said_to_be_reachable(kind: ClusterKind) -> None:
    values = control_plane_values(arguments(cluster_kind=kind))
    parts = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")
    assert not any(values[part]["enabled"] for part in parts)
    assert values["kubeDns"]["enabled"] is (kind is ClusterKind.GKE)
    assert values["coreDns"]["enabled"] is (kind is not ClusterKind.GKE)
    assert default_rules(arguments(cluster_kind=kind))["rules"]["etcd"] is False


def test_a_reachable_control_plane_is_scraped_and_its_alerts_are_on() -> None:
    args = arguments(cluster_kind=ClusterKind.EXISTING, scrape_control_plane=True)
    assert control_plane_values(args)["kubeEtcd"] == {"enabled": True}
    assert default_rules(args)["rules"]["kubeSchedulerAlerting"] is True
    assert {2381, 10249, 10257, 10259} <= _ports(args, "scrapes")


def _rule(args: MonitoringArgs, name: str) -> Any:
    (rule,) = (rule for rule in monitoring_namespace(args)["exceptions"] if rule["name"] == name)
    return rule


def _ports(args: MonitoringArgs, name: str) -> set[int]:
    return set(_rule(args, name)["ports"])


def test_rules_are_checked_with_a_certificate_of_cert_manager_and_without_hook_jobs() -> None:
    operator = monitoring_values(arguments())["prometheusOperator"]
    assert operator["admissionWebhooks"]["certManager"] == {"enabled": True}
    assert operator["admissionWebhooks"]["patch"] == {"enabled": False}
    assert operator["tls"] == {"enabled": True}
    names = {
        rule["name"] for rule in monitoring_namespace(arguments(control_plane_ranges=["10.1.0.0/28"]))["exceptions"]
    }
    assert {"webhook-tunnel", "webhook-0"} <= names


def test_without_the_webhook_nothing_needs_cert_manager_and_nothing_enters_for_it() -> None:
    args = arguments(rule_webhook=False)
    operator = monitoring_values(args)["prometheusOperator"]
    assert operator["admissionWebhooks"]["enabled"] is False
    assert operator["tls"] == {"enabled": False}
    assert not any("webhook" in rule["name"] for rule in monitoring_namespace(args)["exceptions"])


def test_an_operator_that_is_there_is_not_brought_and_no_webhook_with_it() -> None:
    args = arguments(operator=False)
    assert monitoring_values(args)["prometheusOperator"] == {"enabled": False}
    assert not any("webhook" in rule["name"] for rule in monitoring_namespace(args)["exceptions"])


def test_node_exporter_runs_on_the_nodes_of_every_pool() -> None:
    taint: Any = {"key": "team.example/only", "value": "a", "effect": "NoExecute"}
    pool, _, _ = plan_pool("h100", PoolArgs(accelerator="H100", nodes_max=1, taints=[taint]), ClusterKind.EKS)
    tolerated = monitoring_values(arguments(pools=[pool]))["prometheus-node-exporter"]["tolerations"]
    assert {"operator": "Exists", "effect": "NoSchedule"} in tolerated
    assert {"key": "team.example/only", "operator": "Exists", "effect": "NoExecute"} in tolerated


def test_kube_state_metrics_exports_the_labels_that_rules_join_on() -> None:
    allowed = monitoring_values(arguments())["kube-state-metrics"]["metricLabelsAllowlist"]
    assert allowed[0] == f"nodes=[{','.join(NODE_LABELS)}]"
    assert [entry.split("=")[0] for entry in allowed] == ["nodes", "jobs", "deployments"]
    assert monitoring_values(arguments())["kube-state-metrics"]["customResourceState"]["enabled"] is True


def test_grafana_is_published_under_a_name_of_the_chosen_domain() -> None:
    recording = recorded(**PUBLISHED)
    route = recording.one("HTTPRoute").inputs
    assert route["spec"]["hostnames"] == ["grafana.ml.example.com"]
    assert route["spec"]["parentRefs"] == [
        {"name": "platform", "namespace": "gateway", "sectionName": "https-internal"}
    ]
    ini = chart(recording)["values"]["grafana"]["grafana.ini"]
    assert ini["server"] == {"root_url": "https://grafana.ml.example.com"}
    assert _rule(arguments(**PUBLISHED), "gateway")["peer_namespace"] == "gateway"
    labels = recording.one("Namespace", "monitoring").inputs["metadata"]["labels"]
    assert labels["mlplatform.dev/gateway-routes"] == "true"
    assert monitoring_handle(arguments(**PUBLISHED))["grafana_url"] == "https://grafana.ml.example.com"


def test_a_gateway_without_pods_comes_in_from_its_addresses() -> None:
    outside = GatewayHandle(**{**GATEWAY, "pods": {}, "ranges": ["35.191.0.0/16"]})  # type: ignore[typeddict-item]
    args = arguments(gateway=outside, grafana_domain="internal")
    assert _rule(args, "gateway-0")["cidr"] == "35.191.0.0/16"
    assert "gateway" not in {rule["name"] for rule in monitoring_namespace(args)["exceptions"]}


def test_without_a_gateway_grafana_stays_inside() -> None:
    recording = recorded()
    assert recording.of("HTTPRoute") == []
    assert "mlplatform.dev/gateway-routes" not in recording.one("Namespace", "monitoring").inputs["metadata"]["labels"]
    assert monitoring_handle(arguments())["grafana_url"].endswith(".monitoring.svc.cluster.local")


def test_no_traffic_rule_is_unrestricted() -> None:
    args = arguments(receivers=[SLACK], more_scraped_ports=[7777, 80], **PUBLISHED)
    rules = [*monitoring_namespace(args)["exceptions"], *nodes_namespace(args)["exceptions"]]
    for rule in rules:
        body = {"kind": "NetworkPolicy", "spec": policy_spec(rule)}
        policy = PlannedObject("urn", "kubernetes:networking.k8s.io/v1:NetworkPolicy", rule["name"], body)
        assert list(network_policy_is_restricted(policy)) == []


def test_prometheus_reaches_nodes_dns_and_every_namespace_of_the_platform() -> None:
    args = arguments(more_scraped_ports=[7777, 80])
    assert _ports(args, "scrapes") == {10250, 9100, 7777}
    assert _rule(args, "scrapes")["any_destination"]
    assert _rule(args, "scrapes-platform")["peer_namespace_labels"] == {"app.kubernetes.io/managed-by": "mlplatform"}
    assert "ports" not in _rule(args, "scrapes-platform")
    assert _ports(args, "scrapes-pods") == {80}
    assert _ports(args, "scrapes-dns") == {9153}
    for name in ("scrapes", "scrapes-platform", "scrapes-pods", "scrapes-dns"):
        assert _rule(args, name)["pods"] == {"app.kubernetes.io/name": "prometheus"}
    assert _ports(arguments(node_exporter=False), "scrapes") == {10250}


def test_on_gke_kube_dns_is_scraped_and_on_autopilot_nothing_of_kube_system() -> None:
    """Ports of kube-dns were missing on GKE; Autopilot refuses the Service that the chart put into kube-system."""
    gke = arguments(cluster_kind=ClusterKind.GKE)
    assert _ports(gke, "scrapes-dns") == {10054, 10055}
    autopilot = arguments(cluster_kind=ClusterKind.GKE, kube_system=False, node_exporter=False)
    assert "scrapes-dns" not in {rule["name"] for rule in monitoring_namespace(autopilot)["exceptions"]}
    values = monitoring_values(autopilot)
    assert values["coreDns"] == values["kubeDns"] == {"enabled": False}
    assert values["kubelet"] == {"namespace": "monitoring"}
    assert values["prometheusOperator"]["kubeletService"] == {"namespace": "monitoring"}


def test_receivers_are_files_of_mounted_secrets_and_get_what_is_for_them() -> None:
    values = monitoring_values(arguments(receivers=[SLACK, PAGER, HOOK]))["alertmanager"]
    assert values["alertmanagerSpec"]["secrets"] == ["bot", "pager", "slack"]
    config = values["config"]
    assert [receiver["name"] for receiver in config["receivers"]] == ["null", "ops", "night", "bot"]
    (slack,) = config["receivers"][1]["slack_configs"]
    assert (slack["api_url_file"], slack["channel"]) == ("/etc/alertmanager/secrets/slack/url", "#ml")
    (pager,) = config["receivers"][2]["pagerduty_configs"]
    assert pager == {"routing_key_file": "/etc/alertmanager/secrets/pager/key"}
    (hook,) = config["receivers"][3]["webhook_configs"]
    assert hook["url_file"] == "/etc/alertmanager/secrets/bot/url"
    assert [route["matchers"] for route in config["route"]["routes"][1:]] == [
        ['severity =~ "critical|warning"'],
        ['severity =~ "critical"'],
        ['severity =~ "info"'],
    ]


def test_without_receivers_alerts_go_nowhere_and_a_warning_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, **_: said.append(text))
    recorded()
    assert len(said) == 1
    assert "no receiver" in said[0]
    said.clear()
    recorded(receivers=[SLACK])
    assert said == []
    assert alertmanager_config([])["receivers"] == [{"name": "null"}]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"storage_gib": 0}, "at least 1 GiB"),
        ({"retention_size_gib": 95}, "at most 90 % of the volume"),
        ({"retention_days": -1}, "at least 1 day"),
        ({"storage": {**STORAGE, "access_modes": ["ReadWriteMany"]}}, "ReadWriteOnce"),
        ({"grafana_admin_secret_name": "too"}, "one source of the password"),
        ({"scrape_control_plane": True}, "managed or simulated control plane"),
        ({"gateway": GATEWAY, "grafana_domain": "public"}, "a domain that the gateway serves: internal"),
        ({"gateway": GATEWAY}, "a domain that the gateway serves: internal"),
        ({"receivers": [SLACK, SLACK]}, "a unique name"),
        ({"receivers": [{**SLACK, "channel": ""}]}, "a channel for Slack"),
        ({"receivers": [{**HOOK, "channel": "#x"}]}, "a channel for Slack"),
        ({"receivers": [{**HOOK, "secret_key": ""}]}, "it allows posting"),
        ({"receivers": [{**HOOK, "severities": ["loud"]}]}, "one of critical, warning, info"),
        ({"receivers": [{**HOOK, "kind": "pigeon"}]}, "one of webhook, slack, pagerduty"),
    ],
)
def test_what_cannot_work_is_refused_and_registers_nothing(wrong: dict[str, Any], rule: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=rule):
            Monitoring("monitoring", arguments(**wrong))

    assert record(program).resources == []
