"""What storage hands to those who use it: a storage class for a purpose, a bucket with how to reach it. Pure."""

from typing import TypedDict

from components.catalog import StrEnum


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
