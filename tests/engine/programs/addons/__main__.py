"""Every add-on of accelerators, certificates and traffic, from the bundled mirror, on a small heterogeneous cluster.

Settings: `keep` protects the CRDs.
"""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.accelerators import Sharing
from components.addons.cert_manager import CertManager
from components.addons.crds import Crds
from components.addons.dcgm_exporter import DcgmExporter
from components.addons.device_plugin import DevicePlugin
from components.addons.gateway import Gateway
from components.addons.gateway_spec import CertificateSource
from components.addons.node_feature_discovery import NodeFeatureDiscovery
from components.addons.nvidia_device_plugin import NvidiaDevicePlugin
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from simulator import stand_ins

POOLS = {
    "h100": PoolArgs(accelerator="H100", nodes_max=2),
    "l4": PoolArgs(accelerator="L4", nodes_max=1, sharing={"strategy": Sharing.TIME_SLICING, "replicas": 4}),
    "mig": PoolArgs(
        accelerator="A100-40GB", nodes_max=1, sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.5gb": 7}}
    ),
    "fpga": PoolArgs(
        nodes_max=1,
        custom_accelerator={
            "name": "U250",
            "resource_name": "xilinx.com/fpga",
            "node_labels": {"example.com/fpga": "u250"},
            "taint_key": "xilinx.com/fpga",
        },
    ),
    "cpu": PoolArgs(nodes_max=1),
}
SETS = ["cert-manager", "envoy-gateway", "gateway-api", "node-feature-discovery", "prometheus-operator"]

keep = pulumi.Config("addons").get_bool("keep") or False
mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
# One provider for CRDs and charts: a preview knows the kinds whose CRDs went through the same provider process.
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


crds = Crds("crds", {"sets": SETS, "source": mirror, "keep_data": keep}, after())
nodes = {name: SimulatedNodePool(name, args, after()) for name, args in POOLS.items()}
pools = [pool.handle for pool in nodes.values()]
ready = after(crds, *nodes.values())

NodeFeatureDiscovery("nfd", {"pools": pools, "source": mirror, "monitoring_namespace": "monitoring"}, ready)
NvidiaDevicePlugin("nvidia", {"pools": pools, "source": mirror}, ready)
DcgmExporter("dcgm", {"pools": pools, "source": mirror, "monitoring_namespace": "monitoring"}, ready)
DevicePlugin(
    "fpga-plugin",
    {
        "image": "registry.example.com/fpga-plugin:2.1",
        "resource_name": "xilinx.com/fpga",
        "pools": [nodes["fpga"].handle],
        "reads_nodes": True,
    },
    ready,
)
certificates = CertManager("cert-manager", {"source": mirror, "monitoring_namespace": "monitoring"}, ready)
gateway = Gateway(
    "edge",
    {
        "domains": [{"name": "internal", "domain": "ml.corp.example", "certificate": CertificateSource.INTERNAL}],
        "issuers": certificates.issuers,
        "source": mirror,
        "monitoring_namespace": "monitoring",
    },
    after(crds, certificates),
)
pulumi.export("gateway", gateway.gateway)
