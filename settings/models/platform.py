"""Settings of what stands on the cluster for all teams. Everything has a default that suits a simulated cluster."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, StringConstraints

from components.addons.device_plugin_spec import DevicePluginSpec
from components.addons.gateway_spec import GatewaySpec
from components.clouds.eks.data_spec import RdsDatabaseSettings, Route53ZoneSpec, S3BucketSpec
from components.clouds.gke.data_spec import CloudDnsZoneSpec, CloudSqlDatabaseSettings, GcsBucketSpec
from components.monitoring.spec import AlertRulesSpec, MonitoringSpec
from components.storage.plan import ObjectStoreKind, StorageClassesSpec
from components.tracking.spec import IngressArgs, TrackingServerSpec
from settings.models.base import KEY_ARN, KEY_ID, Int32, Model, Name
from settings.models.shape import Shape

Storage = Annotated[StorageClassesSpec, Shape(StorageClassesSpec)]
Gateway = Annotated[GatewaySpec, Shape(GatewaySpec)]
Monitoring = Annotated[MonitoringSpec, Shape(MonitoringSpec)]
Alerts = Annotated[AlertRulesSpec, Shape(AlertRulesSpec)]
Server = Annotated[TrackingServerSpec, Shape(TrackingServerSpec)]
Plugin = Annotated[DevicePluginSpec, Shape(DevicePluginSpec)]


KeyArn = Annotated[str, StringConstraints(pattern=KEY_ARN)]
KeyId = Annotated[str, StringConstraints(pattern=KEY_ID)]


class Nvidia(Model):
    """Software for NVIDIA devices that the platform installs. What is not given follows from the kind of cluster."""

    runtime_class: str | None = None
    """Runtime class of device plugin and exporter, `nvidia` where that is not the nodes' default (RKE2, K3s)."""
    driver_root: str | None = None
    """Directory of the nodes with the driver, `/run/nvidia/driver` with a driver in a container; default: `/`."""
    profiling: bool | None = None
    """Whether the exporter reads profiling counters, which other profilers then cannot; default true."""
    compute_domains: bool | None = None
    """DRA: memory shared over NVLink between nodes (GB200 racks); default false."""
    driver_version: str | None = None
    """GPU Operator: version of the driver that it installs, `595.91.07`; default: the chart's."""
    toolkit_environment: dict[str, str] | None = None
    """GPU Operator: environment of the container toolkit; RKE2 and K3s need CONTAINERD_CONFIG and CONTAINERD_SOCKET."""

    def of(self, *names: str) -> dict[str, Any]:
        """These of them, where they are given, as components take them."""
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


NVIDIA_KEYS: Mapping[str, tuple[str, ...]] = {
    "nvidia-device-plugin": ("runtime_class", "driver_root"),
    "dcgm-exporter": ("runtime_class", "driver_root", "profiling"),
    "dra-driver-nvidia-gpu": ("driver_root", "compute_domains"),
    "gpu-operator": ("driver_version", "toolkit_environment"),
}
"""Chart -> the keys of `nvidia` that its component takes."""


class InClusterStore(Model):
    """A SeaweedFS server in the cluster, for clusters without a cloud."""

    kind: Literal["in-cluster"]
    """in-cluster."""
    bucket: str = "mlplatform"
    """The bucket that is created in it."""
    storage_gib: Annotated[Int32, Field(ge=1, strict=True)] = 100
    """Size of its volume."""
    cpu_millis: Annotated[Int32, Field(ge=50, strict=True)] | None = None
    """Requested by the server; default 250."""
    memory_mib: Annotated[Int32, Field(ge=256, strict=True)] | None = None
    """Requested by the server, and its limit; it keeps its index in memory. Default 1024."""
    key_generation: Annotated[Int32, Field(ge=1, strict=True)] = 1
    """Increase it to generate new keys."""

    def size(self) -> Any:
        """What the server asks for, where it is given, as its component takes it."""
        return self.model_dump(include={"cpu_millis", "memory_mib"}, exclude_none=True)


