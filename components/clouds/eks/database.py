"""A PostgreSQL database on RDS for the tracking server: private, encrypted, backed up, reachable from the cluster's
nodes.
"""

from typing import Any, Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from catalog.addresses import POSTGRESQL_PORT
from catalog.versions import DEFAULT_POSTGRESQL, POSTGRESQL, PostgresqlVersion
from components.base.component import Component, kept
from components.base.generated_secrets import given_or_drawn, keeping_drawn
from components.clouds.data_validation import check_rds_database
from components.clouds.eks.data_spec import RdsDatabaseSpec
from components.clouds.eks.handles import EksHandle
from components.clouds.eks.network import security_group_from_nodes
from components.clouds.names import aws_tags, identifier
from components.findings import refuse
from components.storage.postgresql import ManagedDatabaseHandle

IDENTIFIER_LENGTH = 63
"""RDS's limit (botocore rds, CreateDBInstance)."""
FINAL_SNAPSHOT = "final"
AUTHORITY = "rds-ca-rsa2048-g1"
"""Certificate authority of the server's certificate: RDS's default, until 2061 (RDS User Guide, UsingWithRDS.SSL)."""
LOGS = ("postgresql", "upgrade")
"""Logs that RDS for PostgreSQL can export to CloudWatch (botocore rds, EnableCloudwatchLogsExports)."""


class RdsDatabaseArgs(TypedDict, total=False):
    """A database for a cluster."""

    cluster: Required[EksHandle]
    """Cluster whose nodes may connect to it and whose network it is in."""
    database: Required[RdsDatabaseSpec]
    """Settings of the database."""
    key_arn: Input[str]
    """KMS key that encrypts it. Default: the cluster's."""
    password: Input[str]
    """Password of its user, a secret. Default: generated once. To change a generated password, set one."""
    keep_data: bool
    """Required in stacks that are not simulated. The database is protected and kept when the stack is destroyed. A
    final snapshot is taken in any case."""


