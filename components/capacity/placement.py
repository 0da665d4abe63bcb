"""Placement and requests of pods on a pool, decided once by the pool and exported as a `PoolHandle`.

Pure. A workload takes the handle; taints, labels and resource names are never repeated.
"""

from typing import NotRequired, Required, TypedDict

from catalog.accelerators import (
    ACCELERATORS,
    Accelerator,
    ClusterKind,
    DeviceAllocation,
    Owner,
    Purchase,
    Sharing,
    topology_chips,
)
from catalog.machines import CPU_MACHINE, MACHINES
from components.capacity.sharing import SharingArgs, gke_sharing_labels, sharing_labels, units_per_device

POOL_LABEL = "mlplatform.dev/pool"
PURCHASE_LABEL = "mlplatform.dev/purchase"
SLICE_LABEL = "mlplatform.dev/tpu-slice"
TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
SPOT_TAINT = "mlplatform.dev/spot"
SIMULATED_LABEL = "mlplatform.dev/simulated"


class Taint(TypedDict):
    """A taint on every node of a pool."""

    key: str
    """Taint key."""
    value: str
    """Taint value; may be empty."""
    effect: str
    """`NoSchedule`, `PreferNoSchedule` or `NoExecute`."""


class Toleration(TypedDict):
    """A toleration. Always by key, never for all taints."""

    key: str
    """Taint key."""
    operator: str
    """`Exists`."""
    effect: str
    """The taint's effect."""


class CustomAcceleratorArgs(TypedDict):
    """A device that is not in the catalogue: another device plugin, an ASIC, an FPGA."""

    name: str
    """Its name in reports."""
    resource_name: str
    """The extended resource of its device plugin, `vendor.example/device`."""
    node_labels: dict[str, str]
    """Labels of the nodes with it."""
    taint_key: str
    """Taint of those nodes, effect NoSchedule."""


class PoolArgs(TypedDict, total=False):
    """Arguments of the node pools of every cloud: the part that workloads use."""

    accelerator: str
    """A name of the accelerator catalogue; empty or missing for a CPU pool."""
    custom_accelerator: CustomAcceleratorArgs
    """Instead of `accelerator`: a device described in full."""
    devices_per_node: int
    """Physical devices on one node; default: as many as on the reference machine; of a TPU slice as many as the hosts
    of its topology usually have."""
    sharing: SharingArgs
    """Default: exclusive."""
    topology: str
    """TPU only: shape of one slice, `4x4`."""
    nodes_min: int
    """Minimum number of nodes; default 0."""
    nodes_max: Required[int]
    """Maximum number of nodes; quotas and capacity are computed from it."""
    purchase: Purchase
    """Default: on-demand."""
    cpu_per_node: int
    """vCPUs of one node; default: the reference machine's."""
    memory_gib_per_node: int
    """GiB of memory of one node; default: the reference machine's."""
    device_allocation: DeviceAllocation
    """How pods get its devices. Default: device-plugin."""
    labels: dict[str, str]
    """More node labels."""
    taints: list[Taint]
    """More taints."""


class NodeSoftware(TypedDict):
    """The owner of each piece of software that a device needs on its node."""

    driver: Owner
    """Driver and container runtime hook."""
    device_plugin: Owner
    """The device plugin or DRA driver."""
    device_allocation: DeviceAllocation
    """How pods request them."""


class Placement(TypedDict):
    """What a pod needs to be scheduled to one pool, and to no other."""

    pool: str
    """Name of the pool."""
    node_selector: dict[str, str]
    """Labels of its nodes."""
    tolerations: list[Toleration]
    """One for each taint of its nodes."""
    topology: str
    """TPU: shape of one slice; else empty."""
    hosts_per_slice: int
    """Nodes that must be used together: more than 1 on a multi-host TPU slice."""
    purchase: Purchase
    """How the nodes are paid for; spot nodes can be reclaimed."""
    fabric: dict[str, int]
    """Network interfaces of one node that programs use directly (EFA): extended resource -> units; often empty."""
    max_run_hours: NotRequired[int]
    """Lifetime of a node in hours, whatever runs on it; missing: unlimited."""
    queued: NotRequired[bool]
    """Whether nodes are added only for a ProvisioningRequest, all nodes of a request at once; missing: no."""


