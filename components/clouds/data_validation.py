"""Rules on identities, buckets, databases and file systems of the clouds."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.versions import DEFAULT_POSTGRESQL, POSTGRESQL
from components.base.grammar import PEM
from components.base.names import check_database_name, check_known, check_object_name
from components.findings import Finding, camel
from components.storage.validation import check_bucket, check_prefix

_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_ROLE = re.compile(r"(roles|projects/[a-z0-9:.-]+/roles|organizations/[0-9]+/roles)/[A-Za-z0-9_.]+")


def check_identity_of(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A valid name of a service account; unknown values are not validated."""
    yield from check_object_name(f"{path}.serviceAccount", args["service_account"])
    if isinstance(args["namespace"], str):
        yield from check_object_name(f"{path}.namespace", args["namespace"])


def check_pod_identity(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A role for one service account, with named permissions."""
    yield from check_object_name(path, path)
    yield from check_identity_of(path, args)
    if not args["statements"]:
        yield Finding(
            f"{path}.statements",
            "(empty)",
            "a role needs at least one permission",
            "declare a statement, or remove the identity",
        )
    for index, statement in enumerate(args["statements"]):
        yield from check_policy_statement(f"{path}.statements.{index}", statement)


def check_policy_statement(path: str, statement: Mapping[str, Any]) -> Iterator[Finding]:
    """Statements name their actions and resources; a wildcard needs a reason (`anyBecause`)."""
    actions, resources = statement["actions"], statement["resources"]
    excused = bool(str(statement.get("any_because") or "").strip())
    for field, given in (("actions", actions), ("resources", resources)):
        if not given:
            yield Finding(f"{path}.{field}", "(empty)", "required by IAM", f"name the {field}")
    for action in actions:
        if not _ACTION.fullmatch(action) and action != "*":
            yield Finding(f"{path}.actions", action or "(empty)", "service:Action", "write it like s3:GetObject")
        elif ("*" in action or "?" in action) and not excused:
            yield Finding(
                f"{path}.actions",
                action,
                "actions must be named one by one",
                "name them, or give the reason in anyBecause",
            )
    for resource in resources:
        if isinstance(resource, str):
            yield from _resource_is_named(f"{path}.resources", resource, excused=excused)


def _resource_is_named(path: str, resource: str, *, excused: bool) -> Iterator[Finding]:
    parts = resource.split(":", 5)
    is_arn = len(parts) == 6 and parts[0] == "arn" and parts[2] != ""
    if not is_arn and resource != "*":
        yield Finding(path, resource or "(empty)", "an ARN", "write it like arn:aws:s3:::bucket/*")
    elif (resource == "*" or parts[2] == "*" or parts[5] in ("", "*")) and not excused:
        yield Finding(
            path,
            resource,
            "a policy must name its resources; this selects every resource of a service",
            "name it (a wildcard below a name is fine: bucket/*), or give the reason in anyBecause",
        )


def check_workload_identity(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """Each binding has a unique name and one named resource; a binding on the project needs a reason."""
    yield from check_identity_of(path, args)
    if not args["grants"]:
        yield Finding(
            f"{path}.grants", "(empty)", "an identity needs at least one role", "declare a role, or remove the identity"
        )
    purposes = [grant["purpose"] for grant in args["grants"]]
    for index, grant in enumerate(args["grants"]):
        at = f"{path}.grants.{index}"
        yield from check_object_name(f"{at}.purpose", grant["purpose"])
        if purposes.index(grant["purpose"]) != index:
            yield Finding(f"{at}.purpose", grant["purpose"], "each binding has its own purpose", "choose another")
        yield from _check_grant(at, grant)


def _check_grant(path: str, grant: Mapping[str, Any]) -> Iterator[Finding]:
    role, resource = grant["role"], grant.get("resource")
    if not _ROLE.fullmatch(role):
        yield Finding(
            f"{path}.role", role or "(empty)", "the full name of a role", "write it like roles/storage.objectUser"
        )
    elif role in ("roles/owner", "roles/editor", "roles/viewer"):
        yield Finding(
            f"{path}.role",
            role,
            "a role of one service; basic roles grant access to every service",
            "use a role of the service",
        )
    if str(grant["on"]) != "project":
        if resource is None or resource == "":
            yield Finding(f"{path}.resource", "(missing)", f"the {grant['on']} that the role is on", "name it")
        return
    if resource is not None:
        yield Finding(f"{path}.resource", f"{resource}", "a role on the project names no resource", "remove it")
    if not str(grant.get("any_because") or "").strip():
        yield Finding(
            f"{path}.on",
            "project",
            "a role must be granted on the bucket or zone that it is used for",
            "grant it there, or give the reason in anyBecause",
        )


_S3_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_RDS_CLASS = re.compile(r"db\.[a-z][a-z0-9-]*\.([a-z]+|[0-9]*xlarge)")
_TIER_EDITIONS = {
    re.compile(r"db-custom-([0-9]+)-([0-9]+)"): "ENTERPRISE",
    re.compile(r"db-(f1-micro|g1-small)"): "ENTERPRISE",
    re.compile(r"db-perf-optimized-N-([0-9]+)"): "ENTERPRISE_PLUS",
}
"""Source: Cloud SQL docs, postgres/create-instance (machine types by edition)."""
_PASSWORD = re.compile(r"[!-~]{16,128}")
_TAKEN_USERS = frozenset({"admin", "postgres", "rdsadmin", "root"})
"""User names that the clouds reserve or create themselves."""
INFREQUENT_DAYS = (0, 1, 7, 14, 30, 60, 90, 180, 270, 365)
"""What EFS offers (botocore efs, TransitionToIARules); 0: never."""
LOG_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""What CloudWatch Logs offers (botocore logs, PutRetentionPolicy)."""
KEPT_BACKUP_DAYS = 7
"""Fewest days of backups and of replaced objects: a mistake made on Friday is found on Monday, or a week later."""


def _between(
    path: str, spec: Mapping[str, Any], field: str, bounds: tuple[int, int], default: int | None = None
) -> Iterator[Finding]:
    value = spec.get(field, default)
    low, high = bounds
    if value is not None and not low <= int(value) <= high:
        yield Finding(f"{path}.{camel(field)}", f"{value}", f"{low} to {high}", f"write a number from {low} to {high}")


def _check_bucket_name(path: str, bucket: str) -> Iterator[Finding]:
    if _S3_BUCKET.fullmatch(bucket):
        return
    problems = list(check_bucket(path, bucket))
    yield from problems
    if not problems:
        yield Finding(path, bucket, "no dots: certificates of the cloud cover none", "use '-' in place of '.'")


def _check_versions(path: str, spec: Mapping[str, Any], archive_days_min: int) -> Iterator[Finding]:
    yield from _between(path, spec, "version_days", (1, 36500))
    yield from _between(path, spec, "abort_upload_days", (1, 365))
    days, archive = int(spec.get("version_days", 90)), int(spec.get("version_archive_days", 30))
    if archive and (archive < archive_days_min or (archive >= days and "version_archive_days" in spec)):
        yield Finding(
            f"{path}.versionArchiveDays",
            f"{archive}",
            f"0, or {archive_days_min} or more and less than versionDays ({days})",
            "write fewer days than versionDays, or 0 to never move replaced objects",
        )
    elif archive >= days:
        yield Finding(
            f"{path}.versionDays",
            f"{days}",
            "more than versionArchiveDays (30 unless it is written)",
            "raise it, or write versionArchiveDays: 0",
        )


def _check_kept_versions(path: str, spec: Mapping[str, Any], *, keep_data: bool) -> Iterator[Finding]:
    if keep_data and 1 <= int(spec.get("version_days", 90)) < KEPT_BACKUP_DAYS:
        yield Finding(
            f"{path}.versionDays",
            f"{spec['version_days']}",
            f"{KEPT_BACKUP_DAYS} or more where data is kept",
            "raise it: versions are the backup of a bucket",
        )


def check_s3_bucket(path: str, spec: Mapping[str, Any], *, keep_data: bool) -> Iterator[Finding]:
    """A bucket that S3 accepts and that keeps versions long enough to notice a mistake."""
    yield from _check_bucket_name(f"{path}.bucket", spec["bucket"])
    yield from check_prefix(f"{path}.prefix", spec.get("prefix") or "")
    yield from _check_versions(path, spec, archive_days_min=30)
    yield from _check_kept_versions(path, spec, keep_data=keep_data)
    log = spec.get("log_bucket")
    if log:
        yield from _check_bucket_name(f"{path}.logBucket", log)
    if log == spec["bucket"]:
        yield Finding(
            f"{path}.logBucket",
            log,
            "another bucket; a bucket that logs to itself logs each write of its own log",
            "name another",
        )


def check_gcs_bucket(path: str, spec: Mapping[str, Any], *, keep_data: bool) -> Iterator[Finding]:
    """A bucket that Cloud Storage accepts and that keeps versions long enough to notice a mistake."""
    yield from _check_bucket_name(f"{path}.bucket", spec["bucket"])
    if spec["bucket"].startswith("goog") or "google" in spec["bucket"]:
        yield Finding(f"{path}.bucket", spec["bucket"], "a name that does not contain google", "choose another")
    yield from check_prefix(f"{path}.prefix", spec.get("prefix") or "")
    yield from _check_versions(path, spec, archive_days_min=1)
    yield from _check_kept_versions(path, spec, keep_data=keep_data)
    if spec.get("location") and not re.fullmatch(r"[A-Za-z]+[A-Za-z0-9-]*", spec["location"]):
        yield Finding(f"{path}.location", spec["location"], "a region or multi-region", "write US-CENTRAL1, or EU")
    soft = int(spec.get("soft_delete_days", 7))
    if soft and not 7 <= soft <= 90:
        yield Finding(f"{path}.softDeleteDays", f"{soft}", "0, or 7 to 90", "write such a number")


def _check_postgresql(path: str, spec: Mapping[str, Any], *, user_length: int) -> Iterator[Finding]:
    yield from check_known(f"{path}.postgresql", spec.get("postgresql") or DEFAULT_POSTGRESQL, POSTGRESQL)
    yield from check_database_name(f"{path}.database", spec.get("database") or "mlflow")
    user = spec.get("username") or "mlflow"
    problems = [*check_database_name(f"{path}.username", user)]
    yield from problems
    if not problems and (user in _TAKEN_USERS or user.startswith(("pg_", "cloudsql", "_")) or len(user) > user_length):
        yield Finding(
            f"{path}.username",
            user,
            f"{user_length} characters at most, a letter first, and no user that the cloud reserves",
            "mlflow, say",
        )


def _check_password(path: str, password: Any) -> Iterator[Finding]:
    if isinstance(password, str) and (not _PASSWORD.fullmatch(password) or set(password) & set('/@"')):
        yield Finding(
            f"{path}.password",
            "(not shown)",
            'a password of 16 to 128 visible characters without /, @ and "',
            "choose another, or remove it to generate one",
        )


def _check_backups(path: str, spec: Mapping[str, Any], most: int, *, keep_data: bool) -> Iterator[Finding]:
    yield from _between(path, spec, "backup_days", (1, most))
    if keep_data and 1 <= int(spec.get("backup_days", 7)) < KEPT_BACKUP_DAYS:
        yield Finding(
            f"{path}.backupDays",
            f"{spec['backup_days']}",
            f"{KEPT_BACKUP_DAYS} or more where data is kept",
            "raise it, or leave it out",
        )


def check_rds_database(path: str, args: Mapping[str, Any], *, keep_data: bool, zones: int) -> Iterator[Finding]:
    """An instance that RDS accepts, with a limit on its growth and with backups."""
    spec = args["database"]
    yield from _check_postgresql(path, spec, user_length=16)
    yield from _check_password(path, args.get("password"))
    yield from _check_backups(path, spec, 35, keep_data=keep_data)
    if not _RDS_CLASS.fullmatch(spec["instance_class"]):
        yield Finding(
            f"{path}.instanceClass",
            spec["instance_class"] or "(missing)",
            "db.<family>.<size>",
            "db.t4g.medium for a few users, db.m7g.large for many",
        )
    yield from _between(path, spec, "storage_gib", (20, 65536))
    yield from _between(path, spec, "storage_max_gib", (20, 65536))
    if 200 <= int(spec["storage_max_gib"]) * 10 < int(spec["storage_gib"]) * 11:
        yield Finding(
            f"{path}.storageMaxGib",
            f"{spec['storage_max_gib']}",
            f"10 % more than storageGib ({spec['storage_gib']}) at least, for the volume to grow by itself",
            "raise it; a database with a full disk stops",
        )
    if int(spec.get("log_days", 30)) not in LOG_DAYS:
        yield Finding(
            f"{path}.logDays", f"{spec['log_days']}", "what CloudWatch offers", "write 30, 90, 180, 365 or 731"
        )
    if spec.get("ca_certificate") and not PEM.accepts(spec["ca_certificate"]):
        yield Finding(f"{path}.caCertificate", "(not a certificate)", "PEM", "paste the file that AWS publishes")
    if zones < 2:
        yield Finding(
            f"{path}",
            f"{zones} private subnets",
            "RDS requires subnets in at least two zones, even for a single instance",
            "add a zone to the network",
        )


def cloud_sql_edition(tier: str) -> str:
    """The edition of a tier; empty: the tier does not exist."""
    return next((edition for shape, edition in _TIER_EDITIONS.items() if shape.fullmatch(tier)), "")


def check_cloud_sql_database(path: str, args: Mapping[str, Any], *, keep_data: bool) -> Iterator[Finding]:
    """An instance that Cloud SQL accepts, with a limit on its growth and with backups."""
    spec = args["database"]
    yield from _check_postgresql(path, spec, user_length=63)
    yield from _check_password(path, args.get("password"))
    yield from _check_backups(path, spec, 365, keep_data=keep_data)
    yield from _check_tier(f"{path}.tier", spec["tier"])
    yield from _between(path, spec, "storage_gib", (10, 65536))
    yield from _between(path, spec, "storage_max_gib", (10, 65536))
    if 10 <= int(spec["storage_max_gib"]) <= int(spec["storage_gib"]):
        yield Finding(
            f"{path}.storageMaxGib",
            f"{spec['storage_max_gib']}",
            f"more than storageGib ({spec['storage_gib']}); 0 means no limit",
            "raise it; a database with a full disk stops",
        )
    yield from _between(path, spec, "generation", (1, 999))


def _check_tier(path: str, tier: str) -> Iterator[Finding]:
    custom = re.fullmatch(r"db-custom-([0-9]+)-([0-9]+)", tier)
    if not cloud_sql_edition(tier):
        yield Finding(
            path,
            tier or "(missing)",
            "db-custom-<CPUs>-<MiB>, db-perf-optimized-N-<CPUs>, db-f1-micro or db-g1-small",
            "db-custom-2-7680 for a few users",
        )
    elif custom:
        cpus, memory_mib = (int(part) for part in custom.groups())
        even = cpus == 1 or (cpus % 2 == 0 and 2 <= cpus <= 96)
        memory = memory_mib % 256 == 0 and max(3840, cpus * 922) <= memory_mib <= cpus * 6656
        if not even or not memory:
            yield Finding(
                path,
                tier,
                "1 CPU or an even number up to 96; 0.9 to 6.5 GiB for each, 3.75 GiB in all, in steps of 256 MiB",
                "db-custom-2-7680, db-custom-4-15360",
            )


def check_efs_file_system(path: str, spec: Mapping[str, Any], *, keep_data: bool) -> Iterator[Finding]:
    """A number of days that EFS offers, and backups where data is kept."""
    days = int(spec.get("infrequent_after_days", 30))
    if days not in INFREQUENT_DAYS:
        offered = ", ".join(str(one) for one in INFREQUENT_DAYS)
        yield Finding(f"{path}.infrequentAfterDays", f"{days}", f"one of {offered}", "write one of them")
    if keep_data and not spec.get("daily_backups", True):
        yield Finding(
            f"{path}.dailyBackups",
            "false",
            "a file system whose data is kept must have backups",
            "remove it: true is the default",
        )
