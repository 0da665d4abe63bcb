"""NVIDIA's GPU Operator: installs all software for NVIDIA devices on nodes that have none.

It installs the driver and the container toolkit (if the pools say so), the device plugin with GPU Feature Discovery,
the DCGM exporter and the MIG manager on every node with an NVIDIA device. It selects nodes by their PCI devices, not by
pool, so it manages all NVIDIA pools of a cluster or none. `NvidiaDevicePlugin` and `DcgmExporter` skip its pools
(`accelerator_nodes`). Omit `NodeFeatureDiscovery`, or set `nodeFeatureDiscovery` of the operator to false.

After `destroy` the driver stays loaded until the node is restarted.
"""

from typing import Any, Required, TypedDict

import yaml
from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from catalog.accelerators import DeviceAllocation, Owner, Sharing
from catalog.addons import ADDONS
from components.addons.accelerator_nodes import operator_pools
from components.addons.accelerator_validation import check_gpu_operator
from components.addons.dcgm_exporter import counters_file
from components.addons.node_feature_discovery import PCI_CLASSES
from components.addons.nvidia_device_plugin import EXCLUSIVE, MIG_LAYOUTS, mig_layouts, plugin_configs
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import scraped, to_api_server
from components.base.traffic_rules import TrafficRuleArgs, to_anywhere
from components.capacity.placement import PoolHandle, sharing_of, tolerations_of_all
from components.capacity.sharing import device_plugin_config
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["gpu-operator"].namespace
PLUGIN_CONFIGS = "device-plugin-configs"
COUNTERS = "dcgm-counters"
COUNTERS_FILE = "dcgm-metrics.csv"
"""Key of the ConfigMap that the operator mounts (NVIDIA/gpu-operator v26.7.0 controllers/object_controls.go)."""
OPERATOR_PODS, EXPORTER_PODS = {"app": "gpu-operator"}, {"app": "nvidia-dcgm-exporter"}
OPERATOR_METRICS_PORT, EXPORTER_METRICS_PORT = 8080, ADDONS["dcgm-exporter"].metrics_port
DRIVER_PODS = {"app.kubernetes.io/component": "nvidia-driver"}
"""Label of every driver DaemonSet, for any kernel (NVIDIA/gpu-operator v26.7.0 assets/state-driver)."""


