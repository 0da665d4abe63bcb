"""Settings of a cluster on Amazon EKS. What its parts take stands with the components."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from catalog.accelerators import ClusterKind, Purchase
from catalog.addons import ADDONS
from catalog.machines import MACHINES
from components.base.cluster_network import EKS_AUTO_MODE_DNS
from components.base.images import check_repository
from components.capacity.placement import PoolHandle
from components.clouds.data_validation import check_efs_file_system, check_rds_database, check_s3_bucket
from components.clouds.dns_validation import check_route53_zone
from components.clouds.eks.cluster_validation import (
    check_carried_group,
    check_eks_cluster,
    check_eks_network,
    check_place,
    is_region,
)
from components.clouds.eks.data_spec import EfsFileSystemSpec
from components.clouds.eks.plan import plan_eks_pool
from components.clouds.eks.spec import (
    EksClusterSpec,
    EksNetworkSpec,
    EksPoolSpec,
    EksPurchase,
    EksSupport,
    NodeProvisioning,
)
from components.clouds.eks.tables import KARPENTER_CAPACITY_TYPES
from components.clouds.eks.validation import check_eks_pool, check_pool_name
from components.clouds.quotas import QuotaPool
from components.findings import Finding
from components.storage.plan import AUTO_MODE_CLASSES, DeclaredClassArgs, ObjectStoreKind, StoragePurpose
from settings.clouds.base import ClusterSettings, zone_holds
from settings.clouds.billing import BilledItem, BilledPool, list_purchase
from settings.models.base import Int32, Name
from settings.models.environment import Environment
from settings.models.platform import ManagedS3, RdsManaged, Route53
from settings.models.shape import Shape
from settings.partial import as_far_as_known

FILE_PURPOSES = (StoragePurpose.SHARED, StoragePurpose.DATASET)
"""Served by the file system."""
MADE_BY_THE_STACK = "(made by the stack)"
"""In the place of an id that is known once the cloud has made the thing."""


class EksSettings(ClusterSettings):
    """Amazon EKS: VPC, control plane, node pools and file system are made."""

    is_made = True
    bucket_kind = ObjectStoreKind.S3
    services = {
        ManagedS3: "use managed-gcs on gke; elsewhere in-cluster, or a bucket that exists",
        RdsManaged: "use cloud-sql on gke; elsewhere in-cluster or external",
        Route53: "use cloud-dns on gke; elsewhere leave dns out",
    }

    kind: Literal[ClusterKind.EKS]
    """eks."""
    account_id: str
    """Twelve digits, in quotes. Credentials of another account are refused before a resource is created."""
    region: str
    """`eu-central-1`."""
    network: Annotated[EksNetworkSpec, Shape(EksNetworkSpec)]
    """The VPC."""
    control_plane: Annotated[EksClusterSpec, Shape(EksClusterSpec)]
    """Version, node provisioning and access."""
    pools: dict[Name, Annotated[EksPoolSpec, Shape(EksPoolSpec)]]
    """Node pools. At least one without accelerators and taints, for the platform itself."""
    shared_file_system: bool = True
    """An EFS file system for the storage classes shared and dataset."""
    file_system: Annotated[EfsFileSystemSpec, Shape(EfsFileSystemSpec)] = {}
    """Its tiers and backups."""
    idle_minutes: Annotated[Int32, Field(ge=1)] | None = None
    """managed-groups: minutes that a node is idle before it goes; default 10."""
    efa_image_repository: str | None = None
    """Image of the EFA device plugin without its tag, for nodes that do not reach AWS's registry in us-west-2."""
    check_quotas: bool = True
    """Whether service quotas are compared with the maximum size of the pools before a resource is created."""

    @property
    def provisioning(self) -> NodeProvisioning:
        """Who makes its nodes."""
        return NodeProvisioning(self.control_plane.get("provisioning") or NodeProvisioning.MANAGED_GROUPS)

    @property
    def zones(self) -> list[str]:
        """Availability zones of its private subnets."""
        return list(self.network.get("zones") or self.network.get("private_subnet_ids") or [])

    def is_managed_group(self, pool: EksPoolSpec) -> bool:
        """Whether the nodes of a pool are an EKS managed node group.

        Where Karpenter makes nodes, it runs on some that it did not make: pools without accelerators with a nodesMin.
        """
        match self.provisioning:
            case NodeProvisioning.MANAGED_GROUPS:
                return True
            case NodeProvisioning.KARPENTER:
                plain = all(machine in MACHINES and not MACHINES[machine].accelerator for machine in pool["machines"])
                return plain and bool(pool.get("nodes_min"))
        return False

    def provisioning_of(self, pool: EksPoolSpec) -> NodeProvisioning:
        """Who makes the nodes of one pool."""
        return NodeProvisioning.MANAGED_GROUPS if self.is_managed_group(pool) else self.provisioning

    def quota_pools(self) -> list[QuotaPool]:
        """The pools as quotas see them: once for each way their nodes are bought, of several machines the one that
        counts most."""
        return [
            QuotaPool(
                name, max(pool["machines"], key=lambda machine: MACHINES[machine].cpu), int(pool["nodes_max"]), purchase
            )
            for name, pool in self.pools.items()
            for purchase in KARPENTER_CAPACITY_TYPES[EksPurchase(pool.get("purchase") or EksPurchase.ON_DEMAND)]
        ]

    def billed_pools(self) -> Sequence[BilledPool]:
        return [
            BilledPool(
                name,
                tuple(pool["machines"]),
                # An On-Demand Capacity Reservation costs the on-demand price, used or not (EC2 user guide).
                tuple(
                    None if purchase is EksPurchase.CAPACITY_BLOCK else list_purchase(one, reserved=Purchase.ON_DEMAND)
                    for one in KARPENTER_CAPACITY_TYPES[purchase]
                ),
                purchase,
                int(pool.get("nodes_min", 0)),
                int(pool["nodes_max"]),
            )
            for name, pool in self.pools.items()
            for purchase in [EksPurchase(pool.get("purchase") or EksPurchase.ON_DEMAND)]
        ]

    def billed_items(self, database: Any, *, highly_available: bool) -> Iterator[BilledItem]:
        extended = self.control_plane.get("support") == EksSupport.EXTENDED
        yield BilledItem("control plane", "eks-cluster", 1, None if extended else 1)
        if zones := self.network.get("zones"):
            gateways = 1 if self.network.get("single_nat_gateway") else len(zones)
            yield BilledItem("network", "nat-gateway", gateways, gateways)
            yield BilledItem("network", "nat-gateway-data", None, None)
        if self.shared_file_system:
            yield BilledItem("file system", "efs-standard", None, None)
        yield BilledItem("object store", "s3-standard", None, None)
        if isinstance(database, RdsManaged):
            copies, rds = 2 if highly_available else 1, database.rds
            least = int(rds.get("storage_gib", 0))
            most = int(rds.get("storage_max_gib") or least)
            yield BilledItem("database", f"rds-{rds['instance_class']}", copies, copies)
            yield BilledItem("database", "rds-gp3", copies * least, copies * most)

    @property
    def price_region(self) -> str:
        return self.region

    def pool_handles(self) -> dict[str, PoolHandle]:
        return {
            name: plan_eks_pool(name, pool, self.provisioning_of(pool), self.zones).handle
            for name, pool in self.pools.items()
        }

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        for name, pool in self.pools.items():
            path, version = f"cluster.pools.{name}", self.control_plane["kubernetes_version"]
            provisioning = self.provisioning_of(pool)
            yield name, check_eks_pool(path, pool, provisioning, zones=self.zones, kubernetes_version=version)

    def findings(self, *, keep_data: bool) -> Iterator[Finding]:
        yield from self._place()
        yield from self._network()
        yield from self._control_plane(keep_data)
        yield from self._plugin_image()

    @as_far_as_known
    def _place(self) -> Iterator[Finding]:
        yield from check_place("cluster", self.region, self.account_id)

    @as_far_as_known
    def _network(self) -> Iterator[Finding]:
        # Zones of a region that is none would all be wrong as well.
        yield from check_eks_network("cluster.network", self.network, self.region if is_region(self.region) else "")

    @as_far_as_known
    def _control_plane(self, keep_data: bool) -> Iterator[Finding]:
        yield from check_eks_cluster("cluster.controlPlane", self.control_plane)
        if self.file_system and not self.shared_file_system:
            rule = "of the file system that sharedFileSystem makes"
            yield Finding("cluster.fileSystem", "(given)", rule, "remove one")
        elif self.shared_file_system:
            yield from check_efs_file_system("cluster.fileSystem", self.file_system, keep_data=keep_data)
        if self.idle_minutes and self.provisioning is not NodeProvisioning.MANAGED_GROUPS:
            rule = "of the Cluster Autoscaler, which sizes managed groups"
            yield Finding("cluster.idleMinutes", str(self.idle_minutes), rule, "remove it")

    @as_far_as_known
    def _plugin_image(self) -> Iterator[Finding]:
        if self.efa_image_repository:
            yield from check_repository("cluster.efaImageRepository", self.efa_image_repository)

    def check_pool_name(self, path: str, name: str) -> Iterator[Finding]:
        return check_pool_name(path, name)

    def check_group(self, path: str, group: str) -> Iterator[Finding]:
        return check_carried_group(path, group, self.control_plane)

    def check_service(self, path: str, service: Any, environment: Environment, *, keep_data: bool) -> Iterator[Finding]:
        match service:
            case ManagedS3():
                yield from check_s3_bucket(f"{path}.s3", service.s3, keep_data=keep_data)
            case RdsManaged():
                # One zone is too few for EKS already, which the network says.
                zones, available = max(2, len(self.zones)), environment.highly_available
                args = {"database": {**service.rds, "highly_available": available}}
                yield from check_rds_database(f"{path}.rds", args, keep_data=keep_data, zones=zones)
            case Route53():
                # Whose account it is has been checked with the cluster.
                known = {"zone": service.route53, "account_id": "0" * 12}
                yield from check_route53_zone(f"{path}.route53", known)
                yield from zone_holds(f"{path}.route53.domain", service.route53["domain"], environment)

    @property
    def needs_plain_pool(self) -> bool:
        return self.provisioning is not NodeProvisioning.AUTO_MODE

    @property
    def dns_ranges(self) -> Sequence[str]:
        return EKS_AUTO_MODE_DNS if self.provisioning is NodeProvisioning.AUTO_MODE else ()

    @property
    def charts(self) -> Sequence[str]:
        return ["karpenter"] if self.provisioning is NodeProvisioning.KARPENTER else []

    def chart_arguments(self, chart: str) -> Mapping[str, Any]:
        own = self.efa_image_repository if chart == "aws-efa-k8s-device-plugin" else None
        return {"image_repository": own} if own else {}

    @property
    def namespaces(self) -> Iterator[tuple[str, str]]:
        match self.provisioning:
            case NodeProvisioning.KARPENTER:
                yield ADDONS["karpenter"].namespace, "Karpenter"
            case NodeProvisioning.MANAGED_GROUPS:
                yield ADDONS["cluster-autoscaler"].namespace, "the Cluster Autoscaler"

    @property
    def storage_classes(self) -> Sequence[DeclaredClassArgs]:
        return AUTO_MODE_CLASSES if self.provisioning is NodeProvisioning.AUTO_MODE else ()

    @property
    def storage_parameters(self) -> Mapping[StoragePurpose, Mapping[str, str]]:
        return {one: {"fileSystemId": MADE_BY_THE_STACK} for one in FILE_PURPOSES} if self.shared_file_system else {}
