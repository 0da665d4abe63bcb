"""What people write about buckets, databases, file systems and DNS zones in AWS. Facts; imports no Pulumi package."""

from typing import Required, TypedDict


class S3BucketSpec(TypedDict, total=False):
    """A private, versioned, encrypted bucket."""

    bucket: Required[str]
    """Its name: 3 to 63 of a-z, 0-9, `-`; globally unique."""
    prefix: str
    """Where our objects start: `platform/prod`. Default: the root."""
    version_days: int
    """How long a replaced or deleted object can be brought back, in days. Default: 90."""
    version_archive_days: int
    """After how many days replaced objects move to STANDARD_IA: 30 or more, less than `versionDays`; 0: never.
    Default: 30."""
    abort_upload_days: int
    """Parts of uploads that never ended go after so many days. Default: 7."""
    log_bucket: str
    """Bucket that gets the access log and allows it (`logging.s3.amazonaws.com`). Default: no log."""


class RdsDatabaseSettings(TypedDict, total=False):
    """A PostgreSQL database that RDS runs."""

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
    """What the volume may grow to by itself, in GiB: 10 % more than `storageGib`, or beyond."""
    backup_days: int
    """Days to which it can be put back, to the second: 1 to 35; 7 or more where data is kept. Default: 7."""
    log_days: int
    """How long its logs are kept in CloudWatch. Default: 30."""
    ca_certificate: str
    """PEM of the authority rds-ca-rsa2048-g1 of the region (https://truststore.pki.rds.amazonaws.com). With it clients
    prove whom they talk to (verify-full); without it they only encrypt (require)."""


class RdsDatabaseSpec(RdsDatabaseSettings, total=False):
    """The same, and what follows from the environment."""

    highly_available: bool
    """A standby in another zone that takes over. Default: false."""


class EfsFileSystemSpec(TypedDict, total=False):
    """An encrypted file system in every zone of the cluster."""

    infrequent_after_days: int
    """Days without access after which files move to Infrequent Access, and back when read: 1, 7, 14, 30, 60, 90, 180,
    270, 365; 0: never. Default: 30."""
    daily_backups: bool
    """AWS Backup keeps a copy of each day for 35 days. Required where data is kept. Default: true."""


class Route53ZoneSpec(TypedDict, total=False):
    """A public zone."""

    domain: Required[str]
    """`ml.example.com`."""
    zone_id: str
    """Id of a zone that exists, `Z…`; it is used, never changed. Default: the zone is made."""
