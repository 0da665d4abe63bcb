"""Rules on node pools of EKS. What AWS would refuse half-way, or bill without use, is refused before.

The functions take plain specs (`components.clouds.eks.spec`); settings and components call the same ones, and paths are
written as the settings are, in camelCase.
"""

import re
from collections.abc import Iterator, Sequence

from catalog.accelerators import ACCELERATORS, DeviceAllocation, Sharing
from catalog.machines import MACHINES
from components.base.grammar import QUALIFIED_NAME
from components.base.names import check_object_name
from components.capacity.placement import PoolArgs
from components.capacity.sharing import SharingArgs
from components.clouds.eks.cluster_validation import VERSION, ZONE, check_version, check_zone_names
from components.clouds.eks.machine_validation import (
    check_devices,
    check_dra,
    check_machine_names,
    check_machines,
    version_numbers,
)
from components.clouds.eks.spec import DEFAULT_DISK_GIB, EksPoolSpec, EksPurchase, NodeProvisioning
from components.clouds.eks.tables import WITH_RESERVATION
from components.clouds.pool_validation import check_size
from components.clouds.working_hours_validation import check_working_hours
from components.findings import Finding, Rule, broken

MAX_POOL_NAME = 54
"""A node group's name has at most 63 characters, nine of them the digest."""
MAX_KEY = 80
"""A tag has a key of 128 characters; the Cluster Autoscaler's part before a label's key takes up to 48."""
DISK_GIB = (30, 16384)
"""The images take 20 GiB and more; a gp3 volume has 16 TiB at most (EC2 user guide, general-purpose volumes)."""
MAX_NODE_SKEW = 3
"""Minor versions that a kubelet may be behind the API server (Kubernetes, Version Skew Policy, from 1.28 on)."""

_RESERVATION = re.compile(r"cr-[0-9a-f]{8,17}")
_RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "eks.amazonaws.com", "karpenter.sh", "karpenter.k8s.aws")


def _check_node_version(path: str, version: str, control_plane: str) -> Iterator[Finding]:
    wrong = list(check_version(path, version))
    yield from wrong
    if wrong or not VERSION.fullmatch(control_plane):
        return
    behind = version_numbers(control_plane)[1] - version_numbers(version)[1]
    if not 0 <= behind <= MAX_NODE_SKEW:
        yield Finding(
            f"{path}.kubernetesVersion",
            version,
            f"the control plane's version, {control_plane}, or up to {MAX_NODE_SKEW} minor versions behind it",
            "raise the control plane first" if behind < 0 else "raise the pool first, one minor version at a time",
        )


def check_eks_pool(
    path: str,
    spec: EksPoolSpec,
    provisioning: NodeProvisioning,
    *,
    zones: Sequence[str] = (),
    kubernetes_version: str = "",
) -> Iterator[Finding]:
    """One pool. `zones`: those of the network; `kubernetes_version`: the cluster's; empty where not known."""
    size = PoolArgs(nodes_max=spec.get("nodes_max", 0), nodes_min=spec.get("nodes_min", 0))
    yield from check_size(path, {**size, "labels": spec.get("labels") or {}, "taints": spec.get("taints") or []})
    yield from _check_labels_and_taints(path, spec)
    least, most = DISK_GIB
    if not least <= spec.get("disk_gib", DEFAULT_DISK_GIB) <= most:
        yield Finding(f"{path}.diskGib", f"{spec['disk_gib']}", f"{least} to {most} GiB", f"use {DEFAULT_DISK_GIB}")
    if spec.get("working_hours"):
        yield from check_working_hours(f"{path}.workingHours", spec["working_hours"], int(spec.get("nodes_min", 0)))
    if "kubernetes_version" in spec:
        yield from _check_node_version(path, spec["kubernetes_version"], kubernetes_version)
    yield from _check_purchase(path, spec)
    yield from _check_pool_zones(path, spec, zones)
    names = spec.get("machines") or []
    unknown = list(check_machine_names(f"{path}.machines", names))
    yield from unknown
    if not unknown:
        machines = [MACHINES[name] for name in names]
        yield from check_machines(path, spec, machines)
        yield from check_devices(path, spec, machines[0])
        if provisioning is NodeProvisioning.MANAGED_GROUPS and machines[0].accelerator:
            nodes = spec.get("kubernetes_version") or kubernetes_version
            yield from check_dra(path, spec, ACCELERATORS[machines[0].accelerator], nodes)
    yield from _check_provisioning(path, spec, provisioning)


def check_pool_name(path: str, name: str) -> Iterator[Finding]:
    """A name that a node group, its launch template and a node label can have."""
    yield from check_object_name(path, name)
    if len(name) > MAX_POOL_NAME:
        yield Finding(path, name, f"at most {MAX_POOL_NAME} characters: its node group's name is longer", "shorten it")


def _check_labels_and_taints(path: str, spec: EksPoolSpec) -> Iterator[Finding]:
    written = [(f"{path}.labels.{key}", key) for key in spec.get("labels") or {}]
    for index, taint in enumerate(spec.get("taints") or []):
        written.append((f"{path}.taints[{index}].key", taint["key"]))
    for where, key in written:
        domain = key.rpartition("/")[0]
        if QUALIFIED_NAME.accepts(key) and len(key) > MAX_KEY:
            yield Finding(where, key, f"at most {MAX_KEY} characters: it becomes part of a tag of EC2", "shorten it")
        elif any(domain == reserved or domain.endswith(f".{reserved}") for reserved in _RESERVED_DOMAINS):
            yield Finding(where, key, f"labels and taints of {domain} are the system's own", "use a domain of yours")


