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
"""Of replaced objects: as fast as STANDARD, so that bringing one back needs no restore."""
DAY_SECONDS = 24 * 3600


class GcsBucketArgs(TypedDict, total=False):
    """A bucket, where it is and who encrypts it."""

    project: Required[str]
    """Id of its project."""
    region: Required[str]
    """Where it is, unless the bucket says otherwise."""
    bucket: Required[GcsBucketSpec]
    """What it is like."""
    key_id: Input[str]
    """Cloud KMS key that encrypts it: `projects/…/cryptoKeys/…`; the project's storage service agent must be allowed
    to use it. Default: a key of Google's."""
    keep_data: bool
    """Required in stacks that are not simulated. The bucket is protected and outlives the stack; without it, it goes
    with all its objects."""


class GcsBucket(Component):
    """A bucket of its own. Pods reach it by Workload Identity with `bucket_grants`."""

    url: Output[str]
    """`gs://…`."""

    def __init__(self, name: str, args: GcsBucketArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"bucket {name}", check_gcs_bucket("bucket", args["bucket"], keep_data=bool(args.get("keep_data"))))
        spec, keep = args["bucket"], bool(args.get("keep_data"))
        store = bucket_store(spec)
        super().__init__(name, args, opts)
        self.handle: ObjectStoreHandle = store
        """For those who keep objects in it; without keys."""
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
    """The handle of the bucket. Pure. Raises `Refused` where it cannot be one."""
    return object_store(
        "bucket",
        ObjectStoreArgs(kind=ObjectStoreKind.GCS, bucket=spec["bucket"], prefix=spec.get("prefix") or ""),
    )


def lifecycle_rules(spec: GcsBucketSpec) -> "list[gcp.storage.BucketLifecycleRuleArgs]":
    """What happens to broken uploads and to what was replaced. Pure."""

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
    """What a service account needs to read the bucket, or to write it as well. Pure.

    Two roles: neither objectViewer nor objectUser may read the bucket itself, which some clients ask for first.
    """
    role = "roles/storage.objectUser" if write else "roles/storage.objectViewer"
    return [
        WorkloadGrant(purpose=purpose, role=role, on=GrantOn.BUCKET, resource=bucket),
        WorkloadGrant(
            purpose=f"{purpose}-bucket", role="roles/storage.bucketViewer", on=GrantOn.BUCKET, resource=bucket
        ),
    ]
