"""Handles as the components of the platform hand them out, for tests of what takes them."""

from typing import Any

from components.addons.gateway import GatewayHandle
from components.addons.monitoring import MonitoringHandle
from components.catalog import ClusterKind, Purchase, Sharing
from components.mlflow.tracking_server import TrackingHandle
from components.placement import PoolArgs, PoolHandle, plan_pool
from components.stores import ObjectStoreHandle, ObjectStoreKind, StorageHandle, StoragePurpose
from components.tenants.handles import PriorityHandle, TeamHandle


def pool(name: str = "h100", **args: Any) -> PoolHandle:
    """The handle of a pool; two nodes of eight H100 unless told otherwise."""
    shape = {"accelerator": "H100", "nodes_max": 2, **args}
    return plan_pool(name, PoolArgs(**{k: v for k, v in shape.items() if v is not None}), ClusterKind.SIMULATED)[0]  # type: ignore[typeddict-item]


CPU = pool("cpu", accelerator=None)
H100 = pool()
SPOT = pool("spot", accelerator="L4", purchase=Purchase.SPOT)
SLICE = pool("v5e", accelerator="TPU-v5e", topology="4x4", nodes_max=8)
ONE_HOST = pool("v6e", accelerator="TPU-v6e", topology="2x2", nodes_max=1)
SHARED_L4 = pool("l4", accelerator="L4", sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4})
MIG = pool(
    "mig", accelerator="A100-80GB", sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 4, "3g.40gb": 1}}
)

PRIORITIES = PriorityHandle(serving="p-serving", training="p-training", preemptible="p-preemptible")
TEAM = TeamHandle(
    name="vision",
    namespace="vision",
    training_service_account="training",
    serving_service_account="serving",
    priorities=PRIORITIES,
)
SHARED = StorageHandle(
    purpose=StoragePurpose.SHARED, class_name="shared", access_modes=["ReadWriteMany", "ReadWriteOnce"]
)
BLOCK = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="standard", access_modes=["ReadWriteOnce"])
STORE = ObjectStoreHandle(
    kind=ObjectStoreKind.S3_COMPATIBLE,
    bucket="models",
    prefix="dev",
    endpoint="http://store.storage.svc.cluster.local:8333",
    region="us-east-1",
    credentials_secret_name="store-keys",
    uri="s3://models/dev",
)
TRACKING = TrackingHandle(
    uri="http://mlflow.mlflow.svc.cluster.local:5000",
    environment={"MLFLOW_TRACKING_URI": "http://mlflow.mlflow.svc.cluster.local:5000"},
    namespace="mlflow",
    pods={"app.kubernetes.io/name": "mlflow"},
    port=5000,
    client_label={"mlplatform.dev/tracking-client": "true"},
)
MONITORING = MonitoringHandle(
    namespace="monitoring",
    prometheus_pods={"app.kubernetes.io/name": "prometheus"},
    prometheus_url="http://prometheus.monitoring:9090",
    grafana_url="http://grafana.monitoring",
)
GATEWAY = GatewayHandle(
    name="edge",
    namespace="gateway",
    class_name="edge",
    domains={"public": "ml.example.com", "internal": "int.ml.example.com"},
    listeners={"public": "https-public", "internal": "https-internal"},
    route_namespace_labels={"mlplatform.dev/gateway-routes": "true"},
    pods={"app.kubernetes.io/name": "envoy"},
    ports=[10080, 10443],
    ranges=[],
)
