"""Settings of a GKE cluster, its network and its pools, as plain data. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.accelerators import DeviceAllocation
from components.capacity.placement import Taint
from components.capacity.sharing import SharingArgs
from components.clouds.working_hours import WorkingHoursSpec


class GkeMode(StrEnum):
    """How the nodes of a cluster are created."""

    STANDARD = "standard"
    """The platform declares node pools; GKE scales them."""
    AUTOPILOT = "autopilot"
    """GKE creates nodes for the requests of pods."""


class GkePurchase(StrEnum):
    """How nodes of GKE are paid for and obtained."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    RESERVED = "reserved"
    """From one reservation only."""
    FLEX_START = "flex-start"
    """Nodes are created one by one when there is capacity, for at most seven days each (Dynamic Workload Scheduler)."""
    QUEUED = "queued"
    """Flex-start with queued provisioning: all nodes of a training are created at once, for the ProvisioningRequest of
    each run. Served models and scheduled trainings cannot use it."""


class GpuDriverVersion(StrEnum):
    """The NVIDIA driver that GKE installs."""

    DEFAULT = "default"
    LATEST = "latest"
    DISABLED = "disabled"
    """None: you install the driver; GKE still installs the device plugin. Pools only."""


class ReleaseChannel(StrEnum):
    """Release channel: how soon GKE upgrades a cluster."""

    RAPID = "rapid"
    REGULAR = "regular"
    STABLE = "stable"
    EXTENDED = "extended"


class ExclusionScope(StrEnum):
    """Upgrades that a maintenance exclusion prevents."""

    NO_UPGRADES = "no-upgrades"
    NO_MINOR_UPGRADES = "no-minor-upgrades"
    NO_MINOR_OR_NODE_UPGRADES = "no-minor-or-node-upgrades"


class GkeNetworkSpec(TypedDict, total=False):
    """A VPC network: an existing one (`networkId` and the three keys below it), or one to create (the ranges)."""

    network_id: str
    """Existing network: `projects/<project>/global/networks/<name>`."""
    subnetwork_id: str
    """Its subnetwork: `projects/<project>/regions/<region>/subnetworks/<name>`."""
    pods_range_name: str
    """Secondary range for pods. Required with `networkId`; default in a created network: `pods`."""
    services_range_name: str
    """Secondary range for Services. Required with `networkId`; default in a created network: `services`."""
    nodes_cidr: str
    """Range of nodes; default 10.0.0.0/20, 4,000 nodes."""
    pods_cidr: str
    """Range of pods, a /24 for each node; default 10.4.0.0/14, 1,024 nodes."""
    services_cidr: str
    """Range of Services; default 10.8.0.0/20."""
    private_services_prefix: int
    """Prefix length of the range for Cloud SQL; default 20."""
    flow_log_percent: int
    """Percent of flows that are logged, 0 to 100; default 50. 0: no flow logs."""
    mtu: int
    """MTU in bytes, 1300 to 8896; default 1460. Use 8896 for training on several GPU nodes."""


class MaintenanceExclusionSpec(TypedDict):
    """A maintenance exclusion: a time with fewer or no upgrades."""

    name: str
    """Of the exclusion."""
    start: str
    """UTC, `2026-12-20T00:00:00Z`."""
    end: str
    """UTC, `2027-01-03T00:00:00Z`."""
    scope: ExclusionScope
    """Upgrades that are prevented."""


class MaintenanceSpec(TypedDict, total=False):
    """When GKE may upgrade control plane and nodes."""

    start: str
    """UTC, `HH:MM`; default 02:00."""
    hours: int
    """Length in hours, 4 to 24; default 6."""
    days: list[str]
    """MO, TU, WE, TH, FR, SA, SU; default SA and SU. GKE requires 48 hours in 32 days."""
    exclusions: list[MaintenanceExclusionSpec]
    """Times without."""


class NodeAutoProvisioningSpec(TypedDict):
    """Limits of node auto-provisioning, for pods that fit no pool. Limits are finite and count every node of the
    cluster.
    """

    cpu_max: int
    """vCPUs of the whole cluster."""
    memory_gib_max: int
    """GiB of the whole cluster."""
    accelerators_max: dict[str, int]
    """Name in the accelerator catalogue -> devices of the whole cluster. Others are not provisioned."""


