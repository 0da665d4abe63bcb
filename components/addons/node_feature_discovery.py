"""Node Feature Discovery: labels nodes with their hardware, including GPUs and fast network cards.

Its worker must run on every node, tainted or not. A node without a worker is never labelled, and software that selects
nodes by these labels does not start there, without an error.
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from catalog.addons import ADDONS
from catalog.addresses import NAMESPACE_LABEL
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.pods import addon_resources
from components.base.traffic import scraped, to_api_server
from components.capacity.placement import PoolHandle, tolerations_of_all

DEFAULT_NAMESPACE = ADDONS["node-feature-discovery"].namespace
METRICS_PORT = ADDONS["node-feature-discovery"].metrics_port

PCI_CLASSES = ("02", "03", "12")
"""PCI classes that get labels: network (Ethernet 0200, InfiniBand 0207), display (GPUs), processing accelerators.

Labels name the vendor only, `feature.node.kubernetes.io/pci-10de.present`, which NVIDIA's charts select.
"""


class NodeFeatureDiscoveryArgs(TypedDict, total=False):
    """Pools of Node Feature Discovery, and the Prometheus that scrapes it."""

    pools: Required[list[PoolHandle]]
    """Every pool of the cluster: the workers tolerate all their taints."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: node-feature-discovery."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none."""
    highly_available: bool
    """Two masters instead of one; default false. Each node has one worker in any case."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def node_feature_discovery_values(
    pools: list[PoolHandle], namespace: str, *, highly_available: bool, monitored: bool
) -> dict[str, Any]:
    """Values of the chart. Pure."""
    return {
        "master": {
            "replicaCount": 2 if highly_available else 1,
            "podDisruptionBudget": {"enable": highly_available},
            "resources": addon_resources("100m", "512Mi"),
            # A NodeFeature object labels nodes, so only the add-on's own workers may create them.
            "config": {"restrictions": {"nodeFeatureNamespaceSelector": {"matchLabels": {NAMESPACE_LABEL: namespace}}}},
        },
        "worker": {
            "tolerations": tolerations_of_all(pools),
            "resources": addon_resources("10m", "128Mi"),
            "config": {
                "sources": {"pci": {"deviceClassWhitelist": list(PCI_CLASSES), "deviceLabelFields": ["vendor"]}}
            },
        },
        "gc": {"resources": addon_resources("10m", "128Mi")},
        "prometheus": {"enable": monitored},
        "postDeleteCleanup": False,  # a Helm hook, which Pulumi does not run
    }


class NodeFeatureDiscovery(Component):
    """Labels nodes with their hardware. Needs the CRD set `node-feature-discovery`.

    After `destroy` the labels stay on the nodes: upstream's clean-up is a Helm hook. Not on GKE Autopilot, which admits
    no pod that mounts /sys of its node.
    """

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: NodeFeatureDiscoveryArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        namespace = args.get("namespace") or DEFAULT_NAMESPACE
        monitoring = args.get("monitoring_namespace", "")
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": namespace,
                # Workers mount /sys and /boot of the node, read-only: no level below privileged has host paths.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [to_api_server(), *scraped(monitoring, [METRICS_PORT])],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "node-feature-discovery",
                "namespace": home.namespace,
                "values": node_feature_discovery_values(
                    args["pools"],
                    namespace,
                    highly_available=bool(args.get("highly_available")),
                    monitored=bool(monitoring),
                ),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


BY_ROW = {"node-feature-discovery": NodeFeatureDiscovery}
"""The stack declares this component by its row of `catalog.addons`."""
