"""NVIDIA's DRA driver: pods request GPUs by ResourceClaim (`resource.k8s.io/v1`) instead of by extended resource.

A pool has either the DRA driver or a device plugin: the chart offers GPUs only with an explicit value, and the
platform's device plugin skips the pools whose `software.deviceAllocation` is `dra`. Upstream states that allocation of
GPUs is not yet officially supported (kubernetes-sigs/dra-driver-nvidia-gpu v0.4.1 README); compute domains are.
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.accelerators import NVIDIA_DEVICE_CLASS
from catalog.addons import ADDONS
from components.addons.accelerator_nodes import affinity_to, dra_pools
from components.addons.accelerator_validation import check_dra_driver
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import scraped, to_api_server
from components.base.traffic_rules import Direction, TrafficRuleArgs
from components.capacity.placement import PoolHandle, tolerations_of_all
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["dra-driver-nvidia-gpu"].namespace
METRICS_PORT, COMPUTE_DOMAINS_METRICS_PORT = ADDONS["dra-driver-nvidia-gpu"].metrics_port, 8081
IMEX_PORT = 50000
"""Port of the traffic between the daemons of one compute domain, on addresses of pods (kubernetes-sigs/
dra-driver-nvidia-gpu v0.4.1 templates/compute-domain-daemon-config.tmpl.cfg, SERVER_PORT)."""


class NvidiaDraDriverArgs(TypedDict, total=False):
    """Its pools."""

    pools: Required[list[PoolHandle]]
    """Pools of the cluster; it runs on those with NVIDIA devices whose mechanism is DRA, and there is at least one."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: dra-driver-nvidia-gpu."""
    monitoring_namespace: str
    """Namespace whose Prometheus may scrape it; default: none."""
    driver_root: str
    """Where the driver is installed on the nodes: `/` (default), `/run/nvidia/driver` with the GPU Operator's driver,
    `/home/kubernetes/bin/nvidia` on GKE."""
    compute_domains: bool
    """Memory shared over NVLink between the nodes of one workload (GB200 racks); default false."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def dra_driver_values(
    pools: list[PoolHandle], driver_root: str = "", *, compute_domains: bool = False
) -> dict[str, Any]:
    """Values of the chart for these pools, all of them with NVIDIA devices and DRA. Pure."""
    return {
        "nvidiaDriverRoot": driver_root or None,
        "resources": {"gpus": {"enabled": True}, "computeDomains": {"enabled": compute_domains}},
        # True for these pools, by their handles: no device plugin runs on them.
        "gpuResourcesEnabledOverride": True,
        "kubeletPlugin": {"affinity": affinity_to(pools), "tolerations": tolerations_of_all(pools)},
    }


def driver_traffic(monitoring_namespace: str, *, compute_domains: bool) -> list[TrafficRuleArgs]:
    """Egress in addition to DNS: the API server, and with compute domains the traffic between their daemons. Pure."""
    if not compute_domains:
        return [to_api_server(), *scraped(monitoring_namespace, [METRICS_PORT])]
    return [
        to_api_server(),
        TrafficRuleArgs(name="imex-in", direction=Direction.INGRESS, ports=[IMEX_PORT]),
        TrafficRuleArgs(name="imex-out", direction=Direction.EGRESS, ports=[IMEX_PORT]),
        *scraped(monitoring_namespace, [METRICS_PORT, COMPUTE_DOMAINS_METRICS_PORT]),
    ]


class NvidiaDraDriver(Component):
    """Publishes the GPUs of every DRA pool as ResourceSlices. Needs the CRD set `dra-driver-nvidia-gpu`."""

    namespace: Output[str]
    """Where it runs."""
    device_class: Output[str]
    """The DeviceClass that a claim names for a whole GPU."""

    def __init__(self, name: str, args: NvidiaDraDriverArgs, opts: ResourceOptions | None = None) -> None:
        pools = dra_pools(args["pools"])
        refuse(f"DRA driver {name}", check_dra_driver(name, pools))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
                # It connects to the kubelet and to the driver through host paths.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": driver_traffic(
                    args.get("monitoring_namespace", ""), compute_domains=bool(args.get("compute_domains"))
                ),
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "dra-driver-nvidia-gpu",
                "namespace": home.namespace,
                "values": dra_driver_values(
                    pools, args.get("driver_root", ""), compute_domains=bool(args.get("compute_domains"))
                ),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.device_class = Output.from_input(NVIDIA_DEVICE_CLASS)
        self.register_outputs({"namespace": self.namespace, "deviceClass": self.device_class})


BY_ROW = {"dra-driver-nvidia-gpu": NvidiaDraDriver}
"""The stack declares this component by its row of `catalog.addons`."""
