"""Each row of the machine table registers a pool that the SDKs and the clouds' published API models accept.

Not proved here: that a region offers a machine, or that an account may have it; what a cloud checks beyond its model;
the kinds of Karpenter and of Auto Mode beyond their CRDs (`eks/test_karpenter_pool.py`). Managed node groups of every
machine and image are in `eks/test_node_pool.py`.
"""

from collections.abc import Callable
from typing import Any

import pytest

from catalog.accelerators import ACCELERATORS, ClusterKind
from catalog.machines import MACHINES, Machine
from components.clouds.eks.auto_mode import AutoModeNodePool
from components.clouds.eks.karpenter_pool import KarpenterNodePool
from components.clouds.eks.spec import NodeProvisioning
from components.clouds.eks.validation import check_eks_pool
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.gke.node_plan import topologies_of
from components.clouds.gke.node_pool import GkeNodePool
from components.clouds.gke.spec import GkePurchase
from components.clouds.gke.validation import SPOT_OR_DYNAMIC
from simulator.clouds.inputs import refused
from tests.components.clouds.gke.handles import CLUSTER
from tests.components.contract.eks import AUTO, KARPENTER, NODES
from tests.recorder import Recording, record

ZONE = "eu-west-1a"


def machines(kind: ClusterKind) -> list[Machine]:
    """The rows of one cloud."""
    return [machine for machine in MACHINES.values() if machine.kind is kind]


def by_name(machine: Machine) -> str:
    return machine.name


def complaints(program: Callable[[], Any]) -> tuple[Recording, list[str]]:
    """What a program registers, and what the clouds would say against it."""
    recording = record(program)
    found = []
    for resource in recording.resources:
        if resource.type.startswith(("aws:", "gcp:")):
            found += [f"{resource.name} {each}" for each in refused(resource.type, resource.inputs)]
    return recording, found


def eks_spec(machine: Machine, **over: Any) -> Any:
    """A pool with everything that the machine can have."""
    fabric: dict[str, Any] = {"efa": True, "zones": [ZONE]} if machine.efa_interfaces else {}
    return {"machines": [machine.name], "nodes_max": 2, **fabric, **over}


def test_every_row_of_the_table_is_tried_here() -> None:
    assert {machine.kind for machine in MACHINES.values()} == {ClusterKind.EKS, ClusterKind.GKE, ClusterKind.EXISTING}
    assert {machine.name for kind in ClusterKind for machine in machines(kind)} == set(MACHINES)


@pytest.mark.parametrize("machine", machines(ClusterKind.EKS), ids=by_name)
def test_a_machine_of_ec2_is_a_pool_of_karpenter_and_of_auto_mode(machine: Machine) -> None:
    plain = {"machines": [machine.name], "nodes_max": 2}
    for spec, provisioning, program in (
        (
            eks_spec(machine),
            NodeProvisioning.KARPENTER,
            lambda: KarpenterNodePool("pool", {"cluster": KARPENTER, "karpenter": NODES, "pool": eks_spec(machine)}),
        ),
        (plain, NodeProvisioning.AUTO_MODE, lambda: AutoModeNodePool("pool", {"cluster": AUTO, "pool": plain})),  # type: ignore[typeddict-item]
    ):
        assert list(check_eks_pool("pool", spec, provisioning)) == []
        recording, found = complaints(lambda program=program: program() and None)  # type: ignore[misc]
        assert found == []
        requirements = recording.one("NodePool").inputs["spec"]["template"]["spec"]["requirements"]
        assert {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [machine.name]} in requirements


@pytest.mark.parametrize("machine", machines(ClusterKind.GKE), ids=by_name)
def test_a_machine_of_gke_is_a_node_pool_that_google_accepts(machine: Machine) -> None:
    # Of a TPU machine that larger slices are made of, the smallest slice of several hosts too.
    for topology in topologies_of(machine)[:2] or [""]:
        hosts = max(1, _chips(topology) // machine.devices) if topology else 1
        spec: Any = {"machine": machine.name, "nodes_min": 0, "nodes_max": hosts, "zones": ["europe-west4-a"]}
        spec |= {"topology": topology} if topology else {}
        spec |= {"purchase": GkePurchase.SPOT} if machine.name in SPOT_OR_DYNAMIC else {}
        recording, found = complaints(
            lambda spec=spec: GkeNodePool("pool", {"cluster": CLUSTER, "pool": spec}) and None
        )  # type: ignore[misc]
        assert found == []
        (inputs,) = [resource.inputs for resource in recording.of("NodePool")]
        assert inputs["nodeConfig"]["machineType"] == machine.name


@pytest.mark.parametrize("machine", machines(ClusterKind.EXISTING), ids=by_name)
def test_a_machine_of_no_cloud_is_a_pool_that_is_described(machine: Machine) -> None:
    pool: Any = {"accelerator": machine.accelerator, "devices_per_node": machine.devices, "nodes_max": 1}
    handles: list[Any] = []
    record(lambda: handles.append(DescribedNodePool("pool", {"pool": pool}).handle))
    offered = ACCELERATORS[machine.accelerator].resource_name
    assert handles[0]["capacity"]["units_per_node"] == {offered: machine.devices}


def _chips(topology: str) -> int:
    chips = 1
    for side in topology.split("x"):
        chips *= int(side)
    return chips
