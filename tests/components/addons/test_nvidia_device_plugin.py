"""What NvidiaDevicePlugin registers and how its configs follow from the pools.

Not proved here: that the real plugin reads these configs; their field names are those of its v1 API, read at v0.20.0.
"""

import pytest
import yaml

from catalog.accelerators import ClusterKind, Sharing
from components.addons.nvidia_device_plugin import (
    NvidiaDevicePlugin,
    NvidiaDevicePluginArgs,
    device_plugin_values,
    mig_layouts,
    plugin_configs,
)
from components.capacity.placement import PoolArgs, plan_pool
from components.capacity.sharing import SharingArgs
from components.findings import Refused
from tests.components.addons.pools import ALL, CPU, FPGA, H100, L4, MIG, STUB, T4, TPU
from tests.recorder import Recording, record


def plugin(**changes: object) -> Recording:
    args: NvidiaDevicePluginArgs = {"pools": ALL, "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: NvidiaDevicePlugin("plugin", args) and None)


def test_it_is_a_chart_in_a_namespace_of_its_own_with_the_mig_layouts() -> None:
    recording = plugin()
    assert recording.kinds() == [
        "AddonChart plugin-chart",
        "Chart plugin-chart-chart",
        "ConfigMap plugin-mig-layouts",
        "IsolatedNamespace plugin-namespace",
        "Namespace plugin-namespace-namespace",
        "NetworkPolicy plugin-namespace-allow-api-server",
        "NetworkPolicy plugin-namespace-allow-dns",
        "NetworkPolicy plugin-namespace-default-deny",
        "NvidiaDevicePlugin plugin",
    ]
    assert recording.one("Chart").inputs["chart"] == "/mirror/charts/nvidia-device-plugin"
    assert recording.one("Chart").inputs["namespace"] == "nvidia-device-plugin"
    assert plugin(namespace="gpu").one("Namespace").inputs["metadata"]["name"] == "gpu"


def test_without_mig_there_are_no_layouts() -> None:
    assert plugin(pools=[H100, L4]).of("ConfigMap") == []
    assert mig_layouts([H100, L4]) == {}


def test_every_distinct_sharing_is_one_config() -> None:
    configs = {name: yaml.safe_load(text) for name, text in plugin_configs([H100, L4, T4, MIG, L4]).items()}
    shared = {"renameByDefault": True, "failRequestsGreaterThanOne": True}
    assert configs == {
        "exclusive": {"version": "v1", "flags": {"migStrategy": "none"}},
        "time-slicing-4": {
            "version": "v1",
            "flags": {"migStrategy": "none"},
            "sharing": {"timeSlicing": {**shared, "resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}},
        },
        "mps-8": {
            "version": "v1",
            "flags": {"migStrategy": "none"},
            "sharing": {"mps": {**shared, "resources": [{"name": "nvidia.com/gpu", "replicas": 8}]}},
        },
        "mig": {"version": "v1", "flags": {"migStrategy": "mixed"}},
    }


@pytest.mark.parametrize(
    "sharing",
    [
        SharingArgs(),
        SharingArgs(strategy=Sharing.TIME_SLICING, replicas=10),
        SharingArgs(strategy=Sharing.MPS, replicas=3),
        SharingArgs(strategy=Sharing.MIG, mig_profiles={"3g.40gb": 1, "1g.10gb": 3}),
    ],
)
def test_the_config_and_the_layout_that_a_node_asks_for_by_label_exist(sharing: SharingArgs) -> None:
    args = PoolArgs(accelerator="H100", nodes_max=1, sharing=sharing)
    handle, labels, _ = plan_pool("pool", args, ClusterKind.EXISTING)
    assert labels["nvidia.com/device-plugin.config"] in plugin_configs([handle])
    # Pods choose a pool, not a sharing: re-sharing a pool must not move what runs there by selector.
    assert not [key for key in handle["placement"]["node_selector"] if key.startswith("nvidia.com/device-plugin")]
    layout = labels.get("nvidia.com/mig.config")
    assert (layout is not None) == (sharing.get("strategy") == Sharing.MIG)
    if layout:
        assert mig_layouts([handle])["mig-configs"][layout] == [
            {"devices": "all", "mig-enabled": True, "mig-devices": sharing["mig_profiles"]}
        ]
        assert mig_layouts([handle])["mig-configs"]["all-disabled"] == [{"devices": "all", "mig-enabled": False}]


def test_nodes_of_other_vendors_get_no_label_of_nvidia() -> None:
    for args in (PoolArgs(nodes_max=1), PoolArgs(accelerator="TPU-v5e", topology="2x4", nodes_max=2)):
        assert not [label for label in plan_pool("pool", args, ClusterKind.EXISTING)[1] if label.startswith("nvidia")]


def test_no_strategy_is_set_over_the_configs_and_discovery_is_left_to_its_own_add_on() -> None:
    values = plugin().one("Chart").inputs["values"]
    assert "migStrategy" not in values
    assert values["config"]["default"] == "exclusive"
    assert values["nfd"] == {"enabled": False}
    assert values["gfd"] == {"enabled": True}


def test_it_runs_on_nodes_with_nvidia_devices_alone_and_tolerates_their_taints_alone() -> None:
    values = plugin().one("Chart").inputs["values"]
    terms = values["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    pools = [e["values"] for term in terms for e in term["matchExpressions"] if e["key"] == "mlplatform.dev/pool"]
    assert pools == [["h100", "l4", "mig", "t4"]]
    assert [toleration["key"] for toleration in values["tolerations"]] == ["mlplatform.dev/spot", "nvidia.com/gpu"]


def test_runtime_class_and_driver_root_reach_the_chart_and_are_left_to_it_otherwise() -> None:
    values = plugin(runtime_class="nvidia", driver_root="/run/nvidia/driver").one("Chart").inputs["values"]
    assert (values["runtimeClassName"], values["nvidiaDriverRoot"]) == ("nvidia", "/run/nvidia/driver")
    assert not {"runtimeClassName", "nvidiaDriverRoot"} & set(plugin().one("Chart").inputs["values"])


def test_a_cluster_without_nvidia_devices_is_refused_with_what_to_do() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="remove it from the add-ons"):
            NvidiaDevicePlugin("plugin", {"pools": [CPU, TPU, FPGA], "source": STUB})

    assert record(program).resources == []


def test_memory_request_equals_its_limit() -> None:
    resources = device_plugin_values([H100])["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
