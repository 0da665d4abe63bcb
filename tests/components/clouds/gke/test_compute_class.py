"""Classes of nodes: the chain of ways to buy, the handle that pods take, and what bounds a class.

Not proved: what GKE makes of a class. The schema it is checked by is a stand-in of the documented fields.
"""

from typing import Any

import pytest

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES
from components.clouds.gke.compute_class import ComputeClass
from components.clouds.gke.spec import GkePurchase
from components.clouds.gke.validation import SPOT_OR_DYNAMIC
from components.findings import Refused
from tests.components.clouds.gke.handles import AUTOPILOT, CLUSTER
from tests.recorder import Recording, record

CHAIN = [GkePurchase.RESERVED, GkePurchase.FLEX_START, GkePurchase.SPOT]
L4: dict[str, Any] = {
    "machine": "g2-standard-8",
    "nodes_max": 4,
    "purchases": CHAIN,
    "reservation": "projects/acme-shared/reservations/l4/reservationBlocks/b1/reservationSubBlocks/s1",
    "zones": ["europe-west4-a"],
}


def declared(spec: dict[str, Any], cluster: Any = AUTOPILOT, **more: Any) -> Recording:
    args = {"cluster": cluster, "nodes": spec, **more}
    return record(lambda: ComputeClass("l4", args) and None)  # type: ignore[arg-type]


def handle(spec: dict[str, Any]) -> Any:
    found: list[Any] = []
    record(lambda: found.append(ComputeClass("l4", {"cluster": AUTOPILOT, "nodes": spec}).handle))  # type: ignore[typeddict-item]
    return found[0]


def test_a_class_is_one_object_that_says_what_is_tried_in_which_order() -> None:
    recording = declared(L4)
    assert recording.kinds() == ["ComputeClass l4", "ComputeClass l4-class"]
    body = recording.one("ComputeClass", "l4-class").inputs
    assert (body["apiVersion"], body["metadata"]["name"]) == ("cloud.google.com/v1", "l4")
    spec = body["spec"]
    hardware = {
        "machineType": "g2-standard-8",
        "storage": {"bootDiskType": "pd-balanced", "bootDiskSize": 200},
        "gpu": {"type": "nvidia-l4", "count": 1, "driverVersion": "default"},
    }
    location = {"location": {"zones": ["europe-west4-a"]}}
    reservation = {
        "name": "l4",
        "project": "acme-shared",
        "reservationBlock": {"name": "b1", "reservationSubBlock": {"name": "s1"}},
        "zones": ["europe-west4-a"],
    }
    assert spec["priorities"] == [
        {**hardware, "reservations": {"affinity": "Specific", "specific": [reservation]}},
        {**hardware, "flexStart": {"enabled": True}, "maxRunDurationSeconds": 604800, **location},
        {**hardware, "spot": True, **location},
    ]
    assert spec["whenUnsatisfiable"] == "DoNotScaleUp"
    assert spec["nodePoolConfig"]["nodeLabels"] == {"mlplatform.dev/pool": "l4"}
    assert spec["nodePoolConfig"]["serviceAccount"] == AUTOPILOT["node_service_account"]


def test_pods_select_a_class_as_they_select_a_pool() -> None:
    placement = handle(L4)["placement"]
    assert placement["node_selector"] == {"mlplatform.dev/pool": "l4", "cloud.google.com/compute-class": "l4"}
    assert [toleration["key"] for toleration in placement["tolerations"]] == [
        "nvidia.com/gpu",
        "mlplatform.dev/spot",
        "cloud.google.com/compute-class",
    ]
    assert handle(L4)["capacity"]["units_per_node"] == {"nvidia.com/gpu": 1}
    assert handle(L4)["capacity"]["nodes_max"] == 4


def test_a_class_that_may_be_flex_start_says_how_long_a_node_lives() -> None:
    assert handle(L4)["placement"]["max_run_hours"] == 168
    assert handle({**L4, "max_run_hours": 24})["placement"]["max_run_hours"] == 24
    assert "max_run_hours" not in handle({**L4, "purchases": [GkePurchase.RESERVED, GkePurchase.SPOT]})["placement"]


def test_what_holds_for_spot_holds_for_a_class_that_may_be_spot() -> None:
    assert handle(L4)["placement"]["purchase"] == "spot"
    reserved = {**L4, "purchases": [GkePurchase.RESERVED, GkePurchase.ON_DEMAND]}
    assert handle(reserved)["placement"]["purchase"] == "reserved"
    assert "taints" not in declared(reserved).one("ComputeClass", "l4-class").inputs["spec"]["nodePoolConfig"]


@pytest.mark.parametrize(
    "machine", [m for m in MACHINES.values() if m.kind is ClusterKind.GKE], ids=lambda machine: machine.name
)
def test_every_machine_makes_a_class_that_the_schema_takes(machine: Any) -> None:
    chain = [GkePurchase.SPOT] + ([] if machine.name in SPOT_OR_DYNAMIC else [GkePurchase.ON_DEMAND])
    spec = {"machine": machine.name, "nodes_max": 2, "purchases": chain}
    (first, *others) = declared(spec).one("ComputeClass", "l4-class").inputs["spec"]["priorities"]
    assert [rule["spot"] for rule in (first, *others)] == [True, False][: len(chain)]
    assert ("tpu" in first) == bool(machine.topology)
    assert ("gpu" in first) == (bool(machine.accelerator) and not machine.topology)


def test_a_standard_cluster_needs_limits_that_the_class_fits_into() -> None:
    spec = {**L4, "purchases": [GkePurchase.SPOT]}
    del spec["reservation"]
    with pytest.raises(Refused, match="node auto-provisioning needs limits"):
        declared(spec, CLUSTER)
    limits = {"cpu_max": 512, "memory_gib_max": 4096, "accelerators_max": {"L4": 3}}
    with pytest.raises(Refused, match=r"raise autoProvisioning.acceleratorsMax.L4"):
        declared(spec, CLUSTER, limits=limits)
    assert declared(spec, CLUSTER, limits={**limits, "accelerators_max": {"L4": 4}}).kinds()
