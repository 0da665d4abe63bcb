"""The nodes that groups and pools would have: pure. That the scheduler fills them, tests/engine proves."""

import json
from typing import Any

import pytest

from catalog.accelerators import ClusterKind, Sharing
from components.capacity.placement import PoolArgs, plan_pool
from components.capacity.sharing import SharingArgs
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.nodes import eks_nodes, eks_sharing, gke_count, gke_nodes

ZONES = ["eu-central-1a", "eu-central-1b"]


def capacity(node: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = json.loads(node["metadata"]["annotations"]["simulated.mlplatform.dev/capacity"])
    return found


def test_a_node_group_has_its_largest_size_spread_over_the_zones_of_its_subnets() -> None:
    nodes = eks_nodes({"instanceTypes": ["m7i.4xlarge"], "scalingConfig": {"maxSize": 3}}, "cpu", None, ZONES)
    assert [node["metadata"]["name"] for node in nodes] == ["cpu-0", "cpu-1", "cpu-2"]
    assert [node["metadata"]["labels"]["topology.kubernetes.io/zone"][-1] for node in nodes] == ["a", "b", "a"]
    labels = nodes[0]["metadata"]["labels"]
    assert labels["eks.amazonaws.com/nodegroup"] == "cpu"
    assert labels["eks.amazonaws.com/capacityType"] == "ON_DEMAND"
    assert labels["node.kubernetes.io/instance-type"] == "m7i.4xlarge"
    assert labels["topology.kubernetes.io/region"] == "eu-central-1"
    assert labels["mlplatform.dev/simulated"] == "true"
    assert capacity(nodes[0]) == {"cpu": "16", "memory": "64Gi", "ephemeral-storage": "1Ti", "pods": "110"}


@pytest.mark.parametrize(
    "sharing",
    [
        SharingArgs(),
        SharingArgs(strategy=Sharing.TIME_SLICING, replicas=4),
        SharingArgs(strategy=Sharing.MPS, replicas=2),
        SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}),
    ],
)
def test_a_group_offers_what_its_pool_promises(sharing: SharingArgs) -> None:
    handle, labels, taints = plan_pool(
        "gpu", PoolArgs(accelerator="H100", sharing=sharing, nodes_max=1), ClusterKind.EKS
    )
    inputs = {
        "instanceTypes": ["p5.48xlarge"],
        "labels": labels,
        "taints": [{"key": t["key"], "value": t["value"], "effect": "NO_SCHEDULE"} for t in taints],
        "scalingConfig": {"maxSize": 1},
    }
    (node,) = eks_nodes(inputs, "gpu", None, ZONES)
    offered = {name: int(count) for name, count in capacity(node).items() if "/" in name}
    assert offered == handle["capacity"]["units_per_node"]
    assert handle["placement"]["node_selector"].items() <= node["metadata"]["labels"].items()
    assert node["spec"]["taints"] == taints


def test_network_adapters_come_from_the_launch_template() -> None:
    template = {"instanceType": "p5.48xlarge", "networkInterfaces": [{"interfaceType": "efa"}] * 32}
    (node,) = eks_nodes({"scalingConfig": {"maxSize": 1}}, "gpu", template, ZONES)
    assert capacity(node)["vpc.amazonaws.com/efa"] == "32"
    assert capacity(node)["nvidia.com/gpu"] == "8"


def test_an_unreadable_sharing_label_means_no_sharing() -> None:
    assert eks_sharing({"nvidia.com/device-plugin.config": "something else"}) == SharingArgs()
    assert eks_sharing({"nvidia.com/device-plugin.config": "mig"}) == SharingArgs()


