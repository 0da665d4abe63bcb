"""Where data lives: volumes by purpose, who makes them on each kind of cluster, and buckets. Facts and planners; pure.

Encryption at rest is a parameter where the driver takes one, and the provider's default elsewhere; each row says which.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, NotRequired, Required, TypedDict
from urllib.parse import urlsplit

from catalog.accelerators import ClusterKind


class StoragePurpose(StrEnum):
    """What a volume is for; decides device, access modes and what happens to the data when its claim goes."""

    FAST = "fast"
    """SSD with guaranteed IOPS: scratch, shuffles, local caches of datasets."""
    STANDARD = "standard"
    """General block storage: databases, checkpoints of one pod."""
    SHARED = "shared"
    """A file system that many pods write: checkpoints of distributed training, home directories."""
    DATASET = "dataset"
    """A file system that one job fills and many pods read."""


class AccessMode(StrEnum):
    """As Kubernetes writes them."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_ONLY_MANY = "ReadOnlyMany"
    READ_WRITE_MANY = "ReadWriteMany"


class Encryption(StrEnum):
    """What encrypts the volumes of a class at rest."""

    PARAMETER = "parameter"
    """The driver, because a parameter of the class asks for it."""
    PROVIDER = "provider"
    """The cloud, without being asked: always, or by the default of the account."""
    STORAGE_SYSTEM = "storage-system"
    """The array, filer or file system that the volumes are part of."""
    NODE_DISK = "node-disk"
    """The operating system of the nodes, on their own disks (LUKS)."""


ENCRYPTING_PARAMETERS = ("encrypted", "disk-encryption-kms-key")
"""Parameters that ask a driver for encryption (aws-ebs-csi-driver docs/parameters.md,
gcp-compute-persistent-disk-csi-driver README)."""


class StorageHandle(TypedDict):
    """A storage class as volumes see it."""

    purpose: StoragePurpose
    """What it is for."""
    class_name: str
    """For `storageClassName`."""
    access_modes: list[str]
    """What its volumes can serve, the usual one first."""


class ObjectStoreKind(StrEnum):
    """Which protocol and whose identity."""

    S3 = "s3"
    """Amazon S3."""
    GCS = "gcs"
    """Google Cloud Storage, with workload identity only."""
    S3_COMPATIBLE = "s3-compatible"
    """SeaweedFS or any other endpoint that speaks S3."""


class ObjectStoreHandle(TypedDict):
    """A bucket and how to reach it."""

    kind: ObjectStoreKind
    """s3, gcs or s3-compatible."""
    bucket: str
    """Its name."""
    prefix: str
    """Where our objects start; no slash at either end; may be empty."""
    endpoint: str
    """`http(s)://host:port`; empty for s3 and gcs."""
    region: str
    """Signing region; empty for gcs."""
    credentials_secret_name: str
    """Secret with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` in each namespace that needs it; empty: workload
    identity."""
    uri: str
    """`s3://bucket/prefix` or `gs://bucket/prefix`."""
    ranges: NotRequired[list[str]]
    """Address ranges of a store outside of the cluster; missing: any address."""
    pod_port: NotRequired[int]
    """Port of its pods, of a store in the cluster; missing: any port of its namespace."""


def store_namespace(endpoint: str) -> str:
    """The namespace of a store in the cluster, by its endpoint `http://name.namespace.svc:port`; empty: outside."""
    try:
        host = (urlsplit(endpoint).hostname or "").split(".")
    except ValueError:  # refused by check_object_store
        return ""
    return host[1] if len(host) > 2 and host[2] == "svc" else ""


RWO, ROX, RWX = AccessMode.READ_WRITE_ONCE, AccessMode.READ_ONLY_MANY, AccessMode.READ_WRITE_MANY

DEFAULT_CLASS_ANNOTATION = "storageclass.kubernetes.io/is-default-class"
ENCRYPTION_ANNOTATION = "mlplatform.dev/encryption"
"""On every class: what encrypts its volumes at rest, a value of `Encryption`."""


