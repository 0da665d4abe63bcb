"""Nightly backups of the tracking server's database in the object store, and their restore.

Logical dumps, because they work for a database inside and outside of the cluster, and restore into any newer
PostgreSQL. docs/runbooks/mlflow-restore.md describes the restore;
tests/engine/test_real_data.py runs both on a real PostgreSQL.
"""

from typing import Any, Required, TypedDict

from pulumi import Input, ResourceOptions
from pulumi_kubernetes import batch, core, meta

from catalog.versions import IMAGES
from components.base.component import Component
from components.base.labels import LABELS
from components.base.network_policies import network_policy
from components.base.pods import Mounted, container, environment, pod_spec, resources, scratch
from components.base.traffic_rules import policy_spec
from components.findings import refuse
from components.storage.object_store_plan import object_store_traffic, rclone_environment
from components.storage.plan import ObjectStoreHandle
from components.storage.postgresql import DatabaseHandle, ca_mounts, egress_of, libpq_environment
from components.tracking.validation import check_backup, check_backup_name

TEMPORARY_FOLDER = "/tmp"  # noqa: S108 - an emptyDir of the pod
DUMP_FOLDER = "/backup"

# `.part` until pg_restore has read it: an invalid dump is never uploaded under a final name.
DUMP_SCRIPT = """
set -eu
file="$DUMP_FOLDER/$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --format=custom --no-owner --no-privileges --file="$file.part"
pg_restore --list "$file.part" > /dev/null
mv "$file.part" "$file"
echo "dumped $(basename "$file"), $(wc -c < "$file") bytes"
"""

# Old copies are deleted only after the upload and comparison of a new one: a full or closed store loses nothing.
UPLOAD_SCRIPT = """
set -eu
rclone copy --include '*.dump' "$DUMP_FOLDER" "$BACKUP_TARGET"
rclone check --one-way --include '*.dump' "$DUMP_FOLDER" "$BACKUP_TARGET"
rclone delete --include '*.dump' --min-age "$BACKUP_MAXIMUM_AGE" "$BACKUP_TARGET"
rclone lsf "$BACKUP_TARGET"
"""


# The newest copy unless one is named; names contain the time, so the last one in order is the newest.
DOWNLOAD_SCRIPT = """
set -eu
file="${RESTORE_FILE:-$(rclone lsf --include '*.dump' "$BACKUP_TARGET" | sort | tail -n 1)}"
test -n "$file" || { echo "no copy in $BACKUP_TARGET" >&2; exit 1; }
echo "restoring $file"
rclone copyto "$BACKUP_TARGET/$file" "$DUMP_FOLDER/restore.dump"
"""

# The copy is read before anything is dropped. The whole database is dropped, including tables that are not in the copy:
# tables of a newer schema would stop the next migration. Until the end it is empty; run it again if it fails.
RESTORE_SCRIPT = """
set -eu
pg_restore --list "$DUMP_FOLDER/restore.dump" > /dev/null
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction \\
  --command='SET client_min_messages = warning' --command='DROP SCHEMA public CASCADE' --command='CREATE SCHEMA public'
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="$PGDATABASE" \\
  "$DUMP_FOLDER/restore.dump"
echo "restored"
"""


class DatabaseBackupArgs(TypedDict, total=False):
    """The database, the target, the schedule and the retention."""

    namespace: Required[Input[str]]
    """Existing namespace with the database's Secret."""
    database: Required[DatabaseHandle]
    """The database."""
    store: Required[ObjectStoreHandle]
    """Target store; copies are below `<uri>/backups/<name>`."""
    schedule: str
    """Five fields of cron, in UTC. Default: `17 2 * * *`, 02:17 each night."""
    retention_days: int
    """Copies older than this are deleted after a new one exists. Default: 30."""
    dump_gib: int
    """Local disk for one dump, which is compressed. Default: 10."""
    image: str
    """Image with pg_dump, at least as new as the server. Default: the image of the platform's database."""
    service_account_annotations: dict[str, str]
    """Workload identity: `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`."""


class DatabaseBackup(Component):
    """A CronJob that dumps, verifies the dump, uploads, compares, and then deletes old copies.

    A second, suspended CronJob restores a copy; an operator creates a Job from it (docs/runbooks).
    """

    def __init__(self, name: str, args: DatabaseBackupArgs, opts: ResourceOptions | None = None) -> None:
        schedule, retention_days = args.get("schedule") or "17 2 * * *", int(args.get("retention_days") or 30)
        refuse(f"backup {name}", [*check_backup_name(name, name), *check_backup("backup", schedule, retention_days)])
        super().__init__(name, args, opts)
        account = core.v1.ServiceAccount(
            f"{name}-account",
            metadata=meta.v1.ObjectMetaArgs(
                name=name,
                namespace=args["namespace"],
                labels=LABELS,
                annotations=args.get("service_account_annotations") or None,
            ),
            automount_service_account_token=False,
            opts=self.child,
        )
        rules = (egress_of(args["database"], _pods(name)), *object_store_traffic(args["store"], _pods(name)))
        policies = [
            network_policy(
                f"{name}-{rule['name']}", f"{name}-{rule['name']}", args["namespace"], policy_spec(rule), self.child
            )
            for rule in rules
        ]
        for role, object_name, spec in (
            ("schedule", name, backup_spec(name, args, schedule, retention_days)),
            ("restore-schedule", restore_name(name), restore_spec(name, args)),
        ):
            batch.v1.CronJob(
                f"{name}-{role}",
                metadata=meta.v1.ObjectMetaArgs(
                    name=object_name, namespace=args["namespace"], labels={**LABELS, **_pods(name)}
                ),
                spec=spec,
                opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[account, *policies])),
            )
        self.register_outputs({})