def test_a_pool_of_gpus_gets_labels_units_and_taint_from_gke() -> None:
    accelerator = {
        "type": "nvidia-h100-80gb",
        "count": 8,
        "gpuPartitionSize": "1g.10gb",
        "gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING", "maxSharedClientsPerGpu": 2},
    }
    inputs = {"nodeConfig": {"machineType": "a3-highgpu-8g", "guestAccelerators": [accelerator], "spot": True}}
    (node,) = gke_nodes({**inputs, "autoscaling": {"totalMaxNodeCount": 1}}, "gpu", ["europe-west4-a"])
    assert capacity(node)["nvidia.com/gpu"] == str(8 * 7 * 2)
    labels = node["metadata"]["labels"]
    assert labels["cloud.google.com/gke-nodepool"] == "gpu"
    assert labels["cloud.google.com/gke-accelerator"] == "nvidia-h100-80gb"
    assert labels["cloud.google.com/gke-gpu-partition-size"] == "1g.10gb"
    assert labels["cloud.google.com/gke-gpu-sharing-strategy"] == "time-sharing"
    assert labels["cloud.google.com/gke-max-shared-clients-per-gpu"] == "2"
    assert labels["cloud.google.com/gke-spot"] == "true"
    assert node["spec"]["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]


def test_queued_nodes_have_the_taint_that_gke_gives_them() -> None:
    inputs = {"nodeConfig": {"machineType": "g2-standard-8", "flexStart": True}, "nodeCount": 1}
    (node,) = gke_nodes({**inputs, "queuedProvisioning": {"enabled": True}}, "gpu", ["europe-west4-a"])
    assert node["metadata"]["labels"]["cloud.google.com/gke-flex-start"] == "true"
    assert node["spec"]["taints"] == [{"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"}]
    (other,) = gke_nodes(inputs, "gpu", ["europe-west4-a"])
    assert other["spec"] == {}


def test_a_machine_with_gpus_that_are_not_requested_offers_none() -> None:
    """Attached GPUs without `guestAccelerators` get no driver from GKE."""
    (node,) = gke_nodes({"nodeConfig": {"machineType": "a2-highgpu-1g"}, "nodeCount": 1}, "gpu", ["europe-west4-a"])
    assert "nvidia.com/gpu" not in capacity(node)
    assert node["spec"] == {}


def test_a_slice_of_tpus_has_its_topology_on_every_host() -> None:
    inputs = {
        "nodeConfig": {"machineType": "ct5lp-hightpu-4t"},
        "placementPolicy": {"type": "COMPACT", "tpuTopology": "4x4"},
        "nodeCount": 4,
    }
    nodes = gke_nodes(inputs, "tpu", ["europe-west4-a"])
    assert len(nodes) == 4
    for node in nodes:
        assert node["metadata"]["labels"]["cloud.google.com/gke-tpu-topology"] == "4x4"
        assert node["metadata"]["labels"]["cloud.google.com/gke-tpu-accelerator"] == "tpu-v5-lite-podslice"
        assert capacity(node)["google.com/tpu"] == "4"
        assert node["spec"]["taints"][0]["key"] == "google.com/tpu"


@pytest.mark.parametrize(
    ("inputs", "count"),
    [
        ({"autoscaling": {"totalMaxNodeCount": 5}}, 5),
        ({"autoscaling": {"maxNodeCount": 2}}, 6),
        ({"nodeCount": 1}, 3),
        ({"initialNodeCount": 2}, 6),
        ({}, 0),
    ],
)
def test_limits_count_by_zone_or_in_all(inputs: dict[str, Any], count: int) -> None:
    assert gke_count(inputs, zones=3) == count


def test_a_partition_that_the_gpu_does_not_have_is_refused() -> None:
    accelerator = {"type": "nvidia-l4", "count": 1, "gpuPartitionSize": "1g.5gb"}
    with pytest.raises(CloudRefusal, match="gpuPartitionSize"):
        gke_nodes(
            {"nodeConfig": {"machineType": "g2-standard-4", "guestAccelerators": [accelerator]}, "nodeCount": 1},
            "gpu",
            ["europe-west4-a"],
        )
