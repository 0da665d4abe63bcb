"""What people write of monitoring and of its alerts, and what monitoring hands out. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.addons import ADDONS
from components.monitoring.rule import ServingObjectives

DEFAULT_NAMESPACE = ADDONS["prometheus-operator"].namespace
DEFAULT_STORAGE_GIB = 100
"""Of each Prometheus."""


class ReceiverKind(StrEnum):
    """Where alerts go."""

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
    """Secret of the monitoring namespace that exists, or will before Alertmanager starts."""
    secret_key: Required[str]
    """Its key with the URL (webhook, slack) or the routing key (pagerduty)."""
    severities: list[str]
    """Which alerts it gets. Default: critical and warning; pagerduty: critical."""
    channel: str
    """Required for slack. `#channel`."""


class MonitoringSpec(TypedDict, total=False):
    """The monitoring of one cluster."""

    storage_gib: int
    """Size of the volume of each Prometheus, in GiB. Default: 100."""
    namespace: str
    """Default: monitoring. node-exporter goes to `<namespace>-nodes`."""
    retention_days: int
    """How long samples are kept. Default: 15."""
    retention_size_gib: int
    """The oldest go earlier beyond this size. Default: 80 % of the volume."""
    prometheus_cpu_millis: int
    """CPU that each Prometheus asks for. Default: 500."""
    prometheus_memory_gib: int
    """Memory of each Prometheus. Default: 2; about 8 KiB for each active series (upstream's rule of thumb)."""
    more_scraped_ports: list[int]
    """Ports of what is scraped on nodes, at addresses, or in namespaces that the platform did not make. Those that it
    made open the ports of their monitors to Prometheus themselves."""
    scrape_control_plane: bool
    """Scheduler, controller manager, etcd and kube-proxy too; they must listen beyond loopback. Default: false."""
    control_plane_ranges: list[str]
    """Addresses from which the API server calls the webhook that checks rules. Default: every private range."""
    grafana_admin_secret_name: str
    """Existing Secret of the namespace with the keys admin-user and admin-password."""
    receivers: list[AlertReceiverArgs]
    """Receivers of alerts. Default: none, with a warning."""


class AlertRulesSpec(TypedDict, total=False):
    """What the rules of one environment depend on."""

    runbook_base_url: str
    """Where docs/runbooks can be read. Default: the path inside the repository."""
    objectives: ServingObjectives
    """What endpoints promise. Default: 995 of 1,000 requests without a server error, 99 of 100 within 2 seconds."""


class MonitoringHandle(TypedDict):
    """How the rest of the platform knows its monitoring."""

    namespace: str
    """Where rules go, and from where Prometheus scrapes."""
    prometheus_pods: dict[str, str]
    """Labels of Prometheus' pods, for NetworkPolicies."""
    prometheus_url: str
    """Prometheus inside the cluster."""
    grafana_url: str
    """Grafana for people; inside the cluster where no gateway publishes it."""
