"""EKS and what it uses of AWS. Properties: Pulumi registry, aws 7. CIS Amazon EKS Benchmark 1.8."""

import json
from collections.abc import Iterator
from typing import Any

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.rule import Place, Severity, about_objects

CLUSTER, NODE_GROUP = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def _differs(subject: PlannedObject, token: str, path: str, wanted: Any, missing: Any = None) -> Iterator[Place]:
    """The value at a path of a resource of this type, if it is known and another one."""
    value = subject.at(path, missing)
    if subject.type == token and value is not UNKNOWN and value != wanted:
        yield path, "not set" if value is None else value


def _open_endpoint(subject: PlannedObject) -> Iterator[Place]:
    if subject.type == CLUSTER and subject.at("vpcConfig.endpointPublicAccess", True) is True:
        ranges = subject.at("vpcConfig.publicAccessCidrs") or ["0.0.0.0/0"]
        for value in listed(ranges):
            if value in _EVERYWHERE:
                yield "vpcConfig.publicAccessCidrs", value


def _plain_secrets(subject: PlannedObject) -> Iterator[Place]:
    resources = listed(subject.at("encryptionConfig.resources"))
    if subject.type == CLUSTER and "secrets" not in resources and UNKNOWN not in resources:
        yield "encryptionConfig.resources", "not set"


def _no_audit(subject: PlannedObject) -> Iterator[Place]:
    types = listed(subject.at("enabledClusterLogTypes"))
    if subject.type == CLUSTER and UNKNOWN not in types:
        for wanted in ("api", "audit", "authenticator"):
            if wanted not in types:
                yield "enabledClusterLogTypes", f"without {wanted}"


def _no_private_endpoint(subject: PlannedObject) -> Iterator[Place]:
    return _differs(subject, CLUSTER, "vpcConfig.endpointPrivateAccess", wanted=True, missing=False)


def _remote_access(subject: PlannedObject) -> Iterator[Place]:
    access = subject.at("remoteAccess")
    if subject.type == NODE_GROUP and at(access, "ec2SshKey") and not at(access, "sourceSecurityGroupIds"):
        yield "remoteAccess", "SSH from everywhere"


def _metadata_tokens(subject: PlannedObject) -> Iterator[Place]:
    yield from _differs(subject, TEMPLATE, "metadataOptions.httpTokens", wanted="required")
    hops = subject.at("metadataOptions.httpPutResponseHopLimit", 1)
    if subject.type == TEMPLATE and isinstance(hops, (int, float)) and hops > 1:
        yield "metadataOptions.httpPutResponseHopLimit", int(hops)


def _open_groups(subject: PlannedObject) -> Iterator[Place]:
    """Ingress from everywhere, in each of the three ways to write it."""
    if subject.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        for path in ("cidrIpv4", "cidrIpv6"):
            if subject.at(path) in _EVERYWHERE:
                yield path, subject.at(path)
    if subject.type == "aws:ec2/securityGroup:SecurityGroup":
        for index, rule in enumerate(listed(subject.at("ingress"))):
            for value in (*listed(at(rule, "cidrBlocks")), *listed(at(rule, "ipv6CidrBlocks"))):
                if value in _EVERYWHERE:
                    yield f"ingress[{index}]", value
    if subject.type == "aws:ec2/securityGroupRule:SecurityGroupRule" and subject.at("type") == "ingress":
        for value in (*listed(subject.at("cidrBlocks")), *listed(subject.at("ipv6CidrBlocks"))):
            if value in _EVERYWHERE:
                yield "cidrBlocks", value


def _public_bucket(subject: PlannedObject) -> Iterator[Place]:
    for field in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"):
        yield from _differs(subject, ACCESS_BLOCK, field, wanted=True)
    if subject.type in ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl") and subject.at("acl") in (
        *("public-read", "public-read-write", "authenticated-read"),
    ):
        yield "acl", subject.at("acl")


_POLICIES = frozenset(
    "aws:iam/policy:Policy aws:iam/rolePolicy:RolePolicy aws:iam/userPolicy:UserPolicy "
    "aws:iam/groupPolicy:GroupPolicy".split()
)


def _iam_wildcards(subject: PlannedObject) -> Iterator[Place]:
    text = subject.at("policy") if subject.type in _POLICIES else None
    try:
        statements = json.loads(text)["Statement"] if isinstance(text, str) else []
    except (ValueError, KeyError, TypeError):
        return
    for index, statement in enumerate(statements if isinstance(statements, list) else [statements]):
        actions = at(statement, "Action")
        for action in actions if isinstance(actions, list) else [actions]:
            if (
                at(statement, "Effect") == "Allow"
                and isinstance(action, str)
                and action.endswith(":*") | (action == "*")
            ):
                yield f"policy.Statement[{index}].Action", action


