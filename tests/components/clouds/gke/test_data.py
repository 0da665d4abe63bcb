"""Buckets, databases, zones and identities in Google Cloud: what they register, and what they keep.

Not proved here: that Google Cloud takes it (test_data_in_google_cloud.py holds it to the discovery documents).
"""

from collections.abc import Callable
from typing import Any

import pytest

from components.clouds.data_validation import cloud_sql_edition
from components.clouds.gke.bucket import GcsBucket, bucket_grants
from components.clouds.gke.database import CloudSqlDatabase, first_certificate
from components.clouds.gke.dns import CloudDnsZone
from components.clouds.gke.workload_identity import GrantOn, WorkloadIdentity
from components.storage.plan import ObjectStoreKind
from tests.components.cloud_handles import GKE
from tests.recorder import Recording, record

SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
PRINCIPAL = (
    "principal://iam.googleapis.com/projects/1234/locations/global/workloadIdentityPools/ml.svc.id.goog"
    "/subject/ns/mlflow/sa/mlflow"
)


def identity(grants: list[Any]) -> Recording:
    return record(
        lambda: (
            WorkloadIdentity(
                "it", {"cluster": GKE, "namespace": "mlflow", "service_account": "mlflow", "grants": grants}
            )
            and None
        )
    )


def bucket(**over: Any) -> Recording:
    args = {"project": "ml", "region": "europe-west4", "bucket": {"bucket": "models"}, **over}
    return record(lambda: GcsBucket("it", args) and None)  # type: ignore[arg-type]


def database(spec: dict[str, Any] | None = None, **over: Any) -> tuple[Recording, CloudSqlDatabase]:
    made: list[CloudSqlDatabase] = []
    basic = {"tier": "db-custom-2-7680", "storage_gib": 50, "storage_max_gib": 200}
    args = {"cluster": GKE, "database": {**basic, **(spec or {})}, **over}
    return record(lambda: made.append(CloudSqlDatabase("it", args))), made[0]  # type: ignore[arg-type]


def zone(**over: Any) -> Recording:
    args = {"zone": {"domain": "ml.example.com"}, "project": "ml", **over}
    return record(lambda: CloudDnsZone("it", args) and None)  # type: ignore[arg-type]


def test_an_identity_is_bindings_of_the_service_account_itself_and_no_account_of_google_s() -> None:
    recording = identity(
        [
            *bucket_grants("artifacts", "models", write=True),
            {"purpose": "dns", "role": "roles/dns.admin", "on": GrantOn.DNS_ZONE, "resource": "ml"},
            {"purpose": "zones", "role": "roles/dns.reader", "on": GrantOn.PROJECT, "any_because": "listed by project"},
        ]
    )
    assert recording.kinds() == [
        "BucketIAMMember it-artifacts",
        "BucketIAMMember it-artifacts-bucket",
        "DnsManagedZoneIamMember it-dns",
        "IAMMember it-zones",
        "WorkloadIdentity it",
    ]
    assert {r.inputs["member"] for r in recording.resources if "member" in r.inputs} == {PRINCIPAL}


def test_readers_of_a_bucket_cannot_write_it() -> None:
    roles = {grant["role"] for grant in bucket_grants("artifacts", "models", write=False)}
    assert roles == {"roles/storage.objectViewer", "roles/storage.bucketViewer"}


def test_a_bucket_is_private_versioned_and_its_handle_has_no_keys() -> None:
    made: list[GcsBucket] = []
    args = {"project": "ml", "region": "europe-west4", "bucket": {"bucket": "models", "prefix": "a"}}
    recording = record(lambda: made.append(GcsBucket("it", args)))  # type: ignore[arg-type]
    assert recording.kinds() == ["Bucket it-bucket", "GcsBucket it"]
    given = recording.one("Bucket").inputs
    assert (given["uniformBucketLevelAccess"], given["publicAccessPrevention"]) == (True, "enforced")
    assert given["versioning"] == {"enabled": True}
    assert given["location"] == "EUROPE-WEST4"
    assert given["softDeletePolicy"] == {"retentionDurationSeconds": 7 * 86400}
    assert "encryption" not in given
    assert made[0].handle["kind"] is ObjectStoreKind.GCS
    assert (made[0].handle["uri"], made[0].handle["credentials_secret_name"]) == ("gs://models/a", "")


