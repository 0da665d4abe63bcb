"""Cloud x accelerator x sharing x purchase x who brings the driver: each registers what it means, or is refused.

What is expected is written here again, not asked of the planners; a refusal says where, why and what to do.

Not proved here: that a cloud sells the combination (Google has no on-demand machines with B200, for one); that nodes
come up with it. The tags of an Auto Scaling group are counted, not registered: `test_eks.py` registers them.
"""

import base64
import gc
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from unittest.mock import patch

import pulumi_aws as aws
import pytest
import tomllib

from catalog.accelerators import ACCELERATORS, ClusterKind, DeviceAllocation, Owner, Purchase, Sharing
from catalog.machines import MACHINES, Machine, machines_with
from components.clouds.eks.auto_mode import AutoModeNodePool
from components.clouds.eks.karpenter_pool import KarpenterNodePool
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.spec import EksImage, EksPurchase
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.gke.compute_class import ComputeClass
from components.clouds.gke.node_pool import GkeNodePool
from components.clouds.gke.spec import GkePurchase
from components.clouds.simulated.pool import SimulatedNodePool
from components.findings import Finding, Refused
from tests.components.clouds.gke.handles import AUTOPILOT, CLUSTER
from tests.components.contract.eks import AUTO, KARPENTER, MANAGED, NODES, RESERVATION
from tests.recorder import Registered, record

NEURON = {"Trainium1", "Trainium2", "Inferentia1", "Inferentia2"}
TPU = {"TPU-v4", "TPU-v5e", "TPU-v5p", "TPU-v6e", "TPU-v7x"}
NVIDIA = set(ACCELERATORS) - NEURON - TPU - {"MI300X"}
MIG = {
    "A100-40GB": ("1g.5gb", 7),
    "A100-80GB": ("1g.10gb", 7),
    "H100": ("1g.10gb", 7),
    "H20": ("1g.12gb", 7),
    "H200": ("1g.18gb", 7),
    "B200": ("1g.23gb", 7),
    "B300": ("1g.34gb", 7),
    "GB200": ("1g.23gb", 7),
    "RTX-PRO-6000": ("1g.24gb", 4),
}
"""Accelerator -> its smallest partition, and how many a device has."""
BOTTLEROCKET_MODELS = {
    "A100-40GB": "a100.40gb",
    "A100-80GB": "a100.80gb",
    "H100": "h100.80gb",
    "H200": "h200.141gb",
    "B200": "b200.180gb",
}
IN_CAPACITY_BLOCKS = {"A100-40GB", "A100-80GB", "H100", "H200", "B200", "B300", "GB200", "Trainium1", "Trainium2"}
ARM = {"T4G", "GB200"}
BEFORE_TURING = {"P100", "V100-16GB", "V100-32GB"}
IN_NO_CLOUD = {"P100", "V100-16GB", "A10", "L40", "H20"}
REPLICAS = 4


DIGESTS = ("name", "nodeGroupName")


class Combination(NamedTuple):
    """One cell of the matrix."""

    accelerator: str
    sharing: Sharing
    purchase: str
    owner: Any
    """Who brings the driver and what offers the devices, as that cloud has it."""


@dataclass
class Outcome:
    """What became of a cell: findings, or registered resources and what is handed out."""

    name: str
    findings: tuple[Finding, ...] = ()
    component: Any = None
    resources: list[Registered] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return bool(self.findings)

    @property
    def handle(self) -> Any:
        return self.component.handle

    def kinds(self) -> list[str]:
        return sorted(f"{each.kind} {each.name.replace(self.name, 'pool')}" for each in self.resources)

    def one(self, kind: str) -> dict[str, Any]:
        (inputs,) = [each.inputs for each in self.resources if each.kind == kind]
        return inputs

    def told(self) -> str:
        """All that is registered and handed out, in one text, whatever the pool's name is.

        Without the names in the cloud: they end in a digest of what was asked for, whether or not anything came of it.
        """
        resources = sorted(
            (each.type, each.name, {key: value for key, value in each.inputs.items() if key not in DIGESTS})
            for each in self.resources
        )
        everything = [resources, self.tags, self.handle, self.outputs]
        return json.dumps(everything, sort_keys=True, default=str).replace(self.name, "pool")


Build = Callable[[str, Combination], Any]


def tried(combinations: list[Combination], build: Build, outputs: tuple[str, ...] = ()) -> dict[Combination, Outcome]:
    """Every cell in one program, each under a name of its own."""
    outcomes = {cell: Outcome(f"cell{index:05d}") for index, cell in enumerate(combinations)}
    by_name = {outcome.name: outcome for outcome in outcomes.values()}

    def tag(resource_name: str, **inputs: Any) -> None:
        by_name[resource_name.split("-", 1)[0]].tags[inputs["tag"]["key"]] = inputs["tag"]["value"]

    def program() -> None:
        for cell, outcome in outcomes.items():
            try:
                outcome.component = build(outcome.name, cell)
            except Refused as refused:
                outcome.findings = refused.findings
                continue
            for output in outputs:
                getattr(outcome.component, output).apply(
                    lambda value, outcome=outcome, output=output: outcome.outputs.update({output: value})
                )

    gc.disable()  # ten thousand tasks at once are walked again and again for nothing
    try:
        with patch.object(aws.autoscaling, "Tag", tag):
            recording = record(program)
    finally:
        gc.enable()
    for resource in recording.resources:
        by_name[resource.name.split("-", 1)[0]].resources.append(resource)
    return outcomes


