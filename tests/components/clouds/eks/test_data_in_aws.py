"""What the data services declare, sent to AWS's own request models and to moto, which refuses what AWS would.

The requests are those that the provider makes from these resources. Not proved here: that the provider makes them so;
prices, quotas, instance classes of a region; what moto does not check (whether a policy is enough for its client).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from components.clouds.eks.bucket import S3Bucket, bucket_statements
from components.clouds.eks.database import RdsDatabase
from components.clouds.eks.dns import Route53Zone, challenge_statements, record_statements
from components.clouds.eks.file_system import EfsFileSystem, driver_statements
from components.clouds.eks.pod_identity import PodIdentity, PolicyStatement
from tests.components.cloud_handles import EKS
from tests.recorder import Recording, record
from tests.support.aws_models import Checked

REGION = EKS["region"]
BUCKET = "arn:aws:s3:::example-models"
FILE_SYSTEM = "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-1"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(key, "testing")
    with mock_aws():
        yield


def client(service: str) -> Checked:
    return Checked(boto3.client(service, region_name=REGION))


def inputs(recording: Recording, kind: str) -> dict[str, Any]:
    """Of the only resource of that kind; a secret shows its value."""
    found: dict[str, Any] = plain(recording.one(kind).inputs)
    return found


def plain(value: Any) -> Any:
    if isinstance(value, dict) and "4dabf18193072939515e22adb298388d" in value:
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def pascal(value: Any) -> Any:
    """`noncurrentDays` as S3's requests write it: `NoncurrentDays`."""
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: pascal(item) for key, item in value.items()}
    return [pascal(item) for item in value] if isinstance(value, list) else value


def tags(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in given.items()]


