"""Declares the storage of experiments, models and artifacts: object store, database, tracking server, backups."""

from typing import NamedTuple, cast

import pulumi
from pydantic import SecretStr

from components.addons.gateway_spec import GatewayHandle
from components.addons.routes import hostname
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.storage.object_store import ObjectStoreCredentials
from components.storage.object_store_plan import object_store
from components.storage.object_store_server import ObjectStoreServer, ObjectStoreServerArgs
from components.storage.plan import ObjectStoreHandle, StoragePurpose
from components.tenants.plan import SERVING_ACCOUNT, TRAINING_ACCOUNT
from components.tracking.backup import DatabaseBackup, DatabaseBackupArgs
from components.tracking.database import Database, ExternalDatabase, ExternalDatabaseArgs
from components.tracking.spec import TrackingHandle
from components.tracking.tracking_server import TrackingServer, TrackingServerArgs
from settings.models.platform import (
    BasicLogin,
    ExistingDatabase,
    ExistingStore,
    InClusterDatabase,
    InClusterStore,
    ManagedGcs,
    ManagedS3,
)
from settings.settings import MLFLOW_NAMESPACE, STORE_NAMESPACE, Settings
from stacks.addons import Addons
from stacks.cluster import DeclaredCluster

STORE_KEYS = "object-store-keys"
READS, WRITES = "reads", "reads and writes"


class Keys(NamedTuple):
    """Id and secret of an object store's access key; secrets."""

    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]


class Data(NamedTuple):
    """Handles for tenants and workloads."""

    store: ObjectStoreHandle
    keys: Keys | None
    tracking: TrackingHandle
    hostname: str


def declare_data(settings: Settings, cluster: DeclaredCluster, addons: Addons) -> Data:
    """Declare all data services, each after its dependencies."""
    store, keys = _object_store(settings, cluster, addons)
    home = IsolatedNamespace(
        "mlflow-home",
        {
            "namespace": MLFLOW_NAMESPACE,
            "pod_security": PodSecurity.RESTRICTED,
            "labels": addons.gateway_handle["route_namespace_labels"],
            "network": settings.network,
        },
        cluster.opts(*cluster.nodes),
    )
    after = cluster.opts(home, addons.postgresql)
    credentials = _credentials("mlflow-store", MLFLOW_NAMESPACE, store, keys, after)
    database = _database(settings, cluster, addons, home, after)
    identities = [
        identity
        for account in ("mlflow", "mlflow-backup")
        for identity in grant_store(settings, cluster, f"store-{account}", MLFLOW_NAMESPACE, account, write=True)
    ]
    before = [database, *identities, *([credentials] if credentials else [])]
    exposed, public_name = exposure(settings, addons.gateway_handle)
    written_server = cast(TrackingServerArgs, settings.mlflow.server or {})
    writers = dict(settings.account_annotations.writers)
    server = TrackingServer(
        "mlflow",
        {
            **written_server,
            "service_account_annotations": {**writers, **(written_server.get("service_account_annotations") or {})},
            "namespace": MLFLOW_NAMESPACE,
            "database": database.handle,
            "artifacts": store,
            "credentials_fingerprint": credentials.fingerprint if credentials else "",
            "highly_available": settings.environment.highly_available,
            **exposed,
            "monitoring_namespace": addons.monitoring_handle["namespace"],
        },
        cluster.opts(*before),
    )
    written = cast(DatabaseBackupArgs, settings.mlflow.backup.args())
    backup: DatabaseBackupArgs = {
        **written,
        "namespace": home.namespace,
        "database": database.handle,
        "store": store,
        "service_account_annotations": writers,
    }
    DatabaseBackup(
        "mlflow-backup",
        backup,
        cluster.opts(*before),
    )
    return Data(store, keys, server.handle, public_name)


def exposure(settings: Settings, gateway: GatewayHandle) -> tuple[TrackingServerArgs, str]:
    """The tracking server's arguments for access from outside, and its host name. Pure."""
    ingress, domain, host = settings.mlflow.ingress, settings.domains[0]["name"], settings.mlflow.host
    if ingress:
        return cast(TrackingServerArgs, {"ingress": ingress}), ingress["hostname"]
    exposed: TrackingServerArgs = {"route": {"gateway": gateway, "domain": domain, "host": host}}  # type: ignore[typeddict-item]
    if isinstance(settings.mlflow.login, BasicLogin):
        exposed["login"] = {"users_secret_name": settings.mlflow.login.users_secret_name}
    return exposed, hostname(gateway, domain, host)


def _object_store(
    settings: Settings, cluster: DeclaredCluster, addons: Addons
) -> tuple[ObjectStoreHandle, Keys | None]:
    chosen = settings.object_store
    if cluster.cloud.store is not None:
        assert isinstance(chosen, (ManagedS3, ManagedGcs))
        store = cluster.cloud.store
        return ({**store, "ranges": chosen.ranges} if chosen.ranges else store), None
    if isinstance(chosen, ExistingStore):
        keys = _given_keys(chosen.access_key_id, chosen.secret_access_key)
        return _existing_handle(settings), keys
    assert isinstance(chosen, InClusterStore)
    return _own_store(chosen, settings, cluster, addons)


