"""Buckets, databases, file systems and zones of AWS."""

from dataclasses import replace

from simulator.clouds.rows import Row
from simulator.clouds.tables.aws_network import SECURITY_GROUP, SUBNET, VPC

_BUCKET = "aws:s3/bucket:Bucket"
_FILES = "aws:efs/fileSystem:FileSystem"
_GROUP = "aws:rds/subnetGroup:SubnetGroup"
_PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
_ZONE = "aws:route53/zone:Zone"
_KEY = "aws:kms/key:Key"
_RDS = "arn:aws-simulated:rds:{region}:{account}"


def _of_bucket(name: str, operation: str, **more: object) -> Row:
    """A setting of a bucket: one for each, and the bucket stays while it is there."""
    row = Row(
        f"aws:s3/{name[0].lower()}{name[1:]}:{name}",
        f"s3.{operation}",
        id="{bucket}",
        fixed="bucket",
        unique="{bucket}",
        needs={"bucket": _BUCKET},
    )
    return replace(row, **more)  # type: ignore[arg-type]


_S3 = (
    Row(
        "aws:s3/bucket:Bucket",
        "s3.CreateBucket",
        id="{bucket}",
        renames={"bucketPrefix": "Bucket", "objectLockEnabled": "ObjectLockEnabledForBucket"},
        # Settings of a bucket that have resources of their own; here they would be old ways to say the same.
        unchecked="""
            accelerationStatus corsRules forceDestroy grants lifecycleRules logging objectLockConfiguration policy
            replicationConfiguration requestPayer serverSideEncryptionConfiguration versioning website
        """,
        autoname="bucket",
        outputs={
            "arn": "arn:aws-simulated:s3:::{bucket}",
            "bucketDomainName": "{bucket}.s3.simulated.invalid",
            "bucketRegionalDomainName": "{bucket}.s3.{region}.simulated.invalid",
            "bucketRegion": "{region}",
            "hostedZoneId": "simulated",
            "objectLockEnabled": False,
            "policy": "",
            "acl": "private",
            "requestPayer": "BucketOwner",
        },
        fixed="bucket bucketPrefix objectLockEnabled",
        unique="{bucket}",
    ),
    _of_bucket("BucketVersioning", "PutBucketVersioning", renames={"mfa": "MFA"}),
    _of_bucket(
        "BucketServerSideEncryptionConfiguration",
        "PutBucketEncryption",
        renames={
            "rules": "ServerSideEncryptionConfiguration.Rules",
            "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
            "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "SSEAlgorithm",
        },
    ),
    _of_bucket(
        "BucketPublicAccessBlock",
        "PutPublicAccessBlock:PublicAccessBlockConfiguration",
        renames={"bucket": "s3.PutPublicAccessBlock/Bucket"},
        unchecked="skipDestroy",
    ),
    _of_bucket("BucketOwnershipControls", "PutBucketOwnershipControls", renames={"rule": "OwnershipControls.Rules"}),
    _of_bucket("BucketPolicy", "PutBucketPolicy"),
    _of_bucket(
        "BucketLogging",
        "PutBucketLogging:BucketLoggingStatus.LoggingEnabled",
        renames={"bucket": "s3.PutBucketLogging/Bucket"},
        unchecked="expectedBucketOwner",
    ),
    _of_bucket(
        "BucketLifecycleConfiguration",
        "PutBucketLifecycleConfiguration",
        renames={"rules": "LifecycleConfiguration.Rules", "rules.filter.and": "And"},
        unchecked="timeouts",
    ),
)
_RENAMED = ("BucketVersioning", "BucketServerSideEncryptionConfiguration", "BucketLifecycleConfiguration")
_V2 = tuple(  # older names of the same
    replace(row, type=f"{row.type.rpartition(':')[0]}V2:{name}V2")
    for row in _S3
    for name in _RENAMED
    if row.type.endswith(f":{name}")
)
_DATA = (
    Row(
        "aws:rds/instance:Instance",
        "rds.CreateDBInstance",
        id="db-{uuid}",
        renames={
            "instanceClass": "DBInstanceClass",
            "allowMajorVersionUpgrade": "rds.ModifyDBInstance/AllowMajorVersionUpgrade",
            "applyImmediately": "rds.ModifyDBInstance/ApplyImmediately",
            "backupWindow": "PreferredBackupWindow",
            "caCertIdentifier": "CACertificateIdentifier",
            "customerOwnedIpEnabled": "EnableCustomerOwnedIp",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "finalSnapshotIdentifier": "rds.DeleteDBInstance/FinalDBSnapshotIdentifier",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "identifier": "DBInstanceIdentifier",
            "identifierPrefix": "DBInstanceIdentifier",
            "maintenanceWindow": "PreferredMaintenanceWindow",
            "parameterGroupName": "DBParameterGroupName",
            "password": "MasterUserPassword",
            "passwordWo": "MasterUserPassword",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
            "username": "MasterUsername",
            "dbName": "DBName",
        },
        unchecked="skipFinalSnapshot deleteAutomatedBackups passwordWoVersion blueGreenUpdate",
        autoname="identifier",
        outputs={
            "arn": _RDS + ":db:{identifier}",
            "address": "{identifier}.simulated.{region}.rds.amazonaws.com",
            "endpoint": "{identifier}.simulated.{region}.rds.amazonaws.com:{port}",
            "port": 5432,
            "engineVersion": "17.4",
            "engineVersionActual": "{engineVersion}",
            "hostedZoneId": "simulated",
            "resourceId": "{id}",
            "status": "available",
            "masterUserSecrets": [
                {
                    "kmsKeyId": "simulated",
                    "secretArn": "arn:aws-simulated:secretsmanager:{region}:{account}:secret:rds!{id}",
                    "secretStatus": "active",
                }
            ],
            "caCertIdentifier": "rds-ca-rsa2048-g1",
            "listenerEndpoints": [],
            "replicas": [],
        },
        fixed="identifier identifierPrefix username dbName engine storageEncrypted kmsKeyId availabilityZone "
        "characterSetName timezone dbSubnetGroupName",
        unique="{identifier}",
        needs={
            "dbSubnetGroupName": _GROUP,
            "~parameterGroupName": _PARAMETERS,
            "vpcSecurityGroupIds": SECURITY_GROUP,
            "~kmsKeyId": _KEY,
        },
        protected="deletionProtection",
    ),
    Row(
        _GROUP,
        "rds.CreateDBSubnetGroup",
        id="{name}",
        renames={
            "name": "DBSubnetGroupName",
            "namePrefix": "DBSubnetGroupName",
            "description": "DBSubnetGroupDescription",
        },
        supplied="DBSubnetGroupDescription",
        autoname="name",
        outputs={
            "arn": _RDS + ":subgrp:{name}",
            "description": "Managed by Pulumi",
            "supportedNetworkTypes": ["IPV4"],
            "vpcId": "{vpcOfSubnets}",
        },
        fixed="name namePrefix",
        unique="{name}",
        needs={"subnetIds": SUBNET},
    ),
    Row(
        _PARAMETERS,
        "rds.CreateDBParameterGroup",
        id="{name}",
        renames={
            "name": "DBParameterGroupName",
            "namePrefix": "DBParameterGroupName",
            "family": "DBParameterGroupFamily",
            "parameters": "rds.ModifyDBParameterGroup/Parameters",
            "parameters.name": "ParameterName",
            "parameters.value": "ParameterValue",
        },
        supplied="Description",
        unchecked="skipDestroy",
        autoname="name",
        outputs={"arn": _RDS + ":pg:{name}", "description": "Managed by Pulumi"},
        fixed="name namePrefix family description",
        unique="{name}",
    ),
    Row(
        _FILES,
        "efs.CreateFileSystem",
        id="fs-{hash}",
        renames={
            "lifecyclePolicies": "efs.PutLifecycleConfiguration/LifecyclePolicies",
            "protection": "efs.UpdateFileSystemProtection/",
            "protection.replicationOverwrite": "ReplicationOverwriteProtection",
        },
        supplied="protection.FileSystemId",
        outputs={
            "arn": "arn:aws-simulated:elasticfilesystem:{region}:{account}:file-system/{id}",
            "dnsName": "{id}.efs.{region}.simulated.invalid",
            "creationToken": "simulated-{hash}",
            "numberOfMountTargets": 0,
            "name": "",
            "encrypted": False,
            "performanceMode": "generalPurpose",
            "sizeInBytes": [],
            "ownerId": "{account}",
        },
        fixed="creationToken encrypted kmsKeyId performanceMode availabilityZoneName",
        unique="{creationToken}",
        needs={"~kmsKeyId": _KEY},
    ),
    Row(
        "aws:efs/mountTarget:MountTarget",
        "efs.CreateMountTarget",
        id="fsmt-{hash}",
        outputs={
            "dnsName": "{fileSystemId}.efs.{region}.simulated.invalid",
            "fileSystemArn": "arn:aws-simulated:elasticfilesystem:{region}:{account}:file-system/{fileSystemId}",
            "ipAddress": "10.0.{octets}",
            "networkInterfaceId": "eni-{hash}",
            "ownerId": "{account}",
        },
        fixed="fileSystemId subnetId ipAddress ipAddressType ipv6Address",
        unique="{fileSystemId} {subnetId}",
        needs={"fileSystemId": _FILES, "subnetId": SUBNET, "securityGroups": SECURITY_GROUP},
    ),
    Row(
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        "efs.PutFileSystemPolicy",
        id="{fileSystemId}",
        fixed="fileSystemId",
        unique="{fileSystemId}",
        needs={"~fileSystemId": _FILES},
    ),
    Row(
        "aws:efs/backupPolicy:BackupPolicy",
        "efs.PutBackupPolicy",
        id="{fileSystemId}",
        fixed="fileSystemId",
        unique="{fileSystemId}",
        needs={"~fileSystemId": _FILES},
    ),
    Row(
        "aws:efs/fileSystemPolicy:FileSystemPolicy",
        "efs.PutFileSystemPolicy",
        id="{fileSystemId}",
        fixed="fileSystemId",
        unique="{fileSystemId}",
        needs={"~fileSystemId": _FILES},
    ),
    Row(
        _ZONE,
        "route53.CreateHostedZone",
        id="ZSIMULATED{number}",
        renames={
            "comment": "HostedZoneConfig.Comment",
            "vpcs": "VPC",
        },
        supplied="CallerReference",
        unchecked="forceDestroy enableAcceleratedRecovery",
        outputs={
            "arn": "arn:aws-simulated:route53:::hostedzone/{id}",
            "zoneId": "{id}",
            "nameServers": ["ns-1.simulated.invalid", "ns-2.simulated.invalid"],
            "primaryNameServer": "ns-1.simulated.invalid",
            "comment": "Managed by Pulumi",
            "enableAcceleratedRecovery": False,
        },
        fixed="name delegationSetId",
        needs={"~vpcs.vpcId": VPC},
    ),
    Row(
        "aws:route53/record:Record",
        "route53.ChangeResourceRecordSets:ChangeBatch.Changes.[].ResourceRecordSet",
        id="{zoneId}_{name}_{type}",
        renames={
            "zoneId": "route53.ChangeResourceRecordSets/HostedZoneId",
            "records": "ResourceRecords.[].Value",
            "aliases": "AliasTarget",
            "aliases.name": "DNSName",
            "aliases.zoneId": "HostedZoneId",
        },
        unchecked="allowOverwrite",
        outputs={"fqdn": "{name}", "allowOverwrite": False},
        fixed="zoneId name type setIdentifier",
        unique="{zoneId} {name} {type} {setIdentifier}",
        needs={"zoneId": _ZONE},
    ),
)
ROWS = (*_S3, *_V2, *_DATA)
