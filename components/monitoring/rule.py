"""Types of alerts and recording rules, and their parameters. Pure."""

from enum import StrEnum
from typing import NamedTuple, TypedDict

BACKUP_HOURS = 2
"""Hours for a backup to run and to be scraped."""


class AlertSeverity(StrEnum):
    """Severity of an alert: who is notified, and when."""

    CRITICAL = "critical"
    """Pages the person on call: users have no service, or work is being lost."""
    WARNING = "warning"
    """Handled in working hours."""
    INFO = "info"
    """No notification; on dashboards only."""


class Recording(NamedTuple):
    """A series that Prometheus precomputes: `level:metric:operation`."""

    name: str
    expression: str


class Alert(NamedTuple):
    """One alert. Texts are Prometheus templates over the labels of the expression."""

    name: str
    severity: AlertSeverity
    for_minutes: int
    expression: str
    summary: str
    description: str
    runbook: str
    """File below docs/runbooks, with an anchor where the file has several."""


class RuleGroup(NamedTuple):
    """Rules that are evaluated together, in order: an alert sees what the group recorded in the same round."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]


class ServingObjectives(TypedDict):
    """Objectives of the endpoints behind the gateway."""

    availability_per_mille: int
    """Requests of 1,000 that must not end in a 5xx answer."""
    latency_milliseconds: int
    """Latency that 99 of 100 requests must not exceed."""


class RuleScope(NamedTuple):
    """Parameters of the rules of one environment."""

    monitoring_namespace: str = "monitoring"
    mlflow_namespace: str = "mlflow"
    """Empty: no MLflow, and no rules about it."""
    backup_age_hours: int = 24 + BACKUP_HOURS
    """A daily backup, and the time for it to run."""
    objectives: ServingObjectives = ServingObjectives(availability_per_mille=995, latency_milliseconds=2000)
    extended_resources: tuple[str, ...] = ()
    """Extended resources of accelerators that are not in the catalogue: `vendor.example/device`."""
