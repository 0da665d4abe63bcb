"""Storage classes, the object store and the tracking server."""

from collections.abc import Iterator

from components.addons.gateway_spec import GatewaySpec, is_envoy
from components.base.grammar import (
    ANNOTATION_KEY,
    check_text,
)
from components.base.images import check_image
from components.base.names import check_object_name
from components.findings import Finding
from components.storage.plan import ObjectStoreKind, StoragePurpose, plan_storage_classes
from components.storage.validation import (
    KeysOfStore,
    check_bucket,
    check_object_store,
    check_storage_classes,
    check_store_ranges,
)
from components.tracking.validation import check_backup, check_external_database, check_tracking_server
from settings.errors import SECRET, shown
from settings.models.platform import BasicLogin, ExistingDatabase, ExistingStore, InClusterStore, Mlflow
from settings.partial import as_far_as_known
from settings.settings import PROJECT, Settings
from settings.validation.remedies import correct

_KEYS = KeysOfStore(
    "accessKeyId",
    "set accessKeyId and secretAccessKey: pulumi config set --secret --path",
    "remove accessKeyId and secretAccessKey",
)


@as_far_as_known
def check_storage(settings: Settings) -> Iterator[Finding]:
    rows = settings.storage.get("declared") or []
    # Of two of one purpose, the first has the findings of the class; that there are two is one of its own.
    written = {row["purpose"]: f"storage.declared[{index}]" for index, row in reversed([*enumerate(rows)])}
    yield from check_storage_classes("storage", plan_storage_classes(PROJECT, settings.storage_args), written)
    for index, row in enumerate(rows):
        path, listed = f"storage.declared[{index}]", "as kubectl get storageclass lists it"
        if row.get("class_name") == "":
            rule = "the name of a class that the cluster has; without the line the platform makes one"
            yield Finding(f"{path}.className", "(empty)", rule, f"write it {listed}, or remove the line")
        if row.get("provisioner") == "" and not row.get("class_name"):
            rule = "a class that the platform makes has a provisioner"
            yield Finding(f"{path}.provisioner", "(empty)", rule, f"write it {listed}")
    declared = [str(one["purpose"]) for one in rows]
    for purpose in sorted({purpose for purpose in declared if declared.count(purpose) > 1}):
        yield Finding(
            "storage.declared",
            f"{purpose} {declared.count(purpose)} times",
            "each purpose has one class",
            "keep one of them",
        )
    for purpose, parameters in (settings.storage.get("parameters") or {}).items():
        # Components take ids that are not known yet as well, so the shape leaves them open.
        for key, value in parameters.items():
            if not isinstance(value, str):
                path = f"storage.parameters.{purpose}.{key}"
                yield Finding(path, shown(value), "text", "write it in quotes")
        if purpose not in [*StoragePurpose]:
            rule = f"by purpose: {', '.join(StoragePurpose)}"
            yield Finding(f"storage.parameters.{purpose}", purpose, rule, correct(purpose, [*StoragePurpose]))
    standard = settings.storage_handles.get(StoragePurpose.STANDARD)
    if standard is None or "ReadWriteOnce" not in standard["access_modes"]:
        yield Finding(
            "storage.declared",
            f"{standard['class_name']}: {', '.join(standard['access_modes'])}" if standard else "(none for standard)",
            "Prometheus, PostgreSQL and the object store in the cluster keep their data on ReadWriteOnce volumes of "
            "the class for standard",
            "declare it: purpose: standard, className (kubectl get storageclass), provisioner, encryption",
        )


@as_far_as_known
def check_store(settings: Settings) -> Iterator[Finding]:
    store = settings.object_store
    if isinstance(store, InClusterStore):
        yield from check_bucket("objectStore.bucket", store.bucket)
    elif not isinstance(store, ExistingStore):
        yield from check_store_ranges("objectStore.ranges", store.ranges)
    if not isinstance(store, ExistingStore):
        return
    keys = (store.access_key_id, store.secret_access_key)
    if any(keys) and not all(keys):
        missing = "secretAccessKey" if store.access_key_id else "accessKeyId"
        yield Finding(
            f"objectStore.{missing}",
            "(missing)",
            "a key has two halves",
            f"set it with pulumi config set --secret --path '{PROJECT}:objectStore.{missing}', or remove the other one "
            "(workload identity)",
        )
    yield from _store_identity(settings, store)
    args = store.model_dump(exclude={"access_key_id", "secret_access_key", "identity"}, exclude_none=True)
    known = {**args, "credentials_secret_name": SECRET if any(keys) else ""}
    yield from check_object_store("objectStore", known, _KEYS)


