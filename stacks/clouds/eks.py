"""The AWS resources of an environment: VPC, cluster, pools, file system, bucket, database, zone."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pulumi
import pulumi_aws as aws

from components.addons.zone_identity import ZoneClusters
from components.base.chart_source import ChartSource
from components.clouds.dns import DnsProvider
from components.clouds.eks.addons import EksAddons
from components.clouds.eks.auto_mode import AutoModeNetworkPolicies, AutoModeNodePool
from components.clouds.eks.bucket import S3Bucket, S3BucketArgs, bucket_arn, bucket_statements, bucket_store
from components.clouds.eks.cluster import EksCluster as ControlPlane
from components.clouds.eks.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.clouds.eks.cluster_validation import support_warning
from components.clouds.eks.database import RdsDatabase, RdsDatabaseArgs
from components.clouds.eks.dns import Route53Zone
from components.clouds.eks.file_system import EfsFileSystem
from components.clouds.eks.handles import EksHandle, EksNetworkHandle, NodeProvisioning
from components.clouds.eks.karpenter import Karpenter
from components.clouds.eks.karpenter_pool import KarpenterNodePool
from components.clouds.eks.limits import aws_limits
from components.clouds.eks.network import EksNetwork
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.plan import load_balancer_annotations
from components.clouds.eks.pod_identity import PodIdentity
from components.clouds.referenced_pool import ReferencedNodePool
from components.storage.plan import ObjectStoreHandle
from settings.clouds.eks import FILE_PURPOSES, EksSettings
from settings.models.environment import Scope
from settings.models.platform import ManagedS3, RdsManaged, Route53
from settings.settings import Settings
from stacks.clouds.limits import require_quotas
from stacks.clouds.other_stack import read_database, read_zone
from stacks.clouds.protocol import Cloud
from stacks.clouds.questions import ask, require_zones


def key_of(key_arn: str | None) -> Any:
    """The KMS key of a bucket or database, if the settings name one. Pure."""
    return {"key_arn": key_arn} if key_arn else {}


def require_account(cluster: EksSettings, provider: aws.Provider) -> None:
    """Raises `Refused` if the credentials do not work, or the region does not have the zones of the settings.

    Credentials of another account than `cluster.accountId` fail earlier: the provider has `allowed_account_ids`, and
    refuses every call with "AWS account ID not allowed".
    """
    options = pulumi.InvokeOptions(provider=provider)
    ask(
        lambda: aws.get_caller_identity(opts=options),
        "AWS credentials",
        f"credentials that work in account {cluster.account_id}, in region {cluster.region}",
        "sign in (`aws sso login`, AWS_PROFILE, or the CI's role), or correct cluster.region, then run it again",
    )
    there = ask(
        lambda: aws.get_availability_zones(state="available", opts=options),
        "AWS region",
        f"a region that account {cluster.account_id} uses: {cluster.region}",
        "correct cluster.region, enable the region for the account, or allow ec2:DescribeAvailabilityZones",
    )
    require_zones("cluster.network.zones", cluster.zones, there.names, cluster.region)


class EksCloud(Cloud):
    """AWS."""

    def __init__(self, settings: Settings) -> None:
        cluster = settings.cluster
        assert isinstance(cluster, EksSettings)
        self.settings, self.cluster, self.name = settings, cluster, settings.cluster_name
        self.aws = aws.Provider(
            "aws",
            region=cluster.region,
            allowed_account_ids=[cluster.account_id],
            default_tags={"tags": {"environment": settings.environment.name, "owner": settings.environment.owner}},
        )
        require_account(cluster, self.aws)
        if settings.scope is not Scope.PLATFORM:
            self._require_quotas()
            if warning := support_warning(cluster.control_plane, date.today()):
                pulumi.log.warn(warning)
        self.providers = [self.aws]
        self.store = self._store_handle()
        self.file_system_id: pulumi.Input[str] = ""
        if settings.scope is Scope.PLATFORM:
            self._read(pulumi.StackReference(settings.cluster_stack_reference))
        else:
            self._make()
        self.storage_parameters = (
            {purpose.value: {"fileSystemId": self.file_system_id} for purpose in FILE_PURPOSES}
            if cluster.shared_file_system
            else {}
        )

    def _require_quotas(self) -> None:
        if self.cluster.check_quotas:
            cluster, options = self.cluster, pulumi.InvokeOptions(provider=self.aws)
            require_quotas(
                cluster.quota_pools(),
                cluster.region,
                lambda needs: aws_limits(needs, cluster.region, options),
            )

    def _options(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self.aws, depends_on=[*after])

    def _make(self) -> None:
        cluster, keep = self.cluster, self.settings.keep_data
        network = EksNetwork(self.name, {"network": cluster.network}, self._options())
        control = ControlPlane(
            self.name,
            {
                "region": cluster.region,
                "account_id": cluster.account_id,
                "network": network.handle,
                "cluster": cluster.control_plane,
                "keep_data": keep,
            },
            self._options(network),
        )
        self.handle, self._kubeconfig = control.handle, control.kubeconfig
        groups = [
            EksNodePool(name, {"cluster": self.handle, "pool": pool}, self._options(control))
            for name, pool in cluster.pools.items()
            if cluster.is_managed_group(pool)
        ]
        addons = EksAddons(
            f"{self.name}-addons",
            {
                "cluster": self.handle,
                "efs": cluster.shared_file_system,
                "versions": cluster.control_plane.get("addon_versions") or {},
            },
            self._options(*groups),
        )
        self.before_objects = [control, *groups, addons]
        self._make_services()

    def _make_services(self) -> None:
        """Services that store data; the cluster's key encrypts them."""
        settings, keep = self.settings, self.settings.keep_data
        if self.cluster.shared_file_system:
            files = self.cluster.file_system
            system = EfsFileSystem(
                f"{self.name}-files", {"cluster": self.handle, "file_system": files, "keep_data": keep}, self._options()
            )
            self.file_system_id = system.file_system_id
        bucket = self._bucket_args()
        if bucket:
            S3Bucket(f"{self.name}-objects", bucket, self._options())
        chosen = settings.mlflow.database
        if isinstance(chosen, RdsManaged):
            args: RdsDatabaseArgs = {
                "cluster": self.handle,
                "database": {**chosen.rds, "highly_available": settings.environment.highly_available},
                "keep_data": keep,
            }
            database = RdsDatabase(f"{self.name}-mlflow", {**args, **key_of(chosen.key_arn)}, self._options())
            self.database = database.handle
        if isinstance(settings.dns, Route53):
            self.zone = Route53Zone(
                f"{self.name}-zone",
                {"zone": settings.dns.route53, "account_id": self.cluster.account_id, "keep_data": keep},
                self._options(),
            ).handle

    def _bucket_args(self) -> S3BucketArgs | None:
        chosen = self.settings.object_store
        if not isinstance(chosen, ManagedS3):
            return None
        args: S3BucketArgs = {
            "region": self.cluster.region,
            "bucket": chosen.s3,
            "keep_data": self.settings.keep_data,
        }
        return {**args, **key_of(chosen.key_arn)}

    def _store_handle(self) -> ObjectStoreHandle | None:
        args = self._bucket_args()
        return bucket_store(args) if args else None

    def load_balancer_annotations(self, *, public: bool) -> dict[str, str]:
        """A Network Load Balancer, from the controller that creates load balancers."""
        return load_balancer_annotations(self.cluster.provisioning, public=public)

    def declare_pools(self, opts: pulumi.ResourceOptions, source: ChartSource) -> list[pulumi.Resource]:
        """Karpenter or the Cluster Autoscaler, and the pools whose nodes Karpenter or Auto Mode creates."""
        made = {name: pool for name, pool in self.cluster.pools.items() if not self.cluster.is_managed_group(pool)}
        if self.settings.scope is Scope.PLATFORM:
            for name in self.cluster.pools.keys() - made.keys():
                ReferencedNodePool(name, {"pool": self.settings.pools[name]})
        match self.cluster.provisioning:
            case NodeProvisioning.MANAGED_GROUPS:
                args: ClusterAutoscalerArgs = {
                    "cluster": self.handle,
                    "source": source,
                    "monitoring_namespace": self.settings.monitoring_namespace,
                }
                if self.cluster.idle_minutes:
                    args["idle_minutes"] = self.cluster.idle_minutes
                return [ClusterAutoscaler("cluster-autoscaler", args, opts)]
            case NodeProvisioning.KARPENTER:
                observed = self.settings.monitoring_namespace
                karpenter = Karpenter(
                    "karpenter", {"cluster": self.handle, "source": source, "monitoring_namespace": observed}, opts
                )
                after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[karpenter]))
                return [
                    KarpenterNodePool(
                        name, {"cluster": self.handle, "karpenter": karpenter.handle, "pool": pool}, after
                    )
                    for name, pool in made.items()
                ]
        enforced = AutoModeNetworkPolicies("network-policies", {"cluster": self.handle}, opts)
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[enforced]))
        return [
            enforced,
            *(AutoModeNodePool(name, {"cluster": self.handle, "pool": pool}, after) for name, pool in made.items()),
        ]

    def grant_store(
        self, name: str, namespace: pulumi.Input[str], account: str, store: ObjectStoreHandle, *, write: bool
    ) -> Sequence[pulumi.Resource]:
        """A role for that service account, by EKS Pod Identity."""
        bucket = bucket_arn(store["bucket"], self.cluster.region)
        granted = PodIdentity(
            name,
            {
                "cluster": self.handle,
                "namespace": namespace,
                "service_account": account,
                "statements": bucket_statements(bucket, write, self._bucket_key),
            },
            self._options(),
        )
        return [granted]

    @property
    def _bucket_key(self) -> str | None:
        """Key of the created bucket, which its readers must be allowed to use."""
        chosen = self.settings.object_store
        return chosen.key_arn if isinstance(chosen, ManagedS3) else None

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The handle, from the cluster's component or from the other stack."""
        return self._kubeconfig

    @property
    def clusters(self) -> ZoneClusters:
        """This one."""
        return {"eks": self.handle}

    def facts(self) -> dict[str, Any]:
        """Ids of the created resources."""
        return {
            "cluster": {
                "name": self.handle["name"],
                "securityGroupId": self.handle["security_group_id"],
                "nodeRoleArn": self.handle["node_role_arn"],
                "keyArn": self.handle["key_arn"],
            },
            "network": dict(self.handle["network"]),
            "fileSystemId": self.file_system_id,
            "database": dict(self.database) if self.database else None,
            "zone": dict(self.zone) if self.zone else None,
        }

    def _read(self, other: pulumi.StackReference) -> None:
        """Ids of the resources that another stack created."""
        self._kubeconfig = pulumi.Output.secret(other.require_output("kubeconfig"))
        facts = other.require_output("cloud")
        of_cluster, of_network = facts["cluster"], facts["network"]
        self.handle = EksHandle(
            name=of_cluster["name"],
            region=self.cluster.region,
            account_id=self.cluster.account_id,
            kubernetes_version=self.cluster.control_plane["kubernetes_version"],
            provisioning=self.cluster.provisioning,
            network=EksNetworkHandle(
                vpc_id=of_network["vpc_id"],
                cidr=of_network["cidr"],
                private_subnet_ids={zone: of_network["private_subnet_ids"][zone] for zone in self.cluster.zones},
                public_subnet_ids={},
            ),
            security_group_id=of_cluster["securityGroupId"],
            node_role_arn=of_cluster["nodeRoleArn"],
            key_arn=of_cluster["keyArn"],
        )
        self.file_system_id = facts["fileSystemId"]
        if isinstance(self.settings.mlflow.database, RdsManaged):
            rds = self.settings.mlflow.database.rds
            ssl_mode = "verify-full" if rds.get("ca_certificate") else "require"
            self.database = read_database(facts["database"], rds.get("database") or "mlflow", ssl_mode)
        if isinstance(self.settings.dns, Route53):
            domain = self.settings.dns.route53["domain"]
            self.zone = read_zone(facts["zone"], DnsProvider.ROUTE53, domain, self.cluster.account_id)


CLOUD = EksCloud
