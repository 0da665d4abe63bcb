"""One complete set of arguments for every component: what the contract test and the schema test start from."""

from dataclasses import dataclass, field
from typing import Any

from components.addons.cloudnative_pg import CloudNativePg
from components.addons.gateway import GatewayHandle
from components.catalog import ClusterKind, Purchase, Sharing
from components.charts import AddonChart, ChartOrigin, ChartSource
from components.component import Component
from components.mlflow.backup import DatabaseBackup
from components.mlflow.database import Database, ExternalDatabase, cluster_handle, external_handle
from components.mlflow.tracking_server import TrackingServer
from components.namespaces import Direction, IsolatedNamespace, PodSecurity, TrafficRuleArgs
from components.node_pools.simulated import SimulatedNodePool
from components.storage.object_store import ObjectStoreCredentials, object_store
from components.storage.object_store_server import ObjectStoreServer
from components.storage.storage_classes import StorageClasses
from components.stores import ObjectStoreKind, StorageHandle, StoragePurpose

BUNDLED = ChartSource(origin=ChartOrigin.BUNDLED, location="simulator")
ABSENT = object()
"""As the value of a variant: leave the field out."""


@dataclass(frozen=True)
class Case:
    """A component with (nearly) every field given, and what to give instead where a change by type is not accepted.

    The contract test changes one field at a time: text gets longer, numbers grow, enumerations take their next member,
    lists lose or gain an element, dicts a value. `variants` says what to do instead for a field: other arguments to lay
    over `args`, that field among them.
    """

    component: type[Component]
    args: dict[str, Any]
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)
    """Laid over `args`: what it refuses. Empty: it has no rule of its own."""
    second: dict[str, Any] = field(default_factory=dict)
    """Laid over `args` for a second instance beside the first, where object names must differ."""

    @property
    def name(self) -> str:
        """The class's name."""
        return self.component.__name__


_POOL = {
    "accelerator": "A100-80GB",
    "devices_per_node": 4,
    "sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 4},
    "nodes_min": 0,
    "nodes_max": 2,
    "purchase": Purchase.ON_DEMAND,
    "cpu_per_node": 96,
    "memory_gib_per_node": 512,
    "labels": {"rack": "a"},
    "taints": [{"key": "team", "value": "vision", "effect": "NoSchedule"}],
}
_FPGA = {
    "name": "FPGA",
    "resource_name": "fpga.example.com/u250",
    "memory_gib": 64,
    "node_labels": {"example.com/fpga": "u250"},
    "taint_key": "example.com/fpga",
}

