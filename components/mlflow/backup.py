"""Nightly copies of the tracking server's database in the object store, by the tools that also bring them back.

Logical dumps, because they work alike for a database here and one elsewhere, and restore into any newer PostgreSQL.
docs/runbooks/mlflow-restore.md has the way back; tests/mlflow_real runs both on a real PostgreSQL.
"""

from typing import Any, TypedDict

from pulumi import Input, ResourceOptions
from pulumi_kubernetes import batch, core, meta

from components.component import LABELS, Component
from components.mlflow.postgresql import DatabaseHandle, ca_mounts, egress_of, libpq_environment
from components.namespaces import policy_spec
from components.network import network_policy
from components.pods import container, environment, pod_spec, resources, scratch
from components.storage.object_store import object_store_egress, rclone_environment
from components.stores import ObjectStoreHandle
from components.versions import IMAGES
from policies.rules.finding import refuse
from policies.rules.mlflow import check_backup

TEMPORARY_FOLDER = "/tmp"  # noqa: S108 - an emptyDir of the pod
DUMP_FOLDER = "/backup"

# `.part` until pg_restore has read it back: nothing that is broken is ever uploaded under a good name.
DUMP_SCRIPT = """
set -eu
file="$DUMP_FOLDER/$PGDATABASE-$(date -u +%Y%m%dT%H%M%SZ).dump"
pg_dump --format=custom --no-owner --no-privileges --file="$file.part"
pg_restore --list "$file.part" > /dev/null
mv "$file.part" "$file"
echo "dumped $(basename "$file"), $(wc -c < "$file") bytes"
"""

# Old copies go only after a new one has arrived and has been compared: a store that is full or closed loses nothing.
UPLOAD_SCRIPT = """
set -eu
rclone copy --include '*.dump' "$DUMP_FOLDER" "$BACKUP_TARGET"
rclone check --one-way --include '*.dump' "$DUMP_FOLDER" "$BACKUP_TARGET"
rclone delete --include '*.dump' --min-age "$BACKUP_MAXIMUM_AGE" "$BACKUP_TARGET"
rclone lsf "$BACKUP_TARGET"
"""


class DatabaseBackupArgs(TypedDict, total=False):
    """Which database goes where, when, and for how long."""

    namespace: Input[str]
    """Required. Namespace that exists already, where the database's Secret is."""
    database: DatabaseHandle
    """Required. What is dumped."""
    store: ObjectStoreHandle
    """Required. Where to; below `<uri>/backups/<name>`."""
    schedule: str
    """Five fields of cron, in UTC. Default: `17 2 * * *`, 02:17 each night."""
    retention_days: int
    """Copies older than this go, once a new one is there. Default: 30."""
    dump_gib: int
    """Local disk for one dump, which is compressed. Default: 10."""
    image: str
    """Image with pg_dump; as new as the server, or newer. Default: that of our own database."""
    service_account_annotations: dict[str, str]
    """Workload identity: `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`."""


class DatabaseBackup(Component):
    """A CronJob that dumps, reads the dump back, uploads, compares, and only then removes what is too old."""

    def __init__(self, name: str, args: DatabaseBackupArgs, opts: ResourceOptions | None = None) -> None:
        schedule, retention_days = args.get("schedule") or "17 2 * * *", int(args.get("retention_days") or 30)
        refuse(f"backup {name}", check_backup("backup", schedule, retention_days))
        super().__init__(name, args, opts)
        metadata = meta.v1.ObjectMetaArgs(name=name, namespace=args["namespace"], labels={**LABELS, **_pods(name)})
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
        for rule in (egress_of(args["database"], _pods(name)), object_store_egress(args["store"], _pods(name))):
            role = f"{name}-{rule['name']}"
            network_policy(role, role, args["namespace"], policy_spec(rule), self.child)
        batch.v1.CronJob(
            f"{name}-schedule",
            metadata=metadata,
            spec={
                "schedule": schedule,
                "timeZone": "Etc/UTC",
                "concurrencyPolicy": "Forbid",
                # A cluster that was down at night makes up for it in the morning.
                "startingDeadlineSeconds": 6 * 3600,
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": {"spec": job_spec(name, args, retention_days)},
            },
            opts=ResourceOptions.merge(self.child, ResourceOptions(depends_on=[account])),
        )
        self.register_outputs({})


def _pods(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": "database-backup", "app.kubernetes.io/instance": name}


def backup_target(name: str, store: ObjectStoreHandle) -> str:
    """Where the copies lie, as rclone names it. Pure."""
    parts = [store["bucket"], store["prefix"], "backups", name]
    return "store:" + "/".join(part for part in parts if part)


def job_spec(name: str, args: DatabaseBackupArgs, retention_days: int) -> dict[str, Any]:
    """The `spec` of one run: dump first, upload after it. Pure."""
    database, store = args["database"], args["store"]
    dump_mib = int(args.get("dump_gib") or 10) * 1024
    dumps, temporary = scratch("backup", DUMP_FOLDER, dump_mib), scratch("tmp", TEMPORARY_FOLDER, 256)
    common = {"DUMP_FOLDER": DUMP_FOLDER, "HOME": TEMPORARY_FOLDER}
    mounts = [dumps, temporary, *ca_mounts(database)]
    size = resources(cpu_millis=250, memory_mib=512, ephemeral_storage_mib=dump_mib + 512)
    dump = container(
        name="dump",
        image=args.get("image") or IMAGES["postgresql"].reference,
        command=["/bin/sh", "-c", DUMP_SCRIPT],
        env=[*environment(common), *libpq_environment(database)],
        resources=size,
        mounts=mounts,
    )
    target = {"BACKUP_TARGET": backup_target(name, store), "BACKUP_MAXIMUM_AGE": f"{retention_days}d"}
    upload = container(
        name="upload",
        image=IMAGES["rclone"].reference,
        command=["/bin/sh", "-c", UPLOAD_SCRIPT],
        env=[*environment({**common, **target}), *rclone_environment(store)],
        resources=size,
        mounts=[dumps, temporary],
    )
    return {
        "backoffLimit": 2,
        "activeDeadlineSeconds": 2 * 3600,
        "template": {
            "metadata": {"labels": {**LABELS, **_pods(name), **database["client_label"]}},
            "spec": pod_spec(
                init_containers=[dump],
                containers=[upload],
                service_account=name,
                mounts=mounts,
                restartPolicy="Never",
            ),
        },
    }