class StoreIdentity(Model):
    """Access of service accounts to the bucket without keys, in a cloud that the platform does not manage."""

    writers: dict[str, str] = {}
    """Annotations of the service accounts that write: MLflow, its backup and `training` of each team,
    `{eks.amazonaws.com/role-arn: arn:aws:iam::…:role/writer}`; default: none, the accounts are bound in the cloud by
    name."""
    readers: dict[str, str] = {}
    """Annotations of the service account `serving` of each team, which reads models."""


class ExistingStore(Model):
    """A bucket that exists."""

    kind: Literal[ObjectStoreKind.S3, ObjectStoreKind.GCS, ObjectStoreKind.S3_COMPATIBLE]
    """s3, gcs or s3-compatible."""
    bucket: str
    """Its name."""
    prefix: str | None = None
    """Prefix of the platform's objects."""
    endpoint: str | None = None
    """s3-compatible: `https://host:port`."""
    region: str | None = None
    """s3: its region."""
    identity: StoreIdentity | None = None
    """s3 and gcs without keys, on a cluster that exists or of another cloud: how service accounts get access. EKS with
    s3 and GKE with gcs need none: the platform binds the accounts."""
    access_key_id: SecretStr | None = None
    """Key; left out with workload identity. Set it with `pulumi config set --secret --path`."""
    secret_access_key: SecretStr | None = None
    """Its secret."""
    ranges: list[str] = []
    """Address ranges of a store outside of the cluster (with tokens that AWS STS exchanges, those of STS too): its
    clients reach these instead of any address on its port. Needed where a team has `internet: false`; default: any."""


class ManagedS3(Model):
    """A bucket in Amazon S3 that the stack creates; pods have access without keys. On EKS."""

    kind: Literal["managed-s3"]
    """managed-s3."""
    s3: Annotated[S3BucketSpec, Shape(S3BucketSpec)]
    """What it is like."""
    key_arn: KeyArn | None = None
    """KMS key that encrypts it, in its region; default: a key of S3 (SSE-S3)."""
    ranges: list[str] = []
    """Address ranges of S3 in its region (`aws ec2 describe-managed-prefix-lists` names the list): its clients reach
    these instead of any address on port 443. Needed where a team has `internet: false`; default: any."""


class ManagedGcs(Model):
    """A bucket in Google Cloud Storage that the stack creates; pods have access without keys. On GKE."""

    kind: Literal["managed-gcs"]
    """managed-gcs."""
    gcs: Annotated[GcsBucketSpec, Shape(GcsBucketSpec)]
    """What it is like."""
    key_id: KeyId | None = None
    """Cloud KMS key that encrypts it, in its location, which the service agent of Cloud Storage may use; default:
    Google's."""
    ranges: list[str] = []
    """Address ranges in which Cloud Storage answers, `199.36.153.8/30` with private.googleapis.com: its clients reach
    these instead of any address on port 443. Needed where a team has `internet: false`; default: any."""


class InClusterDatabase(Model):
    """PostgreSQL in the cluster, by CloudNativePG."""

    kind: Literal["in-cluster"]
    """in-cluster."""
    storage_gib: Annotated[Int32, Field(ge=1, strict=True)] = 20
    """Size of each volume."""
    cpu_millis: Annotated[Int32, Field(ge=50, strict=True)] = 500
    """Requested by each instance."""
    memory_mib: Annotated[Int32, Field(ge=256, strict=True)] = 1024
    """Requested by each instance, and its limit."""


class ExistingDatabase(Model):
    """A PostgreSQL database that exists: RDS, Cloud SQL, a server of the company."""

    kind: Literal["external"]
    """external."""
    host: str
    """DNS name of the server."""
    port: Annotated[Int32, Field(ge=1, le=65535, strict=True)] = 5432
    """TCP port."""
    database: str
    """Name of an existing database that only the platform uses."""
    username: str
    """User that owns it."""
    password: SecretStr
    """Its password. Set it with `pulumi config set --secret --path`."""
    ssl_mode: str | None = None
    """verify-full (default), verify-ca or require."""
    ca_certificate: str | None = None
    """PEM of the certificate authority."""
    address_range: str | None = None
    """Addresses of the server, `10.30.0.0/24`: the only ones that pods reach at its port; default: any."""


