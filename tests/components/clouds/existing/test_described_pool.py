"""What a described pool hands out. Not proved here: that nodes with these labels take its pods (test_examples.py)."""

import pytest

from catalog.accelerators import DeviceAllocation, Owner, Sharing
from components.capacity.placement import PoolArgs
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.pool_spec import DescribedNodePoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from components.findings import Refused
from tests.recorder import record


def described(name: str = "h100", **args: object) -> DescribedNodePool:
    pools: list[DescribedNodePool] = []
    device_allocation = {"device_allocation": args.pop("device_allocation")} if "device_allocation" in args else {}
    pool = {**args.pop("pool", PoolArgs(accelerator="H100", nodes_max=2)), **device_allocation}  # type: ignore[dict-item]
    arguments: DescribedNodePoolArgs = {"pool": pool, **args}  # type: ignore[typeddict-item]
    record(lambda: pools.append(DescribedNodePool(name, arguments)))
    return pools[0]


def refusal(**args: object) -> list[str]:
    with pytest.raises(Refused) as refused:
        described(**args)
    return [finding.path for finding in refused.value.findings]


def test_it_registers_itself_and_no_object() -> None:
    recording = record(lambda: DescribedNodePool("h100", {"pool": PoolArgs(accelerator="H100", nodes_max=2)}) and None)
    assert recording.kinds() == ["DescribedNodePool h100"]


def test_workloads_meet_it_as_they_meet_a_pool_of_ours() -> None:
    args = PoolArgs(accelerator="L4", nodes_max=2, sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4})
    handle = described("l4", pool=args).handle
    simulated: list[SimulatedNodePool] = []
    record(lambda: simulated.append(SimulatedNodePool("l4", args)))
    assert (handle["placement"], handle["capacity"]) == (
        simulated[0].handle["placement"],
        simulated[0].handle["capacity"],
    )


def test_labels_for_nodes_that_are_there_already_are_refused() -> None:
    with pytest.raises(Refused, match="labels of existing nodes are set outside of the platform"):
        described("cpu", pool=PoolArgs(nodes_max=1, labels={"rack": "a"}))


def test_who_brings_what_is_found_and_ours_unless_it_says_otherwise() -> None:
    usual = {
        "driver": Owner.FOUND,
        "device_plugin": Owner.PLATFORM,
        "device_allocation": DeviceAllocation.DEVICE_PLUGIN,
    }
    assert described().handle["software"] == usual
    bare = described(driver=Owner.OPERATOR, device_plugin=Owner.OPERATOR).handle["software"]
    assert bare == {**usual, "driver": Owner.OPERATOR, "device_plugin": Owner.OPERATOR}


GOOD = {
    ("found", "platform", "device-plugin"),
    ("found", "operator", "device-plugin"),
    ("found", "found", "device-plugin"),
    ("image", "platform", "device-plugin"),
    ("image", "operator", "device-plugin"),
    ("image", "found", "device-plugin"),
    ("operator", "operator", "device-plugin"),
    ("found", "platform", "dra"),
    ("found", "found", "dra"),
    ("image", "platform", "dra"),
    ("image", "found", "dra"),
    ("operator", "platform", "dra"),
}


@pytest.mark.parametrize("driver", Owner)
@pytest.mark.parametrize("plugin", Owner)
@pytest.mark.parametrize("device_allocation", DeviceAllocation)
def test_every_combination_of_owners_works_or_is_refused(
    driver: Owner, plugin: Owner, device_allocation: DeviceAllocation
) -> None:
    owners = {"driver": driver, "device_plugin": plugin, "device_allocation": device_allocation}
    if (driver.value, plugin.value, device_allocation.value) in GOOD:
        assert described(**owners).handle["software"] == owners
    else:
        assert set(refusal(**owners)) <= {"h100.driver", "h100.devicePlugin", "h100.deviceAllocation"}


def test_the_operator_and_our_dra_driver_are_for_nvidia_alone() -> None:
    amd = PoolArgs(accelerator="MI300X", nodes_max=1)
    assert refusal(pool=amd, device_plugin=Owner.OPERATOR) == ["h100.devicePlugin"]
    assert refusal(pool=amd, device_allocation=DeviceAllocation.DRA) == ["h100.deviceAllocation"]
    assert described(pool=amd).handle["software"]["device_plugin"] == Owner.PLATFORM


def test_shares_of_a_plugin_that_was_found_have_no_name_that_is_known() -> None:
    def shared(strategy: Sharing) -> PoolArgs:
        return PoolArgs(accelerator="H100", nodes_max=1, sharing={"strategy": strategy, "replicas": 4})

    for strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        assert refusal(pool=shared(strategy), device_plugin=Owner.FOUND) == ["h100.sharing.strategy"]
        assert described(pool=shared(strategy), device_plugin=Owner.OPERATOR)
        assert refusal(pool=shared(strategy), device_allocation=DeviceAllocation.DRA) == ["h100.deviceAllocation"]


def test_partitions_of_a_plugin_that_was_found_need_strategy_mixed() -> None:
    mig = PoolArgs(accelerator="H100", nodes_max=1, sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}})
    assert refusal(pool=mig, device_plugin=Owner.FOUND) == ["h100.sharing.strategy"]
    found = described(pool=mig, device_plugin=Owner.FOUND, mig_mixed=True)
    assert found.handle["capacity"]["units_per_node"] == {"nvidia.com/mig-1g.10gb": 56}
    assert refusal(pool=mig, mig_mixed=True) == ["h100.migMixed"]
    assert refusal(mig_mixed=True, device_plugin=Owner.FOUND) == ["h100.migMixed"]


def test_a_pool_without_devices_has_no_software() -> None:
    cpu = PoolArgs(nodes_max=1)
    assert described(pool=cpu)
    assert refusal(pool=cpu, driver=Owner.OPERATOR, device_allocation=DeviceAllocation.DRA) == [
        "h100.deviceAllocation",
        "h100.driver",
    ]


def test_labels_that_say_how_devices_are_shared_are_handed_out_where_our_software_reads_them() -> None:
    mig = PoolArgs(accelerator="H100", nodes_max=1, sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}})

    def sharing_labels(plugin: Owner) -> dict[str, str]:
        seen: list[dict[str, str]] = []

        def program() -> None:
            args: DescribedNodePoolArgs = {"pool": mig, "device_plugin": plugin, "mig_mixed": plugin is Owner.FOUND}
            DescribedNodePool("h100", args).sharing_labels.apply(seen.append)

        record(program)
        return seen[0]

    ours = {"nvidia.com/device-plugin.config": "mig", "nvidia.com/mig.config": "1g.10gb-7"}
    assert sharing_labels(Owner.OPERATOR) == ours
    assert sharing_labels(Owner.PLATFORM) == ours
    assert sharing_labels(Owner.FOUND) == {}