class Capacity(TypedDict):
    """The capacity of one pool at its largest."""

    pool: str
    """Name of the pool."""
    accelerator: str
    """Catalogue name; empty for a CPU pool."""
    sharing: Sharing
    """How devices are shared."""
    devices_per_node: int
    """Physical devices on one node."""
    units_per_node: dict[str, int]
    """Extended resource name (with DRA: DeviceClass) -> units that one node offers, sharing expanded."""
    nodes_min: int
    """Fewest nodes."""
    nodes_max: int
    """Most nodes."""
    cpu_per_node: int
    """vCPUs of one node."""
    memory_gib_per_node: int
    """GiB of one node."""


class PoolHandle(TypedDict):
    """The handle of a pool for workloads, quotas and reports."""

    placement: Placement
    """Placement of its pods."""
    capacity: Capacity
    """Its capacity."""
    software: NodeSoftware
    """The owners of driver and device plugin."""


class AcceleratorRequest(TypedDict, total=False):
    """The part of a pool that one pod requests."""

    count: int
    """Units per pod: devices, shares of a device, partitions, or TPU chips. 0 on a CPU pool."""
    mig_profile: str
    """The partition, if the pool offers several."""


class PodNeeds(TypedDict):
    """The part of a pod spec that its pool decides."""

    node_selector: dict[str, str]
    """For `spec.nodeSelector`."""
    tolerations: list[Toleration]
    """For `spec.tolerations`."""
    units: dict[str, str]
    """For the container's requests and limits alike: extended resources must be equal in both."""
    claim: dict[str, int]
    """With DRA instead: DeviceClass -> devices, for the pod's ResourceClaimTemplate; else empty."""


def accelerator_of(args: PoolArgs) -> Accelerator | None:
    """The device of a pool, from the catalogue or described in full; None for a CPU pool.

    Raises KeyError for a name that is not in the catalogue (`components.clouds.pool_validation` reports it with a
    remedy first).
    """
    custom = args.get("custom_accelerator")
    if custom:
        labels = {kind: dict(custom["node_labels"]) for kind in ClusterKind}
        return Accelerator(
            custom["name"],
            "custom",
            custom["resource_name"],
            0,  # its memory is never used
            labels,
            custom["taint_key"],
            "settings",
        )
    name = args.get("accelerator")
    return ACCELERATORS[name] if name else None


SOFTWARE: dict[ClusterKind, NodeSoftware] = {
    kind: NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=DeviceAllocation.DEVICE_PLUGIN)
    for kind, driver, plugin in (
        (ClusterKind.SIMULATED, Owner.FOUND, Owner.PLATFORM),
        (ClusterKind.EXISTING, Owner.FOUND, Owner.PLATFORM),
        (ClusterKind.EKS, Owner.IMAGE, Owner.PLATFORM),
        (ClusterKind.GKE, Owner.CLOUD, Owner.CLOUD),
    )
}
"""The default on each kind of cluster; pools that differ set it."""


