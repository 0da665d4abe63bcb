"""Where data lies, and what MLflow stands on."""

from catalog.accelerators import ClusterKind
from components.addons.cloudnative_pg import CloudNativePg
from components.storage.object_store import ObjectStoreCredentials
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.object_store_server import ObjectStoreServer
from components.storage.plan import RWO, RWX, Encryption, ObjectStoreKind, StoragePurpose
from components.storage.storage_classes import StorageClasses
from components.tracking.backup import DatabaseBackup
from components.tracking.database import Database, ExternalDatabase, cluster_handle, external_handle
from components.tracking.tracking_server import TrackingServer
from tests.components.contract.case import ABSENT, Case
from tests.components.platform_handles import BLOCK, GATEWAY, NETWORK, SOURCE, STORAGE, STORE

_FAST = STORAGE[StoragePurpose.FAST]
_OTHER_STORE = object_store(
    "store", ObjectStoreArgs(kind=ObjectStoreKind.S3, bucket="other", prefix="dev", region="eu-west-1")
)
_CLUSTER = cluster_handle("db", "mlflow")
_EXTERNAL = external_handle("db", {"host": "db.example.com", "database": "mlflow"})
_INGRESS = {
    "hostname": "mlflow.example.com",
    "class_name": "nginx",
    "tls_secret_name": "tls",
    "annotations": {"size": "0"},
    "controller_namespace": "ingress",
}

CASES = [
    Case(
        StorageClasses,
        {
            "cluster_kind": ClusterKind.SIMULATED,
            "default_purpose": StoragePurpose.STANDARD,
            "keep_data": False,
            "parameters": {"fast": {"iops": "1000"}},
            "declared": [
                {
                    "purpose": StoragePurpose.SHARED,
                    "provisioner": "nfs.csi.k8s.io",
                    "parameters": {"server": "nas"},
                    "encryption": Encryption.STORAGE_SYSTEM,
                }
            ],
        },
        contexts={
            "declared.0.access_modes": {"declared.0.access_modes": [RWX, RWO]},
            "declared.0.is_default": {"declared.0.class_name": "nas"},
        },
        variants={
            "cluster_kind": ClusterKind.GKE,
            "declared.0.provisioner": "filestore.csi.storage.gke.io",
            "declared.0.class_name": "nas",
            "declared.0.access_modes": [RWX],
            "declared.0.is_default": True,
        },
        handed={"declared.0.access_modes": "claims, which ask for what the volumes of the class serve"},
        rules_only={
            "declared.0.is_default": "it says what an existing class is already, and there is exactly one default"
        },
        refused={"cluster_kind": ClusterKind.EKS},
    ),
    Case(
        ObjectStoreCredentials,
        {
            "namespace": "vision",
            "store": STORE,
            "access_key_id": "s3cr3t id",
            "secret_access_key": "s3cr3t key",
        },
        variants={"store": {**STORE, "credentials_secret_name": "others"}},
        second={"namespace": "speech"},
    ),
    Case(
        ObjectStoreServer,
        {
            "network": NETWORK,
            "namespace": "objects",
            "bucket": "platform",
            "storage": BLOCK,
            "storage_gib": 100,
            "client_namespaces": ["mlflow"],
            "key_generation": 1,
            "keep_data": False,
            "cpu_millis": 250,
            "memory_mib": 1024,
        },
        variants={"storage": _FAST},
        refused={"bucket": "A"},
        second={"namespace": "others"},
    ),
    Case(
        CloudNativePg,
        {
            "network": NETWORK,
            "source": SOURCE,
            "namespace": "postgresql",
            "highly_available": False,
            "monitoring_namespace": "monitoring",
            "control_plane_ranges": ["10.0.0.0/28"],
            "found": False,
        },
        second={"namespace": "databases"},
        single="its chart is installed once in a cluster: objects of a chart are named after it",
    ),
    Case(
        Database,
        {
            "namespace": "mlflow",
            "storage": BLOCK,
            "storage_gib": 20,
            "database": "experiments",
            "highly_available": False,
            "keep_data": False,
            "operator_namespace": "cnpg-system",
            "operator_pods": {"app.kubernetes.io/name": "cloudnative-pg"},
            "monitoring_namespace": "monitoring",
            "cpu_millis": 250,
            "memory_mib": 2048,
            "api_server_ports": [443, 16443],
        },
        variants={"storage": _FAST},
        refused={"database": "My-DB"},
    ),
    Case(
        ExternalDatabase,
        {
            "namespace": "mlflow",
            "host": "db.example.com",
            "port": 5433,
            "database": "mlflow",
            "username": "s3cr3t user",
            "password": "s3cr3t password",
            "ssl_mode": "verify-full",
            "ca_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "address_range": "10.0.0.0/16",
        },
        variants={"ssl_mode": "require"},
        handed={"address_range": "its clients, which bring their own NetworkPolicy"},
        refused={"ssl_mode": "disable"},
    ),
    Case(
        TrackingServer,
        {
            "namespace": "mlflow",
            "database": _CLUSTER,
            "artifacts": STORE,
            "credentials_fingerprint": "0123",
            "highly_available": False,
            "workers": 3,
            "cpu_millis": 250,
            "memory_mib": 4096,
            "upload_gib": 10,
            "route": {"gateway": GATEWAY, "domain": "internal", "host": "mlflow"},
            "login": {"users_secret_name": "users"},
            "monitoring_namespace": "monitoring",
            "service_account_annotations": {"role": "a"},
        },
        contexts={"ingress": {"route": ABSENT, "login": ABSENT, "ingress": _INGRESS}},
        variants={
            "database": _EXTERNAL,
            "artifacts": _OTHER_STORE,
            "route.gateway": {**GATEWAY, "name": "other"},
            "route.domain": "public",
        },
        refused={"ingress": _INGRESS},
    ),
    Case(
        DatabaseBackup,
        {
            "namespace": "mlflow",
            "database": _CLUSTER,
            "store": STORE,
            "schedule": "17 3 * * *",
            "retention_days": 20,
            "dump_gib": 20,
            "image": "example.com/postgresql:17",
            "service_account_annotations": {"role": "a"},
        },
        variants={"database": _EXTERNAL, "store": _OTHER_STORE, "schedule": "18 3 * * *"},
        ending="-backup",
        refused={"schedule": "daily"},
    ),
]
