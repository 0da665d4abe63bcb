"""Storage classes, the object store with generated keys, the database, the tracking server and its backup.

Settings: `generation` of the store's keys (default 1); `route`: a public name for the tracking server (default false).
"""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.accelerators import ClusterKind
from components.addons.crds import Crds
from components.addons.gateway_spec import GatewayHandle
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.clouds.simulated.pool import SimulatedNodePool
from components.storage.object_store import ObjectStoreCredentials
from components.storage.object_store_server import ObjectStoreServer
from components.storage.plan import StoragePurpose
from components.storage.storage_classes import StorageClasses
from components.tracking.backup import DatabaseBackup
from components.tracking.database import Database
from components.tracking.tracking_server import RouteArgs, TrackingServer, TrackingServerArgs
from simulator import stand_ins

mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


settings = pulumi.Config("data")
routed = settings.get_bool("route") or False
route: RouteArgs = {
    "gateway": GatewayHandle(
        name="platform",
        namespace="gateway",
        class_name="platform",
        domains={"internal": "example.com"},
        listeners={"internal": "internal"},
        route_namespace_labels={},
        pods={"app": "envoy"},
        ports=[10443],
        ranges=[],
    ),
    "domain": "internal",
    "host": "mlflow",
}

sets = ["cloudnative-pg", "prometheus-operator", *(["gateway-api"] if routed else [])]
crds = Crds("crds", {"sets": sets, "source": mirror}, after())
nodes = SimulatedNodePool("cpu", {"nodes_max": 2}, after())
classes = StorageClasses("storage", {"cluster_kind": ClusterKind.SIMULATED}, after())
disk = classes.handles[StoragePurpose.STANDARD]

server = ObjectStoreServer(
    "store",
    {
        "namespace": "object-store",
        "bucket": "platform",
        "storage": disk,
        "storage_gib": 2048,
        "client_namespaces": ["mlflow"],
        "key_generation": settings.get_int("generation") or 1,
    },
    after(classes, nodes),
)
home = IsolatedNamespace("mlflow-home", {"namespace": "mlflow", "pod_security": PodSecurity.RESTRICTED}, after())
keys = ObjectStoreCredentials(
    "mlflow-store",
    {
        "namespace": home.namespace,
        "store": server.handle,
        "access_key_id": server.access_key_id,
        "secret_access_key": server.secret_access_key,
    },
    after(home),
)
database = Database(
    "mlflow-database",
    {
        "namespace": home.namespace,
        "storage": disk,
        "storage_gib": 1024,
        "highly_available": True,
        "operator_namespace": "cnpg-system",
        "operator_pods": {"app.kubernetes.io/name": "cloudnative-pg"},
        "monitoring_namespace": "monitoring",
    },
    after(crds, home, classes),
)
tracking: TrackingServerArgs = {
    "namespace": "mlflow",
    "database": database.handle,
    "artifacts": server.handle,
    "credentials_fingerprint": keys.fingerprint,
    "highly_available": True,
    "monitoring_namespace": "monitoring",
}
if routed:
    tracking["route"] = route
TrackingServer("mlflow", tracking, after(crds, database, keys, nodes))
DatabaseBackup(
    "mlflow-backup",
    {"namespace": home.namespace, "database": database.handle, "store": server.handle},
    after(database, keys),
)
