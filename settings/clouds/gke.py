"""Settings of a cluster on Google GKE. What its parts take stands with the components."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES, Machine, machines_with
from components.addons.accelerator_nodes import GKE_DRIVER_ROOT
from components.base.cluster_network import GKE_CLOUD_DNS
from components.capacity.placement import PoolHandle
from components.clouds.data_validation import check_cloud_sql_database, check_gcs_bucket
from components.clouds.dns_validation import check_cloud_dns_zone
from components.clouds.gke.cluster_validation import check_carried_group, check_gke_cluster, check_gke_network
from components.clouds.gke.compute_class_plan import plan_compute_class
from components.clouds.gke.compute_class_validation import check_all_within_limits, check_compute_class
from components.clouds.gke.data_spec import CloudSqlDatabaseSettings
from components.clouds.gke.place_validation import check_place, zones_region
from components.clouds.gke.plan import plan_gke_pool
from components.clouds.gke.spec import ComputeClassSpec, GkeClusterSpec, GkeMode, GkeNetworkSpec, GkePoolSpec
from components.clouds.gke.validation import check_gke_pool, check_pool_name
from components.clouds.quotas import QuotaPool
from components.findings import Finding
from components.storage.plan import ObjectStoreKind
from settings.clouds.base import ClusterSettings, zone_holds
from settings.clouds.billing import BilledItem, BilledPool, list_purchase
from settings.models.base import Name
from settings.models.environment import Environment
from settings.models.platform import CloudDns, CloudSqlManaged, ManagedGcs
from settings.models.shape import Shape
from settings.partial import as_far_as_known

_LIMITS = "cluster.controlPlane.autoProvisioning"
_READS_DRIVER = ("dcgm-exporter", "dra-driver-nvidia-gpu")
"""Charts that read the driver's files, which Google puts where only Google does."""


