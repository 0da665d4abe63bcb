"""Settings of monitoring and its alerts, and the handle of monitoring. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.addons import ADDONS
from components.monitoring.rule import ServingObjectives

DEFAULT_NAMESPACE = ADDONS["prometheus-operator"].namespace
DEFAULT_STORAGE_GIB = 100
"""Of each Prometheus."""


class ReceiverKind(StrEnum):
    """Kind of a receiver of alerts."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    PAGERDUTY = "pagerduty"


class AlertReceiverArgs(TypedDict, total=False):
    """A receiver of alerts. Its address or key is in a Secret; Alertmanager reads it as a file."""

    name: Required[str]
    """Its name in Alertmanager."""
    kind: Required[ReceiverKind]
    """webhook, slack or pagerduty."""
    secret_name: Required[str]
    """Secret of the monitoring namespace, which must exist before Alertmanager starts."""
    secret_key: Required[str]
    """Its key with the URL (webhook, slack) or the routing key (pagerduty)."""
    severities: list[str]
    """Severities of the alerts that it receives. Default: critical and warning; pagerduty: critical."""
    channel: str
    """Required for slack. `#channel`."""


class MonitoringSpec(TypedDict, total=False):
    """The monitoring of one cluster."""

    storage_gib: int
    """Size of the volume of each Prometheus, in GiB. Default: 100."""
    namespace: str
    """Default: monitoring. node-exporter goes to `<namespace>-nodes`."""
    retention_days: int
    """Days that samples are kept. Default: 15."""
    retention_size_gib: int
    """Size in GiB beyond which the oldest samples are deleted earlier. Default: 80 % of the volume."""
    prometheus_cpu_millis: int
    """CPU request of each Prometheus. Default: 500."""
    prometheus_memory_gib: int
    """Memory of each Prometheus. Default: 2; about 8 KiB for each active series (upstream's rule of thumb)."""
    more_scraped_ports: list[int]
    """Ports of scraped targets on nodes, at addresses, or in namespaces that the platform did not create. Namespaces of
    the platform open the ports of their monitors to Prometheus themselves."""
    scrape_control_plane: bool
    """Whether scheduler, controller manager, etcd and kube-proxy are scraped; they must listen beyond loopback.
    Default: false."""
    control_plane_ranges: list[str]
    """Addresses from which the API server calls the webhook that validates rules. Default: every private range."""
    grafana_admin_secret_name: str
    """Existing Secret of the namespace with the keys admin-user and admin-password."""
    receivers: list[AlertReceiverArgs]
    """Receivers of alerts. Default: none, with a warning."""


class AlertRulesSpec(TypedDict, total=False):
    """Settings of the rules of one environment."""

    runbook_base_url: str
    """Address of docs/runbooks. Default: the path inside the repository."""
    objectives: ServingObjectives
    """Objectives of endpoints. Default: 995 of 1,000 requests without a server error, 99 of 100 within 2 seconds."""


class MonitoringHandle(TypedDict):
    """Handle of the platform's monitoring."""

    namespace: str
    """Namespace of rules and of Prometheus."""
    prometheus_pods: dict[str, str]
    """Labels of Prometheus' pods, for NetworkPolicies."""
    prometheus_url: str
    """URL of Prometheus inside the cluster."""
    grafana_url: str
    """URL of Grafana; inside the cluster if no gateway publishes it."""
