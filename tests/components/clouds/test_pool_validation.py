"""What a pool may not be, one case for each rule; and that each refusal says what to do."""

from typing import Any

import pytest

from components.capacity.placement import PoolArgs
from components.clouds.pool_validation import check_pool

MIG = {"strategy": "mig"}


@pytest.mark.parametrize(
    ("args", "path", "rule"),
    [
        ({"accelerator": "H1000"}, "pool.accelerator", "an accelerator of the catalogue"),
        ({"accelerator": "H100", "nodes_min": 3}, "pool.nodesMin", "at most nodesMax (2)"),
        ({"devices_per_node": 2}, "pool.devicesPerNode", "a CPU pool has no devices"),
        ({"sharing": {"strategy": "mps", "replicas": 2}}, "pool.sharing", "a CPU pool has no devices"),
        ({"topology": "4x4"}, "pool.topology", "a CPU pool has no devices"),
        ({"accelerator": "H100", "devices_per_node": 16}, "pool.devicesPerNode", "carries 8 (p5.48xlarge)"),
        ({"accelerator": "H100", "topology": "4x4"}, "pool.topology", "only TPU slices have one"),
        ({"accelerator": "TPU-v5e"}, "pool.topology", "a topology of TPU-v5e: 1x1, 2x2, 2x4"),
        ({"accelerator": "TPU-v5e", "topology": "3x3"}, "pool.topology", "a topology of TPU-v5e: 1x1, 2x2, 2x4"),
        ({"accelerator": "TPU-v5e", "topology": "4x4", "nodes_max": 6}, "pool.nodesMax", "multiples of 4"),
        (
            {"accelerator": "TPU-v5e", "topology": "4x4", "nodes_max": 4, "devices_per_node": 8},
            "pool.devicesPerNode",
            "has 4 chips per host",
        ),
        (
            {"accelerator": "TPU-v6e", "topology": "2x4", "devices_per_node": 2},
            "pool.devicesPerNode",
            "has 4 or 8 chips per host",
        ),
        (
            {"accelerator": "TPU-v5e", "topology": "2x4", "nodes_max": 3},
            "pool.nodesMax",
            "a 2x4 slice is 2 hosts",
        ),
        (
            {"accelerator": "MI300X", "sharing": {"strategy": "time-slicing", "replicas": 2}},
            "pool.sharing.strategy",
            "only the NVIDIA device plugin shares devices",
        ),
        (
            {"accelerator": "L4", "sharing": {"strategy": "time-slicing", "replicas": 1}},
            "pool.sharing.replicas",
            "takes 2 to 48",
        ),
        ({"accelerator": "L4", "sharing": {"strategy": "mps"}}, "pool.sharing.replicas", "takes 2 to 48"),
        (
            {"accelerator": "V100-32GB", "sharing": {"strategy": "mps", "replicas": 17}},
            "pool.sharing.replicas",
            "takes 2 to 16 containers a device on V100-32GB",
        ),
        ({"accelerator": "L4", "sharing": {"replicas": 4}}, "pool.sharing.replicas", "has no replicas"),
        ({"accelerator": "L4", "sharing": MIG}, "pool.sharing.strategy", "L4 has no MIG"),
        ({"accelerator": "H100", "sharing": MIG}, "pool.sharing.migProfiles", "profiles of H100"),
        (
            {"accelerator": "H100", "sharing": {**MIG, "mig_profiles": {"1g.5gb": 7}}},
            "pool.sharing.migProfiles.1g.5gb",
            "(1g.5gb belongs to A100-40GB)",
        ),
        (
            {"accelerator": "H100", "sharing": {**MIG, "mig_profiles": {"1g.10gb": 8}}},
            "pool.sharing.migProfiles.1g.10gb",
            "1 to 7 of 1g.10gb fit",
        ),
        (
            {"accelerator": "H100", "sharing": {**MIG, "mig_profiles": {"3g.40gb": 2, "1g.10gb": 1}}},
            "pool.sharing.migProfiles",
            "this takes 7 and 9",
        ),
        (
            {"accelerator": "H100", "sharing": {"strategy": "mps", "replicas": 2, "mig_profiles": {"1g.10gb": 1}}},
            "pool.sharing.migProfiles",
            "never together with time-slicing or MIG",
        ),
        ({"accelerator": "H100", "sharing": {"mig_profiles": {"1g.10gb": 1}}}, "pool.sharing.migProfiles", "only mig"),
    ],
)
def test_a_pool_that_cannot_exist_is_refused_where_it_is_wrong(args: dict[str, Any], path: str, rule: str) -> None:
    (finding,) = check_pool("pool", PoolArgs(**{"nodes_max": 2, **args}))  # type: ignore[typeddict-item]
    assert finding.path == path
    assert rule in finding.rule.replace("only strategy mig", "only mig")
    assert finding.remedy


