"""Rules on GKE: what is refused, where, and that what is right passes. Not proved: what Google itself refuses."""

import itertools
from typing import Any

import pytest

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Sharing
from catalog.machines import MACHINES
from components.clouds.gke.compute_class_validation import check_class_name, check_compute_class
from components.clouds.gke.node_plan import topologies_of
from components.clouds.gke.spec import GkeMode, GkePurchase
from components.clouds.gke.validation import check_gke_pool, check_pool_name

L4: dict[str, Any] = {"machine": "g2-standard-8", "nodes_min": 0, "nodes_max": 4}
A100: dict[str, Any] = {"machine": "a2-ultragpu-1g", "nodes_min": 0, "nodes_max": 4}
CPU: dict[str, Any] = {"machine": "n2-standard-8", "nodes_min": 1, "nodes_max": 4}
TPU: dict[str, Any] = {"machine": "ct5lp-hightpu-4t", "nodes_min": 0, "nodes_max": 4}
ZONES = ["europe-west4-a", "europe-west4-b"]
HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5"}
MIG = {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}
TIMES = {"name": "holidays", "start": "2026-12-20T00:00:00Z", "end": "2027-01-03T00:00:00Z", "scope": "no-upgrades"}


def pool(spec: dict[str, Any], mode: GkeMode = GkeMode.STANDARD) -> list[str]:
    found = check_gke_pool("pools.x", spec, mode, region="europe-west4", zones=ZONES)  # type: ignore[arg-type]
    findings = list(found)
    assert all(f.value and f.rule and f.remedy for f in findings)
    return [f.path.removeprefix("pools.x").removeprefix(".") for f in findings]


