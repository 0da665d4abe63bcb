"""Device plugins of other vendors as arguments of DevicePlugin. Not proved here: that they find their devices."""

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Owner
from catalog.versions import IMAGES
from components.addons.device_plugin import DevicePlugin
from components.addons.vendor_plugins import DEVICE_PLUGINS, vendor_plugins
from components.base.images import check_image
from components.capacity.placement import NodeSoftware, PoolArgs, plan_pool
from tests.components.addons.pools import ALL
from tests.recorder import record


def owned(name: str, accelerator: str, plugin: Owner) -> list[object]:
    software = NodeSoftware(driver=Owner.FOUND, device_plugin=plugin, device_allocation=DeviceAllocation.DEVICE_PLUGIN)
    args = PoolArgs(accelerator=accelerator, nodes_max=1)
    return [plan_pool(name, args, ClusterKind.EXISTING, software)[0]]


def test_every_vendor_of_the_catalogue_has_a_plugin_with_an_owner() -> None:
    # TPUs exist on GKE alone, which brings theirs; NVIDIA's is an add-on of its own.
    assert {row.vendor for row in ACCELERATORS.values()} == {*DEVICE_PLUGINS, "NVIDIA", "Google"}


def test_images_are_pinned_and_resources_are_those_of_the_catalogue() -> None:
    assert not [f for row in DEVICE_PLUGINS.values() for f in check_image(row.image, IMAGES[row.image].reference)]
    for vendor, row in DEVICE_PLUGINS.items():
        offered = {one.resource_name for one in ACCELERATORS.values() if one.vendor == vendor}
        assert offered == {row.resource_name}


def test_only_pools_that_leave_it_to_us_get_one() -> None:
    assert vendor_plugins(ALL) == {}
    assert vendor_plugins(owned("amd", "MI300X", Owner.FOUND)) == {}  # type: ignore[arg-type]
    assert list(vendor_plugins(owned("amd", "MI300X", Owner.PLATFORM))) == ["amd-device-plugin"]  # type: ignore[arg-type]


def test_each_row_registers_a_daemon_set_with_what_it_needs() -> None:
    neuron = vendor_plugins(owned("trn", "Trainium2", Owner.PLATFORM))  # type: ignore[arg-type]
    recording = record(lambda: [DevicePlugin(name, args) for name, args in neuron.items()] and None)
    container = recording.one("DaemonSet").inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    assert {"apiGroups": [""], "resources": ["nodes/status"], "verbs": ["update", "patch"]} in recording.one(
        "ClusterRole"
    ).inputs["rules"]
    amd = vendor_plugins(owned("amd", "MI300X", Owner.PLATFORM))  # type: ignore[arg-type]
    recording = record(lambda: [DevicePlugin(name, args) for name, args in amd.items()] and None)
    assert recording.of("ClusterRole") == []
    container = recording.one("DaemonSet").inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["privileged"] is True
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/var/lib/kubelet/device-plugins", "/sys"]