class Provisioner(NamedTuple):
    """A driver and what its volumes can do."""

    name: str
    access_modes: tuple[AccessMode, ...]
    """What its file system volumes serve."""
    block: bool
    """A disk that is attached to one node: made where the pod is, so only once the pod has a node."""
    expandable: bool
    source: str


PROVISIONERS: Mapping[str, Provisioner] = {
    row.name: row
    for row in (
        Provisioner("simulated.mlplatform.dev/block", (RWO,), True, True, "simulator/"),
        Provisioner("simulated.mlplatform.dev/file", (RWX, ROX, RWO), False, True, "simulator/"),
        Provisioner("ebs.csi.aws.com", (RWO,), True, True, "kubernetes-sigs/aws-ebs-csi-driver docs/parameters.md"),
        Provisioner(
            "ebs.csi.eks.amazonaws.com", (RWO,), True, True, "EKS user guide, create-storage-class (Auto Mode)"
        ),
        # EFS has no size: the driver accepts one, enforces none, and cannot expand.
        Provisioner(
            "efs.csi.aws.com", (RWX, ROX, RWO), False, False, "kubernetes-sigs/aws-efs-csi-driver docs/README.md"
        ),
        # A disk can be attached read-only to many nodes, never written by two with a file system on it.
        Provisioner("pd.csi.storage.gke.io", (RWO, ROX), True, True, "GKE docs, persistent-volumes/gce-pd-csi-driver"),
        Provisioner("filestore.csi.storage.gke.io", (RWX, ROX, RWO), False, True, "GKE docs, filestore-csi-driver"),
        Provisioner(
            "nfs.csi.k8s.io", (RWX, ROX, RWO), False, True, "kubernetes-csi/csi-driver-nfs docs/driver-parameters.md"
        ),
        Provisioner("rancher.io/local-path", (RWO,), True, False, "rancher/local-path-provisioner README"),
        Provisioner("k8s.io/minikube-hostpath", (RWO,), True, False, "minikube docs, persistent_volumes"),
    )
}
"""By exact name. A provisioner that is not here is described in full where it is declared (`DeclaredClassArgs`)."""


class ClassRow(NamedTuple):
    """The class of one purpose on one kind of cluster."""

    provisioner: str
    parameters: Mapping[str, str]
    encryption: Encryption
    """What encrypts its volumes."""
    required: tuple[str, ...] = ()
    """Parameters that only the environment knows."""


_SIMULATED_BLOCK = ClassRow("simulated.mlplatform.dev/block", {"encrypted": "true"}, Encryption.PARAMETER)
_SIMULATED_FILE = ClassRow("simulated.mlplatform.dev/file", {"encrypted": "true"}, Encryption.PARAMETER)
# Encryption at rest is decided when the file system is made; mounts are TLS by the driver's default.
_EFS = ClassRow(
    "efs.csi.aws.com",
    {"provisioningMode": "efs-ap", "directoryPerms": "700"},
    Encryption.STORAGE_SYSTEM,
    ("fileSystemId",),
)
_FILESTORE = ClassRow("filestore.csi.storage.gke.io", {"tier": "enterprise"}, Encryption.PROVIDER)

