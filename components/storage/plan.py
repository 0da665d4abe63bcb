"""Storage: volumes by purpose, their provisioners on each kind of cluster, and buckets. Facts and planners; pure.

Encryption at rest is a parameter if the driver has one, and otherwise the provider's default; each row states which.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, NotRequired, Required, TypedDict
from urllib.parse import urlsplit

from catalog.accelerators import ClusterKind


class StoragePurpose(StrEnum):
    """Purpose of a volume; decides device, access modes and what happens to the data when its claim is deleted."""

    FAST = "fast"
    """SSD with guaranteed IOPS: scratch, shuffles, local caches of datasets."""
    STANDARD = "standard"
    """General block storage: databases, checkpoints of one pod."""
    SHARED = "shared"
    """A file system that many pods write to: checkpoints of distributed training, home directories."""
    DATASET = "dataset"
    """A file system that one job writes and many pods read."""


class AccessMode(StrEnum):
    """Kubernetes' names."""

    READ_WRITE_ONCE = "ReadWriteOnce"
    READ_ONLY_MANY = "ReadOnlyMany"
    READ_WRITE_MANY = "ReadWriteMany"


class Encryption(StrEnum):
    """How the volumes of a class are encrypted at rest."""

    PARAMETER = "parameter"
    """By the driver, because a parameter of the class enables it."""
    PROVIDER = "provider"
    """By the cloud without a setting: always, or by the default of the account."""
    STORAGE_SYSTEM = "storage-system"
    """By the array, filer or file system that provides the volumes."""
    NODE_DISK = "node-disk"
    """By the operating system of the nodes, on their disks (LUKS)."""


ENCRYPTING_PARAMETERS = ("encrypted", "disk-encryption-kms-key")
"""Parameters that enable a driver's encryption (aws-ebs-csi-driver docs/parameters.md,
gcp-compute-persistent-disk-csi-driver README)."""


class StorageHandle(TypedDict):
    """The handle of a storage class for volumes."""

    purpose: StoragePurpose
    """Its purpose."""
    class_name: str
    """For `storageClassName`."""
    access_modes: list[str]
    """Access modes of its volumes, the default first."""


class ObjectStoreKind(StrEnum):
    """Protocol and identity."""

    S3 = "s3"
    """Amazon S3."""
    GCS = "gcs"
    """Google Cloud Storage, with workload identity only."""
    S3_COMPATIBLE = "s3-compatible"
    """SeaweedFS or any other S3-compatible endpoint."""


class ObjectStoreHandle(TypedDict):
    """A bucket and its connection."""

    kind: ObjectStoreKind
    """s3, gcs or s3-compatible."""
    bucket: str
    """Its name."""
    prefix: str
    """Prefix of the platform's objects; no slash at either end; may be empty."""
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
"""On every class: the encryption at rest of its volumes, a value of `Encryption`."""


class Provisioner(NamedTuple):
    """A driver and the capabilities of its volumes."""

    name: str
    access_modes: tuple[AccessMode, ...]
    """Access modes of its file system volumes."""
    block: bool
    """Whether it is a disk that is attached to one node: created in the pod's zone, so only after the pod has a
    node."""
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
        # EFS has no size: the driver accepts one, does not enforce it, and cannot expand.
        Provisioner(
            "efs.csi.aws.com", (RWX, ROX, RWO), False, False, "kubernetes-sigs/aws-efs-csi-driver docs/README.md"
        ),
        # A disk can be attached read-only to many nodes, but two nodes must not write to one file system on it.
        Provisioner("pd.csi.storage.gke.io", (RWO, ROX), True, True, "GKE docs, persistent-volumes/gce-pd-csi-driver"),
        Provisioner("filestore.csi.storage.gke.io", (RWX, ROX, RWO), False, True, "GKE docs, filestore-csi-driver"),
        Provisioner(
            "nfs.csi.k8s.io", (RWX, ROX, RWO), False, True, "kubernetes-csi/csi-driver-nfs docs/driver-parameters.md"
        ),
        Provisioner("rancher.io/local-path", (RWO,), True, False, "rancher/local-path-provisioner README"),
        Provisioner("k8s.io/minikube-hostpath", (RWO,), True, False, "minikube docs, persistent_volumes"),
    )
}
"""By exact name. A provisioner that is not listed is described in full in its declaration (`DeclaredClassArgs`)."""


class ClassRow(NamedTuple):
    """The class of one purpose on one kind of cluster."""

    provisioner: str
    parameters: Mapping[str, str]
    encryption: Encryption
    """How its volumes are encrypted."""
    required: tuple[str, ...] = ()
    """Parameters that depend on the environment."""


