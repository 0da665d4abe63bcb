"""Where experiments, models and artifacts live: object store, database, tracking server, backups."""

from typing import NamedTuple, cast

import pulumi
from pydantic import SecretStr

from components.addons.gateway import GatewayHandle
from components.mlflow.backup import DatabaseBackup, DatabaseBackupArgs
from components.mlflow.database import Database, ExternalDatabase, ExternalDatabaseArgs
from components.mlflow.tracking_server import TrackingHandle, TrackingServer, TrackingServerArgs
from components.namespaces import IsolatedNamespace, PodSecurity
from components.routes import hostname
from components.storage.object_store import ObjectStoreCredentials, object_store
from components.storage.object_store_server import ObjectStoreServer
from components.stores import ObjectStoreHandle, StoragePurpose
from stacks.addons import Addons
from stacks.cluster import Cluster
from stacks.models.platform import ExistingDatabase, ExistingStore, InClusterDatabase, InClusterStore
from stacks.settings import MLFLOW_NAMESPACE, STORE_NAMESPACE, Settings

STORE_KEYS = "object-store-keys"


class Keys(NamedTuple):
    """The two halves of an object store's key; secrets."""

    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]


class Data(NamedTuple):
    """What tenants and workloads take."""

    store: ObjectStoreHandle
    keys: Keys | None
    tracking: TrackingHandle
    hostname: str


def declare_data(settings: Settings, cluster: Cluster, addons: Addons) -> Data:
    """All of it, each after what it needs."""
    store, keys = _object_store(settings, cluster, addons)
    home = IsolatedNamespace(
        "mlflow-home",
        {
            "namespace": MLFLOW_NAMESPACE,
            "pod_security": PodSecurity.RESTRICTED,
            "labels": addons.gateway_handle["route_namespace_labels"],
        },
        cluster.opts(*cluster.nodes),
    )
    after = cluster.opts(home, addons.postgresql)
    credentials = _credentials("mlflow-store", MLFLOW_NAMESPACE, store, keys, after)
    database = _database(settings, cluster, addons, home, after)
    identities = [
        identity
        for account in ("mlflow", "mlflow-backup")
        for identity in let_in(cluster, f"store-{account}", MLFLOW_NAMESPACE, account, store, write=True)
    ]
    before = [database, *identities, *([credentials] if credentials else [])]
    exposed, public_name = way_in(settings, addons.gateway_handle)
    server = TrackingServer(
        "mlflow",
        {
            **cast(TrackingServerArgs, settings.mlflow.server or {}),
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
    }
    DatabaseBackup(
        "mlflow-backup",
        backup,
        cluster.opts(*before),
    )
    return Data(store, keys, server.handle, public_name)


def way_in(settings: Settings, gateway: GatewayHandle) -> tuple[TrackingServerArgs, str]:
    """How people reach the tracking server, a part of its arguments, and under which name. Pure."""
    ingress, domain, host = settings.mlflow.ingress, settings.domains[0]["name"], settings.mlflow.host
    if ingress:
        return cast(TrackingServerArgs, {"ingress": ingress}), ingress["hostname"]
    route = {"gateway": gateway, "domain": domain, "host": host}
    return cast(TrackingServerArgs, {"route": route}), hostname(gateway, domain, host)


def _object_store(settings: Settings, cluster: Cluster, addons: Addons) -> tuple[ObjectStoreHandle, Keys | None]:
    chosen = settings.object_store
    if cluster.cloud is not None and cluster.cloud.store is not None:
        return cluster.cloud.store, None
    if isinstance(chosen, ExistingStore):
        keys = _given_keys(chosen.access_key_id, chosen.secret_access_key)
        written = chosen.model_dump(exclude={"access_key_id", "secret_access_key"}, exclude_none=True)
        store = object_store("objectStore", {**written, "credentials_secret_name": STORE_KEYS if keys else ""})  # type: ignore[typeddict-item]
        return store, keys
    assert isinstance(chosen, InClusterStore)
    return _own_store(chosen, settings, cluster, addons)


def let_in(
    cluster: Cluster,
    name: str,
    namespace: pulumi.Input[str],
    account: str,
    store: ObjectStoreHandle,
    *,
    write: bool,
) -> list[pulumi.Resource]:
    """What lets a service account into the store where it has no keys; nothing elsewhere. Its pods start after it."""
    if cluster.cloud is None or store["credentials_secret_name"] or store["endpoint"]:
        return []
    return [cluster.cloud.let_in(name, namespace, account, store, write=write)]


def _own_store(
    chosen: InClusterStore, settings: Settings, cluster: Cluster, addons: Addons
) -> tuple[ObjectStoreHandle, Keys]:
    teams = [team.get("namespace") or name for name, team in settings.teams.items()]
    server = ObjectStoreServer(
        "object-store",
        {
            "namespace": STORE_NAMESPACE,
            "bucket": chosen.bucket,
            "storage": addons.storage[StoragePurpose.STANDARD],
            "storage_gib": chosen.storage_gib,
            "key_generation": chosen.key_generation,
            "client_namespaces": [MLFLOW_NAMESPACE, *teams],
            "keep_data": settings.keep_data,
        },
        cluster.opts(*cluster.nodes),
    )
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
    settings: Settings, cluster: Cluster, addons: Addons, home: IsolatedNamespace, opts: pulumi.ResourceOptions
) -> Database | ExternalDatabase:
    chosen = settings.mlflow.database
    if cluster.cloud is not None and cluster.cloud.database is not None:
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
        },
        opts,
    )
