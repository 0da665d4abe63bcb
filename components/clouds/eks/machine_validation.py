"""Rules on the machines of an EKS node pool and their devices."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, DeviceAllocation, Sharing
from catalog.machines import MACHINES, Machine, eks_ami_type
from components.capacity.sharing import SharingArgs
from components.clouds.eks.cluster_validation import VERSION
from components.clouds.eks.spec import EksImage, EksPoolSpec, EksPurchase
from components.clouds.eks.tables import BOTTLEROCKET_MIG_MODELS, DRA_SINCE, WITH_RESERVATION
from components.clouds.pool_validation import check_sharing
from components.findings import Finding

MAX_MACHINES = 20
"""Instance types of one managed node group (EKS API, CreateNodegroup)."""


def check_machine_names(path: str, names: Sequence[str]) -> Iterator[Finding]:
    """EC2 machines of the machine table, each once."""
    offered = [name for name, machine in MACHINES.items() if machine.kind is ClusterKind.EKS]
    if not 1 <= len(names) <= MAX_MACHINES:
        yield Finding(
            path, ", ".join(names) or "(none)", f"1 to {MAX_MACHINES} instance types", "name one, like [p5.48xlarge]"
        )
    for index, name in enumerate(names):
        machine = MACHINES.get(name)
        if machine is None:
            close = get_close_matches(name, offered, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}? " if close else ""
            yield Finding(
                f"{path}[{index}]",
                name or "(empty)",
                "an EC2 machine of the machine table",
                f"{hint}One that is missing gets a row in catalog/machines.py",
            )
        elif machine.kind is not ClusterKind.EKS:
            same = [n for n in offered if MACHINES[n].accelerator == machine.accelerator]
            yield Finding(
                f"{path}[{index}]",
                name,
                f"a machine of EC2; this one is offered on {machine.kind}",
                f"use one of {', '.join(same)}" if same else f"EC2 offers none with {machine.accelerator}",
            )
        if name in names[:index]:
            yield Finding(f"{path}[{index}]", name, "each machine once", "remove the other")


def check_machines(path: str, spec: EksPoolSpec, machines: Sequence[Machine]) -> Iterator[Finding]:
    """The machines of a pool are alike, and each has what the pool requests."""
    purchase = EksPurchase(spec.get("purchase", EksPurchase.ON_DEMAND))
    if len(machines) > 1:
        names = ", ".join(machine.name for machine in machines)
        if purchase in WITH_RESERVATION:
            yield Finding(f"{path}.machines", names, "a reservation has one instance type", "name only that type")
        for what, values in (
            ("accelerator", {machine.accelerator or "none" for machine in machines}),
            ("number of devices", {str(machine.devices) for machine in machines}),
            ("architecture", {machine.architecture.value for machine in machines}),
        ):
            if len(values) > 1:
                yield Finding(
                    f"{path}.machines",
                    f"{names}: {', '.join(sorted(values))}",
                    f"machines of one pool have the same {what}: its pods are scheduled by one size",
                    "declare a pool for each",
                )
    for machine in machines:
        if spec.get("efa") and not machine.efa_interfaces:
            able = [m.name for m in MACHINES.values() if m.accelerator == machine.accelerator and m.efa_interfaces]
            yield Finding(
                f"{path}.efa",
                f"true on {machine.name}",
                "the machine has Elastic Fabric Adapters",
                f"use {able[-1]}, or remove efa" if able else "remove efa",
            )
        if spec.get("local_nvme") and not machine.nvme_gb:
            yield Finding(
                f"{path}.localNvme",
                f"true on {machine.name}",
                "the machine has local disks",
                "remove localNvme and raise diskGib, or use a machine that has them",
            )
        if purchase is EksPurchase.CAPACITY_BLOCK and not machine.capacity_blocks:
            yield Finding(
                f"{path}.purchase",
                f"capacity-block on {machine.name}",
                "EC2 sells Capacity Blocks of this machine",
                "use reserved or on-demand, or one of "
                + ", ".join(name for name, row in MACHINES.items() if row.capacity_blocks),
            )


def check_devices(path: str, spec: EksPoolSpec, machine: Machine) -> Iterator[Finding]:
    """How the devices of a machine are allocated and shared."""
    sharing = spec.get("sharing") or SharingArgs()
    if spec.get("image") == EksImage.BOTTLEROCKET:
        yield from _check_bottlerocket(path, spec, machine)
    if not machine.accelerator:
        for key, given in (
            ("sharing", sharing),
            ("deviceAllocation", spec.get("device_allocation") == DeviceAllocation.DRA),
        ):
            if given:
                yield Finding(
                    f"{path}.{key}",
                    f"{key} on {machine.name}",
                    "a machine without accelerators has no devices to allocate",
                    "remove this line, or name a machine that has accelerators",
                )
        return
    yield from check_sharing(f"{path}.sharing", sharing, ACCELERATORS[machine.accelerator])


def check_dra(path: str, spec: EksPoolSpec, accelerator: Accelerator, kubernetes_version: str) -> Iterator[Finding]:
    """Whether a DRA driver can allocate the devices of a managed group."""
    if spec.get("device_allocation") != DeviceAllocation.DRA:
        return
    where = f"{path}.deviceAllocation"
    if accelerator.vendor != "NVIDIA":
        yield Finding(where, f"dra on {accelerator.name}", "the platform's DRA driver is NVIDIA's", "use device-plugin")
    since = ".".join(str(part) for part in DRA_SINCE)
    if VERSION.fullmatch(kubernetes_version) and version_numbers(kubernetes_version) < DRA_SINCE:
        yield Finding(
            where,
            f"dra on Kubernetes {kubernetes_version}",
            f"resource.k8s.io/v1 is served from {since} on",
            f"raise kubernetesVersion to {since} or more, or use device-plugin",
        )
    if (spec.get("sharing") or {}).get("strategy", Sharing.EXCLUSIVE) != Sharing.EXCLUSIVE:
        yield Finding(
            f"{path}.sharing", "sharing on a DRA pool", "with DRA the claim configures sharing", "remove sharing"
        )
    if spec.get("image") == EksImage.BOTTLEROCKET:
        yield Finding(
            where,
            "dra on bottlerocket",
            "one mechanism for a pool; the image contains the device plugin",
            "use image al2023, or deviceAllocation device-plugin",
        )
    if not spec.get("nodes_min"):
        yield Finding(
            f"{path}.nodesMin",
            "0 with dra",
            "the Cluster Autoscaler learns from a running node which devices a pool has",
            "use 1 or more, or deviceAllocation device-plugin",
        )


def version_numbers(version: str) -> tuple[int, ...]:
    """`1.35` as numbers that compare."""
    return tuple(int(part) for part in version.split("."))


def _check_bottlerocket(path: str, spec: EksPoolSpec, machine: Machine) -> Iterator[Finding]:
    try:
        eks_ami_type(machine, bottlerocket=True)
    except KeyError:
        yield Finding(
            f"{path}.image", f"bottlerocket on {machine.name}", "Bottlerocket boots this machine", "use image al2023"
        )
    sharing = spec.get("sharing") or SharingArgs()
    profiles = sharing.get("mig_profiles") or {}
    accelerator = ACCELERATORS.get(machine.accelerator)
    if sharing.get("strategy") != Sharing.MIG or not accelerator or not accelerator.mig_profiles:
        return
    if accelerator.name not in BOTTLEROCKET_MIG_MODELS:
        yield Finding(
            f"{path}.sharing.strategy",
            f"mig of {accelerator.name} on bottlerocket",
            f"its MIG manager supports  {', '.join(BOTTLEROCKET_MIG_MODELS)}",
            "use image al2023",
        )
    for name, count in profiles.items():
        profile = accelerator.mig_profile(name)
        if len(profiles) > 1 or (profile and count != profile.maximum):
            yield Finding(
                f"{path}.sharing.migProfiles",
                ", ".join(f"{each}: {many}" for each, many in profiles.items()),
                "Bottlerocket partitions every GPU into as many instances of one profile as fit",
                f"write {{{name}: {profile.maximum if profile else count}}}, or use image al2023",
            )
            return