def _administrator(subject: PlannedObject) -> Iterator[Place]:
    token, path = "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "policyArn"
    value = subject.at(path)
    if subject.type == token and isinstance(value, str) and value.endswith(":policy/AdministratorAccess"):
        yield path, "AdministratorAccess"


def _plain_volumes(subject: PlannedObject) -> Iterator[Place]:
    yield from _differs(subject, "aws:efs/fileSystem:FileSystem", "encrypted", wanted=True)
    yield from _differs(subject, "aws:rds/instance:Instance", "storageEncrypted", wanted=True)
    yield from _differs(subject, "aws:ebs/volume:Volume", "encrypted", wanted=True)


def _public_database(subject: PlannedObject) -> Iterator[Place]:
    return _differs(subject, "aws:rds/instance:Instance", "publiclyAccessible", wanted=False, missing=False)


def _no_backup(subject: PlannedObject) -> Iterator[Place]:
    days = subject.at("backupRetentionPeriod", 0)
    if subject.type == "aws:rds/instance:Instance" and isinstance(days, (int, float)) and days < 1:
        yield "backupRetentionPeriod", int(days)


def _no_rotation(subject: PlannedObject) -> Iterator[Place]:
    return _differs(subject, "aws:kms/key:Key", "enableKeyRotation", wanted=True)


RULES = (
    about_objects(
        *(
            "eks-endpoint-is-restricted",
            "The public endpoint of EKS names the ranges that reach it.",
            _open_endpoint,
        ),
        "write publicAccessCidrs, or endpointPublicAccess: false",
        frameworks=("CIS EKS 5.4.1",),
    ),
    about_objects(
        *("eks-has-a-private-endpoint", "Nodes reach the API server of EKS within the VPC.", _no_private_endpoint),
        "write endpointPrivateAccess: true",
        frameworks=("CIS EKS 5.4.2",),
    ),
    about_objects(
        *("eks-secrets-are-encrypted", "Secrets of EKS are encrypted with a key of the account.", _plain_secrets),
        "write encryptionConfig with a KMS key and resources: [secrets]",
        frameworks=("CIS EKS 5.3.1",),
    ),
    about_objects(
        *("eks-audit-logs-are-on", "EKS logs API requests, audit and authentication.", _no_audit),
        "add the type to enabledClusterLogTypes",
        severity=Severity.MEDIUM,
        frameworks=("CIS EKS 2.1.1",),
    ),
    about_objects(
        *("no-remote-access-to-nodes", "No node group takes SSH from everywhere.", _remote_access),
        "remove remoteAccess, and use SSM Session Manager",
    ),
    about_objects(
        *(
            "node-metadata-needs-tokens",
            "Nodes give credentials to requests with a token, over one hop.",
            _metadata_tokens,
        ),
        "write httpTokens: required and httpPutResponseHopLimit: 1",
    ),
    about_objects(
        *("no-security-groups-open-to-everyone", "No security group takes traffic from everywhere.", _open_groups),
        "name the ranges or the security group",
    ),
    about_objects(
        *("no-public-s3-buckets", "No bucket of S3 is public.", _public_bucket),
        "block all four kinds of public access, and write no public acl",
    ),
    about_objects(
        *("no-wildcards-in-iam", "A policy of IAM names its actions.", _iam_wildcards, "name the actions"),
    ),
    about_objects(
        *("no-administrators-in-iam", "No role of the program is an administrator of the account.", _administrator),
        "attach a policy with the actions that are needed",
    ),
    about_objects(
        *("aws-storage-is-encrypted", "Volumes, file systems and databases of AWS are encrypted.", _plain_volumes),
        "write encrypted: true (storageEncrypted for RDS)",
    ),
    about_objects(
        *("no-public-rds-databases", "No database of RDS has a public address.", _public_database),
        "write publiclyAccessible: false",
    ),
    about_objects(
        *("rds-databases-have-backups", "Every database of RDS keeps backups for a day at least.", _no_backup),
        "write backupRetentionPeriod",
    ),
    about_objects(
        *("kms-keys-rotate", "Every key of KMS is rotated.", _no_rotation, "write enableKeyRotation: true"),
        severity=Severity.MEDIUM,
    ),
)
"""The policies of this subject."""
