"""What a backup registers. Dump, upload, retention and restore run in tests/engine/test_real_data.py."""

import subprocess
from typing import Any

import pytest

from components.findings import Refused
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreKind
from components.tracking.backup import (
    DOWNLOAD_SCRIPT,
    DUMP_SCRIPT,
    RESTORE_SCRIPT,
    UPLOAD_SCRIPT,
    DatabaseBackup,
    DatabaseBackupArgs,
)
from components.tracking.database import cluster_handle
from tests.recorder import Recording, record

STORE = object_store(
    "store",
    ObjectStoreArgs(
        kind=ObjectStoreKind.S3_COMPATIBLE,
        bucket="platform",
        prefix="dev",
        endpoint="http://store.object-store.svc:8333",
        credentials_secret_name="store-keys-1",
    ),
)
ARGS = DatabaseBackupArgs(namespace="tracking", database=cluster_handle("db", "mlflow"), store=STORE)


def declared(**over: Any) -> Recording:
    return record(lambda: DatabaseBackup("backup", {**ARGS, **over}) and None)  # type: ignore[typeddict-item]


def pod(recording: Recording, name: str) -> Any:
    return recording.one("CronJob", name).inputs["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def variables(container: Any) -> dict[str, Any]:
    return {one["name"]: one.get("value") for one in container["env"]}


def test_a_backup_is_a_schedule_and_its_way_back_which_never_runs_by_itself() -> None:
    recording = declared()
    assert recording.kinds() == [
        "CronJob backup-restore-schedule",
        "CronJob backup-schedule",
        "DatabaseBackup backup",
        "NetworkPolicy backup-database",
        "NetworkPolicy backup-object-store",
        "ServiceAccount backup-account",
    ]
    restore = recording.one("CronJob", "restore").inputs["spec"]
    assert (restore["schedule"], restore["suspend"]) == ("0 0 29 2 *", True)
    backup = recording.one("CronJob", "backup").inputs["spec"]
    assert (backup["schedule"], backup["timeZone"], backup["concurrencyPolicy"]) == ("17 2 * * *", "Etc/UTC", "Forbid")
    assert "suspend" not in backup


def test_the_way_back_is_no_backup_to_those_who_watch_backups() -> None:
    recording = record(lambda: DatabaseBackup("mlflow-backup", ARGS) and None)
    names = {r.inputs["metadata"]["name"] for r in recording.of("CronJob")}
    assert names == {"mlflow-backup", "mlflow-restore"}


def test_a_backup_that_alerts_would_not_know_by_its_name_is_refused() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="call it nightly-backup"):
            DatabaseBackup("nightly", ARGS)

    assert record(program).resources == []


def test_the_dump_ends_before_the_upload_begins_and_the_other_way_round_back() -> None:
    recording = declared()
    there, back = pod(recording, "backup"), pod(recording, "restore")
    assert [one["name"] for one in [*there["initContainers"], *there["containers"]]] == ["dump", "upload"]
    assert [one["name"] for one in [*back["initContainers"], *back["containers"]]] == ["download", "restore"]


def test_only_what_speaks_to_the_database_has_its_password() -> None:
    there = pod(declared(), "backup")
    assert "PGPASSWORD" in variables(there["initContainers"][0])
    assert "PGPASSWORD" not in variables(there["containers"][0])
    assert "AWS_SECRET_ACCESS_KEY" not in variables(there["initContainers"][0])
    for one in (*there["initContainers"], *there["containers"]):
        for name in ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY"):
            assert variables(one).get(name) is None, "by reference only"


def test_times_sizes_and_images_reach_the_job() -> None:
    recording = declared(schedule="0 3 * * 0", retention_days=90, dump_gib=50, image="example.com/pg:18")
    assert recording.one("CronJob", "backup").inputs["spec"]["schedule"] == "0 3 * * 0"
    there = pod(recording, "backup")
    assert there["initContainers"][0]["image"] == "example.com/pg:18"
    upload = variables(there["containers"][0])
    assert upload["BACKUP_MAXIMUM_AGE"] == "90d"
    assert upload["BACKUP_TARGET"] == "store:platform/dev/backups/backup"
    assert {"name": "backup", "emptyDir": {"sizeLimit": "50Gi"}} in there["volumes"]


def test_pods_may_reach_the_database_and_the_store_and_nothing_else() -> None:
    recording = declared()
    policies = [policy.inputs["spec"] for policy in recording.of("NetworkPolicy")]
    assert all(spec["policyTypes"] == ["Egress"] for spec in policies)
    opened = {spec["egress"][0].get("ports", [{}])[0].get("port"): spec["egress"][0]["to"] for spec in policies}
    store = {"matchLabels": {"kubernetes.io/metadata.name": "object-store"}}
    assert set(opened) == {5432, None}
    assert opened[None] == [{"podSelector": {}, "namespaceSelector": store}]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"schedule": "daily"}, "five fields"), ({"retention_days": 1}, "2 days or more")],
)
def test_a_backup_that_protects_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=message):
            DatabaseBackup("backup", {**ARGS, **wrong})  # type: ignore[typeddict-item]

    assert record(program).resources == []


@pytest.mark.parametrize("script", [DUMP_SCRIPT, UPLOAD_SCRIPT, DOWNLOAD_SCRIPT, RESTORE_SCRIPT])
def test_scripts_are_posix_shell_and_stop_at_the_first_failure(script: str) -> None:
    assert "set -eu" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
