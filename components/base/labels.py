"""Labels by which everybody finds our objects: components, report and tools. Pure."""

from enum import StrEnum

MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "mlplatform"
LABELS = {MANAGED_BY_LABEL: MANAGED_BY}
"""On every object that the platform declares; objects of charts have the chart's label."""
TEAM_LABEL = "mlplatform.dev/team"
NAME_LABEL = "app.kubernetes.io/name"
ROLE_LABEL = "app.kubernetes.io/component"
"""Traffic rules of team namespaces and the metrics of workloads use it."""


class Role(StrEnum):
    """The role of a pod of a team."""

    TRAINING = "training"
    SERVING = "serving"


REPLACED_IF_FAILED = {"pulumi.com/replaceUnready": "true"}
"""Annotation of Jobs that prepare something and may run again. The provider replaces such a Job in the next `up` if it
has not completed: a failed Job does not run again by itself, and every later `up` would fail on it."""