def shared(cell: Combination) -> dict[str, Any]:
    """The sharing of a cell as it is written in settings. Without MIG a device is asked for a profile that is none."""
    if cell.sharing is Sharing.MIG:
        profile, count = MIG.get(cell.accelerator, ("1g.5gb", 7))
        return {"strategy": cell.sharing, "mig_profiles": {profile: count}}
    if cell.sharing is Sharing.EXCLUSIVE:
        return {"strategy": cell.sharing}
    return {"strategy": cell.sharing, "replicas": REPLICAS}


def can_share(cell: Combination) -> bool:
    """Whether the hardware and its vendor's software do that at all."""
    if cell.sharing is Sharing.EXCLUSIVE:
        return True
    return cell.accelerator in (MIG if cell.sharing is Sharing.MIG else NVIDIA)


def units(cell: Combination, devices: int, *, whole_names: bool = False) -> dict[str, int]:
    """What a node offers. `whole_names`: its plugin keeps the name of the device whatever it offers."""
    resource = ACCELERATORS[cell.accelerator].resource_name
    if cell.sharing is Sharing.EXCLUSIVE:
        return {resource: devices}
    if cell.sharing is Sharing.MIG:
        profile, count = MIG[cell.accelerator]
        return {resource if whole_names else f"nvidia.com/mig-{profile}": devices * count}
    return {resource if whole_names else "nvidia.com/gpu.shared": devices * REPLICAS}


def plugin_labels(cell: Combination) -> dict[str, str]:
    """By the configuration of NVIDIA's device plugin and MIG manager, where they are ours or the operator's."""
    if cell.accelerator not in NVIDIA:
        return {}
    if cell.sharing is Sharing.MIG:
        profile, count = MIG[cell.accelerator]
        return {"nvidia.com/device-plugin.config": "mig", "nvidia.com/mig.config": f"{profile}-{count}"}
    share = "" if cell.sharing is Sharing.EXCLUSIVE else f"-{REPLICAS}"
    return {"nvidia.com/device-plugin.config": f"{cell.sharing.value}{share}"}


# Amazon EKS

EKS_OWNERS = {
    "al2023": {"image": EksImage.AL2023},
    "al2023-dra": {"image": EksImage.AL2023, "device_allocation": DeviceAllocation.DRA, "nodes_min": 1},
    "bottlerocket": {"image": EksImage.BOTTLEROCKET},
    "bottlerocket-dra": {"image": EksImage.BOTTLEROCKET, "device_allocation": DeviceAllocation.DRA, "nodes_min": 1},
    "karpenter": {"image": EksImage.AL2023},
    "karpenter-bottlerocket": {"image": EksImage.BOTTLEROCKET},
    "karpenter-dra": {"device_allocation": DeviceAllocation.DRA},
    "auto-mode": {},
    "auto-mode-dra": {"device_allocation": DeviceAllocation.DRA},
}
RESERVED = ("reserved", "capacity-block")
MIXED = "spot-or-on-demand"
BLOCK = "capacity-block"


def eks_machine(cell: Combination) -> str:
    return ACCELERATORS[cell.accelerator].reference_host


def build_eks(name: str, cell: Combination) -> Any:
    pool: Any = {
        "machines": [eks_machine(cell)],
        "nodes_max": 2,
        "zones": ["eu-west-1a"],
        "purchase": EksPurchase(cell.purchase),
        "sharing": shared(cell),
        **EKS_OWNERS[cell.owner],
        **({"reservation_id": RESERVATION} if cell.purchase in RESERVED else {}),
    }
    if cell.owner.startswith("karpenter"):
        return KarpenterNodePool(name, {"cluster": KARPENTER, "karpenter": NODES, "pool": pool})
    if cell.owner.startswith("auto"):
        return AutoModeNodePool(name, {"cluster": AUTO, "pool": pool})
    return EksNodePool(name, {"cluster": MANAGED, "pool": pool})


def eks_can(cell: Combination) -> bool:
    """What Amazon's clusters do, in words: see the reasons in components/clouds/eks/validation.py."""
    bought = cell.purchase != BLOCK or cell.accelerator in IN_CAPACITY_BLOCKS
    if not cell.owner.startswith(("karpenter", "auto")):
        bought = bought and cell.purchase != MIXED and (cell.purchase, cell.owner) != (BLOCK, "al2023-dra")
    rocket = "bottlerocket" in cell.owner
    boots = not rocket or cell.accelerator != "GB200"
    if cell.owner == "al2023-dra":
        works = cell.accelerator in NVIDIA and cell.sharing is Sharing.EXCLUSIVE
    elif cell.owner.endswith("-dra"):
        works = False
    elif cell.owner.startswith(("karpenter", "auto")):
        works = cell.sharing is Sharing.EXCLUSIVE
    else:
        cut = cell.sharing is not Sharing.MIG or not rocket or cell.accelerator in BOTTLEROCKET_MODELS
        works = can_share(cell) and cut
    return bought and boots and works