def _existing_handle(settings: Settings) -> ObjectStoreHandle:
    """The handle of an existing bucket."""
    chosen = settings.object_store
    assert isinstance(chosen, ExistingStore)
    written = chosen.model_dump(exclude={"access_key_id", "secret_access_key", "identity"}, exclude_none=True)
    secret = STORE_KEYS if chosen.access_key_id else ""
    return object_store("objectStore", {**written, "credentials_secret_name": secret})  # type: ignore[typeddict-item]


def grant_store(
    settings: Settings, cluster: DeclaredCluster, name: str, namespace: pulumi.Input[str], account: str, *, write: bool
) -> list[pulumi.Resource]:
    """Resources that grant a service account access to the bucket of the cluster's cloud; empty elsewhere. Pods depend
    on them.
    """
    if not settings.binds_accounts:
        return []
    store = cluster.cloud.store or _existing_handle(settings)
    return [*cluster.cloud.grant_store(name, namespace, account, store, write=write)]


def store_accounts(settings: Settings) -> dict[str, str]:
    """Subject of each service account with access to the store without keys -> its access. Pure.

    A cloud that the platform does not manage must trust them; empty with keys or if the platform binds the accounts.
    """
    if not isinstance(settings.object_store, ExistingStore) or settings.object_store.identity is None:
        return {}
    subjects = {f"system:serviceaccount:{MLFLOW_NAMESPACE}:{name}": WRITES for name in ("mlflow", "mlflow-backup")}
    for name, team in settings.teams.items():
        prefix = f"system:serviceaccount:{team.get('namespace') or name}"
        subjects |= {f"{prefix}:{TRAINING_ACCOUNT}": WRITES, f"{prefix}:{SERVING_ACCOUNT}": READS}
    return subjects


def _own_store(
    chosen: InClusterStore, settings: Settings, cluster: DeclaredCluster, addons: Addons
) -> tuple[ObjectStoreHandle, Keys]:
    teams = [team.get("namespace") or name for name, team in settings.teams.items()]
    args: ObjectStoreServerArgs = {
        "namespace": STORE_NAMESPACE,
        "bucket": chosen.bucket,
        "storage": addons.storage[StoragePurpose.STANDARD],
        "storage_gib": chosen.storage_gib,
        "key_generation": chosen.key_generation,
        "client_namespaces": [MLFLOW_NAMESPACE, *teams],
        "keep_data": settings.keep_data,
        "network": settings.network,
    }
    server = ObjectStoreServer("object-store", {**args, **chosen.size()}, cluster.opts(*cluster.nodes))
    return server.handle, Keys(server.access_key_id, server.secret_access_key)


def _given_keys(access_key_id: SecretStr | None, secret_access_key: SecretStr | None) -> Keys | None:
    if access_key_id is None or secret_access_key is None:
        return None
    return Keys(*(pulumi.Output.secret(half.get_secret_value()) for half in (access_key_id, secret_access_key)))


def _credentials(
    name: str, namespace: pulumi.Input[str], store: ObjectStoreHandle, keys: Keys | None, opts: pulumi.ResourceOptions
) -> ObjectStoreCredentials | None:
    """The store's keys in one namespace; nothing with workload identity."""
    if keys is None:
        return None
    return ObjectStoreCredentials(name, {"namespace": namespace, "store": store, **keys._asdict()}, opts)  # type: ignore[typeddict-item]


def _database(
    settings: Settings, cluster: DeclaredCluster, addons: Addons, home: IsolatedNamespace, opts: pulumi.ResourceOptions
) -> Database | ExternalDatabase:
    chosen = settings.mlflow.database
    if cluster.cloud.database is not None:
        made: ExternalDatabaseArgs = {**cluster.cloud.database, "namespace": home.namespace}
        return ExternalDatabase("mlflow-database", made, opts)
    if isinstance(chosen, ExistingDatabase):
        password = pulumi.Output.secret(chosen.password.get_secret_value())
        written = cast(ExternalDatabaseArgs, chosen.model_dump(exclude={"kind", "password"}, exclude_none=True))
        external: ExternalDatabaseArgs = {**written, "namespace": home.namespace, "password": password}
        return ExternalDatabase("mlflow-database", external, opts)
    assert isinstance(chosen, InClusterDatabase)
    return Database(
        "mlflow-database",
        {
            "namespace": home.namespace,
            "storage": addons.storage[StoragePurpose.STANDARD],
            "storage_gib": chosen.storage_gib,
            "cpu_millis": chosen.cpu_millis,
            "memory_mib": chosen.memory_mib,
            "highly_available": settings.environment.highly_available,
            "keep_data": settings.keep_data,
            "operator_namespace": addons.postgresql.operator["namespace"],
            "operator_pods": addons.postgresql.operator["pods"],
            "monitoring_namespace": addons.monitoring_handle["namespace"],
            "api_server_ports": settings.network["api_server_ports"],
        },
        opts,
    )