_DISK = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="standard", access_modes=["ReadWriteOnce"])
_STORE = object_store(
    "store",
    {
        "kind": ObjectStoreKind.S3_COMPATIBLE,
        "bucket": "platform",
        "endpoint": "http://store.objects.svc:8333",
        "credentials_secret_name": "store-keys-1",
    },
)
_OTHER_STORE = object_store("store", {"kind": ObjectStoreKind.S3, "bucket": "other", "region": "eu-west-1"})
_EXTERNAL = external_handle("db", {"host": "db.example.com", "database": "mlflow"})
_GATEWAY = GatewayHandle(
    name="platform",
    namespace="gateway",
    class_name="platform",
    domains={"internal": "ml.example.com"},
    listeners={"internal": "https"},
    route_namespace_labels={},
    pods={"app": "envoy"},
    ports=[10443],
    ranges=[],
)
_ROUTE = {"gateway": _GATEWAY, "domain": "internal", "host": "mlflow"}
_INGRESS = {
    "hostname": "mlflow.example.com",
    "class_name": "nginx",
    "tls_secret_name": "tls",
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
                    "encryption": "the file server",
                }
            ],
        },
        variants={
            "cluster_kind": {"cluster_kind": ClusterKind.GKE},
            "parameters": {"parameters": {"fast": {"iops": "2000"}}},
            "declared": {"declared": ABSENT},
        },
        refused={"cluster_kind": ClusterKind.EKS},
    ),
    Case(
        ObjectStoreCredentials,
        {"namespace": "vision", "store": _STORE, "access_key_id": "a", "secret_access_key": "b"},
        variants={"store": {"store": {**_STORE, "credentials_secret_name": "others"}}},
        second={"namespace": "speech"},
    ),
    Case(
        # Its keys are drawn anew at each run, so any two runs differ: that fields arrive is proved in its own tests.
        ObjectStoreServer,
        {
            "namespace": "objects",
            "bucket": "platform",
            "storage": _DISK,
            "storage_gib": 100,
            "client_namespaces": ["mlflow"],
            "key_generation": 1,
            "keep_data": False,
            "cpu_millis": 250,
            "memory_mib": 1024,
        },
        variants={"storage": {"storage": {**_DISK, "class_name": "fast"}}},
        refused={"bucket": "A"},
        second={"namespace": "others"},
    ),
    Case(
        CloudNativePg,
        {
            "source": BUNDLED,
            "namespace": "cnpg-system",
            "highly_available": False,
            "monitoring_namespace": "monitoring",
            "control_plane_ranges": ["10.0.0.0/28"],
        },
        variants={
            "source": {"source": ChartSource(origin=ChartOrigin.UPSTREAM, location="")},
            "control_plane_ranges": {"control_plane_ranges": ["10.0.0.16/28"]},
        },
        second={"namespace": "databases"},
    ),
    Case(
        Database,
        {
            "namespace": "mlflow",
            "storage": _DISK,
            "storage_gib": 20,
            "database": "mlflow",
            "highly_available": False,
            "keep_data": False,
            "operator_namespace": "cnpg-system",
            "operator_pods": {"app.kubernetes.io/name": "cloudnative-pg"},
            "monitoring_namespace": "monitoring",
            "cpu_millis": 500,
            "memory_mib": 1024,
        },
        variants={"storage": {"storage": {**_DISK, "class_name": "fast"}}},
        refused={"database": "My-DB"},
    ),
    Case(
        ExternalDatabase,
        {
            "namespace": "mlflow",
            "host": "db.example.com",
            "port": 5432,
            "database": "mlflow",
            "username": "ml",
            "password": "secret",
            "ssl_mode": "verify-full",
            "ca_certificate": "-----BEGIN CERTIFICATE-----",
        },
        variants={"ssl_mode": {"ssl_mode": "require"}},
        refused={"ssl_mode": "disable"},
    ),
    Case(
        TrackingServer,
        {
            "namespace": "mlflow",
            "database": cluster_handle("db", "mlflow"),
            "artifacts": _STORE,
            "credentials_fingerprint": "0123",
            "highly_available": False,
            "workers": 2,
            "cpu_millis": 500,
            "memory_mib": 2048,
            "upload_gib": 20,
            "route": _ROUTE,
            "monitoring_namespace": "monitoring",
            "service_account_annotations": {"role": "a"},
        },
        variants={
            "database": {"database": _EXTERNAL},
            "artifacts": {"artifacts": _OTHER_STORE},
            "route": {"route": {**_ROUTE, "host": "experiments"}},
            "ingress": {"route": ABSENT, "ingress": _INGRESS},
        },
        refused={"ingress": _INGRESS},
    ),
    Case(
        DatabaseBackup,
        {
            "namespace": "mlflow",
            "database": cluster_handle("db", "mlflow"),
            "store": _STORE,
            "schedule": "17 2 * * *",
            "retention_days": 30,
            "dump_gib": 10,
            "image": "example.com/postgresql:17",
            "service_account_annotations": {"role": "a"},
        },
        variants={"database": {"database": _EXTERNAL}, "store": {"store": _OTHER_STORE}},
        refused={"schedule": "daily"},
    ),
    Case(
        SimulatedNodePool,
        _POOL,
        variants={
            "accelerator": {"accelerator": "H100"},
            "purchase": {"purchase": Purchase.SPOT},
            "custom_accelerator": {"accelerator": ABSENT, "sharing": ABSENT, "custom_accelerator": _FPGA},
            "topology": {
                "accelerator": "TPU-v5e",
                "devices_per_node": ABSENT,
                "sharing": ABSENT,
                "nodes_max": 4,
                "topology": "4x4",
            },
            "sharing": {"sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}}},
        },
        refused={"accelerator": "H1000"},
    ),
    Case(
        IsolatedNamespace,
        {
            "namespace": "vision",
            "pod_security": PodSecurity.RESTRICTED,
            "exceptions": [
                TrafficRuleArgs(name="web", direction=Direction.INGRESS, peer_namespace="gateway", ports=[80])
            ],
            "labels": {"team": "vision"},
            "annotations": {"owner": "a"},
        },
        second={"namespace": "speech"},
    ),
    Case(
        AddonChart,
        {"chart": "cert-manager", "namespace": "cert-manager", "values": {"replicaCount": 1}, "source": BUNDLED},
        variants={
            "chart": {"chart": "nvidia-device-plugin"},
            "source": {"source": ChartSource(origin=ChartOrigin.UPSTREAM, location="")},
        },
    ),
]
