"""Settings of buckets, databases and DNS zones in Google Cloud. Imports no Pulumi package."""

from typing import Required, TypedDict


class GcsBucketSpec(TypedDict, total=False):
    """A private, versioned bucket."""

    bucket: Required[str]
    """Its name: 3 to 63 of a-z, 0-9, `-`; globally unique."""
    prefix: str
    """Prefix of the platform's objects: `platform/prod`. Default: the root."""
    location: str
    """Region or multi-region: `US-CENTRAL1`, `EU`. Default: the cluster's region."""
    version_days: int
    """Days that a replaced or deleted object can be restored. Default: 90."""
    version_archive_days: int
    """Days after which replaced objects move to NEARLINE, less than `versionDays`; 0: never. Default: 30."""
    abort_upload_days: int
    """Days after which parts of incomplete uploads are deleted. Default: 7."""
    soft_delete_days: int
    """Days of soft delete, in which a deleted version can be restored: 7 to 90; 0: none. Default: 7."""


class CloudSqlDatabaseSettings(TypedDict, total=False):
    """A PostgreSQL database on Cloud SQL."""

    database: str
    """Name of the database. Default: mlflow."""
    username: str
    """User that owns it. Default: mlflow."""
    postgresql: str
    """Major version, of `versions.POSTGRESQL`. Default: 17."""
    tier: Required[str]
    """`db-custom-<CPUs>-<MiB>` (Enterprise) or `db-perf-optimized-N-<CPUs>` (Enterprise Plus)."""
    storage_gib: Required[int]
    """Initial size of its SSD, in GiB: 10 or more. Cloud SQL increases it automatically; it is never reduced."""
    storage_max_gib: Required[int]
    """Maximum size of the disk with automatic increase, in GiB: more than `storageGib`."""
    backup_days: int
    """Number of daily backups: 1 to 365; 7 or more where data is kept. Default: 7."""
    generation: int
    """Part of the instance's name from 2 on: the name of a deleted instance cannot be used for a week. Default: 1."""


class CloudSqlDatabaseSpec(CloudSqlDatabaseSettings, total=False):
    """The settings, and values that the environment determines."""

    highly_available: bool
    """Whether a standby in another zone takes over on failure. Default: false."""


class CloudDnsZoneSpec(TypedDict, total=False):
    """A public zone."""

    domain: Required[str]
    """`ml.example.com`."""
    zone: str
    """Name of an existing managed zone, which is not changed. Default: a zone is created."""
