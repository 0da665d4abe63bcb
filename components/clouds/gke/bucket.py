"""A bucket for artifacts and models: private, versioned, reached without keys."""

from typing import Any, Required, TypedDict

import pulumi_gcp as gcp
from pulumi import Input, Output, ResourceOptions

from components.base.component import Component, kept
from components.clouds.data_validation import check_gcs_bucket
from components.clouds.gke.data_spec import GcsBucketSpec
from components.clouds.gke.workload_identity import GrantOn, WorkloadGrant
from components.clouds.names import GCP_LABELS
from components.findings import refuse
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind

ARCHIVE_CLASS = "NEARLINE"
"""Storage class of replaced objects: as fast as STANDARD, so that an object can be read without a restore request."""
DAY_SECONDS = 24 * 3600


class GcsBucketArgs(TypedDict, total=False):
    """A bucket, its location and the key that encrypts it."""

    project: Required[str]
    """Id of its project."""
    region: Required[str]
    """Location, unless the settings of the bucket have one."""
    bucket: Required[GcsBucketSpec]
    """Settings of the bucket."""
    key_id: Input[str]
    """Cloud KMS key that encrypts it: `projects/…/cryptoKeys/…`; the project's storage service agent must be allowed
    to use it. Default: a key of Google's."""
    keep_data: bool
    """Required in stacks that are not simulated. The bucket is protected and kept when the stack is destroyed; if
    false, it is deleted with all its objects."""


class GcsBucket(Component):
    """A bucket. Pods get access by Workload Identity with `bucket_grants`."""

    url: Output[str]
    """`gs://…`."""

    def __init__(self, name: str, args: GcsBucketArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"bucket {name}", check_gcs_bucket("bucket", args["bucket"], keep_data=bool(args.get("keep_data"))))
        spec, keep = args["bucket"], bool(args.get("keep_data"))
        store = bucket_store(spec)
        super().__init__(name, args, opts)
        self.handle: ObjectStoreHandle = store
        """Handle for components that store objects in it; it contains no keys."""
        bucket = gcp.storage.Bucket(
            f"{name}-bucket",
            name=spec["bucket"],
            project=args["project"],
            location=(spec.get("location") or args["region"]).upper(),
            force_destroy=not keep,
            labels=GCP_LABELS,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=gcp.storage.BucketVersioningArgs(enabled=True),
            soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=int(spec.get("soft_delete_days", 7)) * DAY_SECONDS
            ),
            lifecycle_rules=lifecycle_rules(spec),
            encryption=gcp.storage.BucketEncryptionArgs(default_kms_key_name=args["key_id"])
            if "key_id" in args
            else None,
            opts=kept(self.child, keep=keep),
        )
        self.url = bucket.url
        self.register_outputs({"url": self.url})


def bucket_store(spec: GcsBucketSpec) -> ObjectStoreHandle:
    """The handle of the bucket. Raises `Refused` if the settings are invalid. Pure."""
    return object_store(
        "bucket",
        ObjectStoreArgs(kind=ObjectStoreKind.GCS, bucket=spec["bucket"], prefix=spec.get("prefix") or ""),
    )


def lifecycle_rules(spec: GcsBucketSpec) -> "list[gcp.storage.BucketLifecycleRuleArgs]":
    """Lifecycle rules for incomplete uploads and replaced objects. Pure."""

    def rule(action: dict[str, str], **condition: Any) -> "gcp.storage.BucketLifecycleRuleArgs":
        return gcp.storage.BucketLifecycleRuleArgs(
            action=gcp.storage.BucketLifecycleRuleActionArgs(**action),
            condition=gcp.storage.BucketLifecycleRuleConditionArgs(**condition),
        )

    archive_days = int(spec.get("version_archive_days", 30))
    archive = rule(
        {"type": "SetStorageClass", "storage_class": ARCHIVE_CLASS},
        days_since_noncurrent_time=archive_days,
        with_state="ARCHIVED",
    )
    return [
        rule({"type": "AbortIncompleteMultipartUpload"}, age=int(spec.get("abort_upload_days", 7))),
        *([archive] if archive_days else []),
        rule({"type": "Delete"}, days_since_noncurrent_time=int(spec.get("version_days", 90)), with_state="ARCHIVED"),
    ]


def bucket_grants(purpose: str, bucket: Input[str], write: bool) -> list[WorkloadGrant]:
    """Roles of a service account to read the bucket, or to read and write it. Pure.

    Two roles: neither objectViewer nor objectUser may read the bucket's metadata, which some clients request first.
    """
    role = "roles/storage.objectUser" if write else "roles/storage.objectViewer"
    return [
        WorkloadGrant(purpose=purpose, role=role, on=GrantOn.BUCKET, resource=bucket),
        WorkloadGrant(
            purpose=f"{purpose}-bucket", role="roles/storage.bucketViewer", on=GrantOn.BUCKET, resource=bucket
        ),
    ]