def test_old_versions_move_and_then_go() -> None:
    broken, archived, gone = bucket().one("Bucket").inputs["lifecycleRules"]
    assert broken["action"] == {"type": "AbortIncompleteMultipartUpload"}
    assert archived["condition"] == {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"}
    assert gone == {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 90, "withState": "ARCHIVED"}}
    assert (
        len(bucket(bucket={"bucket": "models", "version_archive_days": 0}).one("Bucket").inputs["lifecycleRules"]) == 2
    )


def test_a_database_is_an_instance_a_database_and_a_user() -> None:
    recording, made = database()
    assert recording.kinds() == [
        "CloudSqlDatabase it",
        "Database it-database",
        "DatabaseInstance it-instance",
        "User it-user",
    ]
    settings = recording.one("DatabaseInstance").inputs["settings"]
    address = settings["ipConfiguration"]
    assert address["ipv4Enabled"] is False
    assert address["sslMode"] == "ENCRYPTED_ONLY"
    assert address["privateNetwork"] == GKE["network"]["network_id"]
    assert settings["backupConfiguration"]["pointInTimeRecoveryEnabled"] is True
    assert settings["edition"] == "ENTERPRISE"
    assert made.handle["ssl_mode"] == "verify-ca"


def test_the_password_is_drawn_and_nowhere_in_plain_text() -> None:
    password = database()[0].one("User").inputs["password"]
    assert SECRET_SIGNATURE in password
    assert "rootPassword" not in database()[0].one("DatabaseInstance").inputs


def test_the_authority_is_the_instance_s_own() -> None:
    class Authority:
        cert = "-----BEGIN CERTIFICATE-----"

    assert first_certificate([Authority()]) == Authority.cert
    assert first_certificate(None) == ""


@pytest.mark.parametrize(
    ("tier", "edition"),
    [
        ("db-custom-2-7680", "ENTERPRISE"),
        ("db-f1-micro", "ENTERPRISE"),
        ("db-perf-optimized-N-8", "ENTERPRISE_PLUS"),
        ("n2-standard-4", ""),
        ("db-custom-2-7680x", ""),
    ],
)
def test_the_tier_decides_the_edition(tier: str, edition: str) -> None:
    assert cloud_sql_edition(tier) == edition


def test_a_generation_is_part_of_the_name_from_the_second_on() -> None:
    assert database()[0].one("DatabaseInstance").inputs["name"] == "prod-it"
    assert database({"generation": 2})[0].one("DatabaseInstance").inputs["name"] == "prod-it-2"


def test_a_zone_is_signed_and_one_that_exists_is_only_named() -> None:
    recording = zone()
    assert recording.kinds() == ["CloudDnsZone it", "ManagedZone it-zone"]
    assert recording.one("ManagedZone").inputs["dnssecConfig"] == {"state": "on"}
    assert recording.one("ManagedZone").inputs["name"] == "it-ml-example-com"
    assert zone(zone={"domain": "ml.example.com", "zone": "ml"}).kinds() == ["CloudDnsZone it"]


STATEFUL: dict[str, Callable[..., Recording]] = {
    "bucket": bucket,
    "database": lambda **over: database(**over)[0],
    "zone": zone,
}


@pytest.mark.parametrize("what", STATEFUL)
def test_what_holds_data_is_kept_with_all_that_is_in_it(what: str) -> None:
    made = [r for r in STATEFUL[what](keep_data=True).resources if not r.type.startswith("mlplatform:")]
    assert made
    assert all(r.protect and r.retain_on_delete for r in made)
    loose = [r for r in STATEFUL[what]().resources if not r.type.startswith("mlplatform:")]
    assert not any(r.protect or r.retain_on_delete for r in loose)


def test_a_kept_zone_is_not_deleted_with_its_records() -> None:
    assert zone(keep_data=True).one("ManagedZone").inputs["forceDestroy"] is False
    assert zone().one("ManagedZone").inputs["forceDestroy"] is True


def test_a_kept_instance_is_protected_here_and_in_google_cloud() -> None:
    kept = database(keep_data=True)[0].one("DatabaseInstance").inputs
    assert (kept["deletionProtection"], kept["settings"]["deletionProtectionEnabled"]) == (True, True)
    loose = database()[0].one("DatabaseInstance").inputs
    assert (loose["deletionProtection"], loose["settings"]["deletionProtectionEnabled"]) == (False, False)
