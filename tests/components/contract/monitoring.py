"""What watches the platform."""

from catalog.accelerators import ClusterKind
from components.addons.monitoring import Monitoring
from components.monitoring.alert_rules import AlertRules
from components.monitoring.dashboards import Dashboards
from components.monitoring.spec import ReceiverKind
from components.storage.plan import StoragePurpose
from tests.components.contract.case import ABSENT, Case
from tests.components.platform_handles import BLOCK, GATEWAY, H100, NETWORK, SLICE, SOURCE, STORAGE

CASES = [
    Case(
        Monitoring,
        {
            "network": NETWORK,
            "kube_system": True,
            "source": SOURCE,
            "cluster_kind": ClusterKind.EXISTING,
            "cluster": "one",
            "environment": "dev",
            "storage": BLOCK,
            "storage_gib": 100,
            "pools": [H100],
            "namespace": "metrics",
            "retention_days": 10,
            "retention_size_gib": 50,
            "keep_data": False,
            "highly_available": False,
            "prometheus_cpu_millis": 250,
            "prometheus_memory_gib": 4,
            "more_scraped_ports": [7000],
            "scrape_control_plane": False,
            "node_exporter": True,
            "operator": True,
            "rule_webhook": True,
            "control_plane_ranges": ["10.0.0.0/28"],
            "grafana_admin_password": "s3cr3t",
            "gateway": GATEWAY,
            "grafana_domain": "internal",
            "receivers": [
                {
                    "name": "night",
                    "kind": ReceiverKind.SLACK,
                    "secret_name": "slack",
                    "secret_key": "url",
                    "severities": ["critical"],
                    "channel": "#alerts",
                }
            ],
        },
        contexts={
            "grafana_admin_secret_name": {
                "grafana_admin_password": ABSENT,
                "grafana_admin_secret_name": "grafana",
            },
            "receivers.0.kind": {"receivers.0.channel": ABSENT, "receivers.0.kind": ReceiverKind.WEBHOOK},
        },
        variants={
            "cluster_kind": ClusterKind.GKE,
            "storage": STORAGE[StoragePurpose.FAST],
            "pools": [SLICE],
            "gateway": {**GATEWAY, "name": "other"},
            "grafana_domain": "public",
            "receivers.0.kind": ReceiverKind.PAGERDUTY,
            "receivers.0.severities": ["warning"],
        },
        refused={"retention_size_gib": 200},
        second={"namespace": "other"},
        single="its chart is installed once in a cluster: objects of a chart are named after it",
    ),
    Case(
        AlertRules,
        {
            "namespace": "monitoring",
            "monitoring_namespace": "metrics",
            "mlflow_namespace": "mlflow",
            "runbook_base_url": "https://example.com/runbooks",
            "backup_age_hours": 30,
            "objectives": {"availability_per_mille": 990, "latency_milliseconds": 1000},
            "extended_resources": ["fpga.example.com/u250"],
        },
        refused={"objectives.availability_per_mille": 1000},
        second={"namespace": "other"},
    ),
    Case(
        Dashboards,
        {"namespace": "monitoring", "folder": "Platform"},
        second={"namespace": "other"},
    ),
]
