"""Shares and partitions of devices, by who offers them."""

import pytest

from catalog.accelerators import ClusterKind, Owner, Sharing
from components.capacity.placement import PoolArgs, plan_pool
from components.capacity.sharing import SharingArgs


def test_shares_of_a_gpu_have_a_name_of_their_own_so_that_none_is_taken_for_a_whole_one() -> None:
    sharing = SharingArgs(strategy=Sharing.TIME_SLICING, replicas=4)
    handle, _, _ = plan_pool("l4", PoolArgs(accelerator="L4", nodes_max=1, sharing=sharing), ClusterKind.SIMULATED)
    assert handle["capacity"]["units_per_node"] == {"nvidia.com/gpu.shared": 32}


@pytest.mark.parametrize(
    ("sharing", "units", "label"),
    [
        (SharingArgs(strategy=Sharing.TIME_SLICING, replicas=4), 32, "cloud.google.com/gke-gpu-sharing-strategy"),
        (SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.10gb": 7}), 56, "cloud.google.com/gke-gpu-partition-size"),
    ],
)
def test_gkes_own_device_plugin_keeps_the_name_of_the_device_and_labels_the_node(
    sharing: SharingArgs, units: int, label: str
) -> None:
    handle, labels, _ = plan_pool("h", PoolArgs(accelerator="H100", nodes_max=1, sharing=sharing), ClusterKind.GKE)
    assert handle["capacity"]["units_per_node"] == {"nvidia.com/gpu": units}
    assert label in handle["placement"]["node_selector"]
    # What only our own plugin and NVIDIA's MIG manager read.
    assert not [key for key in labels if key.startswith("nvidia.com/")]
    assert handle["software"]["device_plugin"] == Owner.CLOUD