AMI = {
    ("al2023", "NVIDIA", False): "AL2023_x86_64_NVIDIA",
    ("al2023", "NVIDIA", True): "AL2023_ARM_64_NVIDIA",
    ("al2023", "AWS", False): "AL2023_x86_64_NEURON",
    ("bottlerocket", "NVIDIA", False): "BOTTLEROCKET_x86_64_NVIDIA",
    ("bottlerocket", "NVIDIA", True): "BOTTLEROCKET_ARM_64_NVIDIA",
    ("bottlerocket", "AWS", False): "BOTTLEROCKET_x86_64",
}
"""Image, vendor and whether the machine is Arm -> image type."""
CAPACITY_TYPE = {"on-demand": "ON_DEMAND", "spot": "SPOT", "reserved": "ON_DEMAND", BLOCK: "CAPACITY_BLOCK"}


def assert_eks(cell: Combination, outcome: Outcome) -> None:
    """Registered: exactly that."""
    accelerator, devices = ACCELERATORS[cell.accelerator], MACHINES[eks_machine(cell)].devices
    nvidia, rocket, dra = cell.accelerator in NVIDIA, "bottlerocket" in cell.owner, cell.owner.endswith("-dra")
    auto, managed = cell.owner.startswith("auto"), cell.owner in ("al2023", "al2023-dra", "bottlerocket")
    plugin_in_image = rocket and nvidia
    offered = units(cell, devices, whole_names=plugin_in_image and cell.sharing is Sharing.MIG)
    offered = {"gpu.nvidia.com": devices} if dra else offered
    purchase = {"reserved": "reserved", BLOCK: "reserved", MIXED: "spot"}.get(cell.purchase, cell.purchase)
    handle = outcome.handle
    assert handle["capacity"]["units_per_node"] == offered
    assert handle["placement"]["purchase"] == purchase
    assert handle["software"] == {
        "driver": Owner.CLOUD if auto else Owner.IMAGE,
        "device_plugin": Owner.CLOUD if auto else Owner.IMAGE if plugin_in_image else Owner.PLATFORM,
        "device_allocation": DeviceAllocation.DRA if dra else DeviceAllocation.DEVICE_PLUGIN,
    }
    labels = {
        "mlplatform.dev/pool": outcome.name,
        "mlplatform.dev/purchase": purchase,
        **accelerator.node_labels[ClusterKind.EKS],
        **({} if auto or dra or plugin_in_image else plugin_labels(cell)),
    }
    if managed and "nvidia.com/gpu" in offered:
        labels["k8s.amazonaws.com/accelerator"] = cell.accelerator.lower()
    spot = {"mlplatform.dev/spot": "true"} if purchase == "spot" else {}
    taints = {accelerator.taint_key: "present", **spot}
    if managed:
        assert outcome.kinds() == ["EksNodePool pool", "LaunchTemplate pool-template", "NodeGroup pool-group"]
        assert_managed_group(cell, outcome, labels, taints, offered)
    else:
        assert_karpenter(cell, outcome, labels, taints, offered)


def assert_managed_group(
    cell: Combination, outcome: Outcome, labels: dict[str, str], taints: dict[str, str], offered: dict[str, int]
) -> None:
    group, template = outcome.one("NodeGroup"), outcome.one("LaunchTemplate")
    image = "bottlerocket" if cell.owner == "bottlerocket" else "al2023"
    ami = AMI[image, ACCELERATORS[cell.accelerator].vendor, cell.accelerator in ARM]
    assert (group["amiType"], group["capacityType"]) == (ami, CAPACITY_TYPE[cell.purchase])
    assert group["labels"] == labels
    assert {each["key"]: each["value"] for each in group["taints"]} == taints
    assert {each["effect"] for each in group["taints"]} == {"NO_SCHEDULE"}
    reservation = {
        "capacityReservationPreference": "capacity-reservations-only",
        "capacityReservationTarget": {"capacityReservationId": RESERVATION},
    }
    assert template.get("capacityReservationSpecification") == (reservation if cell.purchase in RESERVED else None)
    block = cell.purchase == BLOCK
    assert template.get("instanceMarketOptions") == ({"marketType": BLOCK} if block else None)
    assert group.get("instanceTypes") == (None if block else [eks_machine(cell)])
    assert template.get("instanceType") == (eks_machine(cell) if block else None)
    assert_user_data(cell, base64.b64decode(template.get("userData", "")).decode())
    stem = "k8s.io/cluster-autoscaler/node-template"
    assert outcome.tags == {
        **{f"{stem}/label/{key}": value for key, value in labels.items()},
        **{f"{stem}/taint/{key}": f"{value}:NoSchedule" for key, value in taints.items()},
        **{f"{stem}/resources/{key}": str(count) for key, count in offered.items()},
        f"{stem}/resources/ephemeral-storage": "160Gi",
    }


def assert_user_data(cell: Combination, user_data: str) -> None:
    """Amazon Linux cuts devices itself, Bottlerocket tells its own plugin; nothing else is said to a node."""
    if cell.owner == "bottlerocket":
        assert tomllib.loads(user_data) == bottlerocket_settings(cell)
    elif cell.sharing is Sharing.MIG:
        profile, count = MIG[cell.accelerator]
        assert f"nvidia-smi mig -cgi {','.join([profile] * count)} -C\n" in user_data
    else:
        assert user_data == ""


