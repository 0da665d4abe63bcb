"""Values of kube-prometheus-stack that differ from its defaults. Pure."""

from typing import Any

from catalog.accelerators import ClusterKind
from components.addons.monitoring_traffic import (
    GRAFANA_SECRET,
    MonitoringArgs,
    brings_operator,
    checks_rules,
    dns_ports,
    grafana_hostname,
    namespace_of,
    nodes_namespace,
)
from components.base.pods import container_security_context, resources
from components.capacity.placement import tolerations_of_all
from components.monitoring.dashboards import FOLDER_ANNOTATION
from components.monitoring.metrics import CUSTOM_RESOURCE_METRICS, NODE_LABELS, WORKLOAD_LABELS
from components.monitoring.spec import (
    DEFAULT_STORAGE_GIB,
    AlertReceiverArgs,
    ReceiverKind,
)
from components.storage.plan import StorageHandle

REPLACED_RULES = ("KubePersistentVolumeFillingUp", "KubeHpaMaxedOut")
"""Alerts of the chart that the platform's alerts replace (VolumeNearlyFull, ServingAtMaxReplicas)."""


def monitoring_values(args: MonitoringArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    return {
        "crds": {"enabled": False},
        "defaultRules": default_rules(args),
        "prometheus": prometheus_values(args),
        "alertmanager": alertmanager_values(args),
        "grafana": grafana_values(args),
        "prometheusOperator": operator_values(args),
        "kube-state-metrics": state_metrics_values(),
        "nodeExporter": {"enabled": bool(args.get("node_exporter", True))},
        "prometheus-node-exporter": node_exporter_values(args),
        **control_plane_values(args),
    }


def control_plane_values(args: MonitoringArgs) -> dict[str, Any]:
    """Which parts of the control plane are scraped. Pure."""
    ours = bool(args.get("scrape_control_plane"))
    on_gke, scraped_dns = args["cluster_kind"] == ClusterKind.GKE, bool(dns_ports(args))
    return {
        **{part: {"enabled": ours} for part in ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")},
        # GKE runs kube-dns; everywhere else it is CoreDNS. Each is scraped through a Service in kube-system.
        "coreDns": {"enabled": scraped_dns and not on_gke},
        "kubeDns": {"enabled": scraped_dns and on_gke},
        **({} if args.get("kube_system", True) else {"kubelet": {"namespace": namespace_of(args)}}),
    }


def default_rules(args: MonitoringArgs) -> dict[str, Any]:
    """The chart's alerts, without those on targets that are not scraped and those that the platform's alerts replace.
    Pure.
    """
    ours = bool(args.get("scrape_control_plane"))
    parts = ("etcd", "kubeControllerManager", "kubeProxy", "kubeSchedulerAlerting", "kubeSchedulerRecording")
    return {
        "rules": {**dict.fromkeys(parts, ours), "windows": False},
        "disabled": dict.fromkeys(REPLACED_RULES, True),
    }


def prometheus_values(args: MonitoringArgs) -> dict[str, Any]:
    """Prometheus: targets, retention and volumes. Pure."""
    storage_gib = int(args.get("storage_gib", DEFAULT_STORAGE_GIB))
    available = bool(args.get("highly_available"))
    # Upstream's defaults select only objects with the release's label, so teams would have to set it.
    everything = dict.fromkeys(
        (
            f"{what}SelectorNilUsesHelmValues"
            for what in ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
        ),
        False,
    )
    return {
        "prometheusSpec": {
            **everything,
            "retention": f"{int(args.get('retention_days') or 15)}d",
            "retentionSize": f"{int(args.get('retention_size_gib') or max(1, storage_gib * 80 // 100))}GiB",
            "storageSpec": {"volumeClaimTemplate": {"spec": _claim(args["storage"], storage_gib)}},
            "persistentVolumeClaimRetentionPolicy": _retention(args),
            "replicas": 2 if available else 1,
            "podAntiAffinity": "hard" if available else "soft",
            "resources": resources(
                cpu_millis=int(args.get("prometheus_cpu_millis") or 500),
                memory_mib=int(args.get("prometheus_memory_gib") or 2) * 1024,
            ),
            "externalLabels": {"cluster": args["cluster"], "environment": args["environment"]},
        },
        "podDisruptionBudget": {"enabled": available},
    }


def _claim(storage: StorageHandle, storage_gib: int) -> dict[str, Any]:
    return {
        "storageClassName": storage["class_name"],
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{storage_gib}Gi"}},
    }


def _retention(args: MonitoringArgs) -> dict[str, str]:
    """Retention of the volumes when Prometheus is deleted; scaling down deletes no volume."""
    return {"whenDeleted": "Retain" if args.get("keep_data") else "Delete", "whenScaled": "Retain"}


def alertmanager_values(args: MonitoringArgs) -> dict[str, Any]:
    """Alertmanager: replicas, receivers and routes. Addresses and keys are files of mounted Secrets. Pure."""
    available = bool(args.get("highly_available"))
    receivers = args.get("receivers") or []
    return {
        "config": alertmanager_config(receivers),
        "alertmanagerSpec": {
            "replicas": 3 if available else 1,
            "podAntiAffinity": "hard" if available else "soft",
            "resources": resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=256),
            "secrets": sorted({receiver["secret_name"] for receiver in receivers}),
        },
        "podDisruptionBudget": {"enabled": available},
    }


def alertmanager_config(receivers: list[AlertReceiverArgs]) -> dict[str, Any]:
    """Alertmanager's configuration. Pure."""
    quieter = [("critical", "warning|info"), ("warning", "info")]
    silent = {"receiver": "null", "matchers": ['alertname =~ "Watchdog|InfoInhibitor"']}
    return {
        "global": {"resolve_timeout": "5m"},
        # A more severe alert suppresses a milder alert of the same name and namespace.
        "inhibit_rules": [
            {
                "source_matchers": [f"severity = {louder}"],
                "target_matchers": [f"severity =~ {milder}"],
                "equal": ["namespace", "alertname"],
            }
            for louder, milder in quieter
        ],
        "route": {
            "receiver": "null",
            "group_by": ["alertname", "namespace"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [silent, *(_route_to(receiver) for receiver in receivers)],
        },
        "receivers": [{"name": "null"}, *(_receiver(receiver) for receiver in receivers)],
    }


def _route_to(receiver: AlertReceiverArgs) -> dict[str, Any]:
    usual = ["critical"] if receiver["kind"] == ReceiverKind.PAGERDUTY else ["critical", "warning"]
    severities = "|".join(receiver.get("severities") or usual)
    return {"receiver": receiver["name"], "matchers": [f'severity =~ "{severities}"'], "continue": True}


def _receiver(receiver: AlertReceiverArgs) -> dict[str, Any]:
    file = f"/etc/alertmanager/secrets/{receiver['secret_name']}/{receiver['secret_key']}"
    match ReceiverKind(receiver["kind"]):
        case ReceiverKind.WEBHOOK:
            return {"name": receiver["name"], "webhook_configs": [{"url_file": file, "send_resolved": True}]}
        case ReceiverKind.SLACK:
            slack = {"api_url_file": file, "channel": receiver["channel"], "send_resolved": True}
            return {"name": receiver["name"], "slack_configs": [slack]}
        case ReceiverKind.PAGERDUTY:
            return {"name": receiver["name"], "pagerduty_configs": [{"routing_key_file": file}]}


def grafana_values(args: MonitoringArgs) -> dict[str, Any]:
    """Grafana: login, and dashboards from the ConfigMaps of every namespace. Pure."""
    small = resources(cpu_millis=50, memory_mib=128, ephemeral_storage_mib=256)
    public = grafana_hostname(args)
    server = {"server": {"root_url": f"https://{public}"}, "security": {"cookie_secure": True}} if public else {}
    return {
        # The chart would generate another password at each preview (it looks its Secret up in the cluster).
        "admin": {
            "existingSecret": args.get("grafana_admin_secret_name") or GRAFANA_SECRET,
            "userKey": "admin-user",
            "passwordKey": "admin-password",
        },
        "replicas": 1,
        "resources": resources(cpu_millis=100, memory_mib=512),
        "testFramework": {"enabled": False},
        "sidecar": {
            "resources": small,
            "dashboards": {
                "searchNamespace": "ALL",
                "folderAnnotation": FOLDER_ANNOTATION,
                "provider": {"foldersFromFilesStructure": True},
            },
        },
        "grafana.ini": {
            **server,
            "analytics": {"check_for_updates": False, "check_for_plugin_updates": False, "reporting_enabled": False},
            "users": {"allow_sign_up": False},
        },
    }


def operator_values(args: MonitoringArgs) -> dict[str, Any]:
    """The operator, and the webhook that checks rules. Pure."""
    if not brings_operator(args):
        return {"enabled": False}
    checks = checks_rules(args)
    return {
        # The chart's own certificate comes from a hook job, which Pulumi does not run: cert-manager, or none.
        "tls": {"enabled": checks},
        "admissionWebhooks": {
            "enabled": checks,
            "certManager": {"enabled": checks},
            "patch": {"enabled": False},
            # A rule that the webhook cannot validate is accepted: the operator validates it too, and must not stop
            # `up`.
            "failurePolicy": "Ignore",
        },
        **({} if args.get("kube_system", True) else {"kubeletService": {"namespace": namespace_of(args)}}),
        "resources": resources(cpu_millis=100, memory_mib=256, ephemeral_storage_mib=256),
        # The chart passes these two to the operator as flags, and nothing else of `resources`.
        "prometheusConfigReloader": {
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        },
    }


def state_metrics_values() -> dict[str, Any]:
    """kube-state-metrics: the labels that rules join on, and the readiness of InferenceServices. Pure."""
    workloads = ",".join(WORKLOAD_LABELS)
    return {
        "resources": resources(cpu_millis=100, memory_mib=256, ephemeral_storage_mib=256),
        "metricLabelsAllowlist": [
            f"nodes=[{','.join(NODE_LABELS)}]",
            f"jobs=[{workloads}]",
            f"deployments=[{workloads}]",
        ],
        "customResourceState": {"enabled": True, "config": CUSTOM_RESOURCE_METRICS},
        "rbac": {
            "extraRules": [
                {"apiGroups": ["serving.kserve.io"], "resources": ["inferenceservices"], "verbs": ["list", "watch"]}
            ]
        },
    }


def node_exporter_values(args: MonitoringArgs) -> dict[str, Any]:
    """node-exporter on every node of every pool, in a namespace of its own. Pure."""
    every_node = [{"operator": "Exists", "effect": "NoSchedule"}]
    return {
        "namespaceOverride": nodes_namespace(args)["namespace"],
        "tolerations": [*every_node, *tolerations_of_all(args.get("pools") or [])],
        "resources": resources(cpu_millis=50, memory_mib=64, ephemeral_storage_mib=64),
        "containerSecurityContext": container_security_context(),
    }
