"""GKE node pools: the exact children of each kind of pool, against the API model, and what an update does to them.

Not proved: that Google has the machines, or takes a combination of settings; that the scheduler's calls succeed.
"""

import base64
import json
from typing import Any

import pytest

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Owner, Sharing
from catalog.machines import MACHINES
from components.clouds.gke.node_plan import topologies_of
from components.clouds.gke.node_pool import GkeNodePool
from components.clouds.gke.spec import GkePurchase
from components.clouds.gke.tables import WORKLOAD_POLICY_ACCELERATORS
from components.findings import Refused
from tests.components.clouds.gke.handles import AUTOPILOT, CLUSTER
from tests.recorder import Recording, record
from tests.support.google_api import departures, untranslated

L4 = {"machine": "g2-standard-8", "nodes_min": 0, "nodes_max": 4}
SLICES = {
    "machine": "ct5lp-hightpu-4t",
    "topology": "4x4",
    "nodes_min": 4,
    "nodes_max": 12,
    "zones": ["europe-west4-b"],
}
HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5", "time_zone": "Europe/Paris"}
RETRIES = {"retryCount": 5, "minBackoffDuration": "60s", "maxBackoffDuration": "600s", "maxDoublings": 3}
"""25 minutes in all."""
GKE_MACHINES = [machine for machine in MACHINES.values() if machine.kind is ClusterKind.GKE]


def declared(spec: dict[str, Any], name: str = "pool", cluster: Any = CLUSTER) -> Recording:
    return record(lambda: GkeNodePool(name, {"cluster": cluster, "pool": spec}) and None)  # type: ignore[typeddict-item]


def handle(spec: dict[str, Any]) -> Any:
    found: list[Any] = []
    record(lambda: found.append(GkeNodePool("pool", {"cluster": CLUSTER, "pool": spec}).handle))  # type: ignore[typeddict-item]
    return found[0]


def config(spec: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = declared(spec).of("NodePool")[0].inputs["nodeConfig"]
    return found


def pool(spec: dict[str, Any]) -> dict[str, Any]:
    return declared(spec).one("NodePool").inputs


def test_a_gpu_pool_is_one_node_pool_that_scales_over_its_zones() -> None:
    recording = declared(L4)
    assert recording.kinds() == ["GkeNodePool pool", "NodePool pool-nodes"]
    inputs = recording.one("NodePool").inputs
    assert inputs["autoscaling"] == {
        "totalMinNodeCount": 0,
        "totalMaxNodeCount": 4,
        "locationPolicy": "BALANCED",
    }
    assert inputs["nodeConfig"]["guestAccelerators"] == [
        {"type": "nvidia-l4", "count": 1, "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"}}
    ]
    assert inputs["nodeConfig"]["serviceAccount"] == CLUSTER["node_service_account"]
    assert inputs["nodeLocations"] == ["europe-west4-a", "europe-west4-b"]


def test_what_gke_sets_by_itself_is_in_the_handle_and_not_declared() -> None:
    placement, declared_config = handle(L4)["placement"], config(L4)
    assert placement["node_selector"] == {
        "mlplatform.dev/pool": "pool",
        "cloud.google.com/gke-accelerator": "nvidia-l4",
    }
    assert [toleration["key"] for toleration in placement["tolerations"]] == ["nvidia.com/gpu"]
    assert declared_config["labels"] == {"mlplatform.dev/pool": "pool", "mlplatform.dev/purchase": "on-demand"}