def _store_identity(settings: Settings, store: ExistingStore) -> Iterator[Finding]:
    """Pods have one kind of access to the bucket: keys, grants of the platform, or an identity bound outside."""
    path, keys = "objectStore.identity", bool(store.access_key_id or store.secret_access_key)
    if store.kind is ObjectStoreKind.S3_COMPATIBLE:  # needs keys, which is reported with the store
        if store.identity is not None:
            yield Finding(path, "(given)", "an s3-compatible store needs keys", "remove identity, set accessKeyId")
    elif store.identity is not None and (keys or settings.binds_accounts):
        rule = "keys or an identity" if keys else f"on {settings.cluster.kind} the platform binds the service accounts"
        yield Finding(path, "(given)", rule, "remove identity" + (", or the keys" if keys else ""))
    elif store.identity is None and not keys and _is_bound_outside(settings):
        yield Finding(
            path,
            "(missing)",
            f"pods reach a bucket of {store.kind} by keys, or by their service accounts, which {settings.cluster.kind} "
            "does not bind by itself",
            "set identity.writers and identity.readers to the annotations of the service accounts (an empty identity "
            "where they are bound in the cloud by name), or set accessKeyId and secretAccessKey with pulumi config set "
            "--secret --path",
        )
    annotations = {"writers": store.identity.writers, "readers": store.identity.readers} if store.identity else {}
    for role, written in annotations.items():
        for key in written:
            yield from check_text(f"{path}.{role}", key, ANNOTATION_KEY)


def _is_bound_outside(settings: Settings) -> bool:
    """Whether identities of pods are bound outside of the platform. In a simulated cluster no pod needs one."""
    return not settings.binds_accounts and not settings.cluster.is_simulated


@as_far_as_known
def check_mlflow(settings: Settings) -> Iterator[Finding]:
    mlflow = settings.mlflow
    yield from check_backup("mlflow.backup", mlflow.backup.schedule, mlflow.backup.retention_days)
    if mlflow.backup.image is not None:
        yield from check_image("mlflow.backup.image", mlflow.backup.image)
    yield from check_tracking_server("mlflow.server", {**(mlflow.server or {})})
    yield from _ingress(mlflow)
    yield from _login(settings)
    if isinstance(mlflow.database, ExistingDatabase):
        yield from check_external_database("mlflow.database", mlflow.database.model_dump(exclude={"password"}))


@as_far_as_known
def _login(settings: Settings) -> Iterator[Finding]:
    """MLflow has no login of its own: everybody who reaches it may delete everything."""
    login, path = settings.mlflow.login, "mlflow.login"
    if login is None and not settings.cluster.is_simulated:
        yield Finding(
            path,
            "(missing)",
            "the tracking server is published without authentication",
            "choose kind basic with usersSecretName, or kind none if a proxy in front of the gateway authenticates",
        )
    if not isinstance(login, BasicLogin):
        return
    yield from check_object_name(f"{path}.usersSecretName", login.users_secret_name)
    behind = "mlflow.ingress" if settings.mlflow.ingress else "gateway.implementation existing"
    if settings.mlflow.ingress or not is_envoy(settings.gateway or GatewaySpec()):
        yield Finding(
            f"{path}.kind",
            f"basic, behind {behind}",
            "the platform's own Envoy Gateway asks for it",
            "let what answers there ask, and write kind none",
        )


@as_far_as_known
def _ingress(mlflow: Mlflow) -> Iterator[Finding]:
    if mlflow.ingress is None:
        return
    yield from check_tracking_server("mlflow", {"ingress": mlflow.ingress})
    if "host" in mlflow.model_fields_set:
        rule = "only one of: a name of the gateway, an Ingress with a separate hostname"
        yield Finding("mlflow.host", mlflow.host, rule, "remove host or ingress")
