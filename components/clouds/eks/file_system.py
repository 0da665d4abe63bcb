"""An EFS file system with a mount target in every zone of the cluster, for ReadWriteMany volumes (checkpoints,
datasets).
"""

from typing import Any, Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component, kept
from components.clouds.data_validation import check_efs_file_system
from components.clouds.eks.data_spec import EfsFileSystemSpec
from components.clouds.eks.handles import EksHandle
from components.clouds.eks.network import security_group_from_nodes
from components.clouds.eks.pod_identity import PolicyStatement, policy_json
from components.clouds.names import aws_tags, deterministic_name
from components.findings import refuse

NFS_PORT = 2049
TOKEN_LENGTH = 64
"""Longest creation token, with which EFS makes creation idempotent (botocore efs, CreationToken)."""


class EfsFileSystemArgs(TypedDict, total=False):
    """A file system for a cluster."""

    cluster: Required[EksHandle]
    """Cluster whose nodes mount it."""
    file_system: Required[EfsFileSystemSpec]
    """Settings of the file system."""
    key_arn: Input[str]
    """KMS key that encrypts it. Default: the cluster's."""
    keep_data: bool
    """Required in stacks that are not simulated. The file system is protected and kept when the stack is destroyed."""


class EfsFileSystem(Component):
    """An encrypted file system with a mount target in every zone, reached from the cluster's nodes over TLS."""

    file_system_id: Output[str]
    """For storage classes: their parameter `fileSystemId`."""
    arn: Output[str]
    """For the driver's policy (`driver_statements`)."""

    def __init__(self, name: str, args: EfsFileSystemArgs, opts: ResourceOptions | None = None) -> None:
        keep, cluster, spec = bool(args.get("keep_data")), args["cluster"], args["file_system"]
        refuse(f"file system {name}", check_efs_file_system("fileSystem", spec, keep_data=keep))
        super().__init__(name, args, opts)
        options = kept(self.child, keep=keep)
        token = Output.from_input(cluster["name"]).apply(lambda of: deterministic_name(TOKEN_LENGTH, of, name))
        system = aws.efs.FileSystem(
            f"{name}-file-system",
            creation_token=token,
            encrypted=True,
            kms_key_id=args.get("key_arn", cluster["key_arn"]),
            throughput_mode="elastic",
            lifecycle_policies=lifecycle_policies(int(spec.get("infrequent_after_days", 30))),
            tags={**aws_tags(name), "Name": token},
            opts=options,
        )
        aws.efs.FileSystemPolicy(
            f"{name}-policy", file_system_id=system.id, policy=policy_json(mount_policy(system.arn)), opts=options
        )
        aws.efs.BackupPolicy(
            f"{name}-backup",
            file_system_id=system.id,
            backup_policy=aws.efs.BackupPolicyBackupPolicyArgs(
                status="ENABLED" if spec.get("daily_backups", True) else "DISABLED"
            ),
            opts=options,
        )
        targets = self._mount_targets(name, cluster, system, token, options)
        # Resolves once the file system can be mounted in every zone.
        self.file_system_id = Output.all(system.id, *[target.id for target in targets]).apply(lambda ids: str(ids[0]))
        self.arn = system.arn
        self.register_outputs({"fileSystemId": self.file_system_id, "arn": self.arn})

    def _mount_targets(
        self, name: str, cluster: EksHandle, system: "aws.efs.FileSystem", token: Output[str], options: ResourceOptions
    ) -> "list[aws.efs.MountTarget]":
        group, rule = security_group_from_nodes(name, cluster, Output.concat(token, "-nfs"), "NFS", NFS_PORT, options)
        return [
            aws.efs.MountTarget(
                f"{name}-{zone}",
                file_system_id=system.id,
                subnet_id=subnet,
                security_groups=[group.id],
                opts=ResourceOptions.merge(options, ResourceOptions(depends_on=[rule])),
            )
            for zone, subnet in sorted(cluster["network"]["private_subnet_ids"].items())
        ]


def lifecycle_policies(days: int) -> "list[aws.efs.FileSystemLifecyclePolicyArgs]":
    """Lifecycle policies of files without access. Pure."""
    if not days:
        return []
    policy = aws.efs.FileSystemLifecyclePolicyArgs
    return [
        policy(transition_to_ia=f"AFTER_{days}_DAY{'S' if days > 1 else ''}"),
        policy(transition_to_primary_storage_class="AFTER_1_ACCESS"),
    ]


def mount_policy(file_system_arn: Input[str]) -> dict[str, Any]:
    """Allows mounts through a mount target, over TLS (EFS User Guide, iam-access-control). Pure."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ThroughMountTargets",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "elasticfilesystem:ClientMount",
                    "elasticfilesystem:ClientWrite",
                    "elasticfilesystem:ClientRootAccess",
                ],
                "Resource": file_system_arn,
                "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "*",
                "Resource": file_system_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def driver_statements(file_system_arn: Input[str]) -> list[PolicyStatement]:
    """IAM permissions of the EFS CSI driver's controller (`efs-csi-controller-sa`, kube-system) on this file system.
    Pure.

    Source: kubernetes-sigs/aws-efs-csi-driver docs/iam-policy-example.json.
    """
    return [
        PolicyStatement(
            actions=["elasticfilesystem:DescribeFileSystems", "elasticfilesystem:DescribeMountTargets"],
            resources=[file_system_arn],
        ),
        PolicyStatement(
            actions=["elasticfilesystem:DescribeAccessPoints", "ec2:DescribeAvailabilityZones"],
            resources=["*"],
            any_because="access points and zones can only be listed by region",
        ),
        PolicyStatement(
            actions=["elasticfilesystem:CreateAccessPoint"],
            resources=[file_system_arn],
            condition={"StringEquals": {"aws:RequestTag/efs.csi.aws.com/cluster": "true"}},
        ),
        PolicyStatement(
            actions=["elasticfilesystem:TagResource", "elasticfilesystem:DeleteAccessPoint"],
            resources=["*"],
            condition={"StringEquals": {"aws:ResourceTag/efs.csi.aws.com/cluster": "true"}},
            any_because="the driver creates the access points; the statement selects them by the driver's tag",
        ),
    ]
