"""The NVIDIA device plugin: offers GPUs to the scheduler, shared as the settings of each pool say.

Every distinct sharing is one named config of the plugin. The label `nvidia.com/device-plugin.config`, which the pool
sets, selects a node's config. A pool has one strategy, so a node never has two.

MIG: the plugin offers existing partitions and creates none. The node label `nvidia.com/mig.config` names the intended
layout; the ConfigMap `mig-layouts` contains the layouts in mig-parted's format. Nodes of a simulated cluster offer the
partitions from the start. On real nodes a MIG manager applies the layouts (the GPU operator's, with
`migManager.config.name: mig-layouts`; Bottlerocket includes one), or the node's start script with `nvidia-mig-parted
apply`. GKE partitions by its own node pool setting.

Not for clusters that include a device plugin (GKE, EKS Auto Mode, the GPU operator).
"""

from typing import Any, Required, TypedDict

import yaml
from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from catalog.accelerators import Sharing
from catalog.addons import ADDONS
from components.addons.accelerator_nodes import affinity_to, platform_plugin_pools
from components.addons.accelerator_validation import check_nvidia_pools
from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from components.base.component import Component
from components.base.labels import LABELS
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.base.traffic import to_api_server
from components.capacity.placement import PoolHandle, sharing_of, tolerations_of_all
from components.capacity.sharing import SharingArgs, device_plugin_config, mig_layout
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["nvidia-device-plugin"].namespace
MIG_LAYOUTS = "mig-layouts"
EXCLUSIVE = SharingArgs(strategy=Sharing.EXCLUSIVE)
_CONFIG_KEY = {Sharing.TIME_SLICING: "timeSlicing", Sharing.MPS: "mps"}
"""Key of each strategy in the plugin's config file (NVIDIA/k8s-device-plugin v0.20.0 api/config/v1/sharing.go)."""


class NvidiaDevicePluginArgs(TypedDict, total=False):
    """Its pools."""

    pools: Required[list[PoolHandle]]
    """Pools of the cluster; it runs on those with NVIDIA devices and no other device plugin; at least
    one is required."""
    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: nvidia-device-plugin."""
    runtime_class: str
    """Runtime class of its pods, `nvidia` where that is not the nodes' default runtime; default: the node's."""
    driver_root: str
    """Where the driver is installed on the nodes, as a path; default: /."""
    network: ClusterNetworkHandle
    """How names are resolved and policies are evaluated. Default: `USUAL_NETWORK`."""


def plugin_config(sharing: SharingArgs) -> dict[str, Any]:
    """One config file of the plugin.

    Shares have a separate resource name (`nvidia.com/gpu.shared`), and a container can request one: two shares of a
    device are no faster than one, and a container cannot request two shares of two different devices.
    """
    strategy = Sharing(sharing.get("strategy", Sharing.EXCLUSIVE))
    config: dict[str, Any] = {
        "version": "v1",
        "flags": {"migStrategy": "mixed" if strategy is Sharing.MIG else "none"},
    }
    if strategy in _CONFIG_KEY:
        config["sharing"] = {
            _CONFIG_KEY[strategy]: {
                "renameByDefault": True,
                "failRequestsGreaterThanOne": True,
                "resources": [{"name": "nvidia.com/gpu", "replicas": int(sharing["replicas"])}],
            }
        }
    return config


def plugin_configs(pools: list[PoolHandle]) -> dict[str, str]:
    """Config name -> file, one for each sharing that a pool has, and `exclusive` for nodes that lost their label."""
    choices = [EXCLUSIVE, *(sharing_of(pool["capacity"]) for pool in pools)]
    named = {device_plugin_config(sharing): plugin_config(sharing) for sharing in choices}
    return {name: yaml.safe_dump(named[name], sort_keys=False) for name in sorted(named)}


def mig_layouts(pools: list[PoolHandle]) -> dict[str, Any]:
    """The layouts of all MIG pools, in mig-parted's format; empty if no pool uses MIG."""
    profiles = [sharing_of(pool["capacity"]).get("mig_profiles") for pool in pools]
    layouts = {
        mig_layout(wanted): [{"devices": "all", "mig-enabled": True, "mig-devices": wanted}]
        for wanted in profiles
        if wanted
    }
    if not layouts:
        return {}
    # A MIG manager needs a layout of this name that disables MIG.
    off = {"all-disabled": [{"devices": "all", "mig-enabled": False}]}
    return {"version": "v1", "mig-configs": off | dict(sorted(layouts.items()))}


def device_plugin_values(pools: list[PoolHandle], runtime_class: str = "", driver_root: str = "") -> dict[str, Any]:
    """Values of the chart for these pools, all of them with NVIDIA devices. Pure."""
    return {
        # migStrategy is unset here: as an environment variable it would override every config file.
        "config": {"map": plugin_configs(pools), "default": device_plugin_config(EXCLUSIVE)},
        "gfd": {"enabled": True},
        "nfd": {"enabled": False},
        "affinity": affinity_to(pools),
        "tolerations": tolerations_of_all(pools),
        "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
        "runtimeClassName": runtime_class or None,
        "nvidiaDriverRoot": driver_root or None,
    }


class NvidiaDevicePlugin(Component):
    """Offers the GPUs of every pool with NVIDIA devices, and labels their nodes with GPU properties (GFD).

    GFD sets labels through Node Feature Discovery, which is a separate add-on.
    """

    namespace: Output[str]
    """Where it runs."""

    def __init__(self, name: str, args: NvidiaDevicePluginArgs, opts: ResourceOptions | None = None) -> None:
        pools = platform_plugin_pools(args["pools"])
        refuse(f"device plugin {name}", check_nvidia_pools(name, pools, "the NVIDIA device plugin"))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            {
                "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
                # It connects to the kubelet and to the driver through host paths.
                "pod_security": PodSecurity.PRIVILEGED,
                "exceptions": [to_api_server()],
                "network": args.get("network") or USUAL_NETWORK,
            },
            opts=self.child,
        )
        layouts = mig_layouts(pools)
        if layouts:
            core.v1.ConfigMap(
                f"{name}-mig-layouts",
                metadata=meta.v1.ObjectMetaArgs(name=MIG_LAYOUTS, namespace=home.namespace, labels=LABELS),
                data={"config.yaml": yaml.safe_dump(layouts, sort_keys=False)},
                opts=self.child,
            )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "nvidia-device-plugin",
                "namespace": home.namespace,
                "values": device_plugin_values(pools, args.get("runtime_class", ""), args.get("driver_root", "")),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.namespace = home.namespace
        self.register_outputs({"namespace": self.namespace})


BY_ROW = {"nvidia-device-plugin": NvidiaDevicePlugin}
"""The stack declares this component by its row of `catalog.addons`."""
