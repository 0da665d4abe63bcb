"""What a GKE cluster, its network and its pools are, in plain data: the part that people write in settings. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.accelerators import DeviceAllocation
from components.capacity.placement import Taint
from components.capacity.sharing import SharingArgs
from components.clouds.working_hours import WorkingHoursSpec


class GkeMode(StrEnum):
    """Who makes the nodes of a cluster."""

    STANDARD = "standard"
    """We declare node pools; GKE sizes them."""
    AUTOPILOT = "autopilot"
    """Google makes nodes for what pods ask."""


class GkePurchase(StrEnum):
    """How nodes of GKE are paid for and obtained."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"
    """From one reservation, and from nothing else."""
    FLEX_START = "flex-start"
    """Node by node when there is capacity, for at most seven days each (Dynamic Workload Scheduler)."""
    QUEUED = "queued"
    """Flex-start, all nodes of a training at once, for which each run makes a ProvisioningRequest. Nothing else runs
    there: no served model, no schedule."""


class GpuDriverVersion(StrEnum):
    """Which NVIDIA driver GKE installs."""

    DEFAULT = "default"
    LATEST = "latest"
    DISABLED = "disabled"
    """None: the driver is yours to install, the device plugin stays GKE's. Pools only."""


class ReleaseChannel(StrEnum):
    """How soon GKE upgrades a cluster."""

    RAPID = "rapid"
    REGULAR = "regular"
    STABLE = "stable"
    EXTENDED = "extended"


class ExclusionScope(StrEnum):
    """What a maintenance exclusion holds back."""

    NO_UPGRADES = "no-upgrades"
    NO_MINOR_UPGRADES = "no-minor-upgrades"
    NO_MINOR_OR_NODE_UPGRADES = "no-minor-or-node-upgrades"


class GkeNetworkSpec(TypedDict, total=False):
    """A VPC network: one that exists (`networkId` and the three below it), or one to make (the ranges)."""

    network_id: str
    """Network that exists: `projects/<project>/global/networks/<name>`."""
    subnetwork_id: str
    """Its subnetwork: `projects/<project>/regions/<region>/subnetworks/<name>`."""
    pods_range_name: str
    """Secondary range for pods. Required with `networkId`; made: `pods`."""
    services_range_name: str
    """Secondary range for Services. Required with `networkId`; made: `services`."""
    nodes_cidr: str
    """Range of nodes; default 10.0.0.0/20, 4,000 nodes."""
    pods_cidr: str
    """Range of pods, a /24 for each node; default 10.4.0.0/14, 1,024 nodes."""
    services_cidr: str
    """Range of Services; default 10.8.0.0/20."""
    private_services_prefix: int
    """Bits of the range that Cloud SQL gets its addresses from; default 20."""
    flow_log_percent: int
    """Percent of flows that are logged, 0 to 100; default 50. 0: no flow logs."""
    mtu: int
    """Bytes of a packet, 1300 to 8896; default 1460. 8896 for training over several GPU nodes."""


class MaintenanceExclusionSpec(TypedDict):
    """A time in which GKE upgrades less, or nothing."""

    name: str
    """Of the exclusion."""
    start: str
    """UTC, `2026-12-20T00:00:00Z`."""
    end: str
    """UTC, `2027-01-03T00:00:00Z`."""
    scope: ExclusionScope
    """What is held back."""


class MaintenanceSpec(TypedDict, total=False):
    """When GKE may upgrade control plane and nodes."""

    start: str
    """UTC, `HH:MM`; default 02:00."""
    hours: int
    """Length in hours, 4 to 24; default 6."""
    days: list[str]
    """MO, TU, WE, TH, FR, SA, SU; default SA and SU. GKE asks for 48 hours in 32 days."""
    exclusions: list[MaintenanceExclusionSpec]
    """Times without."""


class NodeAutoProvisioningSpec(TypedDict):
    """What GKE may make by itself, for pods that fit no pool. Always finite; limits count every node of the cluster."""

    cpu_max: int
    """vCPUs of the whole cluster."""
    memory_gib_max: int
    """GiB of the whole cluster."""
    accelerators_max: dict[str, int]
    """Name in the accelerator catalogue -> devices of the whole cluster. What is not named is not made."""


