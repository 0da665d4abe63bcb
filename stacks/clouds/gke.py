"""The Google Cloud resources of an environment: network, cluster, pools, bucket, database, zone."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from components.addons.zone_identity import ZoneClusters
from components.base.chart_source import ChartSource
from components.clouds.dns import DnsProvider
from components.clouds.gke.bucket import GcsBucket, GcsBucketArgs, bucket_grants, bucket_store
from components.clouds.gke.cluster import GkeCluster as ControlPlane
from components.clouds.gke.compute_class import ComputeClass, ComputeClassArgs
from components.clouds.gke.database import CloudSqlDatabase, CloudSqlDatabaseArgs
from components.clouds.gke.dns import CloudDnsZone
from components.clouds.gke.handles import GkeHandle, GkeNetworkHandle
from components.clouds.gke.limits import gcp_limits
from components.clouds.gke.network import GkeNetwork
from components.clouds.gke.node_pool import GkeNodePool
from components.clouds.gke.spec import ComputeClassSpec
from components.clouds.gke.workload_identity import WorkloadIdentity
from components.clouds.referenced_pool import ReferencedNodePool
from components.storage.plan import ObjectStoreHandle
from settings.clouds.gke import GkeSettings
from settings.models.environment import Scope
from settings.models.platform import CloudDns, CloudSqlManaged, ManagedGcs
from settings.settings import Settings
from stacks.clouds.limits import require_quotas
from stacks.clouds.other_stack import read_database, read_zone
from stacks.clouds.protocol import Cloud
from stacks.clouds.questions import ask, require_zones


def key_of(key_id: str | None) -> Any:
    """The Cloud KMS key of a bucket or database, if the settings name one. Pure."""
    return {"key_id": key_id} if key_id else {}


def require_project(cluster: GkeSettings, provider: gcp.Provider) -> str:
    """The number of the project. Raises `Refused` if the credentials do not work or have no access to it, or if the
    region does not have the zones of the settings."""
    number = project_number(cluster, provider)
    options = pulumi.InvokeOptions(provider=provider)
    there = ask(
        lambda: gcp.compute.get_zones(project=cluster.project, region=cluster.region, status="UP", opts=options),
        "Google Cloud region",
        f"a region of Google Cloud, and the Compute Engine API in project {cluster.project}: {cluster.region}",
        "correct cluster.region, enable compute.googleapis.com in the project, or allow compute.zones.list",
    )
    require_zones("cluster.zones", cluster.zones, there.names, cluster.region)
    return number


def project_number(cluster: GkeSettings, provider: gcp.Provider) -> str:
    """The number of the project. Raises `Refused` if the credentials do not work or have no access to it."""
    options = pulumi.InvokeOptions(provider=provider)
    found = ask(
        lambda: gcp.organizations.get_project(project_id=cluster.project, opts=options),
        "Google Cloud credentials",
        f"credentials that reach project {cluster.project}",
        "sign in (`gcloud auth application-default login`, or the CI's identity), or correct cluster.project",
    )
    return str(found.number)


class GkeCloud(Cloud):
    """Google Cloud."""

    def __init__(self, settings: Settings) -> None:
        cluster = settings.cluster
        assert isinstance(cluster, GkeSettings)
        self.settings, self.cluster, self.name = settings, cluster, settings.cluster_name
        self.gcp = gcp.Provider(
            "gcp",
            project=cluster.project,
            region=cluster.region,
            default_labels={"environment": settings.environment.name},
        )
        self.project_number = require_project(cluster, self.gcp)
        if settings.scope is not Scope.PLATFORM:
            self._require_quotas()
        self.providers = [self.gcp]
        self.store = self._store_handle()
        self.storage_parameters = {}
        if settings.scope is Scope.PLATFORM:
            self._read(pulumi.StackReference(settings.cluster_stack_reference))
        else:
            self._make()

    def _require_quotas(self) -> None:
        if self.cluster.check_quotas:
            cluster, options = self.cluster, pulumi.InvokeOptions(provider=self.gcp)
            require_quotas(
                cluster.quota_pools(),
                cluster.region,
                lambda needs: gcp_limits(needs, cluster.project, cluster.region, options),
            )

    def _options(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self.gcp, depends_on=[*after])

    def _make(self) -> None:
        cluster = self.cluster
        network = GkeNetwork(
            self.name,
            {"network": cluster.network, "project": cluster.project, "region": cluster.region},
            self._options(),
        )
        control = ControlPlane(
            self.name,
            {
                "cluster": cluster.control_plane,
                "network": network.handle,
                "project": cluster.project,
                "region": cluster.region,
                "project_number": self.project_number,
                "zones": cluster.zones,
                "keep_data": self.settings.keep_data,
            },
            self._options(network),
        )
        self.handle, self._kubeconfig = control.handle, control.kubeconfig
        pools = [
            GkeNodePool(name, {"cluster": self.handle, "pool": pool}, self._options(control))
            for name, pool in cluster.pools.items()
        ]
        self.before_objects = [control, *pools]
        self._make_services()

    def _make_services(self) -> None:
        """Services that store data."""
        settings, keep = self.settings, self.settings.keep_data
        bucket = self._bucket_args()
        if bucket:
            GcsBucket(f"{self.name}-objects", bucket, self._options())
        chosen = settings.mlflow.database
        if isinstance(chosen, CloudSqlManaged):
            args: CloudSqlDatabaseArgs = {
                "cluster": self.handle,
                "database": {**chosen.cloud_sql, "highly_available": settings.environment.highly_available},
                "keep_data": keep,
            }
            database = CloudSqlDatabase(f"{self.name}-mlflow", {**args, **key_of(chosen.key_id)}, self._options())
            self.database = database.handle
        if isinstance(settings.dns, CloudDns):
            self.zone = CloudDnsZone(
                f"{self.name}-zone",
                {"zone": settings.dns.cloud_dns, "project": self.cluster.project, "keep_data": keep},
                self._options(),
            ).handle

    def _bucket_args(self) -> GcsBucketArgs | None:
        chosen, cluster = self.settings.object_store, self.cluster
        if not isinstance(chosen, ManagedGcs):
            return None
        keep = self.settings.keep_data
        args: GcsBucketArgs = {
            "project": cluster.project,
            "region": cluster.region,
            "bucket": chosen.gcs,
            "keep_data": keep,
        }
        return {**args, **key_of(chosen.key_id)}

    def _store_handle(self) -> ObjectStoreHandle | None:
        chosen = self.settings.object_store
        return bucket_store(chosen.gcs) if isinstance(chosen, ManagedGcs) else None

    def load_balancer_annotations(self, *, public: bool) -> dict[str, str]:
        """GKE creates a public passthrough load balancer by default (GKE, internal load balancing)."""
        return {} if public else {"networking.gke.io/load-balancer-type": "Internal"}

    def declare_pools(self, opts: pulumi.ResourceOptions, source: ChartSource) -> list[pulumi.Resource]:
        """Compute classes. GKE also scales node pools itself."""
        if self.settings.scope is Scope.PLATFORM:
            for name in self.cluster.pools:
                ReferencedNodePool(name, {"pool": self.settings.pools[name]})
        return [ComputeClass(name, self._class_args(spec), opts) for name, spec in self.cluster.compute_classes.items()]

    def _class_args(self, spec: ComputeClassSpec) -> ComputeClassArgs:
        args = ComputeClassArgs(cluster=self.handle, nodes=spec)
        limits = self.cluster.control_plane.get("auto_provisioning")
        return {**args, "limits": limits} if limits else args

    def grant_store(
        self, name: str, namespace: pulumi.Input[str], account: str, store: ObjectStoreHandle, *, write: bool
    ) -> Sequence[pulumi.Resource]:
        """Roles on the bucket for that service account, by Workload Identity Federation."""
        granted = WorkloadIdentity(
            name,
            {
                "cluster": self.handle,
                "namespace": namespace,
                "service_account": account,
                "grants": bucket_grants("objects", store["bucket"], write),
            },
            self._options(),
        )
        return [granted]

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The handle, from the cluster's component or from the other stack."""
        return self._kubeconfig

    @property
    def clusters(self) -> ZoneClusters:
        """This one."""
        return {"gke": self.handle}

    def facts(self) -> dict[str, Any]:
        """Ids of the created resources."""
        return {
            "cluster": {"name": self.handle["name"], "nodeServiceAccount": self.handle["node_service_account"]},
            "network": dict(self.handle["network"]),
            "database": dict(self.database) if self.database else None,
            "zone": dict(self.zone) if self.zone else None,
        }

    def _read(self, other: pulumi.StackReference) -> None:
        """Ids of the resources that another stack created."""
        self._kubeconfig = pulumi.Output.secret(other.require_output("kubeconfig"))
        facts = other.require_output("cloud")
        self.handle = GkeHandle(
            name=facts["cluster"]["name"],
            project=self.cluster.project,
            project_number=self.project_number,
            region=self.cluster.region,
            zones=self.cluster.zones,
            mode=self.cluster.mode,
            network=GkeNetworkHandle(
                network_id=facts["network"]["network_id"],
                subnetwork_id=facts["network"]["subnetwork_id"],
                pods_range_name=self.cluster.network.get("pods_range_name") or "pods",
                services_range_name=self.cluster.network.get("services_range_name") or "services",
            ),
            node_service_account=facts["cluster"]["nodeServiceAccount"],
            workload_pool=f"{self.cluster.project}.svc.id.goog",
        )
        if isinstance(self.settings.mlflow.database, CloudSqlManaged):
            sql = self.settings.mlflow.database.cloud_sql
            self.database = read_database(facts["database"], sql.get("database") or "mlflow", "verify-ca")
        if isinstance(self.settings.dns, CloudDns):
            domain = self.settings.dns.cloud_dns["domain"]
            self.zone = read_zone(facts["zone"], DnsProvider.CLOUD_DNS, domain, self.cluster.project)


CLOUD = GkeCloud
