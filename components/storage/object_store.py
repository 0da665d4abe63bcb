"""Object stores: one handle for S3, Google Cloud Storage and any S3-compatible endpoint, and the keys to them.

Keys are only in Secrets. Every namespace that uses a store has a Secret of the same name and shape
(`ObjectStoreCredentials`); a store with workload identity needs none.
"""

import hashlib
from typing import TypedDict

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.base.component import Component
from components.base.labels import LABELS
from components.storage.object_store_plan import ACCESS_KEY_ID, SECRET_ACCESS_KEY, kserve_annotations
from components.storage.plan import ObjectStoreHandle

FINGERPRINT_ANNOTATION = "mlplatform.dev/credentials"
"""On pods that read keys only at their start: new keys restart them."""
SAME_OWNER = {"pulumi.com/patchFieldManager": "mlplatform"}
"""On objects with generated values, or values derived from them. The provider owns fields under a generated name in the
state; if that is lost, other values of the next run would be conflicts with another owner."""


class ObjectStoreCredentialsArgs(TypedDict):
    """The keys of a store, for one namespace."""

    namespace: Input[str]
    """Existing namespace."""
    store: ObjectStoreHandle
    """The store of the keys."""
    access_key_id: Input[str]
    """Access key; kept as a secret."""
    secret_access_key: Input[str]
    """Secret key; kept as a secret."""


class ObjectStoreCredentials(Component):
    """The Secret with which one namespace connects to an object store; none with workload identity."""

    fingerprint: Output[str]
    """Changes with the keys, and reveals nothing else about them: for the annotation that restarts pods."""

    def __init__(self, name: str, args: ObjectStoreCredentialsArgs, opts: ResourceOptions | None = None) -> None:
        access_key_id, secret_access_key = (
            Output.secret(args["access_key_id"]),
            Output.secret(args["secret_access_key"]),
        )
        kept = {**args, "access_key_id": access_key_id, "secret_access_key": secret_access_key}
        super().__init__(name, kept, opts)
        store = args["store"]
        if store["credentials_secret_name"]:
            core.v1.Secret(
                f"{name}-secret",
                metadata=meta.v1.ObjectMetaArgs(
                    name=store["credentials_secret_name"],
                    namespace=args["namespace"],
                    labels=LABELS,
                    annotations={**SAME_OWNER, **kserve_annotations(store)},
                ),
                string_data={ACCESS_KEY_ID: access_key_id, SECRET_ACCESS_KEY: secret_access_key},
                opts=self.child,
            )
        self.fingerprint = fingerprint_of(access_key_id, secret_access_key)
        self.register_outputs({"fingerprint": self.fingerprint})


def fingerprint_of(*secrets: Input[str]) -> Output[str]:
    """64 bits of the SHA-256 of secrets; not a secret itself. Only for random keys."""
    digest = Output.all(*secrets).apply(lambda parts: hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16])
    return Output.unsecret(digest)