_SIMULATED_BLOCK = ClassRow("simulated.mlplatform.dev/block", {"encrypted": "true"}, Encryption.PARAMETER)
_SIMULATED_FILE = ClassRow("simulated.mlplatform.dev/file", {"encrypted": "true"}, Encryption.PARAMETER)
# Encryption at rest is set when the file system is created; mounts use TLS by the driver's default.
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
            # Without the second, the API refuses a volume too small for 100 IOPS at this ratio.
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
    # An existing cluster's classes are unknown: they are declared (`StorageClassesArgs.declared`).
    ClusterKind.EXISTING: {},
}

ACCESS_MODES: Mapping[StoragePurpose, tuple[AccessMode, ...]] = {
    StoragePurpose.FAST: (RWO,),
    StoragePurpose.STANDARD: (RWO,),
    StoragePurpose.SHARED: (RWX, RWO),
    # Writable too: a job writes it once.
    StoragePurpose.DATASET: (ROX, RWX),
}
"""Access modes of each purpose; the provisioner must support all of them."""


class DeclaredClassArgs(TypedDict, total=False):
    """An existing storage class, or one of an additional provisioner."""

    purpose: Required[StoragePurpose]
    """Its purpose."""
    class_name: str
    """An existing class, used unchanged. Empty or missing: the component creates a class from the fields below."""
    provisioner: Required[str]
    """The provisioner of its volumes, also for an existing class: it decides their capabilities."""
    parameters: dict[str, str]
    """Parameters of the provisioner."""
    access_modes: list[AccessMode]
    """Access modes of its volumes. Required for a provisioner that is not in the table."""
    encryption: Encryption
    """How its volumes are encrypted at rest. Required: `storage-system` (array, filer), `node-disk` (LUKS), `provider`
    (the cloud), or `parameter`, which the class must then have."""
    is_default: bool
    """Whether an existing class is the cluster's default class."""


AUTO_MODE_CLASSES = tuple(
    DeclaredClassArgs(
        purpose=purpose,
        provisioner="ebs.csi.eks.amazonaws.com",
        parameters={**CLASSES[ClusterKind.EKS][purpose].parameters},
        encryption=Encryption.PARAMETER,
    )
    for purpose in (StoragePurpose.FAST, StoragePurpose.STANDARD)
)
"""EKS Auto Mode has a separate driver for disks (EKS user guide, create-storage-class)."""


class StorageClassesSpec(TypedDict, total=False):
    """The storage classes of an environment."""

    default_purpose: StoragePurpose
    """Purpose of the default class. Default: standard."""
    parameters: dict[str, dict[str, Any]]
    """By purpose: parameters that depend on the environment, such as `{"shared": {"fileSystemId": "fs-…"}}`. Text, or
    an output of a resource of the same stack."""
    declared: list[DeclaredClassArgs]
    """Additional classes; each replaces the table's class for its purpose."""


class StorageClassesArgs(StorageClassesSpec, total=False):
    """The storage classes of an environment on its cluster."""

    cluster_kind: Required[ClusterKind]
    """Decides the provisioners."""
    keep_data: bool
    """Required in stacks that are not simulated. Volumes outlive their claims, whatever their purpose; otherwise only
    datasets do."""


class ClassPlan(NamedTuple):
    """One storage class: created, or existing."""

    purpose: StoragePurpose
    class_name: str
    exists: bool
    """Whether it exists already and is only used."""
    provisioner: str
    parameters: Mapping[str, Any]
    """Text, or an output of another resource."""
    access_modes: tuple[str, ...]
    block: bool
    expandable: bool
    encryption: str
    is_default: bool
    reclaim_policy: str
    missing_parameters: tuple[str, ...]
    """Parameters of the environment that are not set."""

    @property
    def handle(self) -> StorageHandle:
        """The handle for volumes."""
        return StorageHandle(purpose=self.purpose, class_name=self.class_name, access_modes=list(self.access_modes))


def plan_storage_classes(name: str, args: StorageClassesArgs) -> list[ClassPlan]:
    """The classes of an environment, one for each supported purpose, in the order of the purposes. Pure.

    Created classes are called `<name>-<purpose>`: kind, minikube and GKE include a class named `standard`.
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
    """The fields of a StorageClass that is created, for the resource. Pure."""
    return {
        "provisioner": plan.provisioner,
        "parameters": dict(plan.parameters),
        "reclaim_policy": plan.reclaim_policy,
        "allow_volume_expansion": plan.expandable,
        # A disk created before its pod has a node can be in the wrong zone; a file system is reachable from all zones.
        "volume_binding_mode": "WaitForFirstConsumer" if plan.block else "Immediate",
    }
