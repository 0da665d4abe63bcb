"""Devices by claim. Not proved here: that the scheduler allocates them (tests/engine/test_workloads.py)."""

import pytest

from catalog.accelerators import DeviceAllocation
from components.capacity.ledger import quota_key, quota_resource, supplies_of
from components.capacity.placement import pod_needs
from components.clouds.pool_validation import check_pool
from components.workloads.device_claims import claim_spec
from components.workloads.serving.model_server import ModelServer
from components.workloads.training.distributed import DistributedTrainingJob
from components.workloads.training.job import TrainingJob
from tests.components.platform_handles import SHARED, TEAM, pool
from tests.recorder import Recording, record

CLAIMED = pool(device_allocation=DeviceAllocation.DRA)
COUNTED = pool()
JOB = {
    "run": "1",
    "image": "registry.example.com/train:1",
    "cpu_millis": 1000,
    "memory_gib": 8,
    "deadline_minutes": 60,
    "accelerators": {"count": 4},
}
SERVER = {"image": "registry.example.com/serve:1", "cpu_millis": 1000, "memory_gib": 8, "accelerators": {"count": 1}}


def registered(mechanism_pool) -> list[Recording]:
    handles = {"team": TEAM, "pool": mechanism_pool}
    return [
        record(lambda: TrainingJob("one", {"job": JOB, **handles}) and None),
        record(lambda: DistributedTrainingJob("two", {"job": JOB, "workers": {"count": 2}, **handles}) and None),
        record(lambda: ModelServer("three", {"server": SERVER, **handles}) and None),
    ]


def test_a_workload_on_a_pool_with_dra_has_a_template_that_its_pods_and_its_container_name() -> None:
    for recording, kind in zip(registered(CLAIMED), ("Job", "Job", "Deployment"), strict=True):
        registered_template = recording.one("ResourceClaimTemplate")
        assert registered_template.delete_before_replace, "its name is fixed: two cannot exist at once"
        template = registered_template.inputs
        (workload,) = recording.of(kind)
        spec = workload.inputs["spec"]["template"]["spec"]
        assert spec["resourceClaims"] == [
            {"name": "devices", "resourceClaimTemplateName": template["metadata"]["name"]}
        ]
        (container,) = spec["containers"]
        assert container["resources"]["claims"] == [{"name": "devices"}]
        assert not [name for name in container["resources"]["limits"] if "nvidia" in name]


def test_a_workload_on_a_pool_with_a_device_plugin_has_none_of_it() -> None:
    for recording in registered(COUNTED):
        assert recording.of("ResourceClaimTemplate") == []
        assert not [r for r in recording.resources if "resourceClaims" in str(r.inputs)]


def test_a_claim_is_for_so_many_devices_of_the_pools_class() -> None:
    needs = pod_needs(CLAIMED, {"count": 4})
    assert (needs["units"], needs["claim"]) == ({}, {"gpu.nvidia.com": 4})
    (request,) = claim_spec(needs["claim"])["spec"]["devices"]["requests"]
    assert request["exactly"] == {"deviceClassName": "gpu.nvidia.com", "allocationMode": "ExactCount", "count": 4}


def test_a_quota_counts_devices_of_the_class() -> None:
    (supply,) = supplies_of(CLAIMED["capacity"])
    assert (supply.key, supply.units) == ("h100", 16)
    assert quota_key(supply.resource) == "gpu.nvidia.com.deviceclass.resource.k8s.io/devices"


@pytest.mark.parametrize("resource", ["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "gpu.nvidia.com"])
def test_a_quota_key_leads_back_to_what_it_counts(resource: str) -> None:
    assert quota_resource(quota_key(resource)) == resource


@pytest.mark.parametrize(
    ("args", "rule"),
    [
        ({"accelerator": "TPU-v5e", "topology": "2x4", "nodes_max": 2}, "no DRA driver"),
        ({"accelerator": "H100", "nodes_max": 1, "sharing": {"strategy": "time-slicing", "replicas": 2}}, "whole"),
        ({"nodes_max": 1}, "CPU pool"),
    ],
)
def test_a_pool_whose_devices_cannot_be_claimed_is_refused(args, rule: str) -> None:
    assert [f for f in check_pool("pool", {**args, "device_allocation": DeviceAllocation.DRA}) if rule in f.rule]


def test_two_workers_write_one_checkpoint_volume_in_addition_to_their_claims() -> None:
    job = {**JOB, "checkpoint": {"size_gib": 1}}
    args = {"job": job, "workers": {"count": 2}, "team": TEAM, "pool": CLAIMED, "checkpoint_storage": SHARED}
    recording = record(lambda: DistributedTrainingJob("two", args) and None)
    assert len(recording.of("PersistentVolumeClaim")) == len(recording.of("ResourceClaimTemplate")) == 1