class RdsManaged(Model):
    """PostgreSQL in Amazon RDS that the stack creates. On EKS."""

    kind: Literal["rds"]
    """rds."""
    rds: Annotated[RdsDatabaseSettings, Shape(RdsDatabaseSettings)]
    """What it is like; with a standby where the environment is highly available."""
    key_arn: KeyArn | None = None
    """KMS key that encrypts it; default: the cluster's. Another one replaces the database."""


class CloudSqlManaged(Model):
    """PostgreSQL in Cloud SQL that the stack creates. On GKE."""

    kind: Literal["cloud-sql"]
    """cloud-sql."""
    cloud_sql: Annotated[CloudSqlDatabaseSettings, Shape(CloudSqlDatabaseSettings)]
    """What it is like; with a standby where the environment is highly available."""
    key_id: KeyId | None = None
    """Cloud KMS key that encrypts it, which the service agent of Cloud SQL may use; default: Google's. Another one
    replaces the database."""


class Route53(Model):
    """A zone in Route 53, with records for everything that the gateway serves. On EKS."""

    kind: Literal["route53"]
    """route53."""
    route53: Annotated[Route53ZoneSpec, Shape(Route53ZoneSpec)]
    """The zone, created or existing."""


class CloudDns(Model):
    """A zone in Cloud DNS, with records for everything that the gateway serves. On GKE."""

    kind: Literal["cloud-dns"]
    """cloud-dns."""
    cloud_dns: Annotated[CloudDnsZoneSpec, Shape(CloudDnsZoneSpec)]
    """The zone, created or existing."""


Dns = Annotated[Route53 | CloudDns, Field(discriminator="kind")]


class Backup(Model):
    """Schedule and retention of dumps of MLflow's database."""

    schedule: str = "17 2 * * *"
    """Five fields of cron, in UTC."""
    retention_days: Annotated[Int32, Field(ge=2, strict=True)] = 30
    """Days after which copies are deleted."""
    dump_gib: Annotated[Int32, Field(ge=1, strict=True)] = 10
    """Local disk for one dump."""
    image: str | None = None
    """Image with pg_dump, as new as the server or newer; default: that of the platform's own PostgreSQL."""


class BasicLogin(Model):
    """Names and passwords, asked by the platform's Envoy Gateway (HTTP basic authentication)."""

    kind: Literal["basic"]
    """basic."""
    users_secret_name: str
    """Secret in the namespace mlflow, made by its administrators: key `.htpasswd`, a line `name:{SHA}hash` for each
    user (`htpasswd -nbs`). Without it there is no access. Hashes have no salt: generate long passwords."""


class NoLogin(Model):
    """Every client of the gateway can read and change experiments and models, unless another proxy authenticates."""

    kind: Literal["none"]
    """none."""


class Mlflow(Model):
    """The tracking server."""

    in_parts = True

    host: Name = "mlflow"
    """First label of its public name; the gateway's first domain follows."""
    ingress: Annotated[IngressArgs, Shape(IngressArgs)] | None = None
    """Access through an Ingress instead, for clusters with an Ingress controller; default: the gateway."""
    login: Annotated[BasicLogin | NoLogin, Field(discriminator="kind")] | None = None
    """Authentication at the gateway; required on every cluster that is not simulated. Pods of the cluster reach the
    server inside it, where their namespace is a client's."""
    server: Server | None = None
    """Its size."""
    database: Annotated[
        InClusterDatabase | ExistingDatabase | RdsManaged | CloudSqlManaged, Field(discriminator="kind")
    ] = InClusterDatabase(kind="in-cluster")
    """Database of experiments, runs and models."""
    backup: Backup = Backup()
    """Copies of the database in the object store."""


ObjectStore = Annotated[InClusterStore | ExistingStore | ManagedS3 | ManagedGcs, Field(discriminator="kind")]
DEFAULT_STORE: Any = InClusterStore(kind="in-cluster")
