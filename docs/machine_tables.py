"""The page of machines: what each cloud offers, and how its nodes are labelled.

Valid pools come from the validation rules, node labels from the planners; no fact is repeated here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from tables import table

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, DeviceAllocation, Owner, Sharing
from catalog.machines import MACHINES, Machine, eks_ami_type, machines_with
from components.capacity.placement import POOL_LABEL, PURCHASE_LABEL, SOFTWARE, NodeSoftware, PoolArgs, plan_pool
from components.capacity.sharing import SharingArgs, units_per_device
from components.clouds.eks.plan import plan_eks_pool
from components.clouds.eks.spec import EksImage, EksPoolSpec, EksPurchase, NodeProvisioning
from components.clouds.eks.validation import check_eks_pool
from components.clouds.gke.node_plan import software_of, topologies_of
from components.clouds.gke.plan import plan_gke_pool
from components.clouds.gke.spec import GkeMode, GkePoolSpec, GkePurchase, GpuDriverVersion
from components.clouds.gke.validation import check_gke_pool
from components.clouds.pool_validation import check_described_pool

_EVERY_NODE = (POOL_LABEL, PURCHASE_LABEL)
_RESERVATION = "cr-0123456789abcdef0"
_REPLICAS = 2
_DEVICE_CLASS = ACCELERATORS["H100"].device_class
_ZONE = "europe-west4-a"
_TITLES = {ClusterKind.EKS: "Amazon EKS", ClusterKind.GKE: "Google GKE", ClusterKind.EXISTING: "Existing clusters"}


def machines_page() -> str:
    """Every machine and accelerator of every cloud."""
    sources = Sources()
    text = [
        "# Machines",
        "Machines of each cloud, labels of their nodes and resources that pods request. Settings contain none of these "
        "names: a workload names its pool. Purchases, images and sharing are those that the validation rules accept.",
        f"Every node also has `{POOL_LABEL}: <pool>` and `{PURCHASE_LABEL}: <purchase>`; spot nodes have the taint "
        "`mlplatform.dev/spot` as well. The numbers in the last columns are the sources at the end.",
        f"## {_TITLES[ClusterKind.EKS]}",
        "The image includes the driver. On Amazon Linux the platform installs the device plugin; Bottlerocket includes "
        "NVIDIA's, which gives partitions the name of the device. With deviceAllocation dra pods claim from the "
        "DeviceClass "
        f"`{_DEVICE_CLASS}` instead. Karpenter and Auto Mode allocate whole devices, through the device plugin only.",
        "### Accelerators on EKS",
        eks_accelerators(sources),
        "### Machines on EKS",
        "Image types are those of managed node groups; Karpenter selects images by the family's alias, Auto Mode uses "
        "its own. EFA: maximum number of adapters; a pool with `efa` uses all of them.",
        eks_machines(sources),
        f"## {_TITLES[ClusterKind.GKE]}",
        "Shares and partitions of a device have its resource name. Driver from `cloud`: GKE installs it in "
        "the version that the pool names; `found`: you install it. Queued nodes have the taint "
        "`cloud.google.com/gke-queued` as well.",
        "### Accelerators on GKE",
        gke_accelerators(sources),
        "### Machines on GKE",
        "Slices larger than one machine consist of machines with four chips: "
        "[all topologies](accelerators.md#tpu-topologies).",
        gke_machines(sources),
        f"## {_TITLES[ClusterKind.EXISTING]}",
        "Any accelerator of the catalogue, on any machine: the nodes exist already. Labels are those that NVIDIA's or "
        "AMD's feature discovery writes; where it does not run, you set them.",
        existing_accelerators(sources),
        "### Reference machines of no cloud",
        other_machines(sources),
        "## Sources",
        "\n".join(f"{number}. {source}" for source, number in sources.numbers.items()),
    ]
    return "\n\n".join(text) + "\n"


class Sources:
    """Sources, numbered by first use."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, source: str) -> int:
        """Number of one source, the same each time."""
        return self.numbers.setdefault(source, len(self.numbers) + 1)


def eks_accelerators(sources: Sources) -> str:
    """Labels and resources of EKS nodes, by accelerator."""
    rows = []
    for accelerator in _offered(ClusterKind.EKS):
        machine = machines_with(accelerator.name, ClusterKind.EKS)[0]
        plan = plan_eks_pool("pool", _eks_spec(machine), NodeProvisioning.MANAGED_GROUPS)
        image = {kind: _eks_sharing(machine, kind) for kind in EksImage}
        rows.append(
            (
                accelerator.name,
                _code(_resources(accelerator, image[EksImage.AL2023], Owner.PLATFORM)),
                _labels(plan.labels),
                _code(taint["key"] for taint in plan.taints),
                *(_listed(image[kind]) for kind in EksImage),
                _listed(m for m in DeviceAllocation if _eks_takes(machine, device_allocation=m, nodes_min=1)),
                sources.number(accelerator.source),
            )
        )
    sharing = tuple(f"sharing, {image}" for image in EksImage)
    return table(("accelerator", "resource", "labels", "taint", *sharing, "mechanisms", "source"), rows)


