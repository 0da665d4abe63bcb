"""The accelerator tables agree with themselves. Not proved here: that a source is right; each row names its own."""

import re

import pytest

from catalog.accelerators import (
    ACCELERATORS,
    DRIVER_RESOURCES,
    RETIRED_RESOURCES,
    Accelerator,
    ClusterKind,
    is_accelerator_resource,
    topology_chips,
    topology_hosts,
)
from catalog.machines import MACHINES, machines_with

ROWS = pytest.mark.parametrize("row", ACCELERATORS.values(), ids=lambda row: row.name)
LABEL = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")


def test_the_catalogue_names_every_accelerator_that_was_promised() -> None:
    assert set(ACCELERATORS) >= {
        *("T4", "L4", "A10G", "A100-40GB", "A100-80GB", "H100", "H200", "B200", "GB200", "RTX-PRO-6000", "MI300X"),
        *("T4G", "L40S", "B300"),
        *("P100", "V100-16GB", "V100-32GB", "A10", "L40", "H20"),
        *("TPU-v4", "TPU-v5e", "TPU-v5p", "TPU-v6e", "TPU-v7x", "Trainium1", "Trainium2", "Inferentia1"),
        "Inferentia2",
    }


@ROWS
def test_every_row_has_labels_for_every_kind_of_cluster_a_source_and_a_reference_host(row: Accelerator) -> None:
    assert set(row.node_labels) == set(ClusterKind)
    assert all(LABEL.match(value) for labels in row.node_labels.values() for value in labels.values())
    assert row.source
    assert MACHINES[row.reference_host].accelerator == row.name


@ROWS
def test_every_topology_divides_into_whole_hosts(row: Accelerator) -> None:
    for topology, numbers in row.topologies.items():
        for chips in numbers:
            assert topology_chips(topology) == topology_hosts(row, topology, chips) * chips


@ROWS
def test_slices_of_one_host_are_those_that_a_machine_of_the_table_is(row: Accelerator) -> None:
    alone = {(topology, topology_chips(topology)) for topology in row.topologies}
    listed = {(topology, chips) for topology, numbers in row.topologies.items() for chips in numbers}
    assert alone & listed == {(m.topology, m.devices) for m in machines_with(row.name) if m.topology}


@ROWS
def test_every_mig_profile_fits_as_often_as_the_table_says_by_its_slices(row: Accelerator) -> None:
    for profile in row.mig_profiles:
        by_slices = min(row.compute_slices // profile.compute_slices, row.memory_slices // profile.memory_slices)
        assert profile.maximum <= by_slices
        assert re.fullmatch(r"\d+g\.\d+gb", profile.name)
        assert row.mig_profile(profile.name) is profile


@ROWS
def test_mig_memory_never_exceeds_the_gpus(row: Accelerator) -> None:
    for profile in row.mig_profiles:
        assert int(profile.name.split(".")[1].removesuffix("gb")) <= row.memory_gib


def test_a_v5e_slice_of_4x4_is_four_hosts_of_four_chips() -> None:
    assert topology_hosts(ACCELERATORS["TPU-v5e"], "4x4") == 4


@pytest.mark.parametrize("name", ["TPU-v5e", "TPU-v6e"])
def test_a_slice_of_2x4_is_two_hosts_and_one_where_the_host_has_eight_chips(name: str) -> None:
    assert topology_hosts(ACCELERATORS[name], "2x4") == 2
    assert topology_hosts(ACCELERATORS[name], "2x4", 8) == 1


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("nvidia.com/gpu", True),
        ("nvidia.com/gpu.shared", True),
        ("nvidia.com/mig-1g.10gb", True),
        ("google.com/tpu", True),
        ("cpu", False),
        ("nvidia.com/gpux", False),
        ("hugepages-2Mi", False),
    ],
)
def test_accelerator_resources_are_distinguished_from_others(name: str, known: bool) -> None:
    assert is_accelerator_resource(name) is known


def test_no_retired_resource_name_is_offered() -> None:
    assert not set(RETIRED_RESOURCES) & DRIVER_RESOURCES