def _pods(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "database-backup", "app.kubernetes.io/instance": name}


def restore_name(name: str) -> str:
    """Name of the restore of a backup: `mlflow-restore` for `mlflow-backup`.

    Alerts on old backups select CronJobs by `backup` in their name; the restore never succeeds by itself.
    """
    return f"{name.removesuffix('backup')}restore"


def backup_target(name: str, store: ObjectStoreHandle) -> str:
    """Target folder of the copies, in rclone's format. Pure."""
    parts = [store["bucket"], store["prefix"], "backups", name]
    return "store:" + "/".join(part for part in parts if part)


def backup_spec(name: str, args: DatabaseBackupArgs, schedule: str, retention_days: int) -> dict[str, Any]:
    """The `spec` of the CronJob for backups: dump, then upload. Pure."""
    return {
        "schedule": schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        # A cluster that was down at night runs it in the morning.
        "startingDeadlineSeconds": 6 * 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": _job_spec(
                name,
                args,
                first=_postgresql(args, "dump", DUMP_SCRIPT),
                then=_rclone(name, args, "upload", UPLOAD_SCRIPT, {"BACKUP_MAXIMUM_AGE": f"{retention_days}d"}),
                retries=2,
            )
        },
    }


def restore_spec(name: str, args: DatabaseBackupArgs) -> dict[str, Any]:
    """The `spec` of the CronJob for restores, which never runs by itself. Pure."""
    return {
        "schedule": "0 0 29 2 *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "suspend": True,
        "jobTemplate": {
            "spec": _job_spec(
                name,
                args,
                first=_rclone(name, args, "download", DOWNLOAD_SCRIPT, {"RESTORE_FILE": ""}),
                then=_postgresql(args, "restore", RESTORE_SCRIPT),
                # A restore must never start again by itself.
                retries=0,
            )
        },
    }


def _dump_mib(args: DatabaseBackupArgs) -> int:
    return int(args.get("dump_gib") or 10) * 1024


def _mounts(args: DatabaseBackupArgs) -> list[Mounted]:
    return [scratch("backup", DUMP_FOLDER, _dump_mib(args)), scratch("tmp", TEMPORARY_FOLDER, 256)]


def _resources(args: DatabaseBackupArgs) -> dict[str, Any]:
    return resources(cpu_millis=250, memory_mib=512, ephemeral_storage_mib=_dump_mib(args) + 512)


_COMMON = {"DUMP_FOLDER": DUMP_FOLDER, "HOME": TEMPORARY_FOLDER}


def _postgresql(args: DatabaseBackupArgs, role: str, script: str) -> dict[str, Any]:
    return container(
        name=role,
        image=args.get("image") or IMAGES["postgresql"].reference,
        command=["/bin/sh", "-c", script],
        env=[*environment(_COMMON), *libpq_environment(args["database"])],
        resources=_resources(args),
        mounts=[*_mounts(args), *ca_mounts(args["database"])],
    )


def _rclone(name: str, args: DatabaseBackupArgs, role: str, script: str, more: dict[str, str]) -> dict[str, Any]:
    target = {"BACKUP_TARGET": backup_target(name, args["store"])}
    return container(
        name=role,
        image=IMAGES["rclone"].reference,
        command=["/bin/sh", "-c", script],
        env=[*environment({**_COMMON, **target, **more}), *rclone_environment(args["store"])],
        resources=_resources(args),
        mounts=_mounts(args),
    )


def _job_spec(
    name: str, args: DatabaseBackupArgs, *, first: dict[str, Any], then: dict[str, Any], retries: int
) -> dict[str, Any]:
    return {
        "backoffLimit": retries,
        "activeDeadlineSeconds": 2 * 3600,
        "template": {
            "metadata": {"labels": {**LABELS, **_pods(name), **args["database"]["client_label"]}},
            "spec": pod_spec(
                init_containers=[first],
                containers=[then],
                service_account=name,
                mounts=[*_mounts(args), *ca_mounts(args["database"])],
                restartPolicy="Never",
            ),
        },
    }