def eks_machines(sources: Sources) -> str:
    """The machines of EC2."""
    rows = [
        (
            machine.name,
            machine.accelerator or "-",
            _resource(machine),
            machine.devices or "-",
            machine.cpu,
            machine.memory_gib,
            machine.architecture,
            machine.nvme_gb or "-",
            machine.efa_interfaces or "-",
            f"`{eks_ami_type(machine)}`",
            f"`{eks_ami_type(machine, bottlerocket=True)}`"
            if _eks_takes(machine, image=EksImage.BOTTLEROCKET)
            else "-",
            _listed(p for p in EksPurchase if _eks_sells(machine, p)),
            _listed(p for p in NodeProvisioning if _eks_takes(machine, p)),
            sources.number(machine.source),
        )
        for machine in _machines(ClusterKind.EKS)
    ]
    sizes = ("devices", "vCPU", "GiB", "CPU", "NVMe GB", "EFA")
    images = ("AL2023 image type", "Bottlerocket image type")
    header = ("machine", "accelerator", "resource", *sizes, *images, "purchases", "provisioning", "source")
    return table(header, rows)


def gke_accelerators(sources: Sources) -> str:
    """Labels and resources of GKE nodes, by accelerator."""
    rows = []
    for accelerator in _offered(ClusterKind.GKE):
        machine = machines_with(accelerator.name, ClusterKind.GKE)[0]
        plan = plan_gke_pool("pool", _gke_spec(machine), [_ZONE])
        placement = plan.handle["placement"]
        sharing = [s for s in Sharing if _gke_takes(machine, sharing=_shared(accelerator, s))]
        rows.append(
            (
                accelerator.name,
                _code(_resources(accelerator, sharing, Owner.CLOUD)),
                _labels(placement["node_selector"]),
                _code(toleration["key"] for toleration in placement["tolerations"]),
                _listed(sharing),
                _listed(m for m in DeviceAllocation if _gke_takes(machine, device_allocation=m)),
                _gke_driver(machine),
                sources.number(accelerator.source),
            )
        )
    header = ("accelerator", "resource", "labels", "taints", "sharing", "mechanisms", "driver from", "source")
    return table(header, rows)


def _gke_driver(machine: Machine) -> str:
    """Who installs the driver, by device_allocation."""
    plugin, dra = DeviceAllocation.DEVICE_PLUGIN, DeviceAllocation.DRA
    none = GpuDriverVersion.DISABLED
    versions = [v.value for v in GpuDriverVersion if v is not none and _gke_takes(machine, driver_version=v)]
    owner = software_of(plugin)["driver"].value
    ways = [f"{owner} ({', '.join(versions)})" if versions else owner]
    if _gke_takes(machine, driver_version=none):
        ways.append(f"{none.value}: {software_of(plugin, own_driver=True)['driver'].value}")
    if _gke_takes(machine, device_allocation=dra):
        ways.append(f"dra: {software_of(dra)['driver'].value}")
    return "; ".join(ways)


def gke_machines(sources: Sources) -> str:
    """Compute Engine machines that GKE supports."""
    rows = []
    for machine in _machines(ClusterKind.GKE):
        config = plan_gke_pool("pool", _gke_spec(machine), [_ZONE]).node_config
        rows.append(
            (
                machine.name,
                machine.accelerator or "-",
                _resource(machine),
                machine.devices or "-",
                machine.cpu,
                machine.memory_gib,
                machine.architecture,
                _topologies(machine),
                f"`{config['image_type']}`",
                ", ".join(machine.boot_disks),
                ", ".join(sorted(machine.volume_disks)),
                machine.local_ssds or "-",
                _listed(p for p in GkePurchase if _gke_takes(machine, purchase=p, **_gke_reservation(p))),
                sources.number(machine.source),
            )
        )
    sizes = ("devices", "vCPU", "GiB", "CPU", "topologies")
    disks = ("boot disks", "disks of volumes", "local SSDs")
    return table(("machine", "accelerator", "resource", *sizes, "image", *disks, "purchases", "source"), rows)


def _topologies(machine: Machine) -> str:
    alone, *larger = topologies_of(machine) or ["-"]
    link = f"accelerators.md#{machine.accelerator.lower()}"
    return f"{alone}, and [{len(larger)} larger]({link})" if larger else alone


def existing_accelerators(sources: Sources) -> str:
    """Labels and resources of nodes of an existing cluster, and who may install each piece, by accelerator."""
    rows = []
    for accelerator in ACCELERATORS.values():
        args = _existing(accelerator)
        _, labels, taints = plan_pool("pool", args, ClusterKind.EXISTING)
        sharing = [s for s in Sharing if _described(accelerator, sharing=_shared(accelerator, s))]
        rows.append(
            (
                accelerator.name,
                _code(_resources(accelerator, sharing, Owner.PLATFORM)),
                _labels(labels),
                _code(taint["key"] for taint in taints),
                _listed(sharing),
                "<br>".join(_owners(accelerator)),
                sources.number(accelerator.source),
            )
        )
    header = ("accelerator", "resource", "labels", "taint", "sharing", "driver: device plugin from", "source")
    return table(header, rows)


