"""Settings of buckets, databases, file systems and DNS zones in AWS. Imports no Pulumi package."""

from typing import Required, TypedDict


class S3BucketSpec(TypedDict, total=False):
    """A private, versioned, encrypted bucket."""

    bucket: Required[str]
    """Its name: 3 to 63 of a-z, 0-9, `-`; globally unique."""
    prefix: str
    """Prefix of the platform's objects: `platform/prod`. Default: the root."""
    version_days: int
    """Days that a replaced or deleted object can be restored. Default: 90."""
    version_archive_days: int
    """Days after which replaced objects move to STANDARD_IA: 30 or more, less than `versionDays`; 0: never.
    Default: 30."""
    abort_upload_days: int
    """Days after which parts of incomplete uploads are deleted. Default: 7."""
    log_bucket: str
    """Bucket that receives the access log; its policy must allow `logging.s3.amazonaws.com`. Default: no log."""


class RdsDatabaseSettings(TypedDict, total=False):
    """A PostgreSQL database on RDS."""

    database: str
    """Name of the database. Default: mlflow."""
    username: str
    """User that owns it: 1 to 16 of a-z, 0-9, `_`. Default: mlflow."""
    postgresql: str
    """Major version, of `versions.POSTGRESQL`. Default: 17."""
    instance_class: Required[str]
    """`db.t4g.medium`."""
    storage_gib: Required[int]
    """Size of its gp3 volume at the start, in GiB: 20 or more."""
    storage_max_gib: Required[int]
    """Maximum size of the volume with storage autoscaling, in GiB: at least 10 % more than `storageGib`."""
    backup_days: int
    """Days of point-in-time recovery: 1 to 35; 7 or more where data is kept. Default: 7."""
    log_days: int
    """Days that its logs are kept in CloudWatch. Default: 30."""
    ca_certificate: str
    """PEM of the authority rds-ca-rsa2048-g1 of the region (https://truststore.pki.rds.amazonaws.com). With it clients
    verify the server (verify-full); without it the connection is only encrypted (require)."""


class RdsDatabaseSpec(RdsDatabaseSettings, total=False):
    """The settings, and values that the environment determines."""

    highly_available: bool
    """Whether a standby in another zone takes over on failure (Multi-AZ). Default: false."""


class EfsFileSystemSpec(TypedDict, total=False):
    """An encrypted file system in every zone of the cluster."""

    infrequent_after_days: int
    """Days without access after which files move to Infrequent Access, and back when read: 1, 7, 14, 30, 60, 90, 180,
    270, 365; 0: never. Default: 30."""
    daily_backups: bool
    """Whether AWS Backup keeps a daily copy for 35 days. Required where data is kept. Default: true."""


class Route53ZoneSpec(TypedDict, total=False):
    """A public zone."""

    domain: Required[str]
    """`ml.example.com`."""
    zone_id: str
    """Id of an existing zone, `Z…`, which is not changed. Default: a zone is created."""
