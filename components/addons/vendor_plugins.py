"""Device plugins of other vendors, as rows, which `DevicePlugin` runs."""

from typing import NamedTuple

from catalog.versions import IMAGES
from components.addons.accelerator_nodes import vendor_plugin_pools
from components.addons.device_plugin import DevicePluginArgs
from components.addons.device_plugin_spec import ApiRuleArgs, HostPathArgs
from components.capacity.placement import PoolHandle


class VendorPlugin(NamedTuple):
    """Requirements of one vendor's device plugin on the node and the API server."""

    image: str
    """Key of `versions.IMAGES`."""
    resource_name: str
    host_paths: tuple[HostPathArgs, ...]
    privileged: bool
    node_name_variable: str
    """Environment variable that holds the node's name; empty: it needs none."""
    api_rules: tuple[ApiRuleArgs, ...]
    source: str


DEVICE_PLUGINS: dict[str, VendorPlugin] = {
    "AMD": VendorPlugin(
        "amd-device-plugin",
        "amd.com/gpu",
        # It counts GPUs in /sys, and opens /dev/kfd and /dev/dri to check their health.
        (HostPathArgs(path="/sys"),),
        True,
        "",
        (),
        "ROCm/k8s-device-plugin ed76468 k8s-ds-amdgpu-dp.yaml",
    ),
    "AWS": VendorPlugin(
        "neuron-device-plugin",
        "aws.amazon.com/neuron",
        (HostPathArgs(path="/run", writable=True),),
        False,
        "NODE_NAME",
        (
            ApiRuleArgs(resources=["events"], verbs=["create", "patch"]),
            ApiRuleArgs(resources=["pods"], verbs=["get", "list", "watch", "update", "patch"]),
            ApiRuleArgs(resources=["nodes"], verbs=["get", "list", "watch"]),
            ApiRuleArgs(resources=["nodes/status"], verbs=["update", "patch"]),
        ),
        "aws-neuron/neuron-helm-charts 8172e5e templates/device-plugin-{daemonset,rbac}.yaml",
    ),
}
"""By the vendor of the accelerator catalogue."""


def vendor_plugins(pools: list[PoolHandle]) -> dict[str, DevicePluginArgs]:
    """Name of the component -> arguments, for each vendor whose device plugin the platform installs. Pure."""
    planned: dict[str, DevicePluginArgs] = {}
    for vendor, row in DEVICE_PLUGINS.items():
        theirs = vendor_plugin_pools(pools, vendor)
        if theirs:
            planned[row.image] = DevicePluginArgs(
                image=IMAGES[row.image].reference,
                resource_name=row.resource_name,
                pools=theirs,
                host_paths=list(row.host_paths),
                privileged=row.privileged,
                node_name_variable=row.node_name_variable,
                api_rules=list(row.api_rules),
            )
    return planned