STATEMENTS: dict[str, Callable[[], list[PolicyStatement]]] = {
    "read": lambda: bucket_statements(BUCKET, write=False),
    "write": lambda: bucket_statements(BUCKET, True, "arn:aws:kms:eu-west-1:123456789012:key/1"),
    "records": lambda: record_statements("Z123", REGION),
    "challenges": lambda: challenge_statements("Z123", REGION),
    "file system": lambda: driver_statements(FILE_SYSTEM),
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_iam_takes_the_role_its_trust_and_its_policy(what: str) -> None:
    recording = record(
        lambda: (
            PodIdentity(
                "it",
                {"cluster": EKS, "namespace": "mlflow", "service_account": "mlflow", "statements": STATEMENTS[what]()},
            )
            and None
        )
    )
    iam, role, policy = client("iam"), inputs(recording, "Role"), inputs(recording, "RolePolicy")
    iam(
        "CreateRole",
        RoleName=role["name"],
        AssumeRolePolicyDocument=role["assumeRolePolicy"],
        Description=role["description"],
        Tags=tags(role["tags"]),
    )
    iam("PutRolePolicy", RoleName=role["name"], PolicyName=policy["name"], PolicyDocument=policy["policy"])
    assert len(policy["policy"]) < 10_240, "IAM's limit of inline policies of a role"


def test_eks_takes_the_association() -> None:
    recording = record(
        lambda: (
            PodIdentity(
                "it",
                {
                    "cluster": EKS,
                    "namespace": "mlflow",
                    "service_account": "mlflow",
                    "statements": bucket_statements(BUCKET, write=True),
                },
            )
            and None
        )
    )
    given = {"roleArn": "arn:aws:iam::123456789012:role/it", **inputs(recording, "PodIdentityAssociation")}
    client("eks").check("CreatePodIdentityAssociation", **given)  # moto has none


@pytest.mark.parametrize("key", [None, "arn:aws:kms:eu-west-1:123456789012:key/1"])
def test_s3_takes_a_bucket_that_is_private_versioned_and_encrypted(key: str | None) -> None:
    recording = record(
        lambda: (
            S3Bucket(
                "it",
                {
                    "region": REGION,
                    "bucket": {"bucket": "example-models", "log_bucket": "example-logs"},
                    **({"key_arn": key} if key else {}),  # type: ignore[typeddict-item]
                },
            )
            and None
        )
    )
    s3, name = client("s3"), "example-models"
    for bucket in (name, "example-logs"):
        s3("CreateBucket", Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3("PutBucketTagging", Bucket=name, Tagging={"TagSet": tags(inputs(recording, "Bucket")["tags"])})
    rule = inputs(recording, "BucketOwnershipControls")["rule"]
    s3("PutBucketOwnershipControls", Bucket=name, OwnershipControls={"Rules": [pascal(rule)]})
    block = pascal(inputs(recording, "BucketPublicAccessBlock"))
    block.pop("Bucket")
    s3("PutPublicAccessBlock", Bucket=name, PublicAccessBlockConfiguration=block)
    s3("PutBucketPolicy", Bucket=name, Policy=inputs(recording, "BucketPolicy")["policy"])
    versioning = inputs(recording, "BucketVersioning")["versioningConfiguration"]
    s3("PutBucketVersioning", Bucket=name, VersioningConfiguration=pascal(versioning))
    (rule,) = inputs(recording, "BucketServerSideEncryptionConfiguration")["rules"]
    default = rule["applyServerSideEncryptionByDefault"]
    encryption = {"SSEAlgorithm": default["sseAlgorithm"]} | ({"KMSMasterKeyID": key} if key else {})
    assert default.get("kmsMasterKeyId") == key
    s3(
        "PutBucketEncryption",
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": encryption, "BucketKeyEnabled": rule["bucketKeyEnabled"]}]
        },
    )
    rules = pascal(inputs(recording, "BucketLifecycleConfiguration")["rules"])
    s3(
        "PutBucketLifecycleConfiguration",
        Bucket=name,
        LifecycleConfiguration={"Rules": [{"ID": one.pop("Id"), **one} for one in rules]},
    )
    log = inputs(recording, "BucketLogging")
    assert (log["targetBucket"], log["targetPrefix"]) == ("example-logs", "example-models/")
    assert s3("GetBucketVersioning", Bucket=name)["Status"] == "Enabled"
    found = s3("GetBucketLifecycleConfiguration", Bucket=name)["Rules"]
    assert [one["ID"] for one in found] == ["broken-uploads", "old-versions"]


def test_rds_takes_the_instance_and_what_it_stands_on() -> None:
    recording = record(
        lambda: (
            RdsDatabase(
                "it",
                {
                    "cluster": EKS,
                    "database": {
                        "instance_class": "db.t4g.medium",
                        "storage_gib": 50,
                        "storage_max_gib": 200,
                        "highly_available": True,
                    },
                    "keep_data": True,
                },
            )
            and None
        )
    )
    ec2, rds, logs = client("ec2"), client("rds"), client("logs")
    vpc = ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2("CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(sorted(EKS["network"]["private_subnet_ids"]))
    ]
    group, rule = inputs(recording, "SecurityGroup"), inputs(recording, "SecurityGroupIngressRule")
    nodes = ec2("CreateSecurityGroup", GroupName="nodes", Description="nodes", VpcId=vpc)["GroupId"]
    made = ec2("CreateSecurityGroup", GroupName=group["name"], Description=group["description"], VpcId=vpc)["GroupId"]
    permission = {
        "IpProtocol": rule["ipProtocol"],
        "FromPort": int(rule["fromPort"]),
        "ToPort": int(rule["toPort"]),
        "UserIdGroupPairs": [{"GroupId": nodes, "Description": rule["description"]}],
    }
    ec2("AuthorizeSecurityGroupIngress", GroupId=made, IpPermissions=[permission])
    place, parameters = inputs(recording, "SubnetGroup"), inputs(recording, "ParameterGroup")
    rds(
        "CreateDBSubnetGroup",
        DBSubnetGroupName=place["name"],
        DBSubnetGroupDescription=place["description"],
        SubnetIds=subnets,
        Tags=tags(place["tags"]),
    )
    rds(
        "CreateDBParameterGroup",
        DBParameterGroupName=parameters["name"],
        DBParameterGroupFamily=parameters["family"],
        Description=parameters["description"],
    )
    (forced,) = parameters["parameters"]
    rds(
        "ModifyDBParameterGroup",
        DBParameterGroupName=parameters["name"],
        Parameters=[{"ParameterName": forced["name"], "ParameterValue": forced["value"], "ApplyMethod": "immediate"}],
    )
    for log in recording.of("LogGroup"):
        logs("CreateLogGroup", logGroupName=log.inputs["name"], tags=log.inputs["tags"])
        logs("PutRetentionPolicy", logGroupName=log.inputs["name"], retentionInDays=int(log.inputs["retentionInDays"]))
    given = inputs(recording, "Instance")
    rds("CreateDBInstance", **instance_request(given, made))
    (found,) = rds("DescribeDBInstances", DBInstanceIdentifier=given["identifier"])["DBInstances"]
    assert found["StorageEncrypted"]
    assert found["DeletionProtection"]
    assert not found["PubliclyAccessible"]
    assert found["MultiAZ"]


RENAMED = {
    "identifier": "DBInstanceIdentifier",
    "instanceClass": "DBInstanceClass",
    "dbName": "DBName",
    "username": "MasterUsername",
    "password": "MasterUserPassword",
    "dbSubnetGroupName": "DBSubnetGroupName",
    "parameterGroupName": "DBParameterGroupName",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds",
    "multiAz": "MultiAZ",
    "caCertIdentifier": "CACertificateIdentifier",
    "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "kmsKeyId": "KmsKeyId",
}
OF_DELETION = {"deleteAutomatedBackups", "skipFinalSnapshot", "finalSnapshotIdentifier"}
OF_UPDATES = {"allowMajorVersionUpgrade"}


def instance_request(given: dict[str, Any], group: str) -> dict[str, Any]:
    request = {
        RENAMED.get(key, key[0].upper() + key[1:]): value
        for key, value in given.items()
        if key not in {*OF_DELETION, *OF_UPDATES, "tags"}
    }
    return {**request, "VpcSecurityGroupIds": [group], "Tags": tags(given["tags"])}


def test_efs_takes_the_file_system_its_policy_its_backup_and_its_mount_targets() -> None:
    recording = record(lambda: EfsFileSystem("it", {"cluster": EKS, "file_system": {}}) and None)
    ec2, efs, given = client("ec2"), client("efs"), inputs(recording, "FileSystem")
    made = efs(
        "CreateFileSystem",
        CreationToken=given["creationToken"],
        Encrypted=given["encrypted"],
        KmsKeyId=given["kmsKeyId"],
        ThroughputMode=given["throughputMode"],
        Tags=tags(given["tags"]),
    )["FileSystemId"]
    efs("PutLifecycleConfiguration", FileSystemId=made, LifecyclePolicies=efs_policies(given["lifecyclePolicies"]))
    backup = inputs(recording, "BackupPolicy")["backupPolicy"]
    efs.check("PutBackupPolicy", FileSystemId="fs-01234567", BackupPolicy=pascal(backup))
    policy = inputs(recording, "FileSystemPolicy")["policy"]
    efs.check("PutFileSystemPolicy", FileSystemId="fs-01234567", Policy=policy)  # moto has none
    assert [one["Effect"] for one in json.loads(policy)["Statement"]] == ["Allow", "Deny"]
    vpc = ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for index, target in enumerate(recording.of("MountTarget")):
        subnet = ec2("CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{index}.0/24", AvailabilityZone=target.name[3:])
        efs("CreateMountTarget", FileSystemId=made, SubnetId=subnet["Subnet"]["SubnetId"])
    assert len(recording.of("MountTarget")) == 2


def efs_policies(given: list[dict[str, str]]) -> list[dict[str, str]]:
    names = {
        "transitionToIa": "TransitionToIA",
        "transitionToPrimaryStorageClass": "TransitionToPrimaryStorageClass",
    }
    return [{names[key]: value for key, value in one.items()} for one in given]


@pytest.mark.parametrize("days", [1, 7, 14, 30, 60, 90, 180, 270, 365])
def test_efs_offers_every_age_that_the_rule_allows(days: int) -> None:
    recording = record(
        lambda: EfsFileSystem("it", {"cluster": EKS, "file_system": {"infrequent_after_days": days}}) and None
    )
    made = client("efs")("CreateFileSystem", CreationToken="it")["FileSystemId"]
    policies = efs_policies(inputs(recording, "FileSystem")["lifecyclePolicies"])
    client("efs")("PutLifecycleConfiguration", FileSystemId=made, LifecyclePolicies=policies)


def test_route_53_takes_the_zone() -> None:
    recording = record(
        lambda: Route53Zone("it", {"zone": {"domain": "ml.example.com"}, "account_id": "123456789012"}) and None
    )
    given = inputs(recording, "Zone")
    client("route53")(
        "CreateHostedZone",
        Name=given["name"],
        CallerReference="it",
        HostedZoneConfig={"Comment": given["comment"], "PrivateZone": False},
    )