def test_a_gpu_pool_declares_the_taint_that_gke_leaves_out_on_the_first_pools_of_a_cluster() -> None:
    gpu = {"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}
    assert config(L4)["taints"] == [gpu]
    spot = {"key": "mlplatform.dev/spot", "value": "true", "effect": "NO_SCHEDULE"}
    assert config({**L4, "purchase": GkePurchase.SPOT})["taints"] == [gpu, spot]
    assert config({**SLICES})["taints"] == []


def test_arm_nodes_and_queued_nodes_are_tolerated_with_the_taints_that_gke_gives_them() -> None:
    arm = {"machine": "c4a-standard-16", "nodes_min": 1, "nodes_max": 2}
    assert [t["key"] for t in handle(arm)["placement"]["tolerations"]] == ["kubernetes.io/arch"]
    queued = {**L4, "purchase": GkePurchase.QUEUED}
    assert [t["key"] for t in handle(queued)["placement"]["tolerations"]] == [
        "nvidia.com/gpu",
        "cloud.google.com/gke-queued",
    ]
    assert config(arm)["taints"] == []
    assert [taint["key"] for taint in config(queued)["taints"]] == ["nvidia.com/gpu"]


@pytest.mark.parametrize("machine", GKE_MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("purchase", GkePurchase)
def test_every_machine_in_every_way_to_buy_registers_what_the_api_knows_or_is_refused(
    machine: Any, purchase: GkePurchase
) -> None:
    spec: dict[str, Any] = {
        "machine": machine.name,
        "nodes_min": 0,
        "nodes_max": 2,
        "purchase": purchase,
        "zones": ["europe-west4-a"],
    }
    if purchase is GkePurchase.RESERVED:
        spec["reservation"] = "projects/acme-shared/reservations/h100/reservationBlocks/b1"
    dynamic = purchase in (GkePurchase.FLEX_START, GkePurchase.QUEUED)
    scarce = machine.name in ("a3-highgpu-1g", "a3-highgpu-2g", "a3-highgpu-4g")
    sold = dynamic or not scarce or purchase is GkePurchase.SPOT
    if not sold or (dynamic and (not machine.accelerator or machine.accelerator == "TPU-v4")):
        with pytest.raises(Refused):
            declared(spec)
        return
    inputs = pool(spec)
    assert departures("container.v1", "NodePool", inputs) == []
    assert untranslated(inputs) == []
    assert inputs["nodeConfig"].get("spot", False) == (purchase is GkePurchase.SPOT)
    assert inputs["nodeConfig"].get("flexStart", False) == dynamic
    assert inputs.get("queuedProvisioning") == ({"enabled": True} if purchase is GkePurchase.QUEUED else None)
    assert inputs["management"] == {"autoRepair": not dynamic, "autoUpgrade": True}
    assert ("upgradeSettings" in inputs) != dynamic
    assert inputs["nodeConfig"]["diskType"] in machine.boot_disks
    ssds = inputs["nodeConfig"].get("ephemeralStorageLocalSsdConfig", {}).get("localSsdCount", 0)
    assert ssds == machine.local_ssds


@pytest.mark.parametrize("machine", [m for m in GKE_MACHINES if m.topology], ids=lambda machine: machine.name)
def test_every_slice_of_every_tpu_machine_registers_a_node_pool_that_the_api_knows(machine: Any) -> None:
    accelerator = ACCELERATORS[machine.accelerator]
    for topology in topologies_of(machine)[:12]:
        spec = {"machine": machine.name, "topology": topology, "nodes_min": 0, "zones": ["europe-west4-a"]}
        sides = [int(side) for side in topology.split("x")]
        hosts = max(1, _product(sides) // machine.devices)
        recording = declared({**spec, "nodes_max": hosts})
        (inputs,) = [r.inputs for r in recording.of("NodePool")]
        assert departures("container.v1", "NodePool", inputs) == []
        assert "guestAccelerators" not in inputs["nodeConfig"]
        policies = recording.of("ResourcePolicy")
        if hosts == 1:
            assert "placementPolicy" not in inputs
            assert policies == []
        elif accelerator.name in WORKLOAD_POLICY_ACCELERATORS:
            (policy,) = policies
            assert departures("compute.v1", "ResourcePolicy", policy.inputs) == []
            assert policy.inputs["workloadPolicy"] == {"type": "HIGH_THROUGHPUT", "acceleratorTopology": topology}
            assert inputs["placementPolicy"] == {"type": "COMPACT", "policyName": policy.inputs["name"]}
        else:
            assert policies == []
            assert inputs["placementPolicy"] == {"type": "COMPACT", "tpuTopology": topology}


def _product(sides: list[int]) -> int:
    total = 1
    for side in sides:
        total *= side
    return total


def test_slices_of_several_hosts_are_a_node_pool_each_and_come_and_go_as_one() -> None:
    recording = declared(SLICES, "tpu")
    assert recording.kinds() == [
        "GkeNodePool tpu",
        "NodePool tpu-slice-0",
        "NodePool tpu-slice-1",
        "NodePool tpu-slice-2",
    ]
    pools = {r.name: r.inputs for r in recording.of("NodePool")}
    stays, comes = pools["tpu-slice-0"], pools["tpu-slice-1"]
    assert stays["initialNodeCount"] == 4
    assert "autoscaling" not in stays
    assert comes["initialNodeCount"] == 0
    assert comes["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 4, "locationPolicy": "BALANCED"}
    assert [p["nodeConfig"]["labels"]["mlplatform.dev/tpu-slice"] for p in (stays, comes)] == ["tpu-0", "tpu-1"]
    assert stays["nodeLocations"] == ["europe-west4-b"]
    assert handle(SLICES)["placement"]["hosts_per_slice"] == 4


@pytest.mark.parametrize(
    ("sharing", "expected", "units"),
    [
        (
            {"strategy": Sharing.TIME_SLICING, "replicas": 4},
            {"gpuSharingConfig": {"gpuSharingStrategy": "TIME_SHARING", "maxSharedClientsPerGpu": 4}},
            4,
        ),
        (
            {"strategy": Sharing.MPS, "replicas": 8},
            {"gpuSharingConfig": {"gpuSharingStrategy": "MPS", "maxSharedClientsPerGpu": 8}},
            8,
        ),
        ({"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}, {"gpuPartitionSize": "1g.10gb"}, 7),
    ],
)
def test_shares_are_what_gke_calls_them_and_keep_the_name_of_the_device(
    sharing: dict[str, Any], expected: dict[str, Any], units: int
) -> None:
    spec = {"machine": "a2-ultragpu-1g", "nodes_min": 0, "nodes_max": 1, "sharing": sharing}
    (guest,) = config(spec)["guestAccelerators"]
    assert guest.items() >= expected.items()
    assert departures("container.v1", "NodePool", pool(spec)) == []
    capacity = handle(spec)["capacity"]
    assert capacity["units_per_node"] == {"nvidia.com/gpu": units}
    assert handle(spec)["software"]["device_plugin"] is Owner.CLOUD


def test_with_dra_gke_brings_neither_driver_nor_device_plugin() -> None:
    spec = {**L4, "device_allocation": DeviceAllocation.DRA}
    node = config(spec)
    assert node["guestAccelerators"][0]["gpuDriverInstallationConfig"] == {"gpuDriverVersion": "INSTALLATION_DISABLED"}
    assert (
        node["labels"].items()
        >= {
            "gke-no-default-nvidia-gpu-device-plugin": "true",
            "nvidia.com/gpu.present": "true",
        }.items()
    )
    assert node["shieldedInstanceConfig"]["enableSecureBoot"] is False
    assert handle(spec)["software"] == {
        "driver": Owner.FOUND,
        "device_plugin": Owner.PLATFORM,
        "device_allocation": DeviceAllocation.DRA,
    }


def test_a_reservation_is_the_only_place_that_reserved_nodes_come_from() -> None:
    spec = {**L4, "purchase": GkePurchase.RESERVED, "reservation": "l4-prod", "zones": ["europe-west4-a"]}
    assert config(spec)["reservationAffinity"] == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["l4-prod"],
    }


def test_flex_start_nodes_live_as_long_as_asked_for() -> None:
    node = config({**L4, "purchase": GkePurchase.FLEX_START, "max_run_hours": 24})
    assert node["maxRunDuration"] == "86400s"
    assert node["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}


def test_workloads_learn_how_long_a_node_lives_and_whether_it_comes_by_request() -> None:
    def told(**change: Any) -> tuple[Any, Any]:
        placement = handle({**L4, **change})["placement"]
        return placement.get("max_run_hours"), placement.get("queued")

    assert told() == told(purchase=GkePurchase.SPOT) == (None, None)
    assert told(purchase=GkePurchase.FLEX_START) == (168, None)
    assert told(purchase=GkePurchase.QUEUED, max_run_hours=24) == (24, True)


@pytest.mark.parametrize(
    ("change", "replaced"),
    [
        ({"nodes_max": 9}, False),
        ({"disk_gib": 300}, False),
        ({"labels": {"acme.dev/tier": "a"}}, False),
        ({"zones": ["europe-west4-a"]}, False),
        ({"machine": "g2-standard-12"}, True),
        ({"purchase": GkePurchase.SPOT}, True),
        ({"sharing": {"strategy": Sharing.MPS, "replicas": 2}}, True),
        ({"driver_version": "latest"}, True),
        ({"driver_version": "disabled"}, True),
        ({"local_ssds": 1}, True),
    ],
)
def test_what_cannot_be_changed_in_place_changes_the_name_so_that_new_nodes_come_first(
    change: dict[str, Any], replaced: bool
) -> None:
    before, after = pool(L4)["name"], pool({**L4, **change})["name"]
    assert (before != after) == replaced


def test_what_the_autoscaler_and_the_hours_move_is_no_change_of_ours() -> None:
    assert declared(L4).one("NodePool").ignore_changes == ("initialNodeCount", "nodeCount")
    assert declared({**L4, "working_hours": HOURS}).one("NodePool").ignore_changes == (
        "initialNodeCount",
        "nodeCount",
        "autoscaling",
    )


def test_names_stay_within_what_gke_takes_and_apart() -> None:
    names = [r.inputs["name"] for r in declared(SLICES, "a" * 40).of("NodePool")]
    assert len(set(names)) == 3
    assert all(len(name) <= 40 for name in names)


@pytest.mark.parametrize(
    ("nodes", "zones", "initial"),
    [((0, 4), 2, 0), ((3, 6), 3, 1), ((1, 6), 3, 1), ((1, 1), 2, 0), ((4, 4), 2, 2), ((3, 3), 2, 1)],
)
def test_a_pool_starts_with_its_fewest_nodes_and_never_with_more_than_its_most(
    nodes: tuple[int, int], zones: int, initial: int
) -> None:
    places = ["europe-west4-a", "europe-west4-b", "europe-west4-c"]
    cluster = {**CLUSTER, "zones": places[:zones]}
    spec = {"machine": "n2-standard-8", "nodes_min": nodes[0], "nodes_max": nodes[1]}
    assert declared(spec, cluster=cluster).one("NodePool").inputs["initialNodeCount"] == initial


def test_working_hours_are_calls_of_gke_under_an_account_that_can_do_nothing_else() -> None:
    recording = declared({**L4, "working_hours": HOURS})
    assert recording.kinds() == [
        "Account pool-hours-account",
        "GkeNodePool pool",
        "IAMCustomRole pool-hours-role",
        "IAMMember pool-hours-grant",
        "Job pool-hours-empty",
        "Job pool-hours-end",
        "Job pool-hours-start",
        "NodePool pool-nodes",
    ]
    assert recording.one("IAMCustomRole").inputs["permissions"] == ["container.clusters.update"]
    node_pool = recording.one("NodePool").inputs["name"]
    where = f"projects/acme-ml-prod/locations/europe-west4/clusters/ml/nodePools/{node_pool}"
    calls = {
        "start": ("setAutoscaling", "0 7 * * 1-5", "SetNodePoolAutoscalingRequest"),
        "end": ("setAutoscaling", "0 20 * * 1-5", "SetNodePoolAutoscalingRequest"),
        "empty": ("setSize", "3,9 20 * * 1-5", "SetNodePoolSizeRequest"),
    }
    bodies = {}
    for role, (method, schedule, request) in calls.items():
        job = recording.one("Job", f"pool-hours-{role}").inputs
        assert departures("cloudscheduler.v1", "Job", job) == []
        assert job["httpTarget"]["uri"] == f"https://container.googleapis.com/v1/{where}:{method}"
        assert (job["schedule"], job["timeZone"]) == (schedule, "Europe/Paris")
        assert job["retryConfig"] == RETRIES
        bodies[role] = json.loads(base64.b64decode(job["httpTarget"]["body"]))
        assert departures("container.v1", request, bodies[role]) == []
    assert bodies["start"]["autoscaling"] == {
        "enabled": True,
        "totalMinNodeCount": 0,
        "totalMaxNodeCount": 4,
        "locationPolicy": "BALANCED",
    }
    assert bodies["end"] == {"autoscaling": {"enabled": False}}
    assert bodies["empty"] == {"nodeCount": 0}


def test_an_autopilot_cluster_has_no_pools_of_ours() -> None:
    with pytest.raises(Refused, match="declare a compute class"):
        declared(L4, cluster=AUTOPILOT)
