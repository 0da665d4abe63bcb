"""A PostgreSQL database on Cloud SQL for the tracking server: private address, TLS only, point-in-time recovery.

Its network must have Private Service Access. `GkeNetwork` declares it: pass that component as `depends_on`.
"""

from collections.abc import Sequence
from typing import Any, Required, TypedDict

import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from catalog.addresses import POSTGRESQL_PORT
from catalog.versions import DEFAULT_POSTGRESQL, POSTGRESQL
from components.base.component import Component, kept
from components.base.generated_secrets import given_or_drawn, keeping_drawn
from components.clouds.data_validation import check_cloud_sql_database, cloud_sql_edition
from components.clouds.gke.data_spec import CloudSqlDatabaseSpec
from components.clouds.gke.handles import GkeHandle
from components.clouds.names import GCP_LABELS, identifier
from components.findings import refuse
from components.storage.postgresql import ManagedDatabaseHandle

NAME_LENGTH = 63
"""Well below Cloud SQL's limit of 97 for project and instance together: project ids have 30 at most."""
LOG_DAYS = 7
"""Days of transaction logs, for point-in-time recovery; the maximum of Enterprise (sqladmin v1, 1 to 7)."""


class CloudSqlDatabaseArgs(TypedDict, total=False):
    """A database for a cluster."""

    cluster: Required[GkeHandle]
    """Cluster whose project, region and network it is in."""
    database: Required[CloudSqlDatabaseSpec]
    """Settings of the database."""
    key_id: Input[str]
    """Cloud KMS key that encrypts it: `projects/…/cryptoKeys/…`; the service agent of Cloud SQL must be allowed to use
    it. Default: a key of Google's."""
    password: Input[str]
    """Password of its user, a secret. Default: generated once. To change a generated password, set one."""
    keep_data: bool
    """Required in stacks that are not simulated. The database is protected against deletion in Pulumi and in Google
    Cloud, and kept with its backups when the stack is destroyed."""


class CloudSqlDatabase(Component):
    """One PostgreSQL instance (with a standby if configured), one database in it and its user."""

    host: Output[str]
    """Private address that clients connect to."""
    port: Output[int]
    """TCP port."""
    username: Output[str]
    """User that owns the database."""
    password: Output[str]
    """Its password; a secret."""
    ca: Output[str]
    """PEM of the instance's own certificate authority."""

    def __init__(self, name: str, args: CloudSqlDatabaseArgs, opts: ResourceOptions | None = None) -> None:
        spec, keep, cluster = args["database"], bool(args.get("keep_data")), args["cluster"]
        refuse(f"database {name}", check_cloud_sql_database("database", args, keep_data=keep))
        given = args.get("password")
        super().__init__(name, args if given is None else {**args, "password": Output.secret(given)}, opts)
        generation = int(spec.get("generation", 1))
        parts = [name, *([str(generation)] if generation > 1 else [])]
        called = Output.from_input(cluster["name"]).apply(lambda of: identifier(NAME_LENGTH, of, *parts))
        options = kept(self.child, keep=keep)
        instance = gcp.sql.DatabaseInstance(
            f"{name}-instance",
            name=called,
            project=cluster["project"],
            region=cluster["region"],
            database_version=POSTGRESQL[spec.get("postgresql") or DEFAULT_POSTGRESQL].cloud_sql_version,
            encryption_key_name=args.get("key_id"),
            deletion_protection=keep,
            settings=gcp.sql.DatabaseInstanceSettingsArgs(**instance_settings(args)),
            # Applying the initial size again would shrink a disk that has grown, which replaces the instance.
            opts=ResourceOptions.merge(options, ResourceOptions(ignore_changes=["settings.diskSize"])),
        )
        database = gcp.sql.Database(
            f"{name}-database",
            name=spec.get("database") or "mlflow",
            project=cluster["project"],
            instance=instance.name,
            # PostgreSQL does not drop a user who owns objects: database and user are deleted with the instance.
            deletion_policy="ABANDON",
            opts=options,
        )
        user = gcp.sql.User(
            f"{name}-user",
            name=spec.get("username") or "mlflow",
            project=cluster["project"],
            instance=instance.name,
            password=given_or_drawn(given),
            deletion_policy="ABANDON",
            opts=keeping_drawn(options, "password", given=given is not None),
        )
        self.host, self.port = instance.private_ip_address, Output.from_input(POSTGRESQL_PORT)
        self.username, self.password = user.name, Output.secret(user.password.apply(str))
        self.ca = instance.server_ca_certs.apply(first_certificate)
        self.handle: ManagedDatabaseHandle = ManagedDatabaseHandle(
            host=self.host,
            port=POSTGRESQL_PORT,
            database=spec.get("database") or "mlflow",
            username=self.username,
            password=self.password,
            # Its certificate carries the instance's name, not its address; the authority signs for no other instance.
            ssl_mode="verify-ca",
            ca_certificate=self.ca,
            # Resolves once the user can log in to the database.
            address_range=Output.all(self.host, database.id).apply(lambda known: f"{known[0]}/32"),
        )
        """For `ExternalDatabase`."""
        self.register_outputs({key: getattr(self, key) for key in ("host", "port", "username", "password", "ca")})


def first_certificate(authorities: Sequence[Any] | None) -> str:
    """The PEM of the certificate authority in use. Pure."""
    return str(authorities[0].cert) if authorities else ""


def instance_settings(args: CloudSqlDatabaseArgs) -> dict[str, Any]:
    """The settings of the instance. Pure."""
    spec, keep, cluster = args["database"], bool(args.get("keep_data")), args["cluster"]
    return {
        "tier": spec["tier"],
        "edition": cloud_sql_edition(spec["tier"]),
        "availability_type": "REGIONAL" if spec.get("highly_available") else "ZONAL",
        "disk_type": "PD_SSD",
        "disk_size": int(spec["storage_gib"]),
        "disk_autoresize": True,
        "disk_autoresize_limit": int(spec["storage_max_gib"]),
        "deletion_protection_enabled": keep,
        "retain_backups_on_delete": keep,
        "user_labels": GCP_LABELS,
        "ip_configuration": gcp.sql.DatabaseInstanceSettingsIpConfigurationArgs(
            ipv4_enabled=False,
            private_network=cluster["network"]["network_id"],
            ssl_mode="ENCRYPTED_ONLY",
            # A separate certificate authority: clients that trust it trust only this instance.
            server_ca_mode="GOOGLE_MANAGED_INTERNAL_CA",
        ),
        "backup_configuration": gcp.sql.DatabaseInstanceSettingsBackupConfigurationArgs(
            enabled=True,
            location=cluster["region"],
            point_in_time_recovery_enabled=True,
            transaction_log_retention_days=LOG_DAYS,
            backup_retention_settings=(
                gcp.sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                    retained_backups=int(spec.get("backup_days", 7)), retention_unit="COUNT"
                )
            ),
        ),
        "insights_config": gcp.sql.DatabaseInstanceSettingsInsightsConfigArgs(query_insights_enabled=True),
    }