def bottlerocket_settings(cell: Combination) -> dict[str, Any]:
    nvidia: dict[str, Any] = {}
    if cell.sharing is Sharing.MIG:
        profile, _ = MIG[cell.accelerator]
        model = BOTTLEROCKET_MODELS[cell.accelerator]
        nvidia = {"device-partitioning-strategy": "mig", "mig": {"profile": {model: profile}}}
    elif cell.sharing is not Sharing.EXCLUSIVE:
        how: dict[str, Any] = {"replicas": REPLICAS, "rename-by-default": True}
        if cell.sharing is Sharing.TIME_SLICING:
            how["fail-requests-greater-than-one"] = True
        nvidia = {"device-sharing-strategy": cell.sharing.value, cell.sharing.value: how}
    return {"settings": {"kubelet-device-plugins": {"nvidia": nvidia}}} if nvidia else {}


def assert_karpenter(
    cell: Combination, outcome: Outcome, labels: dict[str, str], taints: dict[str, str], offered: dict[str, int]
) -> None:
    auto = cell.owner == "auto-mode"
    component, kind = ("AutoModeNodePool", "NodeClass") if auto else ("KarpenterNodePool", "EC2NodeClass")
    assert outcome.kinds() == sorted([f"{component} pool", f"{kind} pool-node-class", "NodePool pool-node-pool"])
    pool, node_class = outcome.one("NodePool")["spec"], outcome.one(kind)["spec"]
    template = pool["template"]
    assert template["metadata"]["labels"] == labels
    assert {each["key"]: each["value"] for each in template["spec"]["taints"]} == taints
    reserved = cell.purchase in RESERVED
    required = {each["key"]: each["values"] for each in template["spec"]["requirements"]}
    domain = "eks.amazonaws.com" if auto else "karpenter.k8s.aws"
    of_reservation = {"reserved": ["default"], BLOCK: [BLOCK]}
    assert required == {
        "node.kubernetes.io/instance-type": [eks_machine(cell)],
        "karpenter.sh/capacity-type": ["reserved"] if reserved else cell.purchase.split("-or-"),
        "topology.kubernetes.io/zone": ["eu-west-1a"],
        "kubernetes.io/arch": ["arm64" if cell.accelerator in ARM else "amd64"],
        **({f"{domain}/capacity-reservation-type": of_reservation[cell.purchase]} if reserved else {}),
    }
    assert node_class.get("capacityReservationSelectorTerms") == ([{"id": RESERVATION}] if reserved else None)
    limits = {key: value for key, value in pool["limits"].items() if "/" in key}
    assert limits == {resource: str(2 * count) for resource, count in offered.items()}
    image = {"karpenter": "al2023", "karpenter-bottlerocket": "bottlerocket"}.get(cell.owner)
    assert node_class.get("amiSelectorTerms") == ([{"alias": f"{image}@latest"}] if image else None)
    assert "userData" not in node_class


# Google GKE

GKE_OWNERS: dict[str, dict[str, Any]] = {
    "cloud": {},
    "default": {"driver_version": "default"},
    "latest": {"driver_version": "latest"},
    "disabled": {"driver_version": "disabled"},
    "dra": {"device_allocation": DeviceAllocation.DRA},
    "slices": {},
    "compute-class": {},
    "compute-class-slices": {},
    "autopilot": {},
    "autopilot-slices": {},
    "autopilot-pool": {},
}
"""Who makes the nodes and what is said of them; `slices`: of two hosts each."""
DYNAMIC = ("flex-start", "queued")
SLICES = {"TPU-v4": "2x2x2", "TPU-v5e": "2x4", "TPU-v5p": "2x2x2", "TPU-v6e": "2x4", "TPU-v7x": "2x2x2"}
"""Accelerator -> the slice of two hosts with four chips."""
LIMITS = {"cpu_max": 10_000, "memory_gib_max": 100_000}
GKE_ZONE = "europe-west4-a"


def by_class(cell: Combination) -> bool:
    return cell.owner.startswith(("compute-class", "autopilot")) and cell.owner != "autopilot-pool"


def gke_machine(cell: Combination) -> Machine:
    """The largest with GPUs, which is sold in every way; of TPUs the smallest, a slice by itself, or a part of one."""
    machines = machines_with(cell.accelerator, ClusterKind.GKE)
    if cell.accelerator not in TPU:
        return machines[-1]
    return next(each for each in machines if each.devices == 4) if cell.owner.endswith("slices") else machines[0]


def gke_topology(cell: Combination) -> str:
    """The shape of a slice, as it is written: a GPU has none and is asked for one all the same."""
    return SLICES.get(cell.accelerator, "2x4") if cell.owner.endswith("slices") else ""