def sharing_of(capacity: Capacity) -> SharingArgs:
    """The sharing that a pool's capacity was expanded with."""
    strategy = Sharing(capacity["sharing"])
    devices = int(capacity["devices_per_node"]) or 1
    per_device = {name: int(units) // devices for name, units in capacity["units_per_node"].items()}
    if strategy is Sharing.MIG:
        profiles = {name.removeprefix("nvidia.com/mig-"): units for name, units in per_device.items()}
        return SharingArgs(strategy=strategy, mig_profiles=profiles)
    if strategy in (Sharing.TIME_SLICING, Sharing.MPS):
        return SharingArgs(strategy=strategy, replicas=sum(per_device.values()))
    return SharingArgs(strategy=strategy)


def plan_pool(
    name: str,
    args: PoolArgs,
    kind: ClusterKind,
    software: NodeSoftware | None = None,
    fabric: dict[str, int] | None = None,
) -> tuple[PoolHandle, dict[str, str], list[Taint]]:
    """The handle of a pool, the labels of its nodes and their taints.

    `software`: who brings what; default: what is usual on that kind of cluster. `fabric`: the network interfaces of a
    node that programs use directly. The arguments are trusted: `components.clouds.pool_validation.check_pool` refuses
    bad ones with a remedy beforehand.
    """
    accelerator = accelerator_of(args)
    host = MACHINES[accelerator.reference_host] if accelerator and accelerator.reference_host else CPU_MACHINE
    topology = args.get("topology", "")
    sharing = args.get("sharing") or SharingArgs()
    purchase = Purchase(args.get("purchase", Purchase.ON_DEMAND))
    software = {**(software or SOFTWARE[kind])}
    software["device_allocation"] = DeviceAllocation(args.get("device_allocation", software["device_allocation"]))
    if not accelerator:
        devices = 0
    elif topology:
        devices = int(args.get("devices_per_node") or accelerator.topologies[topology][0])
    else:
        devices = int(args.get("devices_per_node") or host.devices or 1)
    units = units_per_device(accelerator, sharing, software["device_plugin"]) if accelerator else {}
    if accelerator and software["device_allocation"] is DeviceAllocation.DRA:
        units = {accelerator.device_class: 1}

    identity = {POOL_LABEL: name} | (accelerator.node_labels[kind] if accelerator else {})
    if kind is ClusterKind.GKE:
        identity |= gke_sharing_labels(sharing)
    if topology:
        identity[TOPOLOGY_LABEL] = topology
    taints = [Taint(key=accelerator.taint_key, value="present", effect="NoSchedule")] if accelerator else []
    if purchase is Purchase.SPOT:
        taints.append(Taint(key=SPOT_TAINT, value="true", effect="NoSchedule"))
    taints += args.get("taints") or []

    handle = PoolHandle(
        placement=Placement(
            pool=name,
            node_selector=identity,
            tolerations=[Toleration(key=t["key"], operator="Exists", effect=t["effect"]) for t in taints],
            topology=topology,
            hosts_per_slice=topology_chips(topology) // devices if accelerator and topology else 1,
            purchase=purchase,
            fabric=dict(fabric or {}),
        ),
        capacity=Capacity(
            pool=name,
            accelerator=accelerator.name if accelerator else "",
            sharing=Sharing(sharing.get("strategy", Sharing.EXCLUSIVE)),
            devices_per_node=devices,
            units_per_node={resource: count * devices for resource, count in units.items()},
            nodes_min=int(args.get("nodes_min", 0)),
            nodes_max=int(args["nodes_max"]),
            cpu_per_node=int(args.get("cpu_per_node") or host.cpu),
            memory_gib_per_node=int(args.get("memory_gib_per_node") or host.memory_gib),
        ),
        software=software,
    )
    by_plugin = software["device_allocation"] is DeviceAllocation.DEVICE_PLUGIN
    reads_labels = by_plugin and software["device_plugin"] in (Owner.PLATFORM, Owner.OPERATOR)
    sharing_choice = sharing_labels(accelerator, sharing) if accelerator and reads_labels else {}
    labels = {**(args.get("labels") or {}), **identity, **sharing_choice, PURCHASE_LABEL: purchase.value}
    return handle, labels, taints


def resource_name(capacity: Capacity, mig_profile: str = "") -> str:
    """The extended resource that a request means; empty for a CPU pool.

    Raises KeyError when the pool offers several and none, or one it has not, is named.
    """
    offered = capacity["units_per_node"]
    if mig_profile:
        name = f"nvidia.com/mig-{mig_profile}"
        if name not in offered:
            raise KeyError(mig_profile)
        return name
    if len(offered) > 1:
        raise KeyError(capacity["pool"])
    return next(iter(offered), "")


def pod_needs(handle: PoolHandle, request: AcceleratorRequest) -> PodNeeds:
    """Selector, tolerations and extended resources of one pod on that pool."""
    count = int(request.get("count", 0))
    name = resource_name(handle["capacity"], request.get("mig_profile", "")) if count else ""
    by_claim = handle["software"]["device_allocation"] == DeviceAllocation.DRA
    return PodNeeds(
        node_selector=dict(handle["placement"]["node_selector"]),
        tolerations=list(handle["placement"]["tolerations"]),
        units={name: str(count)} if name and not by_claim else {},
        claim={name: count} if name and by_claim else {},
    )


def fabric_units(handle: PoolHandle, request: AcceleratorRequest) -> dict[str, str]:
    """Network interfaces for a pod that takes part of a node's devices: the same part of them, rounded down."""
    units = sum(handle["capacity"]["units_per_node"].values())
    count = int(request.get("count", 0))
    shares = {name: all_of * count // units for name, all_of in handle["placement"]["fabric"].items()} if units else {}
    return {name: str(share) for name, share in shares.items() if share}


def tolerations_of_all(handles: list[PoolHandle]) -> list[Toleration]:
    """One toleration for every taint of every pool: what a DaemonSet needs to run on all of them."""
    unique = {(t["key"], t["effect"]): t for handle in handles for t in handle["placement"]["tolerations"]}
    return [unique[key] for key in sorted(unique)]
