"""What a simulated node pool registers. Not proved here: that the simulator gives the nodes their capacity (engine)."""

import json

import pytest

from catalog.accelerators import DeviceAllocation, Purchase, Sharing
from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import CAPACITY_ANNOTATION, SimulatedNodePool
from components.findings import Refused
from tests.recorder import record


def test_an_h100_pool_registers_one_node_for_each_of_its_largest_size_and_nothing_else() -> None:
    recording = record(lambda: SimulatedNodePool("h100", PoolArgs(accelerator="H100", nodes_max=2)) and None)
    assert recording.kinds() == ["Node h100-node-0", "Node h100-node-1", "SimulatedNodePool h100"]
    node = recording.one("Node", "h100-1").inputs
    assert node["metadata"]["labels"]["mlplatform.dev/pool"] == "h100"
    assert node["metadata"]["labels"]["mlplatform.dev/simulated"] == "true"
    assert node["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert json.loads(node["metadata"]["annotations"][CAPACITY_ANNOTATION])["nvidia.com/gpu"] == "8"


def test_the_hosts_of_a_tpu_slice_carry_the_same_slice_label_and_its_topology() -> None:
    args = PoolArgs(accelerator="TPU-v5e", topology="4x4", nodes_max=8)
    nodes = record(lambda: SimulatedNodePool("v5e", args) and None).of("Node")
    slices = [node.inputs["metadata"]["labels"]["mlplatform.dev/tpu-slice"] for node in nodes]
    assert slices == ["v5e-0"] * 4 + ["v5e-1"] * 4
    assert {node.inputs["metadata"]["labels"]["cloud.google.com/gke-tpu-topology"] for node in nodes} == {"4x4"}


def test_a_cpu_pool_has_neither_taints_nor_extended_resources() -> None:
    node = record(lambda: SimulatedNodePool("cpu", PoolArgs(nodes_max=1)) and None).one("Node").inputs
    assert "taints" not in node["spec"]
    assert set(json.loads(node["metadata"]["annotations"][CAPACITY_ANNOTATION])) == {
        "cpu",
        "memory",
        "ephemeral-storage",
        "pods",
    }


def test_a_spot_pool_is_tainted_so_that_only_what_chose_it_lands_there() -> None:
    args = PoolArgs(accelerator="L4", nodes_max=1, purchase=Purchase.SPOT)
    taints = record(lambda: SimulatedNodePool("spot", args) and None).one("Node").inputs["spec"]["taints"]
    assert [taint["key"] for taint in taints] == ["nvidia.com/gpu", "mlplatform.dev/spot"]


def test_devices_that_pods_claim_are_published_in_a_slice_and_not_counted_by_the_kubelet() -> None:
    args = PoolArgs(accelerator="H100", nodes_max=1, device_allocation=DeviceAllocation.DRA)
    recording = record(lambda: SimulatedNodePool("h100", args) and None)
    assert recording.kinds() == [
        "Node h100-node-0",
        "ResourceSlice h100-node-0-devices",
        "SimulatedNodePool h100",
    ]
    spec = recording.one("ResourceSlice").inputs["spec"]
    assert (spec["driver"], spec["nodeName"], len(spec["devices"])) == ("gpu.nvidia.com", "h100-0", 8)
    capacity = json.loads(recording.one("Node").inputs["metadata"]["annotations"][CAPACITY_ANNOTATION])
    assert not [name for name in capacity if "nvidia" in name]


def test_refused_arguments_register_nothing() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="only the NVIDIA device plugin shares devices"):
            SimulatedNodePool(
                "bad", PoolArgs(accelerator="MI300X", nodes_max=1, sharing={"strategy": Sharing.MPS, "replicas": 4})
            )

    assert record(program).resources == []