def build_gke(name: str, cell: Combination) -> Any:
    topology = gke_topology(cell)
    nodes: Any = {
        "machine": gke_machine(cell).name,
        "nodes_max": 4 if topology else 2,
        "zones": [GKE_ZONE],
        **({"topology": topology} if topology else {}),
        **({"sharing": shared(cell)} if cell.sharing is not Sharing.EXCLUSIVE else {}),
        **({"reservation": "ours"} if cell.purchase == "reserved" else {}),
        **GKE_OWNERS[cell.owner],
    }
    cluster = AUTOPILOT if cell.owner.startswith("autopilot") else CLUSTER
    if by_class(cell):
        args: Any = {"cluster": cluster, "nodes": {**nodes, "purchases": [GkePurchase(cell.purchase)]}}
        if cluster is CLUSTER:
            args["limits"] = {**LIMITS, "accelerators_max": {cell.accelerator: 100}}
        return ComputeClass(name, args)
    return GkeNodePool(
        name, {"cluster": cluster, "pool": {**nodes, "nodes_min": 0, "purchase": GkePurchase(cell.purchase)}}
    )


def gke_can(cell: Combination) -> bool:
    if cell.owner == "autopilot-pool" or (by_class(cell) and cell.purchase == "queued"):
        return False
    if cell.accelerator in TPU:
        never = cell.accelerator == "TPU-v4" and cell.purchase in DYNAMIC
        of_gpus = cell.owner in ("default", "latest", "disabled", "dra")
        return cell.sharing is Sharing.EXCLUSIVE and not of_gpus and not never
    whole_alone = cell.owner == "dra" or by_class(cell)
    return (
        not cell.owner.endswith("slices") and can_share(cell) and (not whole_alone or cell.sharing is Sharing.EXCLUSIVE)
    )


def gke_name(cell: Combination) -> str:
    (name,) = ACCELERATORS[cell.accelerator].node_labels[ClusterKind.GKE].values()
    return name


def assert_gke(cell: Combination, outcome: Outcome) -> None:
    if by_class(cell):
        assert_gke_class(cell, outcome)
    else:
        assert_gke_pool(cell, outcome)
    assert_gke_handle(cell, outcome)


def assert_gke_pool(cell: Combination, outcome: Outcome) -> None:
    """One node pool, or one for each slice; a slice of the newest TPUs is shaped by a policy."""
    slices = bool(gke_topology(cell))
    policy = slices and cell.accelerator == "TPU-v7x"
    roles = ["slice-0", "slice-1"] if slices else ["nodes"]
    shaped = ["ResourcePolicy pool-slices"] if policy else []
    assert outcome.kinds() == ["GkeNodePool pool", *(f"NodePool pool-{role}" for role in roles), *shaped]
    if policy:
        assert outcome.one("ResourcePolicy")["workloadPolicy"] == {
            "type": "HIGH_THROUGHPUT",
            "acceleratorTopology": gke_topology(cell),
        }
    for role in roles:
        (pool,) = [each.inputs for each in outcome.resources if each.name == f"{outcome.name}-{role}"]
        assert_gke_nodes(cell, outcome, pool, role if slices else "")
        anywhere = cell.purchase in ("spot", *DYNAMIC)
        location = {"locationPolicy": "ANY" if anywhere else "BALANCED"}
        if slices:
            assert pool["autoscaling"] == {"minNodeCount": 0, "maxNodeCount": 2, **location}
            placement = pool["placementPolicy"]
            assert placement["type"] == "COMPACT"
            assert placement.get("tpuTopology") == (None if policy else gke_topology(cell))
            assert ("policyName" in placement) is policy
        else:
            assert pool["autoscaling"] == {"totalMinNodeCount": 0, "totalMaxNodeCount": 2, **location}
            assert "placementPolicy" not in pool


def assert_gke_nodes(cell: Combination, outcome: Outcome, pool: dict[str, Any], role: str) -> None:
    gpu, dra, machine = cell.accelerator in NVIDIA, cell.owner == "dra", gke_machine(cell)
    found = cell.owner in ("disabled", "dra")
    config = pool["nodeConfig"]
    guest: dict[str, Any] = {
        "type": gke_name(cell),
        "count": machine.devices,
        "gpuDriverInstallationConfig": {
            "gpuDriverVersion": "INSTALLATION_DISABLED" if found else cell.owner.upper(),
        },
    }
    if cell.sharing is Sharing.MIG:
        guest["gpuPartitionSize"] = MIG[cell.accelerator][0]
    elif cell.sharing is not Sharing.EXCLUSIVE:
        guest["gpuSharingConfig"] = {"gpuSharingStrategy": gke_strategy(cell), "maxSharedClientsPerGpu": REPLICAS}
    assert config.get("guestAccelerators") == ([guest] if gpu else None)
    assert config["machineType"] == machine.name
    assert config["shieldedInstanceConfig"]["enableSecureBoot"] is not found
    assert_gke_purchase(cell, pool)
    assert config["labels"] == {
        "mlplatform.dev/pool": outcome.name,
        "mlplatform.dev/purchase": cell.purchase,
        **({"gke-no-default-nvidia-gpu-device-plugin": "true", "nvidia.com/gpu.present": "true"} if dra else {}),
        **({"mlplatform.dev/tpu-slice": role.replace("slice", outcome.name)} if role else {}),
    }
    spot = ["mlplatform.dev/spot"] if cell.purchase == "spot" else []
    taints = (["nvidia.com/gpu"] if gpu else []) + spot
    assert [taint["key"] for taint in config.get("taints", [])] == taints


def gke_strategy(cell: Combination) -> str:
    return {Sharing.TIME_SLICING: "TIME_SHARING", Sharing.MPS: "MPS"}[cell.sharing]


