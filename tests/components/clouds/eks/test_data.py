"""Buckets, databases, file systems, zones and identities in AWS: what they register, and what they keep.

Not proved here: that AWS takes it (test_data_in_aws.py holds it to the API models and to moto); that a client gets in.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi import Output

from components.base.component import Component
from components.clouds.eks.bucket import S3Bucket, bucket_arn, bucket_statements
from components.clouds.eks.database import RdsDatabase
from components.clouds.eks.dns import Route53Zone
from components.clouds.eks.file_system import EfsFileSystem, lifecycle_policies
from components.clouds.eks.pod_identity import PodIdentity, PolicyStatement
from components.findings import Refused
from components.storage.plan import ObjectStoreKind
from tests.components.cloud_handles import EKS
from tests.recorder import Recording, record

SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
STATEMENT = PolicyStatement(actions=["s3:GetObject"], resources=["arn:aws:s3:::b/*"])
RDS: dict[str, Any] = {"instance_class": "db.t4g.medium", "storage_gib": 50, "storage_max_gib": 200}


def identity(**over: Any) -> Recording:
    args = {"cluster": EKS, "namespace": "mlflow", "service_account": "mlflow", "statements": [STATEMENT], **over}
    return record(lambda: PodIdentity("it", args) and None)  # type: ignore[arg-type]


def bucket(**over: Any) -> Recording:
    args = {"region": "eu-west-1", "bucket": {"bucket": "models"}, **over}
    return record(lambda: S3Bucket("it", args) and None)  # type: ignore[arg-type]


def database(spec: dict[str, Any] | None = None, **over: Any) -> tuple[Recording, RdsDatabase]:
    made: list[RdsDatabase] = []
    args = {"cluster": EKS, "database": {**RDS, **(spec or {})}, **over}
    return record(lambda: made.append(RdsDatabase("it", args))), made[0]  # type: ignore[arg-type]


def file_system(**over: Any) -> Recording:
    args = {"cluster": EKS, "file_system": {}, **over}
    return record(lambda: EfsFileSystem("it", args) and None)  # type: ignore[arg-type]


def zone(**over: Any) -> tuple[Recording, Route53Zone]:
    made: list[Route53Zone] = []
    args = {"zone": {"domain": "ml.example.com"}, "account_id": "123456789012", **over}
    return record(lambda: made.append(Route53Zone("it", args))), made[0]  # type: ignore[arg-type]


def test_an_identity_is_a_role_a_policy_and_the_association_that_waits_for_it() -> None:
    recording = identity()
    assert recording.kinds() == [
        "PodIdentity it",
        "PodIdentityAssociation it-association",
        "Role it-role",
        "RolePolicy it-policy",
    ]
    association = recording.one("PodIdentityAssociation")
    assert recording.one("RolePolicy").urn in association.dependencies
    assert recording.one("Role").inputs["name"] == "prod-eu-west-1-it"


def test_only_that_service_account_of_that_cluster_can_take_the_role() -> None:
    (trust,) = json.loads(identity().one("Role").inputs["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert trust["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:eu-west-1:123456789012:cluster/prod",
        "aws:RequestTag/kubernetes-namespace": "mlflow",
        "aws:RequestTag/kubernetes-service-account": "mlflow",
    }


def test_the_name_of_a_role_fits_and_stays_apart_from_others() -> None:
    def name(cluster: str) -> str:
        found: str = identity(cluster={**EKS, "name": cluster}).one("Role").inputs["name"]
        return found

    assert len(name("c" * 90)) == 64
    assert name("c" * 90) != name("c" * 91)


def test_the_reason_for_a_wildcard_is_for_people_and_not_for_iam() -> None:
    statement = {"actions": ["route53:ListHostedZones"], "resources": ["*"], "any_because": "no resource"}
    document = json.loads(identity(statements=[statement]).one("RolePolicy").inputs["policy"])
    assert document["Statement"] == [{"Effect": "Allow", "Action": ["route53:ListHostedZones"], "Resource": ["*"]}]


def test_an_unknown_resource_is_not_validated() -> None:
    recording = record(
        lambda: (
            PodIdentity(
                "it",
                {
                    "cluster": EKS,
                    "namespace": "mlflow",
                    "service_account": "mlflow",
                    "statements": [{"actions": ["s3:GetObject"], "resources": [Output.from_input("arn:aws:s3:::b/*")]}],
                },
            )
            and None
        )
    )
    assert '"arn:aws:s3:::b/*"' in recording.one("RolePolicy").inputs["policy"]


def test_a_bucket_is_closed_before_its_policy_and_versioned_before_its_lifecycle() -> None:
    recording = bucket()
    assert recording.kinds() == [
        "Bucket it-bucket",
        "BucketLifecycleConfiguration it-lifecycle",
        "BucketOwnershipControls it-ownership",
        "BucketPolicy it-policy",
        "BucketPublicAccessBlock it-public-access",
        "BucketServerSideEncryptionConfiguration it-encryption",
        "BucketVersioning it-versioning",
        "S3Bucket it",
    ]
    assert recording.one("BucketPublicAccessBlock").urn in recording.one("BucketPolicy").dependencies
    assert recording.one("BucketOwnershipControls").urn in recording.one("BucketPublicAccessBlock").dependencies
    assert recording.one("BucketVersioning").urn in recording.one("BucketLifecycleConfiguration").dependencies
    assert "BucketLogging it-log" in bucket(bucket={"bucket": "models", "log_bucket": "logs"}).kinds()


def test_a_bucket_refuses_requests_without_tls() -> None:
    (statement,) = json.loads(bucket().one("BucketPolicy").inputs["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == ["arn:aws:s3:::models", "arn:aws:s3:::models/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_key_encrypts_the_bucket_by_a_bucket_key() -> None:
    (rule,) = bucket(key_arn=EKS["key_arn"]).one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["bucketKeyEnabled"] is True
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "aws:kms"
    (rule,) = bucket().one("BucketServerSideEncryptionConfiguration").inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {"sseAlgorithm": "AES256"}


def test_the_handle_of_a_bucket_has_no_keys() -> None:
    made: list[S3Bucket] = []
    record(lambda: made.append(S3Bucket("it", {"region": "eu-west-1", "bucket": {"bucket": "m-1", "prefix": "a"}})))
    assert made[0].handle == {
        "kind": ObjectStoreKind.S3,
        "bucket": "m-1",
        "prefix": "a",
        "endpoint": "",
        "region": "eu-west-1",
        "credentials_secret_name": "",
        "uri": "s3://m-1/a",
    }


def test_readers_of_a_bucket_cannot_write_it() -> None:
    def actions(*, write: bool) -> set[str]:
        statements = bucket_statements(bucket_arn("m-1", "eu-west-1"), write, EKS["key_arn"])
        return {action for one in statements for action in one["actions"]}

    assert not {one for one in actions(write=False) if "Put" in one or "Delete" in one or "Generate" in one}
    assert {"s3:PutObject", "s3:DeleteObject", "kms:GenerateDataKey"} <= actions(write=True)
    assert bucket_arn("m-1", "us-gov-west-1") == "arn:aws-us-gov:s3:::m-1"


def test_a_database_is_an_instance_with_its_own_group_parameters_and_logs() -> None:
    recording, _ = database()
    assert recording.kinds() == [
        "Instance it-instance",
        "LogGroup it-log-postgresql",
        "LogGroup it-log-upgrade",
        "ParameterGroup it-postgres17",
        "RdsDatabase it",
        "SecurityGroup it-security-group",
        "SecurityGroupIngressRule it-from-cluster",
        "SubnetGroup it-subnets",
    ]
    rule = recording.one("SecurityGroupIngressRule").inputs
    assert (rule["referencedSecurityGroupId"], rule["fromPort"], rule["toPort"]) == ("sg-1", 5432, 5432)
    assert "cidrIpv4" not in rule
    (forced,) = recording.one("ParameterGroup").inputs["parameters"]
    assert (forced["name"], forced["value"]) == ("rds.force_ssl", "1")
    assert recording.one("SubnetGroup").inputs["subnetIds"] == ["subnet-a", "subnet-b"]
    assert {log.urn for log in recording.of("LogGroup")} <= recording.one("Instance").dependencies


def test_a_database_is_private_and_encrypted() -> None:
    given = database()[0].one("Instance").inputs
    assert given["publiclyAccessible"] is False
    assert given["storageEncrypted"] is True
    assert given["kmsKeyId"] == EKS["key_arn"]
    assert given["maxAllocatedStorage"] > given["allocatedStorage"], "it grows by itself"
    assert given["identifier"] == "prod-it"


def test_the_password_is_drawn_kept_and_nowhere_in_plain_text() -> None:
    recording, _ = database()
    password = recording.one("Instance").inputs["password"]
    assert SECRET_SIGNATURE in password
    assert len(password["value"]) >= 32
    shown = json.dumps([r.inputs for r in recording.resources if r.kind != "Instance"], default=str)
    assert password["value"] not in shown
    assert database()[0].one("Instance").inputs["password"]["value"] != password["value"], "each run draws"


def test_clients_verify_the_server_where_its_authority_is_given() -> None:
    authority = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    assert database()[1].handle["ssl_mode"] == "require"
    handle = database({"ca_certificate": authority})[1].handle
    assert (handle["ssl_mode"], handle["ca_certificate"]) == ("verify-full", authority)
    assert handle["address_range"] == "10.0.0.0/16"


def test_another_major_version_adds_another_parameter_group() -> None:
    old, new = (database({"postgresql": version})[0].one("ParameterGroup") for version in ("16", "17"))
    assert old.name != new.name
    assert old.inputs["name"] != new.inputs["name"]


def test_a_file_system_can_be_mounted_in_every_zone_over_tls_only() -> None:
    recording = file_system()
    assert recording.kinds() == [
        "BackupPolicy it-backup",
        "EfsFileSystem it",
        "FileSystem it-file-system",
        "FileSystemPolicy it-policy",
        "MountTarget it-eu-west-1a",
        "MountTarget it-eu-west-1b",
        "SecurityGroup it-security-group",
        "SecurityGroupIngressRule it-from-cluster",
    ]
    allow, deny = json.loads(recording.one("FileSystemPolicy").inputs["policy"])["Statement"]
    assert allow["Condition"] == {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    given = recording.one("FileSystem").inputs
    assert (given["encrypted"], given["throughputMode"]) == (True, "elastic")
    assert recording.one("BackupPolicy").inputs["backupPolicy"] == {"status": "ENABLED"}
    assert lifecycle_policies(0) == []


def test_a_zone_that_exists_is_named_and_nothing_else() -> None:
    assert zone()[0].kinds() == ["Route53Zone it", "Zone it-zone"]
    recording, made = zone(zone={"domain": "ml.example.com", "zone_id": "Z123"})
    assert recording.kinds() == ["Route53Zone it"]
    assert made.handle["domain"] == "ml.example.com"


STATEFUL: dict[str, Callable[..., Recording]] = {
    "bucket": bucket,
    "database": lambda **over: database(**over)[0],
    "file system": file_system,
    "zone": lambda **over: zone(**over)[0],
}


@pytest.mark.parametrize("what", STATEFUL)
def test_what_holds_data_is_kept_with_all_that_it_stands_on(what: str) -> None:
    made = [r for r in STATEFUL[what](keep_data=True).resources if not r.type.startswith("mlplatform:")]
    assert made
    assert all(r.protect and r.retain_on_delete for r in made)
    loose = [r for r in STATEFUL[what]().resources if not r.type.startswith("mlplatform:")]
    assert not any(r.protect or r.retain_on_delete for r in loose)


def test_a_kept_database_cannot_be_deleted_and_leaves_a_snapshot() -> None:
    kept = database(keep_data=True)[0].one("Instance").inputs
    assert (kept["deletionProtection"], kept["skipFinalSnapshot"]) == (True, False)
    assert kept["finalSnapshotIdentifier"] == "prod-it-final"
    loose = database()[0].one("Instance").inputs
    assert (loose["deletionProtection"], loose["skipFinalSnapshot"]) == (False, True)
    assert "finalSnapshotIdentifier" not in loose


def test_only_what_is_not_kept_goes_with_what_is_in_it() -> None:
    assert bucket().one("Bucket").inputs["forceDestroy"] is True
    assert bucket(keep_data=True).one("Bucket").inputs["forceDestroy"] is False
    assert zone(keep_data=True)[0].one("Zone").inputs["forceDestroy"] is False


@pytest.mark.parametrize(
    ("component", "args"),
    [
        (S3Bucket, {"region": "eu-west-1", "bucket": {"bucket": "a.b.c"}}),
        (RdsDatabase, {"cluster": EKS, "database": {**RDS, "instance_class": "m5"}}),
        (EfsFileSystem, {"cluster": EKS, "file_system": {"daily_backups": False}, "keep_data": True}),
    ],
)
def test_what_is_refused_registers_nothing(component: type[Component], args: dict[str, Any]) -> None:
    def program() -> None:
        with pytest.raises(Refused):
            component("it", args)

    assert record(program).resources == []
