"""Settings of an EKS cluster, its network and its pools, as plain data. Pure."""

from enum import StrEnum
from typing import Required, TypedDict

from catalog.accelerators import DeviceAllocation
from components.capacity.placement import Taint
from components.capacity.sharing import SharingArgs
from components.clouds.working_hours import WorkingHoursSpec


class NodeProvisioning(StrEnum):
    """How the nodes of a cluster are created; all pools of a cluster use the same way."""

    MANAGED_GROUPS = "managed-groups"
    """EKS managed node groups, sized by the Cluster Autoscaler."""
    KARPENTER = "karpenter"
    """Karpenter, which the platform installs on one managed group."""
    AUTO_MODE = "auto-mode"
    """EKS Auto Mode: AWS runs Karpenter, the device plugin and the storage driver."""


class EksPurchase(StrEnum):
    """How the nodes of a pool are paid for."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
    SPOT_OR_ON_DEMAND = "spot-or-on-demand"
    """Spot, and on-demand where EC2 has no spot capacity; Karpenter and Auto Mode only. Workloads must meet the rules
    of spot."""
    RESERVED = "reserved"
    """An On-Demand Capacity Reservation that exists."""
    CAPACITY_BLOCK = "capacity-block"
    """A purchased Capacity Block for ML: machines for a number of days."""


class EksImage(StrEnum):
    """Operating system of a pool's nodes."""

    AL2023 = "al2023"
    """Amazon Linux 2023; on accelerated machines with driver, without device plugin."""
    BOTTLEROCKET = "bottlerocket"
    """Read-only root; on NVIDIA machines with driver and device plugin."""


class EksSupport(StrEnum):
    """Upgrade policy of a cluster when standard support of its Kubernetes version ends."""

    STANDARD = "standard"
    """AWS upgrades it to the next version."""
    EXTENDED = "extended"
    """The cluster keeps its version for up to twelve more months, at a higher price per hour."""


class EksPoolSpec(TypedDict, total=False):
    """A pool of nodes."""

    machines: Required[list[str]]
    """EC2 instance types of the machine table, `[p5.48xlarge]`. Several only for spot and on-demand, of one
    accelerator, number of devices and architecture: the cheapest or first available is taken."""
    nodes_min: int
    """Minimum number of nodes; default 0. Must be 0 with Karpenter, Auto Mode and Capacity Blocks, which create nodes
    on demand only."""
    nodes_max: Required[int]
    """Maximum number of nodes; quotas and capacity are computed from it."""
    purchase: EksPurchase
    """Default: on-demand."""
    reservation_id: str
    """`cr-0123456789abcdef0`: the capacity reservation or Capacity Block. Required with reserved and capacity-block."""
    image: EksImage
    """Default: al2023. Auto Mode chooses the image itself."""
    sharing: SharingArgs
    """How containers share one device; default: exclusive."""
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
    """Minor version of its nodes, `"1.34"`, at most three versions behind the control plane; default: the control
    plane's. Existing managed groups only: AWS creates new groups with the control plane's version."""
    labels: dict[str, str]
    """Additional node labels."""
    taints: list[Taint]
    """More taints."""


class EksNetworkSpec(TypedDict, total=False):
    """The VPC of a cluster: one to create (`zones`), or an existing one (`vpcId` and its subnets)."""

    cidr: Required[str]
    """IPv4 range of the VPC, private, /16 to /20: `10.20.0.0/16`."""
    zones: list[str]
    """Created: two to six availability zones, `[eu-west-1a, eu-west-1b]`. Up to three zones get large subnets. A fourth
    zone changes the ranges of all subnets, so name four at the start if four may be needed."""
    single_nat_gateway: bool
    """Created: one NAT gateway for all zones instead of one in each. It is cheaper, but fails with its zone. Default
    false."""
    flow_log_days: int
    """Created: days that VPC flow logs are kept; default 30."""
    vpc_id: str
    """Existing: `vpc-…`."""
    private_subnet_ids: dict[str, str]
    """Existing: availability zone -> subnet of nodes, with a route to the internet or with VPC endpoints."""
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
    """Prefix that the API server adds to each group; default `oidc:`. `teams` name groups with it, `oidc:vision`."""
    username_claim: str
    """Claim with the user's name; default `sub`."""
    username_prefix: str
    """Prefix that the API server adds to the user's name; default `oidc:`."""
    required_claims: dict[str, str]
    """Claims that a token must have, with their values; default: none."""


class EksClusterSpec(TypedDict, total=False):
    """A control plane."""

    kubernetes_version: Required[str]
    """Minor version, `"1.35"`; quoted, or YAML reads 1.30 as 1.3."""
    provisioning: NodeProvisioning
    """How nodes are created; default: managed-groups. A later change requires new pools."""
    public_endpoint: bool
    """Whether the API server is also reachable from `publicRanges`; default false: from the VPC only."""
    public_ranges: list[str]
    """CIDR ranges that may reach the public endpoint; /8 or narrower."""
    admin_role_arns: Required[list[str]]
    """IAM roles of cluster administrators, including the role that runs Pulumi: the creator of the cluster is not
    granted admin."""
    group_role_arns: dict[str, list[str]]
    """Kubernetes group -> IAM roles whose sessions are members of it, `{vision: [arn:aws:iam::…:role/vision]}`;
    default: none. EKS does not pass on groups of IAM or IAM Identity Center."""
    identity_provider: OidcProviderSpec
    """OpenID Connect provider whose groups `teams` may name; default: none."""
    log_days: int
    """Days that the control plane's logs are kept; default 90."""
    support: EksSupport
    """Default: standard."""
    addon_versions: dict[str, str]
    """Version of a managed add-on by its name, `{vpc-cni: v1.20.4-eksbuild.2}`; default: EKS's own for the
    cluster's version at the time of creation."""


DEFAULT_DISK_GIB = 200
DEFAULT_FLOW_LOG_DAYS = 30
DEFAULT_LOG_DAYS = 90
DEFAULT_GROUPS_CLAIM = "groups"
DEFAULT_OIDC_PREFIX = "oidc:"