def assert_gke_class(cell: Combination, outcome: Outcome) -> None:
    """One object, the same on Autopilot and on Standard: what to buy, and how."""
    assert outcome.kinds() == ["ComputeClass pool", "ComputeClass pool-class"]
    (body,) = [each.inputs for each in outcome.resources if each.name == f"{outcome.name}-class"]
    machine = gke_machine(cell)
    devices: dict[str, Any] = {"type": gke_name(cell), "count": machine.devices}
    location = {"location": {"zones": [GKE_ZONE]}}
    bought: dict[str, dict[str, Any]] = {
        "on-demand": {"spot": False, **location},
        "spot": {"spot": True, **location},
        "flex-start": {"flexStart": {"enabled": True}, "maxRunDurationSeconds": 604800, **location},
        "reserved": {"reservations": {"affinity": "Specific", "specific": [{"name": "ours", "zones": [GKE_ZONE]}]}},
    }
    spot = {"taints": [{"key": "mlplatform.dev/spot", "value": "true", "effect": "NoSchedule"}]}
    assert body["spec"] == {
        "description": f"Nodes of pool {outcome.name}",
        "nodePoolAutoCreation": {"enabled": True},
        "nodePoolConfig": {
            "nodeLabels": {"mlplatform.dev/pool": outcome.name},
            **(spot if cell.purchase == "spot" else {}),
            "imageStreaming": {"enabled": True},
            "serviceAccount": CLUSTER["node_service_account"],
        },
        "priorities": [
            {
                "machineType": machine.name,
                "storage": {"bootDiskType": machine.boot_disks[0], "bootDiskSize": 200},
                **(
                    {"tpu": {**devices, "topology": gke_topology(cell) or machine.topology}}
                    if cell.accelerator in TPU
                    else {"gpu": {**devices, "driverVersion": "default"}}
                ),
                **bought[cell.purchase],
            }
        ],
        "activeMigration": {"optimizeRulePriority": False},
        "whenUnsatisfiable": "DoNotScaleUp",
    }


def assert_gke_handle(cell: Combination, outcome: Outcome) -> None:
    accelerator, machine, dra = ACCELERATORS[cell.accelerator], gke_machine(cell), cell.owner == "dra"
    placement, capacity = outcome.handle["placement"], outcome.handle["capacity"]
    selector = {"mlplatform.dev/pool": outcome.name}
    if by_class(cell):
        selector["cloud.google.com/compute-class"] = outcome.name
    else:
        selector |= accelerator.node_labels[ClusterKind.GKE]
        if machine.topology:
            selector["cloud.google.com/gke-tpu-topology"] = gke_topology(cell) or machine.topology
    if cell.sharing is Sharing.MIG:
        selector["cloud.google.com/gke-gpu-partition-size"] = MIG[cell.accelerator][0]
    elif cell.sharing is not Sharing.EXCLUSIVE:
        selector["cloud.google.com/gke-gpu-sharing-strategy"] = gke_strategy(cell).lower().replace("_", "-")
        selector["cloud.google.com/gke-max-shared-clients-per-gpu"] = str(REPLICAS)
    if cell.purchase == "queued":
        selector["cloud.google.com/gke-flex-start"] = "true"
    assert placement["node_selector"] == selector
    assert placement.get("max_run_hours") == (168 if cell.purchase in DYNAMIC else None)
    assert placement.get("queued") == (True if cell.purchase == "queued" else None)
    assert sorted(each["key"] for each in placement["tolerations"]) == sorted(
        [
            accelerator.taint_key,
            *(["mlplatform.dev/spot"] if cell.purchase == "spot" else []),
            *(["kubernetes.io/arch"] if cell.accelerator in ARM else []),
            *(["cloud.google.com/gke-queued"] if cell.purchase == "queued" else []),
            *(["cloud.google.com/compute-class"] if by_class(cell) else []),
        ]
    )
    assert placement["hosts_per_slice"] == (2 if gke_topology(cell) else 1)
    assert placement["purchase"] == ("on-demand" if cell.purchase in DYNAMIC else cell.purchase)
    whole = units(cell, machine.devices, whole_names=True)
    assert capacity["units_per_node"] == ({"gpu.nvidia.com": machine.devices} if dra else whole)
    assert capacity["nodes_max"] == (4 if gke_topology(cell) else 2)
    assert outcome.handle["software"] == {
        "driver": Owner.FOUND if cell.owner in ("disabled", "dra") else Owner.CLOUD,
        "device_plugin": Owner.PLATFORM if dra else Owner.CLOUD,
        "device_allocation": DeviceAllocation.DRA if dra else DeviceAllocation.DEVICE_PLUGIN,
    }


def assert_gke_purchase(cell: Combination, pool: dict[str, Any]) -> None:
    config, dynamic = pool["nodeConfig"], cell.purchase in DYNAMIC
    assert config.get("spot") == (True if cell.purchase == "spot" else None)
    assert config.get("flexStart") == (True if dynamic else None)
    assert config.get("maxRunDuration") == ("604800s" if dynamic else None)
    assert pool.get("queuedProvisioning") == ({"enabled": True} if cell.purchase == "queued" else None)
    specific = {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["ours"],
    }
    none = {"consumeReservationType": "NO_RESERVATION"}
    expected = specific if cell.purchase == "reserved" else none if dynamic else None
    assert config.get("reservationAffinity") == expected


