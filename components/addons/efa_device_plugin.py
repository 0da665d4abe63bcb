"""The EFA device plugin: pods request the network interfaces that NCCL and MPI use with kernel bypass."""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from components.addons.accelerator_nodes import efa_pools
from components.addons.accelerator_validation import check_efa_pools
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.capacity.placement import POOL_LABEL, PoolHandle, tolerations_of_all
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["aws-efa-k8s-device-plugin"].namespace


class EfaDevicePluginArgs(TypedDict, total=False):
    """Its pools."""

    pools: Required[list[PoolHandle]]
    """Pools of the cluster; it runs on those whose nodes have EFA interfaces, and there is at least one."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: efa-device-plugin."""
    image_repository: str
    """Image without a tag; default: AWS's registry in us-west-2, which nodes in another partition or an isolated VPC
    cannot reach."""


def efa_values(pools: list[PoolHandle], image_repository: str = "") -> dict[str, Any]:
    """Values of the chart for these pools, all of them with EFA. Pure."""
    names = sorted(pool["placement"]["pool"] for pool in pools)
    return {
        # By pool and not by the chart's list of instance types: a machine can have EFA and not use it.
        "supportedInstanceLabels": {"keys": [POOL_LABEL], "values": names},
        "tolerations": tolerations_of_all(pools),
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "image": {"repository": image_repository or None},
    }


class EfaDevicePlugin(Component):
    """Offers the EFA interfaces of every pool that has them. Not for EKS Auto Mode, which has its own."""

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: EfaDevicePluginArgs, opts: ResourceOptions | None = None) -> None:
        pools = efa_pools(args["pools"])
        refuse(f"EFA device plugin {name}", check_efa_pools(name, pools))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            # It opens the kubelet's socket and /dev/infiniband, and does not use the API server.
            {"namespace": args.get("namespace") or DEFAULT_NAMESPACE, "pod_security": PodSecurity.PRIVILEGED},
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "aws-efa-k8s-device-plugin",
                "namespace": home.namespace,
                "values": efa_values(pools, args.get("image_repository", "")),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


BY_ROW = {"aws-efa-k8s-device-plugin": EfaDevicePlugin}
"""The stack declares this component by its row of `catalog.addons`."""
