"""Labels by which everybody finds our objects: components, report and tools. Pure."""

MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "mlplatform"
LABELS = {MANAGED_BY_LABEL: MANAGED_BY}
"""On every object that the platform declares; objects of charts have the chart's label."""
TEAM_LABEL = "mlplatform.dev/team"
NAME_LABEL = "app.kubernetes.io/name"