def _owners(accelerator: Accelerator) -> Iterator[str]:
    """`found: platform, operator`, for each device_allocation that the rules allow."""
    for device_allocation in DeviceAllocation:
        for driver in Owner:
            plugins = [
                plugin
                for plugin in Owner
                if _described(
                    accelerator, NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=device_allocation)
                )
            ]
            if plugins:
                marked = "" if device_allocation is DeviceAllocation.DEVICE_PLUGIN else f" ({device_allocation})"
                yield f"{driver}: {_listed(plugins)}{marked}"


def other_machines(sources: Sources) -> str:
    """Machines that no cloud of the catalogue offers."""
    rows = [
        (m.name, m.accelerator, _resource(m), m.devices, m.cpu, m.memory_gib, m.architecture, sources.number(m.source))
        for m in _machines(ClusterKind.EXISTING)
    ]
    return table(("machine", "accelerator", "resource", "devices", "vCPU", "GiB", "CPU", "source"), rows)


# What the rules allow


def _eks_spec(machine: Machine, **over: Any) -> EksPoolSpec:
    return EksPoolSpec(machines=[machine.name], nodes_max=1, **over)


def _eks_takes(machine: Machine, provisioning: NodeProvisioning = NodeProvisioning.MANAGED_GROUPS, **over: Any) -> bool:
    return not list(check_eks_pool("pool", _eks_spec(machine, **over), provisioning))


def _eks_sharing(machine: Machine, image: EksImage) -> list[Sharing]:
    accelerator = ACCELERATORS[machine.accelerator]
    return [s for s in Sharing if _eks_takes(machine, image=image, sharing=_shared(accelerator, s))]


def _eks_sells(machine: Machine, purchase: EksPurchase) -> bool:
    """Whether any node provisioning supports this purchase."""
    return any(_eks_takes(machine, by, purchase=purchase, **_reservation(purchase)) for by in NodeProvisioning)


def _reservation(purchase: EksPurchase) -> dict[str, Any]:
    reserved = purchase in (EksPurchase.RESERVED, EksPurchase.CAPACITY_BLOCK)
    return {"reservation_id": _RESERVATION, "zones": ["eu-west-1a"]} if reserved else {}


def _gke_spec(machine: Machine, **over: Any) -> GkePoolSpec:
    return GkePoolSpec(machine=machine.name, nodes_min=0, nodes_max=1, **over)


def _gke_takes(machine: Machine, **over: Any) -> bool:
    return not list(check_gke_pool("pool", _gke_spec(machine, **over), GkeMode.STANDARD))


def _gke_reservation(purchase: GkePurchase) -> dict[str, Any]:
    return {"reservation": "ours"} if purchase is GkePurchase.RESERVED else {}


def _existing(accelerator: Accelerator, **over: Any) -> PoolArgs:
    topology = next(iter(accelerator.topologies), "")
    shape = {"topology": topology} if topology else {}
    return PoolArgs(accelerator=accelerator.name, nodes_max=64, **shape, **over)  # type: ignore[typeddict-item]


def _described(accelerator: Accelerator, software: NodeSoftware | None = None, **over: Any) -> bool:
    software = software or SOFTWARE[ClusterKind.EXISTING]
    args = _existing(accelerator, device_allocation=software["device_allocation"], **over)
    return not list(check_described_pool("pool", args, software))


def _shared(accelerator: Accelerator, strategy: Sharing) -> SharingArgs:
    if strategy is Sharing.MIG:
        profiles = {profile.name: profile.maximum for profile in accelerator.mig_profiles[:1]}
        return SharingArgs(strategy=strategy, mig_profiles=profiles)
    if strategy is Sharing.EXCLUSIVE:
        return SharingArgs(strategy=strategy)
    return SharingArgs(strategy=strategy, replicas=_REPLICAS)


def _resources(accelerator: Accelerator, sharing: Iterable[Sharing], plugin: Owner) -> list[str]:
    """The names that pods request: whole devices first, then partitions of every size."""
    names: dict[str, None] = {}
    for strategy in sharing:
        shared = _shared(accelerator, strategy)
        if strategy is Sharing.MIG:
            shared["mig_profiles"] = {profile.name: 1 for profile in accelerator.mig_profiles}
        names |= dict.fromkeys(units_per_device(accelerator, shared, plugin))
    return list(names)


# Cells


def _machines(kind: ClusterKind) -> list[Machine]:
    return [machine for machine in MACHINES.values() if machine.kind is kind]


def _offered(kind: ClusterKind) -> list[Accelerator]:
    return [accelerator for accelerator in ACCELERATORS.values() if machines_with(accelerator.name, kind)]


def _resource(machine: Machine) -> str:
    return f"`{ACCELERATORS[machine.accelerator].resource_name}`" if machine.accelerator else "-"


def _labels(labels: dict[str, str]) -> str:
    return _code(f"{key}={value}" for key, value in labels.items() if key not in _EVERY_NODE) or "-"


def _code(texts: Iterable[str]) -> str:
    return "<br>".join(f"`{text}`" for text in texts)


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(str(value) for value in values) or "-"
