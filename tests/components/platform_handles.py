"""Handles as the planners of the platform make them, for tests of what takes them: nothing is retyped here."""

from typing import Any

from catalog.accelerators import ClusterKind, Purchase, Sharing
from components.addons.cert_manager import ACME_ISSUER, INTERNAL_ISSUER, SELF_SIGNED_ISSUER, IssuersHandle
from components.addons.gateway import GatewayArgs, gateway_handle
from components.addons.gateway_spec import CertificateSource, DomainArgs
from components.addons.monitoring import monitoring_handle
from components.addons.monitoring_traffic import MonitoringArgs
from components.base.chart_source import ChartOrigin, ChartSource
from components.base.cluster_network import ClusterNetworkHandle, PolicyEngine
from components.capacity.placement import PoolArgs, PoolHandle, plan_pool
from components.clouds.gke.plan import plan_gke_pool
from components.clouds.gke.spec import GkePoolSpec, GkePurchase
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreKind, StorageClassesArgs, StoragePurpose, plan_storage_classes
from components.tenants.handles import TeamHandle
from components.tenants.plan import SERVING_ACCOUNT, TRAINING_ACCOUNT
from components.tenants.priority_classes import priority_handle
from components.tracking.tracking_server import tracking_handle


def pool(name: str = "h100", **args: Any) -> PoolHandle:
    """The handle of a pool; by default two nodes of eight H100."""
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


def dynamic(name: str, purchase: GkePurchase, **more: Any) -> PoolHandle:
    """The handle of two GKE nodes of eight H100 that end after two days."""
    spec = GkePoolSpec(machine="a3-highgpu-8g", nodes_min=0, nodes_max=2, purchase=purchase, max_run_hours=48, **more)
    return plan_gke_pool(name, spec, ["europe-west4-a"]).handle


FLEX_START = dynamic("flex", GkePurchase.FLEX_START)
QUEUED = dynamic("queued", GkePurchase.QUEUED)

PRIORITIES = priority_handle({"prefix": "p"})
TEAM = TeamHandle(
    name="vision",
    namespace="vision",
    training_service_account=TRAINING_ACCOUNT,
    serving_service_account=SERVING_ACCOUNT,
    priorities=PRIORITIES,
)
STORAGE = {
    plan.purpose: plan.handle
    for plan in plan_storage_classes("storage", StorageClassesArgs(cluster_kind=ClusterKind.SIMULATED))
}
SHARED, BLOCK = STORAGE[StoragePurpose.SHARED], STORAGE[StoragePurpose.STANDARD]
STORE = object_store(
    "store",
    ObjectStoreArgs(
        kind=ObjectStoreKind.S3_COMPATIBLE,
        bucket="models",
        prefix="dev",
        endpoint="http://store.storage.svc.cluster.local:8333",
        credentials_secret_name="store-keys",
    ),
)
TRACKING = tracking_handle("mlflow", "mlflow")
NETWORK = ClusterNetworkHandle(
    dns_addresses=["10.96.0.10/32"], policies=PolicyEngine.CILIUM, api_server_ports=[443, 16443]
)
ISSUERS = IssuersHandle(
    self_signed=SELF_SIGNED_ISSUER, internal=INTERNAL_ISSUER, acme=ACME_ISSUER, namespace="cert-manager"
)
SOURCE = ChartSource(origin=ChartOrigin.STUB, location="simulator")
GATEWAY = gateway_handle(
    "edge",
    GatewayArgs(
        domains=[
            DomainArgs(name="public", domain="ml.example.com", certificate=CertificateSource.INTERNAL),
            DomainArgs(name="internal", domain="int.ml.example.com", certificate=CertificateSource.INTERNAL),
        ],
        issuers=ISSUERS,
        source=SOURCE,
    ),
)
MONITORING = monitoring_handle(
    MonitoringArgs(
        source=SOURCE,
        cluster_kind=ClusterKind.SIMULATED,
        cluster="dev",
        environment="dev",
        storage=BLOCK,
        storage_gib=20,
    )
)