# A cluster that is there

PLUGINS = (Owner.FOUND, Owner.IMAGE, Owner.OPERATOR, Owner.PLATFORM)
EXISTING_OWNERS = [
    (driver, plugin, device_allocation)
    for driver in PLUGINS
    for plugin in PLUGINS
    for device_allocation in DeviceAllocation
]
HANDED_OUT = ("node_labels", "sharing_labels", "node_taints")


def pool_args(cell: Combination, device_allocation: DeviceAllocation) -> Any:
    topology = SLICES.get(cell.accelerator, "")
    return {
        "accelerator": cell.accelerator,
        "nodes_max": 2,
        "purchase": Purchase(cell.purchase),
        "sharing": shared(cell),
        "device_allocation": device_allocation,
        **({"topology": topology} if topology else {}),
    }


def build_existing(name: str, cell: Combination) -> Any:
    driver, plugin, device_allocation = cell.owner
    return DescribedNodePool(
        name, {"pool": pool_args(cell, device_allocation), "driver": driver, "device_plugin": plugin}
    )


def existing_can(cell: Combination) -> bool:
    driver, plugin, device_allocation = cell.owner
    nvidia = cell.accelerator in NVIDIA
    if driver is Owner.PLATFORM or plugin is Owner.IMAGE:
        return False
    if Owner.OPERATOR in (driver, plugin) and cell.accelerator in BEFORE_TURING:
        return False
    if device_allocation is DeviceAllocation.DRA:
        return (
            nvidia
            and plugin is not Owner.OPERATOR
            and not (driver is Owner.OPERATOR and plugin is Owner.FOUND)
            and (cell.sharing is Sharing.EXCLUSIVE)
        )
    if Owner.OPERATOR in (driver, plugin) and not nvidia:
        return False
    if driver is Owner.OPERATOR and plugin is not Owner.OPERATOR:
        return False
    return can_share(cell) and (cell.sharing is Sharing.EXCLUSIVE or plugin is not Owner.FOUND)


def assert_described(cell: Combination, outcome: Outcome) -> None:
    driver, plugin, device_allocation = cell.owner
    assert outcome.kinds() == ["DescribedNodePool pool"]
    assert_held(cell, outcome, device_allocation)
    assert outcome.handle["software"] == {
        "driver": driver,
        "device_plugin": plugin,
        "device_allocation": device_allocation,
    }
    ours = plugin in (Owner.PLATFORM, Owner.OPERATOR) and device_allocation is DeviceAllocation.DEVICE_PLUGIN
    assert outcome.outputs["sharing_labels"] == (plugin_labels(cell) if ours else {})
    assert outcome.outputs["node_labels"] == identity(cell, outcome, ClusterKind.EXISTING)
    assert {each["key"] for each in outcome.outputs["node_taints"]} == taint_keys(cell)


def identity(cell: Combination, outcome: Outcome, kind: ClusterKind) -> dict[str, str]:
    """Labels that pods of the pool select."""
    accelerator = ACCELERATORS[cell.accelerator]
    topology = SLICES.get(cell.accelerator, "")
    slices = {"cloud.google.com/gke-tpu-topology": topology} if topology else {}
    return {"mlplatform.dev/pool": outcome.name, **accelerator.node_labels[kind], **slices}


def taint_keys(cell: Combination) -> set[str]:
    return {ACCELERATORS[cell.accelerator].taint_key, *(["mlplatform.dev/spot"] if cell.purchase == "spot" else [])}


def assert_held(cell: Combination, outcome: Outcome, device_allocation: DeviceAllocation) -> None:
    """What a pool promises that is not made of machines of a cloud: its accelerator's reference machine."""
    accelerator = ACCELERATORS[cell.accelerator]
    devices = 4 if cell.accelerator in TPU else MACHINES[accelerator.reference_host].devices
    capacity, placement = outcome.handle["capacity"], outcome.handle["placement"]
    dra = device_allocation is DeviceAllocation.DRA
    assert capacity["units_per_node"] == ({"gpu.nvidia.com": devices} if dra else units(cell, devices))
    assert placement["hosts_per_slice"] == (2 if cell.accelerator in TPU else 1)
    assert placement["purchase"] == cell.purchase
    assert {each["key"] for each in placement["tolerations"]} == taint_keys(cell)


# Simulated nodes


def build_simulated(name: str, cell: Combination) -> Any:
    return SimulatedNodePool(name, pool_args(cell, cell.owner))


def simulated_can(cell: Combination) -> bool:
    if cell.owner is DeviceAllocation.DRA:
        return cell.accelerator in NVIDIA and cell.sharing is Sharing.EXCLUSIVE
    return can_share(cell)


