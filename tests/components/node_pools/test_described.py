"""What a described pool hands out. Not proved here: that nodes with these labels take its pods (test_examples.py)."""

import pytest

from components.catalog import Sharing
from components.node_pools.described import DescribedNodePool
from components.node_pools.simulated import SimulatedNodePool
from components.placement import PoolArgs
from policies.rules.finding import Refused
from tests.recorder import record


def test_it_registers_itself_and_no_object() -> None:
    recording = record(lambda: DescribedNodePool("h100", PoolArgs(accelerator="H100", nodes_max=2)) and None)
    assert recording.kinds() == ["DescribedNodePool h100"]


def test_workloads_meet_it_as_they_meet_a_pool_of_ours() -> None:
    handles = []
    args = PoolArgs(accelerator="L4", nodes_max=2, sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4})

    def both() -> None:
        handles.extend([DescribedNodePool("l4", args).handle, SimulatedNodePool("l4", args).handle])

    record(both)
    described, simulated = handles
    assert described == simulated


def test_labels_for_nodes_that_are_there_already_are_refused() -> None:
    with pytest.raises(Refused, match="labelled where they are made"):
        record(lambda: DescribedNodePool("cpu", PoolArgs(nodes_max=1, labels={"rack": "a"})) and None)
