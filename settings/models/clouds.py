"""Settings of clusters in a cloud, one model for each cloud. What their parts take stands with the components."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from catalog.accelerators import ClusterKind
from components.clouds.eks.data_spec import EfsFileSystemSpec
from components.clouds.eks.spec import EksClusterSpec, EksNetworkSpec, EksPoolSpec, NodeProvisioning
from components.clouds.gke.spec import ComputeClassSpec, GkeClusterSpec, GkeMode, GkeNetworkSpec, GkePoolSpec
from settings.models.base import Model, Name
from settings.models.shape import Shape


class EksCluster(Model):
    """Amazon EKS: VPC, control plane, node pools and file system are made."""

    kind: Literal[ClusterKind.EKS]
    """eks."""
    account_id: str
    """Twelve digits, in quotes. Credentials of any other account are refused before anything is made."""
    region: str
    """`eu-central-1`."""
    network: Annotated[EksNetworkSpec, Shape(EksNetworkSpec)]
    """The VPC."""
    control_plane: Annotated[EksClusterSpec, Shape(EksClusterSpec)]
    """Version, who makes nodes, who may reach it."""
    pools: dict[Name, Annotated[EksPoolSpec, Shape(EksPoolSpec)]]
    """Node pools. At least one without accelerators and taints, for the platform itself."""
    shared_file_system: bool = True
    """An EFS file system for the storage classes shared and dataset."""
    file_system: Annotated[EfsFileSystemSpec, Shape(EfsFileSystemSpec)] = {}
    """What it is like: tiers and backups."""
    idle_minutes: Annotated[int, Field(ge=1)] | None = None
    """managed-groups: minutes that a node is idle before it goes; default 10."""
    efa_image_repository: str | None = None
    """Image of the EFA device plugin without its tag, for nodes that do not reach AWS's registry in us-west-2."""
    check_quotas: bool = True
    """Whether service quotas are compared with what the pools can reach, before anything is made."""

    @property
    def provisioning(self) -> NodeProvisioning:
        """Who makes its nodes."""
        return NodeProvisioning(self.control_plane.get("provisioning") or NodeProvisioning.MANAGED_GROUPS)

    @property
    def zones(self) -> list[str]:
        """Availability zones of its private subnets."""
        return list(self.network.get("zones") or self.network.get("private_subnet_ids") or [])


class GkeCluster(Model):
    """Google GKE: network, control plane and node pools are made."""

    kind: Literal[ClusterKind.GKE]
    """gke."""
    project: Annotated[str, StringConstraints(min_length=1)]
    """Project id. Credentials that do not reach it are refused before anything is made."""
    region: str
    """`europe-west4`; the cluster is regional."""
    zones: list[str]
    """Zones of its nodes, `[europe-west4-a, europe-west4-b]`."""
    network: Annotated[GkeNetworkSpec, Shape(GkeNetworkSpec)] = {}
    """The VPC network; default: one is made with the usual ranges."""
    control_plane: Annotated[GkeClusterSpec, Shape(GkeClusterSpec)] = {}
    """Mode, release channel, maintenance, who may reach it."""
    pools: dict[Name, Annotated[GkePoolSpec, Shape(GkePoolSpec)]] = {}
    """Node pools of a Standard cluster. At least one without accelerators and taints, for the platform itself."""
    compute_classes: dict[Name, Annotated[ComputeClassSpec, Shape(ComputeClassSpec)]] = {}
    """Nodes that GKE makes by itself, from a list of ways to buy them. Workloads name them like pools."""
    check_quotas: bool = True
    """Whether Google's quotas are compared with what the pools can reach, before anything is made."""

    @property
    def mode(self) -> GkeMode:
        """Who makes its nodes."""
        return GkeMode(self.control_plane.get("mode") or GkeMode.STANDARD)

    @property
    def accelerators_max(self) -> dict[str, int]:
        """Accelerator -> devices of the whole cluster up to which GKE makes nodes by itself; empty: it makes none."""
        limits = self.control_plane.get("auto_provisioning")
        return {name: int(most) for name, most in limits["accelerators_max"].items()} if limits else {}
