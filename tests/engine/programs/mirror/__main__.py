"""Charts of the bundled mirror in namespaces of their own, without the components around them.

Settings: `values`, JSON: chart -> values.
"""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

import simulator
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.charts import AddonChart

mirror = ChartSource(origin=ChartOrigin.STUB, location=str(Path(simulator.__file__).parent))
for chart, values in json.loads(pulumi.Config("mirror").require("values")).items():
    home = kubernetes.core.v1.Namespace(chart, metadata={"name": f"mirror-{chart}"})
    AddonChart(
        chart,
        {"chart": chart, "namespace": f"mirror-{chart}", "values": values, "source": mirror},
        pulumi.ResourceOptions(depends_on=[home]),
    )
