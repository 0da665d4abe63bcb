"""The machine table against the catalogue and against what EC2 said of itself.

Not proved here: that a machine is offered in a region, or to an account.
"""

import gzip
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import pytest

from catalog.accelerators import ACCELERATORS, ClusterKind
from catalog.machines import GKE_VOLUME_DISKS, MACHINES, Machine, eks_ami_type, machines_with
from tests.support.aws_models import enumeration

EC2 = [machine for machine in MACHINES.values() if machine.kind is ClusterKind.EKS]
GKE = [machine for machine in MACHINES.values() if machine.kind is ClusterKind.GKE]
NEVER_RECORDED = {"p6e-gb200.36xlarge"}


def by_name(machine: Machine) -> str:
    return machine.name


@pytest.fixture(scope="module")
def recorded() -> Mapping[str, Any]:
    """EC2's own answer to DescribeInstanceTypes, as moto carries it."""
    packed = resources.files("moto.ec2.resources").joinpath("instance_types.json.gz").read_bytes()
    answer: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return answer


@pytest.mark.parametrize("machine", MACHINES.values(), ids=by_name)
def test_a_machine_names_a_known_accelerator_its_number_and_its_source(machine: Machine) -> None:
    assert machine.accelerator in {"", *ACCELERATORS}
    assert (machine.devices > 0) == bool(machine.accelerator)
    assert machine.cpu > 0
    assert machine.memory_gib > 0
    assert machine.source


@pytest.mark.parametrize("machine", [m for m in EC2 if m.name not in NEVER_RECORDED], ids=by_name)
def test_a_row_of_ec2_is_what_ec2_says(machine: Machine, recorded: Mapping[str, Any]) -> None:
    said = recorded[machine.name]
    gpus = said.get("GpuInfo", {}).get("Gpus", [])
    neurons = said.get("NeuronInfo", {}).get("NeuronDevices", [])
    assert machine.devices == sum(device["Count"] for device in [*gpus, *neurons])
    assert machine.cpu == said["VCpuInfo"]["DefaultVCpus"]
    assert machine.memory_gib == said["MemoryInfo"]["SizeInMiB"] // 1024
    assert machine.efa_interfaces == said["NetworkInfo"].get("EfaInfo", {}).get("MaximumEfaInterfaces", 0)
    assert machine.nvme_gb == said.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)
    assert machine.capacity_blocks == ("capacity-block" in said["SupportedUsageClasses"])
    architectures = {"x86_64": "amd64", "arm64": "arm64"}
    assert machine.architecture in [architectures[name] for name in said["ProcessorInfo"]["SupportedArchitectures"]]
    for gpu in gpus:
        assert abs(gpu["MemoryInfo"]["SizeInMiB"] / 1024 - ACCELERATORS[machine.accelerator].memory_gib) < 2


def test_every_name_and_image_of_ec2_is_in_the_clouds_api_model() -> None:
    assert {machine.name for machine in EC2} <= enumeration("ec2", "InstanceType")
    assert {eks_ami_type(machine) for machine in EC2} <= enumeration("eks", "AMITypes")


@pytest.mark.parametrize("machine", GKE, ids=by_name)
def test_the_devices_of_a_gke_machine_are_the_number_in_its_name(machine: Machine) -> None:
    assert machine.boot_disks
    suffix = machine.name.rsplit("-", 1)[1]
    if suffix[-1] in "gt":
        assert int(suffix[:-1]) == machine.devices


@pytest.mark.parametrize("machine", GKE, ids=by_name)
def test_what_a_gke_machine_boots_from_its_volumes_can_have_too(machine: Machine) -> None:
    assert set(machine.boot_disks) <= machine.volume_disks


def test_disks_of_volumes_are_of_series_that_are_in_the_table() -> None:
    assert GKE_VOLUME_DISKS.keys() == {machine.name.rpartition("-")[0] for machine in GKE}
    assert {machine.name for machine in EC2 if machine.volume_disks} == set()


def test_every_accelerator_is_on_some_machine_and_a_tpu_on_gke_only() -> None:
    for name, accelerator in ACCELERATORS.items():
        kinds = {machine.kind for machine in machines_with(name)}
        assert kinds, name
        assert not accelerator.is_tpu or kinds == {ClusterKind.GKE}


def test_machines_come_with_the_largest_last() -> None:
    assert [m.name for m in machines_with("A100-40GB")] == [
        *("a2-highgpu-1g", "a2-highgpu-2g", "a2-highgpu-4g"),
        *("p4d.24xlarge", "a2-highgpu-8g", "a2-megagpu-16g"),
    ]
    assert [m.name for m in machines_with("A10G", ClusterKind.GKE)] == []