class GpuOperatorArgs(TypedDict, total=False):
    """Its pools, and software that their nodes have already."""

    pools: Required[list[PoolHandle]]
    """Every pool of the cluster: all pools with NVIDIA devices have owner `operator`."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: gpu-operator."""
    monitoring_namespace: str
    """Namespace whose Prometheus scrapes it (needs the CRDs of prometheus-operator); default: none."""
    node_feature_discovery: bool
    """Whether it installs Node Feature Discovery; default true. False if the cluster or an add-on of the platform has
    it."""
    driver_version: str
    """Version of the data-centre driver, `595.91.07`; default: the chart's. Only if it installs the driver."""
    toolkit_environment: dict[str, str]
    """Environment of the container toolkit; RKE2 and K3s need CONTAINERD_CONFIG and CONTAINERD_SOCKET. Default:
    none."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def mig_strategy(pools: list[PoolHandle]) -> str:
    """The MIG strategy of all nodes: an environment variable of the plugin, which overrides the config of each node.
    Pure.

    The chart renders `mig: null` without one, which the API server refuses. `mixed` changes nothing on nodes without
    MIG devices, except for MPS (`check_gpu_operator` refuses pools of both).
    """
    return "mixed" if any(sharing_of(pool["capacity"])["strategy"] is Sharing.MIG for pool in pools) else "none"


def gpu_operator_values(args: GpuOperatorArgs) -> dict[str, Any]:
    """Values of the chart for these pools, which must be valid. Pure."""
    pools = operator_pools(args["pools"])
    brings_driver = pools[0]["software"]["driver"] == Owner.OPERATOR
    brings_plugin = pools[0]["software"]["device_allocation"] == DeviceAllocation.DEVICE_PLUGIN
    layouts = mig_layouts(pools)
    monitored = bool(args.get("monitoring_namespace"))
    toolkit = args.get("toolkit_environment") or {}
    return {
        "nfd": {"enabled": bool(args.get("node_feature_discovery", True))},
        "node-feature-discovery": {
            "worker": {
                # Without a worker a tainted node is never labelled, and no operand starts on it.
                "tolerations": tolerations_of_all(args["pools"]),
                "config": {"sources": {"pci": {"deviceClassWhitelist": list(PCI_CLASSES)}}},
            }
        },
        # Helm hooks, which Pulumi does not run; CRDs are installed in a separate step.
        "operator": {"upgradeCRD": False, "cleanupCRD": False},
        "daemonsets": {"tolerations": tolerations_of_all(pools)},
        # Driver and container runtime hook have one owner.
        "driver": {"enabled": brings_driver, "version": args.get("driver_version") or None},
        "toolkit": {
            "enabled": brings_driver,
            "env": [{"name": key, "value": toolkit[key]} for key in sorted(toolkit)],
        },
        "mig": {"strategy": mig_strategy(pools)},
        "devicePlugin": {
            "enabled": brings_plugin,
            "config": {
                "create": True,
                "name": PLUGIN_CONFIGS,
                "default": device_plugin_config(EXCLUSIVE),
                "data": plugin_configs(pools),
            },
        },
        "gfd": {"enabled": True},
        "migManager": {
            "enabled": bool(layouts),
            "config": {
                "create": bool(layouts),
                "name": MIG_LAYOUTS if layouts else "",
                "data": {"config.yaml": yaml.safe_dump(layouts, sort_keys=False)} if layouts else {},
            },
        },
        "dcgmExporter": {
            "enabled": True,
            "enablePodLabels": True,
            "podLabelAllowlistRegex": [r"^mlplatform\.dev/"],
            "config": {"name": COUNTERS},
            "serviceMonitor": {"enabled": monitored},
        },
    }


def operator_traffic(args: GpuOperatorArgs) -> list[TrafficRuleArgs]:
    """Egress of the operator and its operands in addition to DNS. Pure."""
    rules = [to_api_server()]
    if operator_pools(args["pools"])[0]["software"]["driver"] == Owner.OPERATOR:
        # Driver containers fetch kernel headers from the distribution's package servers.
        rules.append({**to_anywhere("package-servers", [80, 443]), "pods": dict(DRIVER_PODS)})
    monitoring = args.get("monitoring_namespace", "")
    rules += [{**rule, "pods": dict(OPERATOR_PODS)} for rule in scraped(monitoring, [OPERATOR_METRICS_PORT])]
    rules += [
        {**rule, "name": "metrics-exporter", "pods": dict(EXPORTER_PODS)}
        for rule in scraped(monitoring, [EXPORTER_METRICS_PORT])
    ]
    return rules


class GpuOperator(Component):
    """Installs NVIDIA's software on every node with an NVIDIA device. Needs the CRD set `gpu-operator`."""

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: GpuOperatorArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"GPU Operator {name}", check_gpu_operator(name, args["pools"], args.get("driver_version", "")))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
                # It installs kernel modules.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": operator_traffic(args),
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        # The counters of the platform's alerts and dashboards; the exporter's default does not include all of them.
        core.v1.ConfigMap(
            f"{name}-counters",
            metadata=meta.v1.ObjectMetaArgs(name=COUNTERS, namespace=home.namespace, labels=LABELS),
            data={COUNTERS_FILE: counters_file(profiling=True)},
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "gpu-operator",
                "namespace": home.namespace,
                "values": gpu_operator_values(args),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


BY_ROW = {"gpu-operator": GpuOperator}
"""The stack declares this component by its row of `catalog.addons`."""