CLASSES: Mapping[ClusterKind, Mapping[StoragePurpose, ClassRow]] = {
    ClusterKind.SIMULATED: {
        StoragePurpose.FAST: _SIMULATED_BLOCK,
        StoragePurpose.STANDARD: _SIMULATED_BLOCK,
        StoragePurpose.SHARED: _SIMULATED_FILE,
        StoragePurpose.DATASET: _SIMULATED_FILE,
    },
    ClusterKind.EKS: {
        StoragePurpose.FAST: ClassRow(
            "ebs.csi.aws.com",
            # Without the second, a volume too small for 100 IOPS at this ratio is refused by the API.
            {"type": "io2", "iopsPerGB": "50", "allowAutoIOPSPerGBIncrease": "true", "encrypted": "true"},
            Encryption.PARAMETER,
        ),
        StoragePurpose.STANDARD: ClassRow(
            "ebs.csi.aws.com", {"type": "gp3", "encrypted": "true"}, Encryption.PARAMETER
        ),
        StoragePurpose.SHARED: _EFS,
        StoragePurpose.DATASET: _EFS,
    },
    ClusterKind.GKE: {
        StoragePurpose.FAST: ClassRow(
            "pd.csi.storage.gke.io",
            {
                "type": "hyperdisk-balanced",
                "provisioned-iops-on-create": "7000",
                "provisioned-throughput-on-create": "250Mi",
            },
            Encryption.PROVIDER,
        ),
        StoragePurpose.STANDARD: ClassRow("pd.csi.storage.gke.io", {"type": "pd-balanced"}, Encryption.PROVIDER),
        StoragePurpose.SHARED: _FILESTORE,
        StoragePurpose.DATASET: _FILESTORE,
    },
    # Nothing is known of somebody else's cluster: its classes are declared (`StorageClassesArgs.declared`).
    ClusterKind.EXISTING: {},
}

ACCESS_MODES: Mapping[StoragePurpose, tuple[AccessMode, ...]] = {
    StoragePurpose.FAST: (RWO,),
    StoragePurpose.STANDARD: (RWO,),
    StoragePurpose.SHARED: (RWX, RWO),
    # Writable as well: a job fills it once.
    StoragePurpose.DATASET: (ROX, RWX),
}
"""What each purpose promises; the provisioner must be able to serve all of it."""


class DeclaredClassArgs(TypedDict, total=False):
    """A storage class that the environment brings, or that a provisioner of its own serves."""

    purpose: Required[StoragePurpose]
    """What it is for."""
    class_name: str
    """An existing class, used as it is. Empty or missing: a class is made from the fields below."""
    provisioner: Required[str]
    """Who makes its volumes, also for an existing class: what it can do depends on it."""
    parameters: dict[str, str]
    """Parameters of the provisioner."""
    access_modes: list[AccessMode]
    """What its volumes serve. Required for a provisioner that the platform does not know."""
    encryption: Encryption
    """What encrypts its volumes at rest. Required: `storage-system` (array, filer), `node-disk` (LUKS), `provider` (the
    cloud), or `parameter`, which the class that is made must then have."""
    is_default: bool
    """An existing class is the cluster's default class."""


AUTO_MODE_CLASSES = tuple(
    DeclaredClassArgs(
        purpose=purpose,
        provisioner="ebs.csi.eks.amazonaws.com",
        parameters={**CLASSES[ClusterKind.EKS][purpose].parameters},
        encryption=Encryption.PARAMETER,
    )
    for purpose in (StoragePurpose.FAST, StoragePurpose.STANDARD)
)
"""EKS Auto Mode has a driver of its own for disks (EKS user guide, create-storage-class)."""


class StorageClassesSpec(TypedDict, total=False):
    """The storage classes of an environment."""

    default_purpose: StoragePurpose
    """The class of claims that name none. Default: standard."""
    parameters: dict[str, dict[str, Any]]
    """By purpose: parameters that only this environment knows, such as `{"shared": {"fileSystemId": "fs-…"}}`. Text, or
    an output of a resource of the same stack."""
    declared: list[DeclaredClassArgs]
    """Classes of the environment's own; each replaces the table's class for its purpose."""


class StorageClassesArgs(StorageClassesSpec, total=False):
    """The storage classes of an environment on its cluster."""

    cluster_kind: Required[ClusterKind]
    """Decides the provisioners."""
    keep_data: bool
    """Required in stacks that are not simulated. Volumes outlive their claims, whatever their purpose; without it only
    datasets do."""


