"""Which nodes the software of accelerators runs on. Not proved here: that the scheduler agrees (engine)."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner
from components.addons.accelerator_nodes import (
    accelerator_charts,
    affinity_to,
    dra_pools,
    exporter_pools,
    nvidia_pools,
    operator_pools,
    platform_plugin_pools,
    vendor_plugin_pools,
)
from components.capacity.placement import NodeSoftware, PoolArgs, plan_pool
from tests.components.addons.pools import ALL, CPU, FPGA, H100


def test_nvidia_pools_are_those_whose_catalogue_row_says_nvidia_and_no_custom_device() -> None:
    assert [pool["placement"]["pool"] for pool in nvidia_pools(ALL)] == ["h100", "l4", "t4", "mig"]


def test_the_affinity_is_by_the_label_of_the_pool_alone_for_feature_discovery_writes_the_others() -> None:
    required = affinity_to([H100, FPGA])["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {"matchExpressions": [{"key": "mlplatform.dev/pool", "operator": "In", "values": ["fpga", "h100"]}]}
    ]


OWNERS = st.sampled_from([Owner.FOUND, Owner.IMAGE, Owner.OPERATOR, Owner.PLATFORM, Owner.CLOUD])
DEVICES = st.sampled_from(["H100", "MI300X", "Trainium2", ""])


@given(DEVICES, OWNERS, OWNERS, st.sampled_from(DeviceAllocation))
def test_no_pool_has_two_owners(
    accelerator: str, driver: Owner, plugin: Owner, device_allocation: DeviceAllocation
) -> None:
    args = PoolArgs(nodes_max=1)
    if accelerator:
        args["accelerator"] = accelerator
    software = NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=device_allocation)
    pool = [plan_pool("pool", args, ClusterKind.EXISTING, software)[0]]
    plugins = [
        platform_plugin_pools(pool),
        dra_pools(pool),
        *(vendor_plugin_pools(pool, one) for one in ("AMD", "AWS")),
    ]
    assert len([one for one in plugins if one]) <= 1
    if plugin is Owner.OPERATOR:
        assert not any(plugins)
    assert not (operator_pools(pool) and exporter_pools(pool))


def test_the_charts_of_accelerators_follow_from_the_pools() -> None:
    def of(
        driver: Owner, plugin: Owner, device_allocation: DeviceAllocation = DeviceAllocation.DEVICE_PLUGIN
    ) -> list[str]:
        software = NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=device_allocation)
        args = PoolArgs(accelerator="H100", nodes_max=1)
        fabric = {"vpc.amazonaws.com/efa": 32} if driver is Owner.IMAGE else {}
        return accelerator_charts([plan_pool("pool", args, ClusterKind.EXISTING, software, fabric)[0]])

    assert of(Owner.FOUND, Owner.PLATFORM) == ["dcgm-exporter", "nvidia-device-plugin"]
    assert of(Owner.FOUND, Owner.FOUND) == ["dcgm-exporter"]
    assert of(Owner.OPERATOR, Owner.OPERATOR) == ["gpu-operator"]
    assert of(Owner.FOUND, Owner.PLATFORM, DeviceAllocation.DRA) == ["dcgm-exporter", "dra-driver-nvidia-gpu"]
    assert of(Owner.OPERATOR, Owner.PLATFORM, DeviceAllocation.DRA) == ["dra-driver-nvidia-gpu", "gpu-operator"]
    assert of(Owner.IMAGE, Owner.CLOUD) == ["aws-efa-k8s-device-plugin", "dcgm-exporter"]
    assert accelerator_charts([CPU]) == []
