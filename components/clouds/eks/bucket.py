"""A bucket for artifacts and models: private, versioned, encrypted, reached over TLS only and without keys."""

from typing import Any, Required, TypedDict

import pulumi_aws as aws
from pulumi import Input, Output, Resource, ResourceOptions

from components.base.component import Component, kept
from components.clouds.data_validation import check_s3_bucket
from components.clouds.eks.data_spec import S3BucketSpec
from components.clouds.eks.pod_identity import PolicyStatement, policy_json
from components.clouds.names import aws_tags, partition
from components.findings import refuse
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind

ARCHIVE_CLASS = "STANDARD_IA"
"""Storage class of replaced objects: as fast as STANDARD, so that an object can be read without a restore request."""


class S3BucketArgs(TypedDict, total=False):
    """A bucket, its location and the key that encrypts it."""

    region: Required[str]
    """Region of the bucket."""
    bucket: Required[S3BucketSpec]
    """Settings of the bucket."""
    key_arn: Input[str]
    """KMS key that encrypts it; its readers need `kms:Decrypt`. Default: a key of S3 (SSE-S3)."""
    keep_data: bool
    """Required in stacks that are not simulated. The bucket is protected and kept when the stack is destroyed; if
    false, it is deleted with all its objects.
    """


class S3Bucket(Component):
    """A bucket. Pods get access by Pod Identity with `bucket_statements`."""

    arn: Output[str]
    """ARN of the bucket, for IAM policies."""

    def __init__(self, name: str, args: S3BucketArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"bucket {name}", check_s3_bucket("bucket", args["bucket"], keep_data=bool(args.get("keep_data"))))
        store = bucket_store(args)
        super().__init__(name, args, opts)
        self.handle: ObjectStoreHandle = store
        """Handle for components that store objects in it; it contains no keys."""
        spec, keep = args["bucket"], bool(args.get("keep_data"))
        # All parts are kept with the bucket: without them the bucket would be public or unreadable.
        options = kept(self.child, keep=keep)
        bucket = aws.s3.Bucket(
            f"{name}-bucket", bucket=spec["bucket"], force_destroy=not keep, tags=aws_tags(name), opts=options
        )
        self._close(name, bucket, bucket_arn(spec["bucket"], args["region"]), options)
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=bucket.bucket, rules=[encryption_rule(args.get("key_arn"))], opts=options
        )
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=options,
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle", bucket=bucket.bucket, rules=lifecycle_rules(spec), opts=_after(options, versioning)
        )
        if spec.get("log_bucket"):
            aws.s3.BucketLogging(
                f"{name}-log",
                bucket=bucket.bucket,
                target_bucket=spec["log_bucket"],
                target_prefix=f"{spec['bucket']}/",
                opts=options,
            )
        self.arn = bucket.arn
        self.register_outputs({"arn": self.arn})

    def _close(self, name: str, bucket: "aws.s3.Bucket", arn: str, options: ResourceOptions) -> None:
        """No access from outside the account, or without TLS. In sequence: S3 refuses two such calls at once."""
        owner = aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=options,
        )
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=_after(options, owner),
        )
        aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=policy_json(tls_only(arn)),
            opts=_after(options, block),
        )


def _after(options: ResourceOptions, *resources: Resource) -> ResourceOptions:
    return ResourceOptions.merge(options, ResourceOptions(depends_on=[*resources]))


def bucket_store(args: S3BucketArgs) -> ObjectStoreHandle:
    """The handle of the bucket. Raises `Refused` if the settings are invalid. Pure."""
    spec = args["bucket"]
    return object_store(
        "bucket",
        ObjectStoreArgs(
            kind=ObjectStoreKind.S3,
            bucket=spec["bucket"],
            prefix=spec.get("prefix") or "",
            region=args["region"],
        ),
    )


def bucket_arn(bucket: str, region: str) -> str:
    """The ARN of a bucket by its name. Pure."""
    return f"arn:{partition(region)}:s3:::{bucket}"


def bucket_statements(bucket_arn: Input[str], write: bool, key_arn: Input[str] | None = None) -> list[PolicyStatement]:
    """Permissions of a service account to read the bucket, or to read and write it. Pure."""
    objects = ["s3:GetObject"]
    bucket, key = ["s3:ListBucket", "s3:GetBucketLocation"], ["kms:Decrypt"]
    if write:
        objects += ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        bucket.append("s3:ListBucketMultipartUploads")
        key.append("kms:GenerateDataKey")
    statements = [
        PolicyStatement(actions=bucket, resources=[bucket_arn]),
        PolicyStatement(actions=objects, resources=[below(bucket_arn)]),
    ]
    if key_arn is not None:
        statements.append(PolicyStatement(actions=key, resources=[key_arn]))
    return statements


def below(bucket_arn: Input[str]) -> Input[str]:
    """The ARN of all objects in a bucket. Pure."""
    return f"{bucket_arn}/*" if isinstance(bucket_arn, str) else Output.format("{0}/*", bucket_arn)


def tls_only(bucket_arn: Input[str]) -> dict[str, Any]:
    """A bucket policy that denies requests without TLS. Pure."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [bucket_arn, below(bucket_arn)],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def encryption_rule(key_arn: Input[str] | None) -> "aws.s3.BucketServerSideEncryptionConfigurationRuleArgs":
    """Server-side encryption. With a KMS key, a bucket key is used: otherwise each object costs a request
    to KMS. Pure.
    """
    algorithm = "AES256" if key_arn is None else "aws:kms"
    return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=(
            aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm=algorithm, kms_master_key_id=key_arn
            )
        ),
        bucket_key_enabled=key_arn is not None,
    )


def lifecycle_rules(spec: S3BucketSpec) -> "list[aws.s3.BucketLifecycleConfigurationRuleArgs]":
    """Lifecycle rules for incomplete uploads and replaced objects. Pure."""
    rule = aws.s3.BucketLifecycleConfigurationRuleArgs
    everything = aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix="")
    archive_days = int(spec.get("version_archive_days", 30))
    return [
        rule(
            id="broken-uploads",
            status="Enabled",
            filter=everything,
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=int(spec.get("abort_upload_days", 7))
                )
            ),
        ),
        rule(
            id="old-versions",
            status="Enabled",
            filter=everything,
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=int(spec.get("version_days", 90))
            ),
            noncurrent_version_transitions=[
                aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionTransitionArgs(
                    noncurrent_days=archive_days, storage_class=ARCHIVE_CLASS
                )
            ]
            if archive_days
            else None,
            # A delete marker without versions only makes listings slower.
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
        ),
    ]
