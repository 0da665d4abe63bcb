"""Upstream charts, installed as charts: every rendered object is visible to policies and to the preview."""

from collections.abc import Mapping
from typing import Any, TypedDict

from pulumi import Input, ResourceOptions
from pulumi_kubernetes.helm import v4 as helm

from catalog.versions import CHARTS
from components.base.chart_source import ChartSource, chart_reference
from components.base.component import Component
from components.base.names import check_known
from components.findings import refuse


class AddonChartArgs(TypedDict):
    """Values and source of one chart."""

    chart: str
    """A key of `versions.CHARTS`."""
    namespace: Input[str]
    """Existing namespace."""
    values: dict[str, Any]
    """Values that differ from the chart's defaults."""
    source: ChartSource
    """Source of charts."""


class AddonChart(Component):
    """One pinned chart. `Crds` installs its CRDs beforehand; hooks do not run (Pulumi drops them)."""

    def __init__(self, name: str, args: AddonChartArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"chart {name}", check_known(f"{name}.chart", args["chart"], CHARTS))
        super().__init__(name, args, opts)
        reference, values = chart_reference(args["chart"], args["source"]), values_of(args["values"])
        # skip_crds: CRDs are a separate step. The release name is the chart's, so that object names are upstream's and
        # do not change with the name of the component.
        helm.Chart(
            f"{name}-chart",
            name=args["chart"],
            namespace=args["namespace"],
            values=values,
            skip_crds=True,
            **reference,
            opts=self.child,
        )
        # If a preview cannot render the chart because there is no cluster, the policy pack does (policies/charts.py).
        release = {
            "name": args["chart"],
            "chart": reference["chart"],
            "version": reference.get("version", ""),
            "repository": reference.get("repository_opts", {}).get("repo", ""),
            "namespace": args["namespace"],
            "values": values,
        }
        # Not one Output of the whole: one value that is unknown in a preview would make all of it unknown.
        self.register_outputs({"release": release})


def values_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without keys that are None."""
    return {
        key: values_of(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }
