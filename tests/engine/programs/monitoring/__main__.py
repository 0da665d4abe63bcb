"""Monitoring and KServe from the bundled mirror, with the platform's rules, dashboards and serving runtimes.

Setting: `gibibytes`, the size of Prometheus' volume. The password comes in the variable GRAFANA_PASSWORD.
"""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.accelerators import ClusterKind
from components.addons.cert_manager import CertManager
from components.addons.crds import Crds
from components.addons.gateway_spec import GatewayHandle
from components.addons.kserve import KServe
from components.addons.monitoring import Monitoring
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from components.monitoring.alert_rules import AlertRules
from components.monitoring.dashboards import Dashboards
from components.monitoring.spec import ReceiverKind
from components.storage.plan import StoragePurpose
from components.storage.storage_classes import StorageClasses
from components.workloads.serving.runtimes import ServingRuntimes
from simulator import stand_ins

settings = pulumi.Config("monitoring")
mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))
# What the routes attach to; the gateway itself is another test's.
gateway = GatewayHandle(
    name="edge",
    namespace="gateway",
    class_name="edge",
    domains={"internal": "ml.corp.example"},
    listeners={"internal": "https-internal"},
    route_namespace_labels={"mlplatform.dev/gateway-routes": "true"},
    pods={"app.kubernetes.io/component": "proxy"},
    ports=[10443],
    ranges=[],
)


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


sets = ["cert-manager", "gateway-api", "kserve", "prometheus-operator"]
crds = Crds("crds", {"sets": sets, "source": mirror, "keep_data": False}, after())
pools = [
    SimulatedNodePool(name, args, after())
    for name, args in {
        "h100": PoolArgs(accelerator="H100", nodes_max=1),
        "cpu": PoolArgs(nodes_max=3),
    }.items()
]
storage = StorageClasses("storage", {"cluster_kind": ClusterKind.SIMULATED}, after())
certificates = CertManager("cert-manager", {"source": mirror}, after(crds, *pools))
monitoring = Monitoring(
    "monitoring",
    {
        "source": mirror,
        "cluster_kind": ClusterKind.SIMULATED,
        "cluster": "simulated",
        "environment": "test",
        "pools": [pool.handle for pool in pools],
        "storage": storage.handles[StoragePurpose.STANDARD],
        "storage_gib": settings.get_int("gibibytes") or 20,
        "highly_available": True,
        "grafana_admin_password": os.environ["GRAFANA_PASSWORD"],
        "gateway": gateway,
        "grafana_domain": "internal",
        "receivers": [{"name": "bot", "kind": ReceiverKind.WEBHOOK, "secret_name": "bot", "secret_key": "url"}],
    },
    after(certificates, storage),
)
AlertRules(
    "rules",
    {"namespace": monitoring.namespace, "mlflow_namespace": "mlflow", "runbook_base_url": "https://docs.example"},
    after(monitoring),
)
Dashboards("dashboards", {"namespace": monitoring.namespace}, after(monitoring))
kserve = KServe(
    "kserve",
    {"source": mirror, "gateway": gateway, "domain": "internal", "monitoring_namespace": "monitoring"},
    after(certificates, monitoring),
)
ServingRuntimes("runtimes", {}, after(kserve))
