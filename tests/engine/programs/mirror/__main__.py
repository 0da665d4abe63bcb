"""Charts of the bundled mirror in namespaces of their own, without the components around them.

Settings: `values`, JSON: chart -> values.
"""

import json

import pulumi
import pulumi_kubernetes as kubernetes

from components.base.chart_source import ChartOrigin, ChartSource
from components.base.charts import AddonChart
from simulator import stand_ins

mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
ENFORCED = {"pod-security.kubernetes.io/enforce": "baseline"}
for chart, values in json.loads(pulumi.Config("mirror").require("values")).items():
    home = kubernetes.core.v1.Namespace(chart, metadata={"name": f"mirror-{chart}", "labels": ENFORCED})
    AddonChart(
        chart,
        {"chart": chart, "namespace": f"mirror-{chart}", "values": values, "source": mirror},
        pulumi.ResourceOptions(depends_on=[home]),
    )
