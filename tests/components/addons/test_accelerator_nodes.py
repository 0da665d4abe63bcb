"""Which nodes the software of accelerators runs on. Not proved here: that the scheduler agrees (engine)."""

from components.addons.accelerator_nodes import affinity_to, nvidia_pools
from tests.components.addons.pools import ALL, FPGA, H100


def test_nvidia_pools_are_those_whose_catalogue_row_says_nvidia_and_no_custom_device() -> None:
    assert [pool["placement"]["pool"] for pool in nvidia_pools(ALL)] == ["h100", "l4", "t4", "mig"]


def test_the_affinity_has_one_term_for_each_pool_by_the_labels_that_the_pool_hands_out() -> None:
    required = affinity_to([H100, FPGA])["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {
            "matchExpressions": [
                {"key": "example.com/fpga", "operator": "In", "values": ["u250"]},
                {"key": "mlplatform.dev/pool", "operator": "In", "values": ["fpga"]},
            ]
        },
        {
            "matchExpressions": [
                {"key": "mlplatform.dev/pool", "operator": "In", "values": ["h100"]},
                {"key": "nvidia.com/gpu.present", "operator": "In", "values": ["true"]},
                {"key": "nvidia.com/gpu.product", "operator": "In", "values": ["NVIDIA-H100-80GB-HBM3"]},
            ]
        },
    ]