class ClassPlan(NamedTuple):
    """One storage class: made by us, or found."""

    purpose: StoragePurpose
    class_name: str
    exists: bool
    """The environment brings it; we only use it."""
    provisioner: str
    parameters: Mapping[str, Any]
    """Text, or what another resource will tell."""
    access_modes: tuple[str, ...]
    block: bool
    expandable: bool
    encryption: str
    is_default: bool
    reclaim_policy: str
    missing_parameters: tuple[str, ...]
    """Parameters that only the environment knows and did not give."""

    @property
    def handle(self) -> StorageHandle:
        """What volumes see of it."""
        return StorageHandle(purpose=self.purpose, class_name=self.class_name, access_modes=list(self.access_modes))


def plan_storage_classes(name: str, args: StorageClassesArgs) -> list[ClassPlan]:
    """The classes of an environment, one for each purpose that it can serve, in the order of the purposes. Pure.

    Classes that we make are called `<name>-<purpose>`: kind, minikube and GKE bring a class named `standard`.
    """
    declared = {StoragePurpose(one["purpose"]): one for one in args.get("declared") or []}
    table = CLASSES[ClusterKind(args["cluster_kind"])]
    return [
        _from_declaration(name, declared[purpose], args)
        if purpose in declared
        else _from_table(name, purpose, table[purpose], args)
        for purpose in StoragePurpose
        if purpose in declared or purpose in table
    ]


def _reclaim_policy(purpose: StoragePurpose, args: StorageClassesArgs) -> str:
    return "Retain" if purpose is StoragePurpose.DATASET or args.get("keep_data") else "Delete"


def _is_default(purpose: StoragePurpose, args: StorageClassesArgs) -> bool:
    return purpose == args.get("default_purpose", StoragePurpose.STANDARD)


def _from_table(name: str, purpose: StoragePurpose, row: ClassRow, args: StorageClassesArgs) -> ClassPlan:
    parameters = {**row.parameters, **((args.get("parameters") or {}).get(purpose) or {})}
    driver = PROVISIONERS[row.provisioner]
    return ClassPlan(
        purpose=purpose,
        class_name=f"{name}-{purpose}",
        exists=False,
        provisioner=row.provisioner,
        parameters=parameters,
        access_modes=tuple(mode.value for mode in ACCESS_MODES[purpose]),
        block=driver.block,
        expandable=driver.expandable,
        encryption=row.encryption,
        is_default=_is_default(purpose, args),
        reclaim_policy=_reclaim_policy(purpose, args),
        missing_parameters=tuple(key for key in row.required if key not in parameters),
    )


def _from_declaration(name: str, declared: DeclaredClassArgs, args: StorageClassesArgs) -> ClassPlan:
    purpose = StoragePurpose(declared["purpose"])
    existing = declared.get("class_name") or ""
    driver = PROVISIONERS.get(declared.get("provisioner", ""))
    modes: Sequence[str] = declared.get("access_modes") or (ACCESS_MODES[purpose] if driver else ())
    return ClassPlan(
        purpose=purpose,
        class_name=existing or f"{name}-{purpose}",
        exists=bool(existing),
        provisioner=declared.get("provisioner", ""),
        parameters={**(declared.get("parameters") or {}), **((args.get("parameters") or {}).get(purpose) or {})},
        access_modes=tuple(str(AccessMode(mode)) for mode in modes),
        block=driver.block if driver else False,
        expandable=driver.expandable if driver else False,
        encryption=declared.get("encryption", ""),
        is_default=bool(declared.get("is_default")) if existing else _is_default(purpose, args),
        reclaim_policy=_reclaim_policy(purpose, args),
        missing_parameters=(),
    )


def class_fields(plan: ClassPlan) -> dict[str, Any]:
    """The fields of the StorageClass that we make, as the resource takes them. Pure."""
    return {
        "provisioner": plan.provisioner,
        "parameters": dict(plan.parameters),
        "reclaim_policy": plan.reclaim_policy,
        "allow_volume_expansion": plan.expandable,
        # A disk made before its pod has a node can be in the wrong zone; a file system is reachable from all of them.
        "volume_binding_mode": "WaitForFirstConsumer" if plan.block else "Immediate",
    }
