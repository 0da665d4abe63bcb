"""The nodes that a group or pool of a cloud would have at its largest, as objects of Kubernetes. Pure.

What the request says, what the cloud adds by itself, and what device plugin and feature discovery would add: those are
programs, and no program runs on a simulated node. User data is not executed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from catalog.accelerators import ACCELERATORS, ClusterKind, Owner, Sharing
from catalog.machines import EFA_RESOURCE, MACHINES, Machine
from components.capacity.placement import SIMULATED_LABEL
from components.capacity.sharing import DEVICE_PLUGIN_CONFIG_LABEL, MIG_LAYOUT_LABEL, SharingArgs, units_per_device
from simulator.clouds.errors import CloudRefusal
from simulator.clouds.rules import unknown_machine
from simulator.clouds.values import at

GROUP_LABEL = "simulated.mlplatform.dev/node-group"
"""Marks the nodes of one group, so that they can be counted and taken away."""

_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}
_GKE_SHARING = {"TIME_SHARING": "time-sharing", "MPS": "mps"}
_PODS = {ClusterKind.EKS: 110, ClusterKind.GKE: 110}

Object = dict[str, Any]


def machine_named(name: str, kind: ClusterKind) -> Machine:
    """The machine of that name, of which the size must be known. Raises CloudRefusal."""
    machine = MACHINES.get(name)
    if machine is None or machine.kind is not kind:
        raise CloudRefusal("InvalidParameter", unknown_machine(name))
    return machine


def eks_nodes(
    inputs: Mapping[str, Any], name: str, template: Mapping[str, Any] | None, zones: list[str]
) -> list[Object]:
    """The nodes of a managed node group. `template`: inputs of its launch template; `zones`: of its subnets."""
    template = template or {}
    types = inputs.get("instanceTypes") or [template.get("instanceType") or "m6i.2xlarge"]
    machine = machine_named(types[0], ClusterKind.EKS)
    asked = dict(inputs.get("labels") or {})
    capacity_type = inputs.get("capacityType") or "ON_DEMAND"
    labels = {
        **asked,
        "eks.amazonaws.com/nodegroup": name,
        "eks.amazonaws.com/capacityType": capacity_type,
        "eks.amazonaws.com/nodegroup-image": "ami-simulated",
        **_discovered(machine, ClusterKind.EKS),
    }
    interfaces = template.get("networkInterfaces") or []
    fabric = sum(1 for each in interfaces if str(each.get("interfaceType", "")).startswith("efa"))
    units = _units(machine, eks_sharing(asked), Owner.PLATFORM)
    if fabric:
        units[EFA_RESOURCE] = fabric
    taints = [_taint(taint) for taint in inputs.get("taints") or ()]
    count = int(at(inputs, "scalingConfig.maxSize") or 0)
    return [_node(name, index, machine, labels, taints, units, zones) for index in range(count)]


def eks_sharing(labels: Mapping[str, str]) -> SharingArgs:
    """What the labels tell NVIDIA's software: `time-slicing-4`, `mps-2`, `mig` with a layout `1g.10gb-7_…`."""
    config = labels.get(DEVICE_PLUGIN_CONFIG_LABEL, Sharing.EXCLUSIVE.value)
    shared = re.fullmatch(rf"({Sharing.TIME_SLICING.value}|{Sharing.MPS.value})-(\d+)", config)
    if shared:
        return SharingArgs(strategy=Sharing(shared.group(1)), replicas=int(shared.group(2)))
    if config == Sharing.MIG.value and labels.get(MIG_LAYOUT_LABEL):
        pairs = [part.rpartition("-") for part in labels[MIG_LAYOUT_LABEL].split("_")]
        return SharingArgs(strategy=Sharing.MIG, mig_profiles={profile: int(count) for profile, _, count in pairs})
    return SharingArgs()


def gke_nodes(inputs: Mapping[str, Any], name: str, zones: list[str]) -> list[Object]:
    """The nodes of a node pool. `zones`: where they are."""
    config = inputs.get("nodeConfig") or {}
    machine = machine_named(config.get("machineType") or "e2-standard-8", ClusterKind.GKE)
    labels = {
        **(config.get("labels") or {}),
        "cloud.google.com/gke-nodepool": name,
        "cloud.google.com/machine-family": machine.name.split("-")[0],
        "cloud.google.com/gke-boot-disk": config.get("diskType") or (machine.boot_disks or ("pd-balanced",))[0],
        "cloud.google.com/gke-os-distribution": "cos",
    }
    if config.get("spot") or config.get("preemptible"):
        labels["cloud.google.com/gke-spot" if config.get("spot") else "cloud.google.com/gke-preemptible"] = "true"
    labels["cloud.google.com/gke-provisioning"] = "spot" if config.get("spot") else "standard"
    if config.get("flexStart"):
        labels["cloud.google.com/gke-flex-start"] = "true"
    units: dict[str, int] = {}
    taints = [_taint(taint) for taint in config.get("taints") or ()]
    accelerators = config.get("guestAccelerators") or []
    accelerators = [accelerators] if isinstance(accelerators, dict) else accelerators
    is_tpu = bool(machine.accelerator) and ACCELERATORS[machine.accelerator].is_tpu
    for each in accelerators:
        units["nvidia.com/gpu"] = int(each.get("count", 0)) * _shares(machine, each)
        labels["cloud.google.com/gke-accelerator"] = each["type"]
        labels["cloud.google.com/gke-accelerator-count"] = str(int(each.get("count", 0)))
        labels |= _gke_sharing(each)
        _add_taint(taints, "nvidia.com/gpu")
    if is_tpu:
        accelerator = ACCELERATORS[machine.accelerator]
        units["google.com/tpu"] = machine.devices
        labels |= accelerator.node_labels[ClusterKind.GKE]
        labels["cloud.google.com/gke-tpu-topology"] = at(inputs, "placementPolicy.tpuTopology") or machine.topology
        labels["cloud.google.com/gke-accelerator-count"] = str(machine.devices)
        _add_taint(taints, "google.com/tpu")
    if at(inputs, "queuedProvisioning.enabled"):
        taints.append({"key": "cloud.google.com/gke-queued", "value": "true", "effect": "NoSchedule"})
    count = gke_count(inputs, len(zones))
    return [_node(name, index, machine, labels, taints, units, zones) for index in range(count)]


