"""Labels by which everybody finds our objects: components, report and tools. Pure."""

MANAGED_BY_LABEL, MANAGED_BY = "app.kubernetes.io/managed-by", "mlplatform"
TEAM_LABEL = "mlplatform.dev/team"
NAME_LABEL = "app.kubernetes.io/name"
