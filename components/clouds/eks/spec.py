"""What an EKS cluster, its network and its pools are, in plain data: the part that people write in settings. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.accelerators import DeviceAllocation
from components.capacity.placement import Taint
from components.capacity.sharing import SharingArgs
from components.clouds.working_hours import WorkingHoursSpec


class NodeProvisioning(StrEnum):
    """Who makes the nodes of a cluster: one way for the whole of it."""

    MANAGED_GROUPS = "managed-groups"
    """EKS managed node groups, sized by the Cluster Autoscaler."""
    KARPENTER = "karpenter"
    """Karpenter, which we install on one managed group."""
    AUTO_MODE = "auto-mode"
    """EKS Auto Mode: AWS runs Karpenter, the device plugin and the storage driver."""


class EksPurchase(StrEnum):
    """How the nodes of a pool are paid for."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    SPOT_OR_ON_DEMAND = "spot-or-on-demand"
    """Spot, and on-demand where there is none; Karpenter and Auto Mode alone. Workloads need what they need on spot."""
    RESERVED = "reserved"
    """An On-Demand Capacity Reservation that exists."""
    CAPACITY_BLOCK = "capacity-block"
    """A Capacity Block for ML that was bought: machines for a span of days."""


class EksImage(StrEnum):
    """Which operating system a pool boots."""

    AL2023 = "al2023"
    """Amazon Linux 2023; on accelerated machines with driver, without device plugin."""
    BOTTLEROCKET = "bottlerocket"
    """Read-only root; on NVIDIA machines with driver and device plugin."""


class EksSupport(StrEnum):
    """What happens to a cluster when standard support of its Kubernetes version ends."""

    STANDARD = "standard"
    """AWS upgrades it to the next version."""
    EXTENDED = "extended"
    """It stays for up to twelve months more, at a higher price an hour."""


class EksPoolSpec(TypedDict, total=False):
    """One pool of nodes."""

    machines: Required[list[str]]
    """EC2 instance types of the machine table, `[p5.48xlarge]`. Several only for spot and on-demand, of one
    accelerator, number of devices and architecture: the cheapest or first available is taken."""
    nodes_min: int
    """Fewest nodes; default 0. Karpenter and Auto Mode make nodes on demand only, and so does a Capacity Block."""
    nodes_max: Required[int]
    """Maximum number of nodes; quotas and capacity are computed from it."""
    purchase: EksPurchase
    """Default: on-demand."""
    reservation_id: str
    """`cr-0123456789abcdef0`: the capacity reservation or Capacity Block. Required with reserved and capacity-block."""
    image: EksImage
    """Default: al2023. Auto Mode has its own."""
    sharing: SharingArgs
    """How one device serves several containers; default: exclusive."""
    efa: bool
    """Whether nodes have all their Elastic Fabric Adapters, close together in one zone; default false."""
    zones: list[str]
    """Availability zones, `[eu-west-1a]`; default: all private subnets'. Exactly one with efa and with reservations."""
    disk_gib: int
    """Size of the encrypted root volume in GiB; default 200."""
    local_nvme: bool
    """Whether the machine's local disks, as one RAID 0, hold images, logs and ephemeral storage of pods; default
    false."""
    device_allocation: DeviceAllocation
    """How pods ask for devices; default: device-plugin."""
    working_hours: WorkingHoursSpec
    """When the pool may have nodes; default: always. Managed groups only."""
    kubernetes_version: str
    """Minor version of its nodes, `"1.34"`, while they stay behind the control plane's, by three at the most; default:
    the control plane's. Managed groups only, and those that are there: AWS makes a new one in the control plane's
    version alone."""
    labels: dict[str, str]
    """More node labels."""
    taints: list[Taint]
    """More taints."""


class EksNetworkSpec(TypedDict, total=False):
    """The VPC of a cluster: one to create (`zones`), or one that exists (`vpcId` and its subnets)."""

    cidr: Required[str]
    """IPv4 range of the VPC, private, /16 to /20: `10.20.0.0/16`."""
    zones: list[str]
    """Created: two to six availability zones, `[eu-west-1a, eu-west-1b]`. Up to three get large subnets; a fourth
    would move all of them, so name four at the start where four may be needed."""
    single_nat_gateway: bool
    """Created: one NAT gateway for all zones instead of one in each; cheaper, and gone with its zone. Default false."""
    flow_log_days: int
    """Created: days that the log of all connections is kept; default 30."""
    vpc_id: str
    """Existing: `vpc-…`."""
    private_subnet_ids: dict[str, str]
    """Existing: availability zone -> subnet of nodes, which reaches the internet or VPC endpoints by itself."""
    public_subnet_ids: dict[str, str]
    """Existing: availability zone -> subnet of public load balancers; default: none is public."""


class OidcProviderSpec(TypedDict, total=False):
    """An OpenID Connect provider whose users log in to the cluster, in addition to IAM. AWS allows one per cluster."""

    issuer_url: Required[str]
    """`https://login.example.com`: the claim `iss` of its ID tokens, without query. AWS reads its keys from the
    internet."""
    client_id: Required[str]
    """Client (audience) that ID tokens are issued for."""
    groups_claim: str
    """Claim that lists a user's groups; default `groups`."""
    groups_prefix: str
    """What the API server puts before each of them; default `oidc:`. `teams` name groups with it, `oidc:vision`."""
    username_claim: str
    """Claim with the user's name; default `sub`."""
    username_prefix: str
    """What the API server puts before it; default `oidc:`."""
    required_claims: dict[str, str]
    """Claims that a token must have, with their values; default: none."""


class EksClusterSpec(TypedDict, total=False):
    """A control plane."""

    kubernetes_version: Required[str]
    """Minor version, `"1.35"`; quoted, or YAML reads 1.30 as 1.3."""
    provisioning: NodeProvisioning
    """Who makes nodes; default: managed-groups. Cannot be changed later without moving all pools."""
    public_endpoint: bool
    """Whether the API server can be reached from `publicRanges` too; default false: from the VPC alone."""
    public_ranges: list[str]
    """CIDR ranges that reach the public endpoint; never everybody's."""
    admin_role_arns: Required[list[str]]
    """IAM roles of cluster administrators, including the role that runs Pulumi: the creator of the cluster is not
    granted admin."""
    group_role_arns: dict[str, list[str]]
    """Kubernetes group -> IAM roles whose sessions are members of it, `{vision: [arn:aws:iam::…:role/vision]}`;
    default: none. EKS passes on no group that IAM or IAM Identity Center knows."""
    identity_provider: OidcProviderSpec
    """OpenID Connect provider whose groups `teams` may name; default: none."""
    log_days: int
    """Days that the control plane's logs are kept; default 90."""
    support: EksSupport
    """Default: standard."""
    addon_versions: dict[str, str]
    """Version of a managed add-on by its name, `{vpc-cni: v1.20.4-eksbuild.2}`; default: EKS's own for the
    cluster's version at the time the add-on is made."""


DEFAULT_DISK_GIB = 200
DEFAULT_FLOW_LOG_DAYS = 30
DEFAULT_LOG_DAYS = 90
DEFAULT_GROUPS_CLAIM = "groups"
DEFAULT_OIDC_PREFIX = "oidc:"