def gke_count(inputs: Mapping[str, Any], zones: int) -> int:
    """How many nodes a pool has at its largest, in all of its zones."""
    in_all = at(inputs, "autoscaling.totalMaxNodeCount")
    by_zone = at(inputs, "autoscaling.maxNodeCount")
    if in_all:
        return int(in_all)
    if by_zone is None:
        by_zone = (
            inputs.get("nodeCount") if inputs.get("nodeCount") is not None else inputs.get("initialNodeCount") or 0
        )
    return int(by_zone) * zones


def _shares(machine: Machine, accelerator: Mapping[str, Any]) -> int:
    clients = int(at(accelerator, "gpuSharingConfig.maxSharedClientsPerGpu") or 1)
    partition = accelerator.get("gpuPartitionSize")
    if not partition:
        return clients
    profile = ACCELERATORS[machine.accelerator].mig_profile(partition) if machine.accelerator else None
    if profile is None:
        raise CloudRefusal(
            "Error 400: badRequest", f"gpuPartitionSize {partition!r} is not one of {machine.name}'s GPU"
        )
    return clients * profile.maximum


def _gke_sharing(accelerator: Mapping[str, Any]) -> dict[str, str]:
    labels = {}
    partition = accelerator.get("gpuPartitionSize")
    if partition:
        labels["cloud.google.com/gke-gpu-partition-size"] = str(partition)
    strategy = at(accelerator, "gpuSharingConfig.gpuSharingStrategy")
    if strategy:
        labels["cloud.google.com/gke-gpu-sharing-strategy"] = _GKE_SHARING.get(strategy, str(strategy).lower())
        clients = int(at(accelerator, "gpuSharingConfig.maxSharedClientsPerGpu") or 1)
        labels["cloud.google.com/gke-max-shared-clients-per-gpu"] = str(clients)
    return labels


def _discovered(machine: Machine, kind: ClusterKind) -> dict[str, str]:
    """What feature discovery would write."""
    accelerator = ACCELERATORS.get(machine.accelerator)
    return dict(accelerator.node_labels[kind]) if accelerator else {}


def _units(machine: Machine, sharing: SharingArgs, plugin: Owner) -> dict[str, int]:
    accelerator = ACCELERATORS.get(machine.accelerator)
    if accelerator is None:
        return {}
    per_device = units_per_device(accelerator, sharing, plugin)
    return {resource: count * machine.devices for resource, count in per_device.items()}


def _taint(taint: Mapping[str, Any]) -> dict[str, str]:
    effect = str(taint["effect"])
    return {"key": taint["key"], "value": taint.get("value") or "", "effect": _EFFECTS.get(effect, effect)}


def _add_taint(taints: list[dict[str, str]], key: str) -> None:
    """The taint that GKE gives by itself, unless the request has it."""
    if not any(taint["key"] == key for taint in taints):
        taints.append({"key": key, "value": "present", "effect": "NoSchedule"})


def _node(
    group: str,
    index: int,
    machine: Machine,
    labels: Mapping[str, str],
    taints: list[dict[str, str]],
    units: Mapping[str, int],
    zones: list[str],
) -> Object:
    zone = zones[index % len(zones)] if zones else ""
    region = zone.rpartition("-")[0] if machine.kind is ClusterKind.GKE else zone[:-1]
    capacity = {
        "cpu": str(machine.cpu),
        "memory": f"{machine.memory_gib}Gi",
        "ephemeral-storage": "1Ti",
        "pods": str(_PODS[machine.kind]),
        **{name: str(count) for name, count in units.items()},
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"{group}-{index}"[:63],
            "labels": {
                **labels,
                "kubernetes.io/arch": machine.architecture.value,
                "node.kubernetes.io/instance-type": machine.name,
                "topology.kubernetes.io/zone": zone,
                "topology.kubernetes.io/region": region,
                GROUP_LABEL: group[:63],
                SIMULATED_LABEL: "true",
                "type": "kwok",
            },
            "annotations": {
                "kwok.x-k8s.io/node": "fake",
                "simulated.mlplatform.dev/capacity": json.dumps(capacity, sort_keys=True),
            },
        },
        "spec": {"taints": taints} if taints else {},
    }
