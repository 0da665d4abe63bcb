"""What GpuOperator registers. Not proved here: that the operator reads the configs as the plain device plugin does."""

import pytest
import yaml

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner, Purchase, Sharing
from catalog.upstream.crd_schemas import kinds_of_set
from components.addons.gpu_operator import GpuOperator, GpuOperatorArgs, gpu_operator_values
from components.capacity.placement import NodeSoftware, PoolArgs, PoolHandle, plan_pool
from components.findings import Refused
from tests.components.addons.pools import CPU, H100, MIG, STUB, TPU
from tests.recorder import Recording, record


def bare(
    name: str,
    driver: Owner = Owner.OPERATOR,
    plugin: Owner = Owner.OPERATOR,
    device_allocation: DeviceAllocation = DeviceAllocation.DEVICE_PLUGIN,
    **more: object,
) -> PoolHandle:
    software = NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=device_allocation)
    args = PoolArgs(accelerator="H100", nodes_max=2, **more)  # type: ignore[typeddict-item]
    return plan_pool(name, args, ClusterKind.EXISTING, software)[0]


WHOLE = bare("whole")
SHARED = bare("shared", sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4}, purchase=Purchase.SPOT)
CUT = bare("cut", sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}})

MPS = bare("served", sharing={"strategy": Sharing.MPS, "replicas": 4})


def operator(**changes: object) -> Recording:
    args: GpuOperatorArgs = {"pools": [WHOLE, SHARED, CUT, CPU, TPU], "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: GpuOperator("operator", args) and None)


def findings(*pools: PoolHandle, **changes: object) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        operator(pools=list(pools), **changes)
    return {finding.path: finding.value for finding in refused.value.findings}


def test_it_is_a_chart_in_a_namespace_of_its_own_with_our_counters() -> None:
    recording = operator(monitoring_namespace="monitoring")
    assert recording.kinds() == [
        "AddonChart operator-chart",
        "Chart operator-chart-chart",
        "ConfigMap operator-counters",
        "GpuOperator operator",
        "IsolatedNamespace operator-namespace",
        "Namespace operator-namespace-namespace",
        "NetworkPolicy operator-namespace-allow-api-server",
        "NetworkPolicy operator-namespace-allow-dns",
        "NetworkPolicy operator-namespace-allow-metrics",
        "NetworkPolicy operator-namespace-allow-metrics-exporter",
        "NetworkPolicy operator-namespace-allow-package-servers",
        "NetworkPolicy operator-namespace-default-deny",
    ]
    counters = recording.one("ConfigMap").inputs
    assert counters["metadata"]["name"] == recording.one("Chart").inputs["values"]["dcgmExporter"]["config"]["name"]
    assert "DCGM_FI_DEV_GPU_UTIL" in counters["data"]["dcgm-metrics.csv"]


def test_sharing_is_by_the_same_named_configs_and_layouts_as_without_it() -> None:
    values = operator().one("Chart").inputs["values"]
    config = values["devicePlugin"]["config"]
    assert sorted(config["data"]) == ["exclusive", "mig", "time-slicing-4"]
    assert config["default"] == "exclusive"
    assert values["mig"] == {"strategy": "mixed"}
    layouts = yaml.safe_load(values["migManager"]["config"]["data"]["config.yaml"])["mig-configs"]
    assert sorted(layouts) == ["1g.10gb-7", "all-disabled"]
    alone = gpu_operator_values({"pools": [WHOLE], "source": STUB})["migManager"]
    assert alone["enabled"] is False


def test_the_mig_strategy_is_one_that_the_cluster_policy_accepts_and_agrees_with_every_config() -> None:
    """An empty strategy became `mig: null`, which the API server refuses (the provider's SkipNulls hid it).

    The enum is upstream's. Not proved: what the operator does.
    """
    policy = kinds_of_set("gpu-operator")["ClusterPolicy"]["versions"]["v1"]["schema"]
    schema = policy["properties"]["spec"]["properties"]
    for pools, strategy in (([WHOLE, SHARED], "none"), ([WHOLE, SHARED, CUT], "mixed"), ([MPS], "none")):
        values = gpu_operator_values({"pools": pools, "source": STUB})
        assert values["mig"] == {"strategy": strategy}
        assert strategy in schema["mig"]["properties"]["strategy"]["enum"]
        configs = [
            yaml.safe_load(text)["flags"]["migStrategy"] for text in values["devicePlugin"]["config"]["data"].values()
        ]
        assert strategy in configs


def test_mig_and_mps_pools_are_refused_together() -> None:
    """The plugin ends at start with `mixed` and MPS (NVIDIA/k8s-device-plugin v0.20.0 cmd/nvidia-device-plugin)."""
    assert findings(WHOLE, CUT, MPS) == {"operator.pools": "whole: exclusive, cut: mig, served: mps"}
    assert operator(pools=[WHOLE, SHARED, MPS]).one("Chart").inputs["values"]["mig"] == {"strategy": "none"}


def test_its_daemons_run_on_every_pool_of_its_own_and_discovery_on_all_pools() -> None:
    values = operator().one("Chart").inputs["values"]
    assert [one["key"] for one in values["daemonsets"]["tolerations"]] == ["mlplatform.dev/spot", "nvidia.com/gpu"]
    worker = values["node-feature-discovery"]["worker"]
    assert [one["key"] for one in worker["tolerations"]] == ["google.com/tpu", "mlplatform.dev/spot", "nvidia.com/gpu"]
    assert operator(node_feature_discovery=False).one("Chart").inputs["values"]["nfd"] == {"enabled": False}


@pytest.mark.parametrize("driver", [Owner.FOUND, Owner.IMAGE, Owner.OPERATOR])
def test_driver_and_runtime_hook_have_one_owner(driver: Owner) -> None:
    values = operator(pools=[bare("whole", driver)]).one("Chart").inputs["values"]
    brings = driver is Owner.OPERATOR
    assert (values["driver"]["enabled"], values["toolkit"]["enabled"]) == (brings, brings)
    assert values["devicePlugin"]["enabled"] is True


def test_with_dra_it_brings_the_driver_and_no_device_plugin() -> None:
    claimed = bare("claimed", Owner.OPERATOR, Owner.PLATFORM, DeviceAllocation.DRA)
    values = operator(pools=[claimed]).one("Chart").inputs["values"]
    assert (values["driver"]["enabled"], values["devicePlugin"]["enabled"]) == (True, False)


def test_it_owns_all_pools_with_nvidia_devices_or_none_and_all_alike() -> None:
    assert findings(CPU, H100) == {"operator.pools": "no pool with driver or devicePlugin operator"}
    assert findings(WHOLE, H100, MIG) == {
        "operator.pools.h100": "driver found, device plugin platform",
        "operator.pools.mig": "driver found, device plugin platform",
    }
    assert findings(WHOLE, bare("other", Owner.FOUND)) == {"operator.pools": "whole: operator, other: found"}
    claimed = bare("claimed", Owner.OPERATOR, Owner.PLATFORM, DeviceAllocation.DRA)
    assert findings(WHOLE, claimed) == {"operator.pools": "whole: device-plugin, claimed: dra"}
    assert findings(bare("found", Owner.FOUND), driver_version="595.91.07") == {"operator.driverVersion": "595.91.07"}


def test_the_toolkit_learns_where_containerd_is() -> None:
    values = operator(toolkit_environment={"CONTAINERD_SOCKET": "/run/k3s/containerd/containerd.sock"})
    assert values.one("Chart").inputs["values"]["toolkit"]["env"] == [
        {"name": "CONTAINERD_SOCKET", "value": "/run/k3s/containerd/containerd.sock"}
    ]
