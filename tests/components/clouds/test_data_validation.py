"""Rules on the data services of the clouds: each refuses what it is for, names the field and says what to write."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.versions import IMAGES, POSTGRESQL
from components.clouds.data_validation import (
    check_cloud_sql_database,
    check_efs_file_system,
    check_gcs_bucket,
    check_pod_identity,
    check_policy_statement,
    check_rds_database,
    check_s3_bucket,
    check_workload_identity,
)
from components.clouds.dns_validation import check_cloud_dns_zone, check_external_dns, check_route53_zone
from components.findings import Finding

RDS = {"instance_class": "db.t4g.medium", "storage_gib": 50, "storage_max_gib": 200}
SQL = {"tier": "db-custom-2-7680", "storage_gib": 50, "storage_max_gib": 200}
GRANT = {"purpose": "a", "role": "roles/storage.objectUser", "on": "bucket", "resource": "models"}


def paths(findings: Iterator[Finding]) -> list[str]:
    found = list(findings)
    assert all(one.rule and one.remedy for one in found)
    return [one.path for one in found]


def rds(**over: Any) -> list[str]:
    spec = {**RDS, **{key: value for key, value in over.items() if key not in ("password", "keep_data", "zones")}}
    args = {"database": spec, **({"password": over["password"]} if "password" in over else {})}
    return paths(check_rds_database("db", args, keep_data=over.get("keep_data", False), zones=over.get("zones", 2)))


def sql(**over: Any) -> list[str]:
    keep = over.pop("keep_data", False)
    return paths(check_cloud_sql_database("db", {"database": {**SQL, **over}}, keep_data=keep))


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/*"]}, []),
        ({"actions": ["ec2:RunInstances"], "resources": ["arn:aws:ec2:*:*:instance/*"]}, []),
        ({"actions": ["s3:Get*"], "resources": ["arn:aws:s3:::b/*"]}, ["s.actions"]),
        ({"actions": ["s3:Get?bject"], "resources": ["arn:aws:s3:::b/*"]}, ["s.actions"]),
        ({"actions": ["*"], "resources": ["arn:aws:s3:::b/*"]}, ["s.actions"]),
        ({"actions": ["GetObject"], "resources": ["arn:aws:s3:::b/*"]}, ["s.actions"]),
        ({"actions": ["s3:GetObject"], "resources": ["*"]}, ["s.resources"]),
        ({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::*"]}, ["s.resources"]),
        ({"actions": ["s3:GetObject"], "resources": ["arn:aws:*:::b"]}, ["s.resources"]),
        ({"actions": ["s3:GetObject"], "resources": ["models"]}, ["s.resources"]),
        ({"actions": [], "resources": []}, ["s.actions", "s.resources"]),
        ({"actions": ["s3:List*"], "resources": ["*"], "any_because": "it has no resource"}, []),
        ({"actions": ["s3:ListAllMyBuckets"], "resources": ["*"], "any_because": " "}, ["s.resources"]),
        ({"actions": ["s3:GetObject"], "resources": ["models"], "any_because": "no ARN is none"}, ["s.resources"]),
    ],
)
def test_a_wildcard_needs_a_reason(statement: dict[str, Any], wrong: list[str]) -> None:
    assert paths(check_policy_statement("s", statement)) == wrong


def test_an_identity_names_permissions_and_a_service_account() -> None:
    args = {"namespace": "Ml", "service_account": "", "statements": []}
    assert paths(check_pod_identity("it", args)) == ["it.serviceAccount", "it.namespace", "it.statements"]
    assert paths(check_workload_identity("it", {"namespace": "a", "service_account": "a", "grants": []})) == [
        "it.grants"
    ]


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"role": "storage.objectUser"}, ["it.grants.0.role"]),
        ({"role": "roles/editor"}, ["it.grants.0.role"]),
        ({"resource": ""}, ["it.grants.0.resource"]),
        ({"on": "project"}, ["it.grants.0.resource", "it.grants.0.on"]),
        ({"on": "project", "resource": None}, ["it.grants.0.on"]),
        ({"on": "project", "resource": None, "any_because": "listed by project"}, []),
        ({"purpose": "A"}, ["it.grants.0.purpose"]),
    ],
)
def test_a_role_is_granted_on_the_thing_itself_or_with_a_reason(over: dict[str, Any], wrong: list[str]) -> None:
    args = {"namespace": "a", "service_account": "a", "grants": [{**GRANT, **over}]}
    assert paths(check_workload_identity("it", args)) == wrong


def test_each_binding_has_a_purpose_of_its_own() -> None:
    args = {"namespace": "a", "service_account": "a", "grants": [GRANT, GRANT]}
    assert paths(check_workload_identity("it", args)) == ["it.grants.1.purpose"]


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"bucket": "Models"}, ["b.bucket"]),
        ({"bucket": "a.b"}, ["b.bucket"]),
        ({"bucket": "s3://models"}, ["b.bucket"]),
        ({"version_days": 0}, ["b.versionDays", "b.versionDays"]),
        ({"version_days": 20}, ["b.versionDays"]),
        ({"version_days": 20, "version_archive_days": 0}, []),
        ({"version_archive_days": 29}, ["b.versionArchiveDays"]),
        ({"version_archive_days": 90}, ["b.versionArchiveDays"]),
        ({"abort_upload_days": 0}, ["b.abortUploadDays"]),
        ({"log_bucket": "models"}, ["b.logBucket"]),
        ({"log_bucket": "Logs"}, ["b.logBucket"]),
    ],
)
def test_a_bucket_of_s3(over: dict[str, Any], wrong: list[str]) -> None:
    assert paths(check_s3_bucket("b", {"bucket": "models", **over}, keep_data=False)) == wrong


def test_versions_of_what_is_kept_last_a_week() -> None:
    spec = {"bucket": "models", "version_days": 6, "version_archive_days": 0}
    assert paths(check_s3_bucket("b", spec, keep_data=False)) == []
    assert paths(check_s3_bucket("b", spec, keep_data=True)) == ["b.versionDays"]
    assert paths(check_gcs_bucket("b", spec, keep_data=True)) == ["b.versionDays"]


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"version_archive_days": 1}, []),
        ({"bucket": "my-google-models"}, ["b.bucket"]),
        ({"location": "europe west"}, ["b.location"]),
        ({"soft_delete_days": 0}, []),
        ({"soft_delete_days": 3}, ["b.softDeleteDays"]),
        ({"soft_delete_days": 91}, ["b.softDeleteDays"]),
    ],
)
def test_a_bucket_of_cloud_storage(over: dict[str, Any], wrong: list[str]) -> None:
    assert paths(check_gcs_bucket("b", {"bucket": "models", **over}, keep_data=False)) == wrong


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"postgresql": "9.6"}, ["db.postgresql"]),
        ({"postgresql": "18"}, ["db.postgresql"]),
        ({"database": "My-DB"}, ["db.database"]),
        ({"username": "rdsadmin"}, ["db.username"]),
        ({"username": "a" * 17}, ["db.username"]),
        ({"instance_class": "t4g.medium"}, ["db.instanceClass"]),
        ({"instance_class": ""}, ["db.instanceClass"]),
        ({"instance_class": "db.m7g.2xlarge"}, []),
        ({"storage_gib": 10, "storage_max_gib": 100}, ["db.storageGib"]),
        ({"storage_max_gib": 54}, ["db.storageMaxGib"]),
        ({"storage_max_gib": 55}, []),
        ({"storage_max_gib": 70_000}, ["db.storageMaxGib"]),
        ({"backup_days": 0}, ["db.backupDays"]),
        ({"backup_days": 36}, ["db.backupDays"]),
        ({"backup_days": 3}, []),
        ({"backup_days": 3, "keep_data": True}, ["db.backupDays"]),
        ({"log_days": 31}, ["db.logDays"]),
        ({"ca_certificate": "rds-ca.pem"}, ["db.caCertificate"]),
        ({"zones": 1}, ["db"]),
        ({"password": "short"}, ["db.password"]),
        ({"password": "with/slash/with/slash"}, ["db.password"]),
        ({"password": object()}, []),
    ],
)
def test_a_database_of_rds(over: dict[str, Any], wrong: list[str]) -> None:
    assert rds(**over) == wrong


def test_a_password_is_never_shown() -> None:
    found = list(check_rds_database("db", {"database": RDS, "password": "hunter2"}, keep_data=False, zones=2))
    assert found
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"tier": "db-perf-optimized-N-4"}, []),
        ({"tier": "n2-standard-4"}, ["db.tier"]),
        ({"tier": ""}, ["db.tier"]),
        ({"tier": "db-custom-3-7680"}, ["db.tier"]),
        ({"tier": "db-custom-2-7681"}, ["db.tier"]),
        ({"tier": "db-custom-2-1024"}, ["db.tier"]),
        ({"tier": "db-custom-2-16384"}, ["db.tier"]),
        ({"username": "postgres"}, ["db.username"]),
        ({"username": "cloudsqladmin"}, ["db.username"]),
        ({"storage_gib": 9}, ["db.storageGib"]),
        ({"storage_max_gib": 0}, ["db.storageMaxGib"]),
        ({"storage_max_gib": 50}, ["db.storageMaxGib"]),
        ({"backup_days": 6, "keep_data": True}, ["db.backupDays"]),
        ({"backup_days": 366}, ["db.backupDays"]),
        ({"generation": 0}, ["db.generation"]),
    ],
)
def test_a_database_of_cloud_sql(over: dict[str, Any], wrong: list[str]) -> None:
    assert sql(**over) == wrong


@given(st.integers(20, 65536), st.integers(20, 65536))
def test_a_database_can_always_grow_and_never_without_end(start: int, most: int) -> None:
    accepted = not rds(storage_gib=start, storage_max_gib=most)
    assert accepted == (10 * most >= 11 * start)


def test_the_backup_s_client_is_no_older_than_any_server() -> None:
    client = int(IMAGES["postgresql"].tag.split(".")[0])
    assert max(int(major) for major in POSTGRESQL) <= client


@pytest.mark.parametrize(
    ("spec", "keep_data", "wrong"),
    [
        ({}, True, []),
        ({"infrequent_after_days": 0}, True, []),
        ({"infrequent_after_days": 31}, True, ["fs.infrequentAfterDays"]),
        ({"daily_backups": False}, False, []),
        ({"daily_backups": False}, True, ["fs.dailyBackups"]),
    ],
)
def test_a_file_system(spec: dict[str, Any], keep_data: bool, wrong: list[str]) -> None:
    assert paths(check_efs_file_system("fs", spec, keep_data=keep_data)) == wrong


@pytest.mark.parametrize(
    ("over", "wrong"),
    [
        ({}, []),
        ({"domain": "ML.example.com"}, ["z.domain"]),
        ({"domain": "ml.example.com."}, ["z.domain"]),
        ({"domain": "localhost"}, ["z.domain"]),
        ({"zone_id": "/hostedzone/Z123"}, ["z.zoneId"]),
    ],
)
def test_a_zone_of_route_53(over: dict[str, Any], wrong: list[str]) -> None:
    args = {"zone": {"domain": "ml.example.com", **over}, "account_id": "123456789012"}
    assert paths(check_route53_zone("z", args)) == wrong


def test_a_zone_of_cloud_dns_and_the_account_of_route_53() -> None:
    assert paths(check_cloud_dns_zone("z", {"domain": "ml.example.com", "zone": "ml.example.com"})) == ["z.zone"]
    assert paths(check_route53_zone("z", {"zone": {"domain": "a.b"}, "account_id": "me"})) == ["z.accountId"]


@pytest.mark.parametrize(
    ("provider", "clusters", "wrong"),
    [
        ("aws", {"eks": {"name": "a"}}, []),
        ("google", {"gke": {"name": "a"}}, []),
        ("aws", {}, ["dns.eks"]),
        ("aws", {"gke": {"name": "a"}}, ["dns.eks", "dns.gke"]),
        ("google", {"eks": {"name": "a"}, "gke": {"name": "a"}}, ["dns.eks"]),
    ],
)
def test_a_zone_is_written_by_an_identity_of_its_own_cloud(
    provider: str, clusters: dict[str, Any], wrong: list[str]
) -> None:
    assert paths(check_external_dns("dns", {"zone": {"provider": provider}, "owner": "prod", **clusters})) == wrong
