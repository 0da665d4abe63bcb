"""The platform's dashboards, as ConfigMaps that Grafana's sidecar loads."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Required, TypedDict

from pulumi import Input, ResourceOptions
from pulumi_kubernetes import core, meta

from components.base.component import Component
from components.base.labels import LABELS

DASHBOARD_LABEL: Mapping[str, str] = MappingProxyType({"grafana_dashboard": "1"})
"""Label of a ConfigMap in any namespace whose dashboards Grafana's sidecar loads."""
FOLDER_ANNOTATION = "grafana_folder"
WRITTEN = Path(__file__).parent / "grafana"


class DashboardsArgs(TypedDict, total=False):
    """Namespace and folder of the dashboards."""

    namespace: Required[Input[str]]
    """Existing namespace; Grafana reads the ConfigMaps of all namespaces."""
    folder: str
    """Folder in Grafana. Default: ML platform."""


class Dashboards(Component):
    """One ConfigMap for each dashboard: accelerators, training, serving, MLflow, capacity and quotas."""

    def __init__(self, name: str, args: DashboardsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        for uid, text in dashboards().items():
            core.v1.ConfigMap(
                f"{name}-{uid}",
                metadata=meta.v1.ObjectMetaArgs(
                    name=f"dashboard-{uid}",
                    namespace=args["namespace"],
                    labels={**LABELS, **DASHBOARD_LABEL},
                    annotations={FOLDER_ANNOTATION: args.get("folder") or "ML platform"},
                ),
                data={f"{uid}.json": text},
                opts=self.child,
            )
        self.register_outputs({})


@cache
def dashboards() -> Mapping[str, str]:
    """Dashboard uid -> its JSON, as `python -m components.monitoring.grafana` wrote it."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(WRITTEN.glob("*.json"))}
