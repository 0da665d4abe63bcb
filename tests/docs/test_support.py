"""The support matrix against the tables of the code: accelerators by kind of cluster, versions of Kubernetes and tools.

Not proved here: the column `level`, which people keep.
"""

import re
from pathlib import Path

import pytest

from catalog.accelerators import ACCELERATORS, ClusterKind
from catalog.machines import machines_with
from components.clouds.eks.tables import EKS_VERSIONS
from components.clouds.gke.tables import SINCE_VERSION
from tools import pins

PAGE = (Path(__file__).parents[2] / "docs" / "support.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("| accelerators | `existing`")[2].partition("\n\n")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines()[2:]]


def test_every_accelerator_of_the_catalogue_is_in_one_row() -> None:
    named = [name for names, *_ in ROWS for name in names.split(", ")]
    assert sorted(named) == sorted(ACCELERATORS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_says_which_clouds_have_machines_and_which_sharing_the_devices_know(row: list[str]) -> None:
    names, _, eks, gke, sharing = row
    for name in names.split(", "):
        accelerator = ACCELERATORS[name]
        assert (eks == "yes") == bool(machines_with(name, ClusterKind.EKS)), name
        assert (gke == "yes") == bool(machines_with(name, ClusterKind.GKE)), name
        assert ("MIG" in sharing) == bool(accelerator.mig_profiles), name
        assert ("MPS" in sharing) == (accelerator.vendor == "NVIDIA"), name
        assert ("slices" in sharing) == accelerator.is_tpu, name


def test_versions_of_kubernetes_are_those_of_the_tables() -> None:
    assert f"| `eks` | {next(iter(EKS_VERSIONS))} to {[*EKS_VERSIONS][-1]}," in PAGE
    assert f"control plane {pins.KUBERNETES_VERSION}" in PAGE
    for least in SINCE_VERSION.values():
        assert all(version in PAGE for version in least.values())


def test_pinned_tools_are_those_of_the_table() -> None:
    (said,) = re.findall(r"Pinned tools: (.*?)\.\n", PAGE, re.DOTALL)
    assert re.findall(r"\d+\.\d+\.\d+", said) == [
        pins.PULUMI_VERSION,
        pins.KUBERNETES_PROVIDER_VERSION,
        pins.KUBERNETES_VERSION,
        pins.KWOK_VERSION,
        pins.ETCD_VERSION,
        pins.HELM_VERSION,
    ]