def _check_purchase(path: str, spec: EksPoolSpec) -> Iterator[Finding]:
    purchase, reservation = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND)), spec.get("reservation_id") or ""
    if purchase in WITH_RESERVATION and not _RESERVATION.fullmatch(reservation):
        yield Finding(
            f"{path}.reservationId",
            reservation or "(missing)",
            f"{purchase} names the reservation that it uses",
            "write its id, like cr-0123456789abcdef0",
        )
    if purchase not in WITH_RESERVATION and "reservation_id" in spec:
        yield Finding(
            f"{path}.reservationId",
            reservation or "(empty)",
            f"purchase {purchase} uses no reservation",
            "set purchase to reserved or capacity-block, or remove this line",
        )


def _check_pool_zones(path: str, spec: EksPoolSpec, known: Sequence[str]) -> Iterator[Finding]:
    chosen = spec.get("zones") or []
    rule, remedy = f"a zone of the network: {', '.join(known)}", "choose one, or extend the network"
    are_zones = bool(known) and all(map(ZONE.fullmatch, known))
    others = [(index, zone) for index, zone in enumerate(chosen) if are_zones and zone not in known]
    for index, zone in others:
        yield Finding(f"{path}.zones[{index}]", zone, rule, remedy)
    if not others:
        yield from check_zone_names(f"{path}.zones", chosen, "")
    purchase = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND))
    reason = f"a {purchase} machine" if purchase in WITH_RESERVATION else "EFA" if spec.get("efa") else ""
    if reason and len(chosen) != 1:
        yield Finding(
            f"{path}.zones",
            ", ".join(chosen) or "(missing)",
            f"{reason} stands in exactly one zone",
            "name the zone" + (" of the reservation" if purchase in WITH_RESERVATION else ""),
        )


def _check_provisioning(path: str, spec: EksPoolSpec, provisioning: NodeProvisioning) -> Iterator[Finding]:
    """What one maker of nodes cannot do; nothing of it is ignored silently."""
    if provisioning is NodeProvisioning.MANAGED_GROUPS:
        if spec.get("purchase") == EksPurchase.SPOT_OR_ON_DEMAND:
            yield Finding(
                f"{path}.purchase",
                EksPurchase.SPOT_OR_ON_DEMAND.value,
                "a managed node group is spot or on-demand as a whole",
                "make two pools, one of each, or use provisioning karpenter or auto-mode",
            )
        if spec.get("purchase") == EksPurchase.CAPACITY_BLOCK and spec.get("nodes_min"):
            # EKS user guide, capacity-blocks-mng: launches fail before its start, at its end the size is set to 0, and
            # upgrades are to be made at size 0.
            yield Finding(
                f"{path}.nodesMin",
                f"{spec['nodes_min']} with capacity-block",
                "outside of its days a block has no machine, and EKS upgrades such a group only while it is empty",
                "use 0 (and deviceAllocation device-plugin): nodes come when pods ask for them",
            )
        return
    auto = provisioning is NodeProvisioning.AUTO_MODE
    who = "EKS Auto Mode" if auto else "Karpenter"
    strategy = Sharing((spec.get("sharing") or SharingArgs()).get("strategy", Sharing.EXCLUSIVE))
    refused: list[Rule] = [
        (
            bool(spec.get("nodes_min")),
            "nodesMin",
            f"{spec.get('nodes_min')}",
            f"{who} makes nodes when pods ask for them",
            "remove nodesMin, or set it to 0",
        ),
        (
            strategy is not Sharing.EXCLUSIVE,
            "sharing.strategy",
            strategy.value,
            "Auto Mode's own device plugin hands out whole devices"
            if auto
            else "Karpenter knows a machine's whole devices alone: it would start nodes for shares for ever",
            "use exclusive, or provisioning managed-groups",
        ),
        (
            spec.get("device_allocation") == DeviceAllocation.DRA,
            "deviceAllocation",
            "dra",
            "Auto Mode brings a device plugin, and no node has both"
            if auto
            else "Karpenter 1.14 starts no node for a ResourceClaim",
            "use device-plugin, or provisioning managed-groups",
        ),
        (
            "working_hours" in spec,
            "workingHours",
            "given",
            f"{who} keeps a pool empty by itself while no pod asks for it",
            "remove workingHours; suspend the workloads outside working hours",
        ),
        (
            "kubernetes_version" in spec,
            "kubernetesVersion",
            f"{spec.get('kubernetes_version')}",
            f"{who} starts nodes of the control plane's version",
            "remove kubernetesVersion",
        ),
        (auto and "image" in spec, "image", f"{spec.get('image')}", "Auto Mode chooses the image", "remove image"),
        (
            auto and bool(spec.get("efa")),
            "efa",
            "true",
            "a NodeClass of Auto Mode declares no network interfaces",
            "remove efa, or use provisioning managed-groups or karpenter",
        ),
        (
            auto and bool(spec.get("local_nvme")),
            "localNvme",
            "true",
            "Auto Mode decides itself what local disks are for",
            "remove localNvme",
        ),
    ]
    yield from broken(path, refused)