class GkeClusterSpec(TypedDict, total=False):
    """A regional cluster with private nodes."""

    mode: GkeMode
    """standard (default) or autopilot."""
    release_channel: ReleaseChannel
    """Default: regular."""
    kubernetes_version: str
    """The least version of the control plane, `1.35`; default: what the channel has."""
    maintenance: MaintenanceSpec
    """Default: from 02:00 UTC on Saturdays and Sundays, six hours."""
    dns_endpoint: bool
    """Whether the control plane answers under a DNS name whose access IAM decides, from anywhere; default true."""
    public_endpoint: bool
    """Whether it answers under a public address as well; default false."""
    authorized_ranges: list[str]
    """Ranges that may reach the address of the control plane. Required with `publicEndpoint`."""
    auto_provisioning: NodeAutoProvisioningSpec
    """Standard clusters; default: GKE makes no pool by itself."""
    gateway_api: bool
    """Whether GKE installs the Gateway API's CRDs and keeps them; default false: they are the platform's."""
    security_group: str
    """Google Group whose member groups `teams` may name, `gke-security-groups@example.com` in the domain of your Google
    Workspace or Cloud Identity; default: none, and GKE passes on no group of Google's."""
    workload_logs: bool
    """Whether Cloud Logging takes what pods write; default true."""


class GkePoolSpec(TypedDict, total=False):
    """Nodes of one machine type."""

    machine: Required[str]
    """Machine type of the catalogue, `a3-highgpu-8g`."""
    nodes_min: Required[int]
    """Fewest nodes, all zones together. On slices of several hosts a multiple of them."""
    nodes_max: Required[int]
    """Most nodes, all zones together. On slices of several hosts a multiple of them."""
    topology: str
    """TPU: shape of one slice; default: the slice that is one machine."""
    purchase: GkePurchase
    """Default: on-demand."""
    reservation: str
    """Required with reserved: name, or `projects/<project>/reservations/<name>`, a block of it too."""
    sharing: SharingArgs
    """Default: exclusive. GKE's device plugin knows one MIG profile for all GPUs of a pool."""
    driver_version: GpuDriverVersion
    """NVIDIA driver that GKE installs; default: default."""
    zones: list[str]
    """Default: those of the cluster. One for reservations, slices of several hosts and `compact`."""
    disk_gib: int
    """Boot disk in GiB; default 200."""
    local_ssds: int
    """Local SSDs of 375 GB for pods' ephemeral storage, where the machine may have some but need not; default 0."""
    device_allocation: DeviceAllocation
    """device-plugin (default, GKE's own) or dra: then the NVIDIA driver is yours to install."""
    working_hours: WorkingHoursSpec
    """When it may have nodes; default: always. Needs `nodesMin` 0."""
    max_run_hours: int
    """flex-start and queued: hours after which a node ends, 1 to 168; default 168. A training's `deadlineMinutes` is
    held against it."""
    compact: bool
    """GPU nodes as close to each other as can be, in one zone; default false."""
    labels: dict[str, str]
    """More node labels."""
    taints: list[Taint]
    """More taints."""


class ComputeClassSpec(TypedDict, total=False):
    """Nodes that GKE makes by itself, of one machine type, bought in whatever way comes first in a list."""

    machine: Required[str]
    """Machine type of the catalogue."""
    nodes_max: Required[int]
    """Most nodes, for quotas and capacity. GKE has no limit for one class: the quotas of teams hold it."""
    purchases: Required[list[GkePurchase]]
    """Ways to buy, the first that has capacity is taken: reserved, flex-start, spot, on-demand."""
    topology: str
    """TPU: shape of one slice; default: the slice that is one machine."""
    reservation: str
    """Required with reserved: name, or `projects/<project>/reservations/<name>`."""
    driver_version: GpuDriverVersion
    """NVIDIA driver that GKE installs; default: default."""
    zones: list[str]
    """Default: those of the cluster."""
    disk_gib: int
    """Boot disk in GiB; default 200."""
    max_run_hours: int
    """flex-start: hours after which a node ends, 1 to 168; default 168."""
    move_up: bool
    """Whether pods move to a better way to buy when it has capacity again; default false: it ends them."""
    labels: dict[str, str]
    """More node labels."""
    taints: list[Taint]
    """More taints."""


DEFAULT_DISK_GIB = 200
MAX_RUN_HOURS = 168
"""Flex-start nodes live seven days at most (GKE documentation, concepts/dws; ComputeClass: 604,800 seconds)."""
DEFAULT_RANGES = {"nodes_cidr": "10.0.0.0/20", "pods_cidr": "10.4.0.0/14", "services_cidr": "10.8.0.0/20"}
DEFAULT_MTU = 1460
DEFAULT_PRIVATE_SERVICES_PREFIX = 20
DEFAULT_FLOW_LOG_PERCENT = 50
DEFAULT_MAINTENANCE_START = "02:00"
DEFAULT_MAINTENANCE_HOURS = 6
DEFAULT_MAINTENANCE_DAYS = ("SA", "SU")