class GkeClusterSpec(TypedDict, total=False):
    """A regional cluster with private nodes."""

    mode: GkeMode
    """standard (default) or autopilot."""
    release_channel: ReleaseChannel
    """Default: regular."""
    kubernetes_version: str
    """Minimum version of the control plane, `1.35`; default: the channel's default version."""
    maintenance: MaintenanceSpec
    """Default: from 02:00 UTC on Saturdays and Sundays, six hours."""
    dns_endpoint: bool
    """Whether the control plane has a DNS endpoint, reachable from anywhere with access control by IAM; default
    true."""
    public_endpoint: bool
    """Whether the control plane also has a public IP endpoint; default false."""
    authorized_ranges: list[str]
    """Ranges that may reach the address of the control plane. Required with `publicEndpoint`."""
    auto_provisioning: NodeAutoProvisioningSpec
    """Node auto-provisioning of Standard clusters; default: off."""
    gateway_api: bool
    """Whether GKE installs and manages the CRDs of the Gateway API; default false: the platform installs them."""
    security_group: str
    """Google Group whose member groups `teams` may name, `gke-security-groups@example.com` in the domain of your Google
    Workspace or Cloud Identity; default: none, and GKE passes on no Google Group."""
    workload_logs: bool
    """Whether Cloud Logging collects the logs of pods; default true."""


class GkePoolSpec(TypedDict, total=False):
    """Nodes of one machine type."""

    machine: Required[str]
    """Machine type of the catalogue, `a3-highgpu-8g`."""
    nodes_min: Required[int]
    """Minimum number of nodes in all zones. With slices of several hosts a multiple of their number."""
    nodes_max: Required[int]
    """Maximum number of nodes in all zones. With slices of several hosts a multiple of their number."""
    topology: str
    """TPU: topology of one slice; default: the slice of one machine."""
    purchase: GkePurchase
    """Default: on-demand."""
    reservation: str
    """Required with reserved: name, or `projects/<project>/reservations/<name>`; a block of it is allowed."""
    sharing: SharingArgs
    """Default: exclusive. GKE's device plugin supports one MIG profile for all GPUs of a pool."""
    driver_version: GpuDriverVersion
    """NVIDIA driver that GKE installs; default: default."""
    zones: list[str]
    """Default: those of the cluster. Exactly one with a reservation, slices of several hosts and `compact`."""
    disk_gib: int
    """Boot disk in GiB; default 200."""
    local_ssds: int
    """Local SSDs of 375 GB for pods' ephemeral storage, on machines where their number can be chosen; default 0."""
    device_allocation: DeviceAllocation
    """device-plugin (default, GKE's own) or dra, with which you install the NVIDIA driver."""
    working_hours: WorkingHoursSpec
    """When it may have nodes; default: always. Needs `nodesMin` 0."""
    max_run_hours: int
    """flex-start and queued: hours after which a node ends, 1 to 168; default 168. A training's `deadlineMinutes` must
    not exceed it."""
    compact: bool
    """Compact placement of GPU nodes, in one zone; default false."""
    labels: dict[str, str]
    """Additional node labels."""
    taints: list[Taint]
    """More taints."""


class ComputeClassSpec(TypedDict, total=False):
    """Nodes of one machine type that GKE creates itself, with the first available purchase option of a list."""

    machine: Required[str]
    """Machine type of the catalogue."""
    nodes_max: Required[int]
    """Maximum number of nodes, for quotas and capacity. GKE has no limit for one class: the quotas of teams enforce
    it."""
    purchases: Required[list[GkePurchase]]
    """Purchase options, of which the first with capacity is used: reserved, flex-start, spot, on-demand."""
    topology: str
    """TPU: topology of one slice; default: the slice of one machine."""
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
    """Whether pods move to a preferred purchase option once it has capacity; default false, because a move ends the
    pods."""
    labels: dict[str, str]
    """Additional node labels."""
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