class RdsDatabase(Component):
    """One PostgreSQL instance (with a standby if configured) for one database and its user.

    The user is RDS's master user, because another user can only be created by SQL. Settings that need a restart are
    applied in the maintenance window.
    """

    host: Output[str]
    """Name that clients connect to."""
    port: Output[int]
    """TCP port."""
    username: Output[str]
    """User that owns the database."""
    password: Output[str]
    """Its password; a secret."""
    ca: Output[str]
    """PEM of the authority of its certificate; empty: none was given."""

    def __init__(self, name: str, args: RdsDatabaseArgs, opts: ResourceOptions | None = None) -> None:
        spec, keep, cluster = args["database"], bool(args.get("keep_data")), args["cluster"]
        refuse(
            f"database {name}",
            check_rds_database("database", args, keep_data=keep, zones=len(cluster["network"]["private_subnet_ids"])),
        )
        given = args.get("password")
        super().__init__(name, args if given is None else {**args, "password": Output.secret(given)}, opts)
        version = POSTGRESQL[spec.get("postgresql") or DEFAULT_POSTGRESQL]
        called = Output.from_input(cluster["name"]).apply(lambda of: identifier(IDENTIFIER_LENGTH, of, name))
        # The instance's dependencies are kept with it: AWS cannot delete them while the instance uses them.
        options = kept(self.child, keep=keep)
        guard, _ = security_group_from_nodes(
            name, cluster, Output.concat(called, "-database"), "PostgreSQL", POSTGRESQL_PORT, options
        )
        instance = aws.rds.Instance(
            f"{name}-instance",
            identifier=called,
            **instance_fields(args, version, called),
            db_subnet_group_name=self._subnets(name, cluster, called, options),
            vpc_security_group_ids=[guard.id],
            parameter_group_name=self._parameters(name, version, called, options),
            password=given_or_drawn(given),
            tags=aws_tags(name),
            opts=ResourceOptions.merge(
                keeping_drawn(options, "password", given=given is not None),
                ResourceOptions(depends_on=self._logs(name, called, int(spec.get("log_days", 30)), options)),
            ),
        )
        self.host, self.username, self.ca = instance.address, instance.username, Output.from_input(_authority(spec))
        self.port = Output.from_input(POSTGRESQL_PORT)
        self.password = Output.secret(instance.password.apply(str))
        self.handle: ManagedDatabaseHandle = ManagedDatabaseHandle(
            host=self.host,
            port=POSTGRESQL_PORT,
            database=_database(spec),
            username=self.username,
            password=self.password,
            ssl_mode="verify-full" if _authority(spec) else "require",
            ca_certificate=_authority(spec),
            address_range=cluster["network"]["cidr"],
        )
        """For `ExternalDatabase`."""
        self.register_outputs(
            {key: getattr(self, key) for key in ("host", "port", "username", "password", "ca")},
        )

    def _subnets(self, name: str, cluster: EksHandle, called: Output[str], options: ResourceOptions) -> Output[str]:
        subnets = cluster["network"]["private_subnet_ids"]
        return aws.rds.SubnetGroup(
            f"{name}-subnets",
            name=called,
            description=f"Private subnets for {name}",
            subnet_ids=[subnets[zone] for zone in sorted(subnets)],
            tags=aws_tags(name),
            opts=options,
        ).name

    def _parameters(
        self, name: str, version: PostgresqlVersion, called: Output[str], options: ResourceOptions
    ) -> Output[str]:
        # The family is part of both names: an upgrade creates the new group before it deletes the old one.
        return aws.rds.ParameterGroup(
            f"{name}-{version.rds_family}",
            name=Output.concat(called, "-", version.rds_family),
            family=version.rds_family,
            description=f"Parameters of {name}",
            parameters=[aws.rds.ParameterGroupParameterArgs(name="rds.force_ssl", value="1")],
            tags=aws_tags(name),
            opts=options,
        ).name

    def _logs(
        self, name: str, called: Output[str], days: int, options: ResourceOptions
    ) -> "list[aws.cloudwatch.LogGroup]":
        # RDS would create the log groups itself, without a retention.
        return [
            aws.cloudwatch.LogGroup(
                f"{name}-log-{log}",
                name=Output.format("/aws/rds/instance/{0}/{1}", called, log),
                retention_in_days=days,
                tags=aws_tags(name),
                opts=options,
            )
            for log in LOGS
        ]


def _database(spec: RdsDatabaseSpec) -> str:
    return spec.get("database") or "mlflow"


def _authority(spec: RdsDatabaseSpec) -> str:
    return spec.get("ca_certificate") or ""


def instance_fields(args: RdsDatabaseArgs, version: PostgresqlVersion, called: Input[str]) -> dict[str, Any]:
    """The fields of the instance that its settings determine. Pure."""
    spec, keep = args["database"], bool(args.get("keep_data"))
    snapshot = Output.concat(called, "-", FINAL_SNAPSHOT) if keep else None
    return {
        "engine": "postgres",
        "engine_version": version.rds_engine_version,
        "auto_minor_version_upgrade": True,
        # A major version changes only when the settings change it, so the upgrade is intended.
        "allow_major_version_upgrade": True,
        "instance_class": spec["instance_class"],
        "db_name": _database(spec),
        "username": spec.get("username") or "mlflow",
        "port": POSTGRESQL_PORT,
        "publicly_accessible": False,
        "ca_cert_identifier": AUTHORITY,
        "multi_az": bool(spec.get("highly_available")),
        "storage_type": "gp3",
        "allocated_storage": int(spec["storage_gib"]),
        "max_allocated_storage": int(spec["storage_max_gib"]),
        "storage_encrypted": True,
        "kms_key_id": args.get("key_arn", args["cluster"]["key_arn"]),
        "backup_retention_period": int(spec.get("backup_days", 7)),
        "copy_tags_to_snapshot": True,
        "delete_automated_backups": not keep,
        "deletion_protection": keep,
        "skip_final_snapshot": not keep,
        "final_snapshot_identifier": snapshot,
        "database_insights_mode": "standard",
        "performance_insights_enabled": True,
        "performance_insights_retention_period": 7,
        "enabled_cloudwatch_logs_exports": list(LOGS),
    }