def assert_simulated(cell: Combination, outcome: Outcome) -> None:
    dra = cell.owner is DeviceAllocation.DRA
    slices = [f"ResourceSlice pool-node-{index}-devices" for index in range(2)] if dra else []
    assert outcome.kinds() == sorted(["Node pool-node-0", "Node pool-node-1", "SimulatedNodePool pool", *slices])
    assert_held(cell, outcome, cell.owner)
    node = next(each.inputs for each in outcome.resources if each.kind == "Node")
    labels = identity(cell, outcome, ClusterKind.SIMULATED) | ({} if dra else plugin_labels(cell))
    assert labels.items() <= node["metadata"]["labels"].items()
    assert node["metadata"]["labels"]["mlplatform.dev/purchase"] == cell.purchase
    assert {each["key"] for each in node["spec"]["taints"]} == taint_keys(cell)
    offered = json.loads(node["metadata"]["annotations"]["simulated.mlplatform.dev/capacity"])
    counted = {} if dra else {key: str(count) for key, count in outcome.handle["capacity"]["units_per_node"].items()}
    assert {key: value for key, value in offered.items() if "/" in key} == counted


# The matrix


class Cloud(NamedTuple):
    """One side of the matrix."""

    build: Build
    can: Callable[[Combination], bool]
    check: Callable[[Combination, Outcome], None]
    owners: tuple[Any, ...]
    purchases: tuple[str, ...]
    accelerators: tuple[str, ...]
    accepted: int
    refused: int


def offered_by(kind: ClusterKind) -> tuple[str, ...]:
    return tuple(name for name in ACCELERATORS if machines_with(name, kind))


EVERYWHERE = tuple(each.value for each in Purchase)
CLOUDS = {
    "eks": Cloud(
        build_eks,
        eks_can,
        assert_eks,
        tuple(EKS_OWNERS),
        tuple(each.value for each in EksPurchase),
        offered_by(ClusterKind.EKS),
        641,
        2599,
    ),
    "gke": Cloud(
        build_gke,
        gke_can,
        assert_gke,
        tuple(GKE_OWNERS),
        tuple(each.value for each in GkePurchase),
        offered_by(ClusterKind.GKE),
        691,
        2009,
    ),
    "existing": Cloud(
        build_existing,
        existing_can,
        assert_described,
        tuple(EXISTING_OWNERS),
        EVERYWHERE,
        tuple(ACCELERATORS),
        1419,
        9717,
    ),
    "simulated": Cloud(
        build_simulated,
        simulated_can,
        assert_simulated,
        tuple(DeviceAllocation),
        EVERYWHERE,
        tuple(ACCELERATORS),
        285,
        411,
    ),
}


def cells(cloud: Cloud) -> Iterator[Combination]:
    for cell in itertools.product(cloud.accelerators, Sharing, cloud.purchases, cloud.owners):
        combination = Combination(*cell)
        # On GKE a GPU has GKE's default driver where nothing is written: the same cell twice.
        if not (cloud.build is build_gke and combination.owner == "cloud" and combination.accelerator in NVIDIA):
            yield combination


@cache
def outcomes(name: str) -> dict[Combination, Outcome]:
    """Each cell is tried once for all tests."""
    cloud = CLOUDS[name]
    return tried(list(cells(cloud)), cloud.build, HANDED_OUT if name == "existing" else ())


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_accelerator_is_in_the_matrix_wherever_it_can_be_had() -> None:
    assert {name for each in CLOUDS.values() for name in each.accelerators} == set(ACCELERATORS)
    assert set(CLOUDS["eks"].accelerators) == NVIDIA - IN_NO_CLOUD | NEURON
    on_eks_alone = {"V100-32GB", "T4", "T4G", "A10G", "L40S", "B300"}
    assert set(CLOUDS["gke"].accelerators) == NVIDIA - IN_NO_CLOUD - on_eks_alone | TPU


def test_a_cell_is_accepted_where_hardware_cloud_and_owner_can_do_it_and_nowhere_else(cloud: str) -> None:
    wrong = [cell for cell, outcome in outcomes(cloud).items() if outcome.refused is CLOUDS[cloud].can(cell)]
    assert wrong == []


def test_the_number_of_accepted_and_refused_cells_is_what_it_was(cloud: str) -> None:
    counted = Counter(outcome.refused for outcome in outcomes(cloud).values())
    assert (counted[False], counted[True]) == (CLOUDS[cloud].accepted, CLOUDS[cloud].refused)


def test_an_accepted_cell_registers_exactly_what_it_means(cloud: str) -> None:
    for cell, outcome in outcomes(cloud).items():
        if not outcome.refused:
            CLOUDS[cloud].check(cell, outcome)


def test_a_refused_cell_registers_nothing_and_says_where_why_and_what_to_do(cloud: str) -> None:
    for cell, outcome in outcomes(cloud).items():
        if outcome.refused:
            assert outcome.resources == [], cell
            assert outcome.tags == {}, cell
            for finding in outcome.findings:
                assert finding.path.split(".")[0] == outcome.name, finding
                assert all(part.strip() for part in finding), finding
            assert len(set(outcome.findings)) == len(outcome.findings), cell


@pytest.mark.parametrize("dimension", Combination._fields)
def test_a_change_of_one_dimension_changes_what_is_registered_or_handed_out(cloud: str, dimension: str) -> None:
    alike: dict[Combination, dict[str, Combination]] = defaultdict(dict)
    for cell, outcome in outcomes(cloud).items():
        if not outcome.refused:
            told = alike[cell._replace(**{dimension: ""})]
            text = outcome.told()
            assert text not in told, f"{cell} is no other than {told.get(text)}"
            told[text] = cell
