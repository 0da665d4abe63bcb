"""What people write about buckets, databases and DNS zones in Google Cloud. Facts; imports no Pulumi package."""

from typing import Required, TypedDict


class GcsBucketSpec(TypedDict, total=False):
    """A private, versioned bucket."""

    bucket: Required[str]
    """Its name: 3 to 63 of a-z, 0-9, `-`; globally unique."""
    prefix: str
    """Where our objects start: `platform/prod`. Default: the root."""
    location: str
    """Region or multi-region: `US-CENTRAL1`, `EU`. Default: the cluster's region."""
    version_days: int
    """How long a replaced or deleted object can be brought back, in days. Default: 90."""
    version_archive_days: int
    """After how many days replaced objects move to NEARLINE, less than `versionDays`; 0: never. Default: 30."""
    abort_upload_days: int
    """Parts of uploads that never ended go after so many days. Default: 7."""
    soft_delete_days: int
    """How long even a deleted version can be brought back: 7 to 90; 0: not at all. Default: 7."""


class CloudSqlDatabaseSettings(TypedDict, total=False):
    """A PostgreSQL database that Cloud SQL runs."""

    database: str
    """Name of the database. Default: mlflow."""
    username: str
    """User that owns it. Default: mlflow."""
    postgresql: str
    """Major version, of `versions.POSTGRESQL`. Default: 17."""
    tier: Required[str]
    """`db-custom-<CPUs>-<MiB>` (Enterprise) or `db-perf-optimized-N-<CPUs>` (Enterprise Plus)."""
    storage_gib: Required[int]
    """Size of its SSD at the start, in GiB: 10 or more. Later it only grows by itself."""
    storage_max_gib: Required[int]
    """What the disk may grow to by itself, in GiB: more than `storageGib`."""
    backup_days: int
    """Daily backups that are kept: 1 to 365; 7 or more where data is kept. Default: 7."""
    generation: int
    """Part of the instance's name from 2 on: the name of a deleted instance cannot be used for a week. Default: 1."""


class CloudSqlDatabaseSpec(CloudSqlDatabaseSettings, total=False):
    """The same, and what follows from the environment."""

    highly_available: bool
    """A standby in another zone that takes over. Default: false."""


class CloudDnsZoneSpec(TypedDict, total=False):
    """A public zone."""

    domain: Required[str]
    """`ml.example.com`."""
    zone: str
    """Name of a managed zone that exists; it is used, never changed. Default: the zone is made."""