class GkeSettings(ClusterSettings):
    """Google GKE: network, control plane and node pools are made."""

    is_made = True
    bucket_kind = ObjectStoreKind.GCS
    services = {
        ManagedGcs: "use managed-s3 on eks; elsewhere in-cluster, or a bucket that exists",
        CloudSqlManaged: "use rds on eks; elsewhere in-cluster or external",
        CloudDns: "use route53 on eks; elsewhere leave dns out",
    }
    pool_sections = ("pools", "compute_classes")

    kind: Literal[ClusterKind.GKE]
    """gke."""
    project: Annotated[str, StringConstraints(min_length=1)]
    """Project id. Credentials without access to it are refused before a resource is created."""
    region: str
    """`europe-west4`; the cluster is regional."""
    zones: list[str]
    """Zones of its nodes, `[europe-west4-a, europe-west4-b]`."""
    network: Annotated[GkeNetworkSpec, Shape(GkeNetworkSpec)] = {}
    """The VPC network; default: one is created with default ranges."""
    control_plane: Annotated[GkeClusterSpec, Shape(GkeClusterSpec)] = {}
    """Mode, release channel, maintenance and access."""
    pools: dict[Name, Annotated[GkePoolSpec, Shape(GkePoolSpec)]] = {}
    """Node pools of a Standard cluster. At least one without accelerators and taints, for the platform itself."""
    compute_classes: dict[Name, Annotated[ComputeClassSpec, Shape(ComputeClassSpec)]] = {}
    """Compute classes: nodes that GKE creates itself, from a list of purchase options. Workloads name them like
    pools."""
    check_quotas: bool = True
    """Whether Google's quotas are compared with the maximum size of the pools before a resource is created."""

    @property
    def mode(self) -> GkeMode:
        """Who makes its nodes."""
        return GkeMode(self.control_plane.get("mode") or GkeMode.STANDARD)

    def quota_pools(self) -> list[QuotaPool]:
        """The pools as quotas see them, once for each way their nodes are bought, and the accelerators that GKE may
        make beyond them by itself. Its machines without accelerators are unknown."""
        pools = [
            QuotaPool(name, pool["machine"], int(pool["nodes_max"]), str(pool.get("purchase") or "on-demand"))
            for name, pool in self.pools.items()
        ]
        classes = [
            QuotaPool(name, one["machine"], int(one["nodes_max"]), str(purchase))
            for name, one in self.compute_classes.items()
            for purchase in one["purchases"]
        ]
        return [*pools, *classes, *self._made_beyond()]

    def _made_beyond(self) -> Iterator[QuotaPool]:
        """What the limits of auto-provisioning leave in addition to pools and classes: on demand, unless a pod selects
        another purchase."""
        declared: dict[str, int] = defaultdict(int)
        for machine, nodes in self._nodes().values():
            declared[machine.accelerator] += machine.devices * nodes
        for name, most in self.accelerators_max.items():
            smallest = machines_with(name, self.kind)[0]
            nodes = (most - declared[name]) // smallest.devices
            if nodes > 0:
                yield QuotaPool(f"{_LIMITS}.acceleratorsMax.{name}", smallest.name, nodes)

    def _nodes(self) -> dict[str, tuple[Machine, int]]:
        """Pool or class -> its machine, and how many of it there are at most."""
        specs = {**self.pools, **self.compute_classes}
        return {name: (MACHINES[spec["machine"]], int(spec["nodes_max"])) for name, spec in specs.items()}

    def billed_pools(self) -> Sequence[BilledPool]:
        pools = [
            BilledPool(
                name,
                (pool["machine"],),
                (list_purchase(purchase),),
                purchase,
                int(pool["nodes_min"]),
                int(pool["nodes_max"]),
            )
            for name, pool in self.pools.items()
            for purchase in [str(pool.get("purchase") or "on-demand")]
        ]
        classes = [
            BilledPool(
                name,
                (one["machine"],),
                tuple(list_purchase(str(purchase)) for purchase in one["purchases"]),
                ", ".join(map(str, one["purchases"])),
                0,
                int(one["nodes_max"]),
            )
            for name, one in self.compute_classes.items()
        ]
        return [*pools, *classes]

    def billed_items(self, database: Any, *, highly_available: bool) -> Iterator[BilledItem]:
        yield BilledItem("control plane", "gke-cluster", 1, 1)
        yield BilledItem("network", "cloud-nat-vm", None, None)
        yield BilledItem("object store", "gcs-standard", None, None)
        if isinstance(database, CloudSqlManaged):
            yield from _cloud_sql(database.cloud_sql, 2 if highly_available else 1)

    @property
    def price_region(self) -> str:
        return self.region

    def pool_handles(self) -> dict[str, PoolHandle]:
        zones = self.zones or [self.region]  # none is refused with the cluster; no handle depends on them
        pools = {name: plan_gke_pool(name, pool, zones).handle for name, pool in self.pools.items()}
        classes = {name: plan_compute_class(name, one, zones)[0] for name, one in self.compute_classes.items()}
        return pools | classes

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        limits = self.control_plane.get("auto_provisioning")
        known: dict[str, Any] = {
            "region": zones_region(self.region, self.zones),
            "zones": self.zones,
            "kubernetes_version": self.control_plane.get("kubernetes_version") or "",
        }
        for name, pool in self.pools.items():
            yield name, check_gke_pool(f"cluster.pools.{name}", pool, self.mode, **known)
        for name, one in self.compute_classes.items():
            yield name, check_compute_class(f"cluster.computeClasses.{name}", one, self.mode, limits, **known)

    def findings(self, *, keep_data: bool) -> Iterator[Finding]:
        yield from self._place()
        yield from self._network()
        yield from self._control_plane()

    @as_far_as_known
    def _place(self) -> Iterator[Finding]:
        yield from check_place("cluster", self.project, self.region, self.zones)

    @as_far_as_known
    def _network(self) -> Iterator[Finding]:
        yield from check_gke_network("cluster.network", self.network)

    @as_far_as_known
    def _control_plane(self) -> Iterator[Finding]:
        yield from check_gke_cluster("cluster.controlPlane", self.control_plane)

    def findings_of_pools_together(self, own: Sequence[Finding]) -> Iterator[Finding]:
        """What GKE may make by itself holds pools and classes together."""
        limits = self.control_plane.get("auto_provisioning")
        if limits and not any(finding.path.startswith(_LIMITS) for finding in own):
            yield from check_all_within_limits(_LIMITS, limits, self._nodes())

    def check_pool_name(self, path: str, name: str) -> Iterator[Finding]:
        return check_pool_name(path, name)

    def check_group(self, path: str, group: str) -> Iterator[Finding]:
        return check_carried_group(path, group, self.control_plane)

    def check_service(self, path: str, service: Any, environment: Environment, *, keep_data: bool) -> Iterator[Finding]:
        match service:
            case ManagedGcs():
                yield from check_gcs_bucket(f"{path}.gcs", service.gcs, keep_data=keep_data)
            case CloudSqlManaged():
                args = {"database": {**service.cloud_sql, "highly_available": environment.highly_available}}
                yield from check_cloud_sql_database(f"{path}.cloudSql", args, keep_data=keep_data)
            case CloudDns():
                yield from check_cloud_dns_zone(f"{path}.cloudDns", service.cloud_dns)
                yield from zone_holds(f"{path}.cloudDns.domain", service.cloud_dns["domain"], environment)

    @property
    def needs_plain_pool(self) -> bool:
        return self.mode is not GkeMode.AUTOPILOT

    @property
    def has_closed_nodes(self) -> bool:
        return self.mode is GkeMode.AUTOPILOT

    @property
    def accelerators_max(self) -> dict[str, int]:
        limits = self.control_plane.get("auto_provisioning")
        return {name: int(most) for name, most in limits["accelerators_max"].items()} if limits else {}

    @property
    def disk_machines(self) -> Mapping[str, Machine]:
        return {name: machine for name, (machine, _) in self._nodes().items()}

    @property
    def dns_ranges(self) -> Sequence[str]:
        return (GKE_CLOUD_DNS,)

    def chart_arguments(self, chart: str) -> Mapping[str, Any]:
        return {"driver_root": GKE_DRIVER_ROOT} if chart in _READS_DRIVER else {}


def _cloud_sql(spec: CloudSqlDatabaseSettings, copies: int) -> Iterator[BilledItem]:
    """CPUs and memory of a custom tier, in Enterprise edition; other tiers have no price in the lists."""
    if custom := re.fullmatch(r"db-custom-(\d+)-(\d+)", spec["tier"]):
        cpus, memory = int(custom[1]) * copies, int(custom[2]) / 1024 * copies
        yield BilledItem("database", "cloud-sql-vcpu", cpus, cpus)
        yield BilledItem("database", "cloud-sql-memory", memory, memory)
    else:
        yield BilledItem("database", spec["tier"], copies, copies)
    sizes = (copies * int(spec["storage_gib"]), copies * int(spec["storage_max_gib"]))
    yield BilledItem("database", "cloud-sql-ssd", *sizes)
