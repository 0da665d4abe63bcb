"""A chart on a cluster that does not exist yet, as on the first preview of a cloud stack.

Settings: `tag` of the chart's image; `location` of the charts, default the bundled ones; `units`, GPUs of a job of a
team whose quota is 4, default no team and no job.
"""

import pulumi
import pulumi_kubernetes as kubernetes

from components.base.chart_source import ChartOrigin, ChartSource
from components.base.charts import AddonChart
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from components.tenants.priority_classes import PriorityClasses
from components.tenants.team import Team
from simulator import stand_ins

config = pulumi.Config("unreachable")
provider = kubernetes.Provider("cluster", kubeconfig=pulumi.UNKNOWN)
opts = pulumi.ResourceOptions(providers=[provider])
home = IsolatedNamespace("home", {"namespace": "dcgm", "pod_security": PodSecurity.PRIVILEGED}, opts)
location = config.get("location") or str(stand_ins.folder())
AddonChart(
    "exporter",
    {
        "chart": "dcgm-exporter",
        "namespace": home.namespace,
        "values": {"image": {"tag": config.require("tag")}, "serviceMonitor": {"enabled": False}},
        "source": ChartSource(origin=ChartOrigin.STUB, location=location),
    },
    opts,
)

if units := config.get("units"):
    pool = SimulatedNodePool("h100", PoolArgs(accelerator="H100", nodes_max=2), opts)
    order = PriorityClasses("order", {"prefix": "order"}, opts)
    spec = {"owner": "vision-leads", "cost_center": "4711", "quota": {"h100": 4}}
    team = Team("vision", {"name": "vision", "team": spec, "pools": [pool.handle], "priorities": order.handle}, opts)
    sizes = {"cpu": "1", "memory": "1Gi"}
    container = {
        "name": "main",
        "image": "registry.example.com/p:1",
        "resources": {"requests": sizes, "limits": {"memory": "1Gi", "nvidia.com/gpu": units}},
        "security_context": {
            "allow_privilege_escalation": False,
            "capabilities": {"drop": ["ALL"]},
            "read_only_root_filesystem": True,
        },
    }
    pod = {
        "restart_policy": "Never",
        "automount_service_account_token": False,
        "node_selector": {"mlplatform.dev/pool": "h100"},
        "security_context": {"run_as_non_root": True, "seccomp_profile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    job = {"active_deadline_seconds": 60, "backoff_limit": 0, "template": {"spec": pod}}
    metadata = {"name": "greedy", "namespace": team.namespace}
    in_cluster = pulumi.ResourceOptions(provider=provider)
    kubernetes.batch.v1.Job("greedy", metadata=metadata, spec=job, opts=in_cluster)