@pytest.mark.parametrize(
    ("key", "path"),
    [("name", "name"), ("resource_name", "resourceName"), ("taint_key", "taintKey"), ("node_labels", "nodeLabels.a b")],
)
def test_each_text_of_a_device_of_no_catalogue_is_validated(key: str, path: str) -> None:
    device = {
        "name": "Trainium2",
        "resource_name": "aws.amazon.com/neuron",
        "taint_key": "aws.amazon.com/neuron",
        "node_labels": {"example.com/device": "trn2"},
    }
    args: Any = {"nodes_max": 2, "devices_per_node": 4, "custom_accelerator": device}
    assert list(check_pool("pool", args)) == []
    wrong = {"node_labels": {"a b": "trn2"}}.get(key, "\n")
    (finding,) = check_pool("pool", {**args, "custom_accelerator": {**device, key: wrong}})
    assert finding.path == f"pool.customAccelerator.{path}"


def test_the_layout_that_mig_parted_calls_balanced_fits() -> None:
    sharing = {**MIG, "mig_profiles": {"1g.10gb": 2, "2g.20gb": 1, "3g.40gb": 1}}
    assert list(check_pool("pool", PoolArgs(accelerator="H100", nodes_max=1, sharing=sharing))) == []  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("accelerator", "topology", "devices"),
    [("TPU-v5e", "1x1", 1), ("TPU-v5e", "2x2", 4), ("TPU-v5e", "2x4", 8), ("TPU-v6e", "2x4", 8)],
)
def test_a_slice_of_one_host_has_any_number_of_nodes(accelerator: str, topology: str, devices: int) -> None:
    args = PoolArgs(accelerator=accelerator, topology=topology, devices_per_node=devices, nodes_max=3, nodes_min=1)
    assert list(check_pool("pool", args)) == []


def test_a_near_miss_of_a_name_is_answered_with_the_name() -> None:
    (finding,) = check_pool("pool", PoolArgs(accelerator="A100-80gb", nodes_max=1))
    assert finding.remedy.startswith("did you mean A100-80GB?")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("A100", "did you mean A100-40GB or A100-80GB?"),
        ("V100", "did you mean V100-16GB or V100-32GB?"),
        ("H1000", "did you mean H100?"),
        ("TPU", "did you mean TPU-v4 or TPU-v5e or TPU-v5p or TPU-v6e or TPU-v7x?"),
        ("TPU-V5E", "did you mean TPU-v5e?"),
        ("v5e", "did you mean TPU-v5e?"),
        ("NVIDIA-H100-80GB-HBM3", "did you mean H100?"),
        ("A100-SXM4-80GB", "did you mean A100-40GB or A100-80GB?"),
        ("TPU-v3", "use TPU-v5e or TPU-v6e"),
        ("K80", "Describe a device that is not in the catalogue with customAccelerator"),
        ("tpu-v3", "use TPU-v5e or TPU-v6e"),
        ("B100", "Describe a device that is not in the catalogue with customAccelerator"),
        ("GB300", "Describe a device that is not in the catalogue with customAccelerator"),
        ("GTX-1080", "Describe a device that is not in the catalogue with customAccelerator"),
    ],
)
def test_a_guess_names_the_whole_family_and_never_another_one(name: str, remedy: str) -> None:
    """A100 was answered with H100, another machine at another price; there are two A100s."""
    (finding,) = check_pool("pool", PoolArgs(accelerator=name, nodes_max=1))
    assert finding.remedy.startswith(remedy)
