"""A chart on a cluster that does not exist yet, as on the first preview of a cloud stack.

Settings: `image`, the tag of the chart's image; `chart`, a chart of the bundled folder, or a location that has none.
"""

from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

import simulator
from components.charts import AddonChart, ChartOrigin, ChartSource
from components.namespaces import IsolatedNamespace, PodSecurity

config = pulumi.Config("unreachable")
provider = kubernetes.Provider("cluster", kubeconfig=pulumi.UNKNOWN)
opts = pulumi.ResourceOptions(providers=[provider])
home = IsolatedNamespace("home", {"namespace": "dcgm", "pod_security": PodSecurity.PRIVILEGED}, opts)
location = config.get("location") or str(Path(simulator.__path__[0]))
AddonChart(
    "exporter",
    {
        "chart": "dcgm-exporter",
        "namespace": home.namespace,
        "values": {"image": {"tag": config.require("tag")}, "serviceMonitor": {"enabled": False}},
        "source": ChartSource(origin=ChartOrigin.BUNDLED, location=location),
    },
    opts,
)