GOOD_POOLS: dict[str, dict[str, Any]] = {
    "gpu": L4,
    "cpu": CPU,
    "one host": TPU,
    "slices": {**TPU, "topology": "4x4", "nodes_max": 8, "zones": ["europe-west4-a"]},
    "eight chips": {"machine": "ct6e-standard-8t", "topology": "2x4", "nodes_min": 0, "nodes_max": 2},
    "mig": {**A100, "sharing": MIG},
    "time-slicing": {**L4, "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 48}},
    "reserved": {**L4, "purchase": "reserved", "reservation": "l4-prod", "zones": ["europe-west4-a"]},
    "reserved block": {
        **L4,
        "purchase": "reserved",
        "reservation": "projects/acme/reservations/l4/reservationBlocks/b-1",
        "zones": ["europe-west4-a"],
    },
    "own block": {
        **L4,
        "purchase": "reserved",
        "reservation": "l4/reservationBlocks/b-1/reservationSubBlocks/s-1",
        "zones": ["europe-west4-a"],
    },
    "flex-start": {**L4, "purchase": "flex-start", "max_run_hours": 168},
    "queued": {**L4, "purchase": "queued"},
    "working hours": {**L4, "working_hours": {**HOURS, "time_zone": "Europe/Paris"}},
    "dra": {**L4, "device_allocation": DeviceAllocation.DRA},
    "own driver": {**L4, "driver_version": "disabled"},
    "compact": {**L4, "compact": True, "zones": ["europe-west4-a"]},
    "local ssds": {**CPU, "local_ssds": 4},
    "labels": {**L4, "labels": {"acme.dev/tier": "a", "tier": "b"}},
}


@pytest.mark.parametrize("spec", GOOD_POOLS.values(), ids=GOOD_POOLS)
def test_a_pool_that_can_be_passes(spec: dict[str, Any]) -> None:
    assert pool(spec) == []


BAD_POOLS: list[tuple[dict[str, Any], list[str]]] = [
    ({**L4, "machine": "g2-standrad-8"}, ["machine"]),
    ({**L4, "machine": "p5.48xlarge"}, ["machine"]),
    ({**L4, "machine": "mi300x-8"}, ["machine"]),
    ({**L4, "machine": ""}, ["machine"]),
    ({**L4, "nodes_max": 0}, ["nodesMax"]),
    ({**L4, "nodes_max": 6000}, ["nodesMax"]),
    ({**L4, "nodes_min": 5}, ["nodesMin"]),
    ({**L4, "nodes_min": -1}, ["nodesMin"]),
    ({**L4, "topology": "2x4"}, ["topology"]),
    ({**TPU, "topology": "3x5"}, ["topology"]),
    ({"machine": "ct5lp-hightpu-8t", "nodes_min": 0, "nodes_max": 2, "topology": "4x4"}, ["topology"]),
    ({"machine": "ct5lp-hightpu-1t", "nodes_min": 0, "nodes_max": 2, "topology": "2x4"}, ["topology"]),
    ({**TPU, "topology": "4x4", "nodes_max": 6, "zones": ["europe-west4-a"]}, ["nodesMax"]),
    ({**TPU, "topology": "4x4", "nodes_max": 8, "nodes_min": 2, "zones": ["europe-west4-a"]}, ["nodesMax"]),
    ({**TPU, "topology": "4x4", "nodes_max": 8}, ["zones"]),
    ({**TPU, "topology": "2x4", "nodes_max": 500, "zones": ["europe-west4-a"]}, ["nodesMax"]),
    ({**L4, "zones": ["europe-west4"]}, ["zones[0]"]),
    ({**L4, "zones": ["us-central1-a"]}, ["zones[0]"]),
    ({**L4, "zones": ["europe-west4-c"]}, ["zones[0]"]),
    ({**L4, "zones": ["europe-west4-a", "europe-west4-a"]}, ["zones"]),
    ({**L4, "purchase": "preemptible"}, ["purchase"]),
    ({**L4, "purchase": "reserved", "zones": ["europe-west4-a"]}, ["reservation"]),
    ({**L4, "purchase": "reserved", "reservation": "H100 prod", "zones": ["europe-west4-a"]}, ["reservation"]),
    (
        {**L4, "purchase": "reserved", "reservation": "projects/acme/zones/a/reservations/x", "zones": ZONES[:1]},
        ["reservation"],
    ),
    ({**L4, "purchase": "reserved", "reservation": "l4-prod"}, ["zones"]),
    ({**L4, "purchase": "spot", "reservation": "l4-prod"}, ["reservation"]),
    ({**L4, "max_run_hours": 24}, ["maxRunHours"]),
    ({**L4, "purchase": "flex-start", "max_run_hours": 169}, ["maxRunHours"]),
    ({**L4, "purchase": "flex-start", "nodes_min": 1}, ["nodesMin"]),
    ({**CPU, "nodes_min": 0, "purchase": "queued"}, ["purchase"]),
    ({"machine": "ct4p-hightpu-4t", "nodes_min": 0, "nodes_max": 1, "purchase": "flex-start"}, ["purchase"]),
    ({**L4, "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 49}}, ["sharing.replicas"]),
    ({**L4, "sharing": {"strategy": Sharing.MPS, "replicas": 1}}, ["sharing.replicas"]),
    ({**L4, "sharing": MIG}, ["sharing.strategy"]),
    ({**A100, "sharing": {**MIG, "mig_profiles": {"1g.10gb": 4}}}, ["sharing.migProfiles.1g.10gb"]),
    (
        {**A100, "sharing": {**MIG, "mig_profiles": {"3g.40gb": 1, "2g.20gb": 1}}},
        ["sharing.migProfiles", "sharing.migProfiles.3g.40gb", "sharing.migProfiles.2g.20gb"],
    ),
    ({**TPU, "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 2}}, ["sharing.strategy"]),
    ({**CPU, "sharing": {"strategy": Sharing.MPS, "replicas": 2}}, ["sharing"]),
    ({**CPU, "driver_version": "latest"}, ["driverVersion"]),
    ({**TPU, "driver_version": "latest"}, ["driverVersion"]),
    ({**L4, "driver_version": "580"}, ["driverVersion"]),
    ({**TPU, "device_allocation": DeviceAllocation.DRA}, ["deviceAllocation"]),
    ({**L4, "device_allocation": "dra", "driver_version": "latest"}, ["driverVersion"]),
    ({**L4, "device_allocation": "dra", "sharing": {"strategy": Sharing.MPS, "replicas": 2}}, ["sharing"]),
    ({**L4, "disk_gib": 5}, ["diskGib"]),
    ({**L4, "local_ssds": 2}, ["localSsds"]),
    ({**A100, "local_ssds": 1}, ["localSsds"]),
    ({**L4, "compact": True}, ["zones"]),
    ({**CPU, "compact": True, "zones": ["europe-west4-a"]}, ["compact"]),
    ({**L4, "compact": True, "zones": ["europe-west4-a"], "purchase": "queued"}, ["compact"]),
    ({**L4, "working_hours": HOURS, "nodes_min": 1}, ["workingHours"]),
    ({**L4, "working_hours": {**HOURS, "end": "20:00"}}, ["workingHours.end"]),
    ({**L4, "working_hours": {**HOURS, "end": HOURS["start"]}}, ["workingHours.end"]),
    ({**L4, "working_hours": {**HOURS, "end": "55 20 * * 1-5"}}, ["workingHours.end"]),
    ({**L4, "working_hours": {**HOURS, "end": "*/5 20 * * 1-5"}}, ["workingHours.end"]),
    ({**L4, "working_hours": {**HOURS, "time_zone": "Paris"}}, ["workingHours.timeZone"]),
    (
        {**L4, "labels": {"cloud.google.com/gke-accelerator": "nvidia-l4"}},
        ["labels.cloud.google.com/gke-accelerator"],
    ),
    ({**L4, "labels": {"node-role.kubernetes.io/gpu": "a"}}, ["labels.node-role.kubernetes.io/gpu"]),
    ({**L4, "labels": {"tier": "a b"}}, ["labels.tier"]),
    ({**L4, "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]}, ["taints[0].key"]),
    ({**L4, "taints": [{"key": "acme.dev/x", "value": "", "effect": "Never"}]}, ["taints[0].effect"]),
]


@pytest.mark.parametrize(("spec", "paths"), BAD_POOLS)
def test_a_pool_that_cannot_be_is_refused_where_it_is_wrong(spec: dict[str, Any], paths: list[str]) -> None:
    assert pool(spec) == paths


def test_the_refusal_of_a_machine_of_another_cloud_names_those_of_gke() -> None:
    (finding,) = check_gke_pool("x", {**L4, "machine": "p5.48xlarge"}, GkeMode.STANDARD)  # type: ignore[typeddict-item]
    assert "a3-highgpu-8g" in finding.remedy
    (amd,) = check_gke_pool("x", {**L4, "machine": "mi300x-8"}, GkeMode.STANDARD)  # type: ignore[typeddict-item]
    assert amd.remedy.startswith("GKE has no MI300X")


def test_the_refusal_of_a_count_of_partitions_says_the_right_number() -> None:
    spec = {**A100, "sharing": {**MIG, "mig_profiles": {"2g.20gb": 1}}}
    (finding,) = check_gke_pool("x", spec, GkeMode.STANDARD)  # type: ignore[arg-type]
    assert finding.remedy == "write 2g.20gb: 3"


def test_autopilot_has_no_pools() -> None:
    assert pool(L4, GkeMode.AUTOPILOT) == [""]


WITHOUT_A_WAIT = {GkePurchase.ON_DEMAND, GkePurchase.SPOT, GkePurchase.RESERVED}
OFFERS: dict[str, tuple[set[Sharing], set[DeviceAllocation], set[GkePurchase]]] = {
    "n2-standard-8": ({Sharing.EXCLUSIVE}, {DeviceAllocation.DEVICE_PLUGIN}, WITHOUT_A_WAIT),
    "g2-standard-8": ({*Sharing} - {Sharing.MIG}, {*DeviceAllocation}, {*GkePurchase}),
    "a2-ultragpu-1g": ({*Sharing}, {*DeviceAllocation}, {*GkePurchase}),
    "a3-highgpu-1g": (
        {*Sharing},
        {*DeviceAllocation},
        {GkePurchase.SPOT, GkePurchase.FLEX_START, GkePurchase.QUEUED},  # smaller than a host: only what is left over
    ),
    "ct5lp-hightpu-4t": ({Sharing.EXCLUSIVE}, {DeviceAllocation.DEVICE_PLUGIN}, {*GkePurchase}),
    "ct4p-hightpu-4t": ({Sharing.EXCLUSIVE}, {DeviceAllocation.DEVICE_PLUGIN}, WITHOUT_A_WAIT),
}
"""One machine of each kind that differs -> how it is shared, allocated and bought. Claims take whole devices."""


def sold(machine: str, strategy: Sharing, allocation: DeviceAllocation, purchase: GkePurchase) -> dict[str, Any]:
    """A pool of that machine, complete."""
    spec: dict[str, Any] = {"machine": machine, "nodes_min": 0, "nodes_max": 1, "zones": ["europe-west4-a"]}
    spec |= {"device_allocation": allocation, "purchase": purchase}
    accelerator = ACCELERATORS.get(MACHINES[machine].accelerator)
    profiles = accelerator.mig_profiles if accelerator else ()
    match strategy:
        case Sharing.TIME_SLICING | Sharing.MPS:
            spec["sharing"] = {"strategy": strategy, "replicas": 2}
        case Sharing.MIG:
            partitions = {profiles[0].name: profiles[0].maximum} if profiles else {}
            spec["sharing"] = {"strategy": strategy, "mig_profiles": partitions}
    return {**spec, "reservation": "mine"} if purchase is GkePurchase.RESERVED else spec


@pytest.mark.parametrize("machine", OFFERS)
def test_every_combination_of_sharing_allocation_and_purchase_is_decided(machine: str) -> None:
    strategies, allocations, purchases = OFFERS[machine]
    wrong = []
    for strategy, allocation, purchase in itertools.product(Sharing, DeviceAllocation, GkePurchase):
        whole = strategy is Sharing.EXCLUSIVE or allocation is not DeviceAllocation.DRA
        possible = whole and strategy in strategies and allocation in allocations and purchase in purchases
        if (pool(sold(machine, strategy, allocation, purchase)) == []) != possible:
            wrong.append((strategy, allocation, purchase))
    assert wrong == []


@pytest.mark.parametrize("machine", [m for m in MACHINES.values() if m.kind is ClusterKind.GKE], ids=lambda m: m.name)
def test_every_machine_can_be_had_and_cut_where_its_device_can_be(machine: Any) -> None:
    plain = Sharing.EXCLUSIVE, DeviceAllocation.DEVICE_PLUGIN, GkePurchase.SPOT
    assert pool(sold(machine.name, *plain)) == []
    accelerator = ACCELERATORS.get(machine.accelerator)
    cut = pool(sold(machine.name, Sharing.MIG, *plain[1:]))
    assert (cut == []) == bool(accelerator and accelerator.mig_profiles)


def test_every_topology_of_every_machine_passes_with_whole_slices_and_no_other() -> None:
    for machine in MACHINES.values():
        for topology in topologies_of(machine) if machine.kind is ClusterKind.GKE else []:
            chips = 1
            for side in topology.split("x"):
                chips *= int(side)
            hosts = chips // machine.devices
            spec = {"machine": machine.name, "topology": topology, "nodes_min": 0, "zones": ["europe-west4-a"]}
            if hosts <= 5000:
                assert pool({**spec, "nodes_max": hosts}) == []
                assert hosts == 1 or pool({**spec, "nodes_max": hosts + 1}) != []


def test_names_are_those_that_gke_takes() -> None:
    assert list(check_pool_name("x", "h100")) == []
    assert [f.path for name in ("", "9a", "a" * 41, "No Name!") for f in check_pool_name("x", name)] == ["x"] * 4
    assert [f.rule for f in check_class_name("x", "gke-mine")] == ["the prefixes gke and autopilot are reserved by GKE"]


TPU7X: dict[str, Any] = {"machine": "tpu7x-standard-4t", "nodes_max": 1}


@pytest.mark.parametrize(
    ("mode", "version", "refused"),
    [
        (GkeMode.STANDARD, "1.33", True),
        (GkeMode.STANDARD, "1.34.0-gke.2200000", True),
        (GkeMode.STANDARD, "1.34.0-gke.2201000", False),
        (GkeMode.STANDARD, "1.34", False),
        (GkeMode.STANDARD, "", False),
        (GkeMode.STANDARD, "1.35.1", False),
        (GkeMode.AUTOPILOT, "1.34.0", True),
        (GkeMode.AUTOPILOT, "1.34.0-gke.2201000", True),
        (GkeMode.AUTOPILOT, "1.34.1-gke.3084001", False),
    ],
)
def test_a_tpu7x_needs_a_gke_that_has_it(mode: GkeMode, version: str, refused: bool) -> None:
    asked: dict[str, Any] = {"region": "europe-west4", "zones": ZONES[:1], "kubernetes_version": version}
    limits: Any = {"cpu_max": 500, "memory_gib_max": 2000, "accelerators_max": {"TPU-v7x": 4}}
    spec: Any = {**TPU7X, "purchases": ["spot"]}
    found = [list(check_compute_class("x", spec, mode, limits, **asked))]
    if mode is GkeMode.STANDARD:
        found.append(list(check_gke_pool("x", {**TPU7X, "nodes_min": 0}, mode, **asked)))  # type: ignore[typeddict-item]
    for findings in found:
        assert [(f.path, "has TPU-v7x from 1.34" in f.rule) for f in findings] == [("x.machine", True)] * refused


def test_no_other_machine_is_held_against_the_version() -> None:
    assert list(check_gke_pool("x", L4, GkeMode.STANDARD, zones=ZONES, kubernetes_version="1.30")) == []  # type: ignore[arg-type]
