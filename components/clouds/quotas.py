"""How much of a cloud's quotas the pools use at their maximum size, and the remedy when a quota is too small. Pure.

A quota is the cloud's limit for an account or a project in a region; a machine may be unavailable within its quota.
The tables contain only quotas with a source. For the rest `unmetered` reports that nothing was checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES, Machine
from components.findings import Finding


class Meter(StrEnum):
    """The quota of a family that a purchase option uses."""

    STANDARD = "standard"
    PREEMPTIBLE = "preemptible"
    QUEUED = "queued"
    """Preemptible quota, then standard quota; if both are too small, nodes wait and do not fail."""
    NONE = "none"
    """None: the capacity was counted when it was reserved or bought."""


METERS: dict[str, Meter] = {
    "on-demand": Meter.STANDARD,
    "spot": Meter.PREEMPTIBLE,
    "flex-start": Meter.QUEUED,
    "queued": Meter.QUEUED,
    "reserved": Meter.NONE,
    "capacity-block": Meter.NONE,
}
"""Values of EksPurchase and GkePurchase -> the quota that they use.

Sources: instances in a Capacity Block count against no On-Demand limit, a reservation counts when it is made, used or
not (EC2 user guide, Capacity Blocks and InstanceLimitExceeded); Flex-start: Compute Engine, provisioning models;
reserved TPUs need no quota: GKE, troubleshoot TPUs.
"""


@dataclass(frozen=True)
class QuotaPool:
    """The facts of a pool that quotas depend on."""

    name: str
    """Name of the pool; with dots in it: the path of another setting that creates nodes."""
    machine: str
    """A key of MACHINES."""
    nodes_max: int
    purchase: str = "on-demand"
    """A key of METERS."""


@dataclass(frozen=True)
class Quota:
    """One quota of a cloud."""

    cloud: str
    service: str
    code: str
    """AWS: quota code; Google: quota id."""
    name: str
    unit: str
    """Unit: vCPUs, GPUs, TPU chips."""
    dimensions: tuple[tuple[str, str], ...] = ()
    """Google: dimension of a quota with a limit for each kind."""
    everywhere: bool = False
    """Google: whether one limit applies to all regions together."""


@dataclass(frozen=True)
class QuotaNeed:
    """How much of one quota the pools use at their maximum size."""

    cloud: str
    service: str
    quota_code: str
    name: str
    unit: str
    amount: int
    pools: tuple[str, ...]
    dimensions: tuple[tuple[str, str], ...] = ()
    everywhere: bool = False
    queues: bool = False
    """Nodes may wait for part of it: a quota that is too small is a warning, not a finding."""

    @property
    def key(self) -> str:
        """Identifies the quota, also in the limits that are passed in."""
        return "/".join((self.service, self.quota_code, *(f"{name}={value}" for name, value in self.dimensions)))


def _ec2(code: str, name: str) -> Quota:
    return Quota("aws", "ec2", code, name, "vCPUs")


_G = ("g4dn", "g5", "g5g", "g6", "g6e", "gr6", "g7e")
_STANDARD = "Standard (A, C, D, H, I, M, R, T, Z)"
# Codes and names: answers of ListServiceQuotas in public repositories (2024-2026), each found in three or more.
_P = _ec2("L-417A185B", "Running On-Demand P instances")
EC2_STANDARD: dict[str, Quota] = {
    **dict.fromkeys(_G, _ec2("L-DB2E81BA", "Running On-Demand G and VT instances")),
    **dict.fromkeys(("p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200"), _P),
    **dict.fromkeys(("trn1", "trn1n", "trn2"), _ec2("L-2C3B7624", "Running On-Demand Trn instances")),
    **dict.fromkeys(("inf1", "inf2"), _ec2("L-1945791B", "Running On-Demand Inf instances")),
    **dict.fromkeys(("m6i", "m7i", "m7g", "r7i"), _ec2("L-1216C47A", f"Running On-Demand {_STANDARD} instances")),
}
"""EC2 instance family -> its On-Demand quota."""
EC2_SPOT: dict[str, Quota] = {
    **dict.fromkeys(_G, _ec2("L-3819A6DF", "All G and VT Spot Instance Requests")),
    **dict.fromkeys(("p3dn", "p4d", "p4de"), _ec2("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests")),
    **dict.fromkeys(("p5", "p5e", "p5en"), _ec2("L-C4BD4855", "All P5 Spot Instance Requests")),
    **dict.fromkeys(("trn1", "trn1n", "trn2"), _ec2("L-6B0D517C", "All Trn Spot Instance Requests")),
    **dict.fromkeys(("inf1", "inf2"), _ec2("L-B5D1601B", "All Inf Spot Instance Requests")),
    **dict.fromkeys(("m6i", "m7i", "m7g", "r7i"), _ec2("L-34B43A08", f"All {_STANDARD} Spot Instance Requests")),
}
"""EC2 instance family -> its Spot quota. P6: no source names it."""


def _google(code: str, name: str, unit: str, everywhere: bool = False, **dimensions: str) -> Quota:
    return Quota("gcp", "compute.googleapis.com", code, name, unit, tuple(sorted(dimensions.items())), everywhere)


def _gpu(code: str) -> Quota:
    return _google(f"{code}-GPUS-per-project-region", f"{code.replace('-', ' ')} GPUs", "GPUs")


def _gpu_family(family: str) -> Quota:
    return _google("GPUS-PER-GPU-FAMILY-per-project-region", f"GPUs per GPU family {family}", "GPUs", gpu_family=family)


def _tpu(code: str, name: str) -> Quota:
    return _google(f"{code}-per-project-region", name, "TPU chips")


def _tpu_family(family: str) -> Quota:
    return _google(
        "TPUS-PER-TPU-FAMILY-per-project-region", f"TPUs per TPU family {family}", "TPU chips", tpu_family=family
    )


# Quota ids: answers of the Cloud Quotas API in public repositories (2026). From H100 on, a GPU has no on-demand quota
# of its own: they share one with the family as dimension; on spot each has its own. GKE takes TPUs from Compute
# Engine's quotas: chips granted under tpu.googleapis.com do not count.
GOOGLE_STANDARD: dict[str, Quota] = {
    "L4": _gpu("NVIDIA-L4"),
    "A100-40GB": _gpu("NVIDIA-A100"),
    "A100-80GB": _gpu("NVIDIA-A100-80GB"),
    "H100": _gpu_family("NVIDIA_H100"),
    "H200": _gpu_family("NVIDIA_H200"),
    "B200": _gpu_family("NVIDIA_B200"),
    "GB200": _gpu_family("NVIDIA_GB200"),
    "RTX-PRO-6000": _gpu_family("NVIDIA_RTX_PRO_6000"),
    "TPU-v5e": _tpu("TPU-LITE-PODSLICE-V5", "TPU v5 Lite PodSlice chips"),
    "TPU-v5p": _tpu("TPU-V5P", "TPU v5p chips"),
    "TPU-v6e": _tpu_family("CT6E"),
    "TPU-v7x": _tpu_family("tpu7x"),
}
"""Accelerator -> its on-demand quota. TPU v4: no source gives the id."""
GOOGLE_PREEMPTIBLE: dict[str, Quota] = {
    "L4": _gpu("PREEMPTIBLE-NVIDIA-L4"),
    "A100-40GB": _gpu("PREEMPTIBLE-NVIDIA-A100"),
    "A100-80GB": _gpu("PREEMPTIBLE-NVIDIA-A100-80GB"),
    "H100": _gpu("PREEMPTIBLE-NVIDIA-H100"),
    "H200": _gpu("PREEMPTIBLE-NVIDIA-H200"),
    "B200": _gpu("PREEMPTIBLE-NVIDIA-B200"),
    "RTX-PRO-6000": _gpu("PREEMPTIBLE-NVIDIA-RTX-PRO-6000"),
    "TPU-v5p": _tpu("PREEMPTIBLE-TPU-V5P", "Preemptible TPU v5p chips"),
    "TPU-v6e": _tpu("PREEMPTIBLE-TPU-V6E", "Preemptible TPU slices v6e"),
    "TPU-v7x": _tpu("PREEMPTIBLE-TPU7X", "Preemptible TPU slices tpu7x"),
}
"""Accelerator -> its quota on spot, and first on flex-start. GB200, TPU v4, v5e: no source gives the id by region."""
ALL_GPUS = _google("GPUS-ALL-REGIONS-per-project", "GPUs (all regions)", "GPUs", everywhere=True)
"""In addition to the quota of its kind, for every purchase option."""
GOOGLE_CPUS: dict[str, Quota] = {
    "e2-standard": _google("CPUS-per-project-region", "CPUs", "vCPUs"),
    "n2-standard": _google("N2-CPUS-per-project-region", "N2 CPUs", "vCPUs"),
    "n4-standard": _google("CPUS-PER-VM-FAMILY-per-project-region", "CPUs per VM family N4", "vCPUs", vm_family="N4"),
    "c4a-standard": _google(
        "CPUS-PER-VM-FAMILY-per-project-region", "CPUs per VM family C4A", "vCPUs", vm_family="C4A"
    ),
}
"""Machine series without accelerators -> its on-demand quota. Machines with accelerators take no CPU quota."""
ALL_CPUS = _google("CPUS-ALL-REGIONS-per-project", "CPUs (all regions)", "vCPUs", everywhere=True)


def quotas_of(machine: Machine, purchase: str) -> tuple[Quota, ...] | None:
    """The quotas that a machine with that purchase option counts against; empty: none; None: no source names them."""
    meter = METERS[purchase]
    if meter is Meter.NONE or machine.kind not in (ClusterKind.EKS, ClusterKind.GKE):
        return ()
    standard = meter is Meter.STANDARD
    if machine.kind is ClusterKind.EKS:
        found, overall = (EC2_STANDARD if standard else EC2_SPOT).get(machine.name.split(".")[0]), None
    elif machine.accelerator:
        found = (GOOGLE_STANDARD if standard else GOOGLE_PREEMPTIBLE).get(machine.accelerator)
        overall = ALL_GPUS if found and found.unit == ALL_GPUS.unit else None
    else:
        found, overall = GOOGLE_CPUS.get(machine.name.rsplit("-", 1)[0]) if standard else None, ALL_CPUS
    if found is None:
        return None
    return (found, overall) if overall else (found,)


def quota_needs(pools: Iterable[QuotaPool]) -> list[QuotaNeed]:
    """How much all pools together use of each quota at their maximum size, by key. Raises KeyError for an unknown
    machine or purchase option.
    """
    hard: dict[Quota, dict[str, int]] = defaultdict(dict)
    queued: dict[Quota, dict[str, int]] = defaultdict(dict)
    for pool in pools:
        machine = MACHINES[pool.machine]
        for quota in quotas_of(machine, pool.purchase) or ():
            amounts = (queued if METERS[pool.purchase] is Meter.QUEUED else hard)[quota]
            per_node = machine.cpu if quota.unit == "vCPUs" else machine.devices
            amounts[pool.name] = amounts.get(pool.name, 0) + per_node * pool.nodes_max
    needs = [_need(quota, amounts) for quota, amounts in hard.items()]
    for quota, amounts in queued.items():
        together = {**hard.get(quota, {}), **amounts}
        needs.append(replace(_need(quota, together), queues=True))
    return sorted((need for need in needs if need.amount), key=lambda need: (need.key, need.queues))


def _need(quota: Quota, amounts: Mapping[str, int]) -> QuotaNeed:
    return QuotaNeed(
        cloud=quota.cloud,
        service=quota.service,
        quota_code=quota.code,
        name=quota.name,
        unit=quota.unit,
        amount=sum(amounts.values()),
        pools=tuple(sorted(name for name, amount in amounts.items() if amount)),
        dimensions=quota.dimensions,
        everywhere=quota.everywhere,
    )


def check_quotas(needs: Iterable[QuotaNeed], limits: Mapping[str, float], region: str) -> Iterator[Finding]:
    """Each quota whose limit is known and smaller than the need."""
    for need in needs:
        limit = limits.get(need.key)
        if limit is not None and limit < need.amount and not need.queues:
            yield Finding(
                ", ".join(pool if "." in pool else f"cluster.pools.{pool}.nodesMax" for pool in need.pools),
                f"{need.amount} {need.unit} at most",
                f"{_called(need, region)} allows {limit:g}",
                f"request an increase at {console(need, region)}, or lower that",
            )


def quota_warnings(needs: Iterable[QuotaNeed], limits: Mapping[str, float], region: str) -> Iterator[str]:
    """Quotas that could not be checked, and nodes that will wait."""
    for need in needs:
        limit, who = limits.get(need.key), f"pools {', '.join(need.pools)}"
        if limit is None:
            yield f"{who}: {_called(need, region)} is unknown; {need.amount} {need.unit} are needed at most"
        elif limit < need.amount and need.queues:
            what = f"allows {limit:g} of {need.amount} {need.unit}; standard quota is taken for the rest, or it waits"
            yield f"{who}: {_called(need, region)} {what}"


def unmetered(pools: Iterable[QuotaPool]) -> Iterator[str]:
    """Pools without a known quota, for which nothing is checked."""
    for pool in pools:
        if quotas_of(MACHINES[pool.machine], pool.purchase) is None:
            yield f"pool {pool.name}: no quota is known for {pool.machine} {pool.purchase}; nothing was checked"


def _called(need: QuotaNeed, region: str) -> str:
    where = "all regions" if need.everywhere else region
    return f"{need.name} ({need.quota_code}) in {where}"


def console(need: QuotaNeed, region: str) -> str:
    """Console page to request an increase."""
    if need.cloud == "aws":
        return f"https://{region}.console.aws.amazon.com/servicequotas/home/services/{need.service}/quotas/{need.quota_code}"
    return "https://console.cloud.google.com/iam-admin/quotas"
