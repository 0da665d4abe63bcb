"""What a cluster without a cloud needs, from the bundled mirror: nodes that somebody else made, and their owners."""

import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner
from components.addons.accelerator_nodes import accelerator_charts
from components.addons.crds import Crds, crd_sets
from components.addons.gpu_operator import GpuOperator
from components.addons.metallb import MetalLb
from components.addons.nvidia_dra_driver import NvidiaDraDriver
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolArgs
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.simulated.pool import SimulatedNodePool
from components.storage.local_path_storage import LocalPathStorage
from components.storage.nfs_storage import NfsStorage
from components.storage.plan import Encryption
from components.storage.storage_classes import StorageClasses
from simulator import stand_ins

mirror = ChartSource(origin=ChartOrigin.STUB, location=str(stand_ins.folder()))
provider = kubernetes.Provider("cluster", kubeconfig=Path(os.environ["KUBECONFIG"]).read_text(encoding="utf-8"))


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


# The nodes are "there already": what describes them does not know who made them.
shapes = {"bare": PoolArgs(accelerator="H100", nodes_max=1), "cpu": PoolArgs(nodes_max=1)}
there = [SimulatedNodePool(name, shape, after()) for name, shape in shapes.items()]
bare = DescribedNodePool(
    "bare",
    {
        "pool": {**shapes["bare"], "device_allocation": DeviceAllocation.DRA},
        "driver": Owner.OPERATOR,
        "device_plugin": Owner.PLATFORM,
    },
)
pools = [bare.handle, DescribedNodePool("cpu", {"pool": shapes["cpu"]}).handle]

crds = Crds("crds", {"sets": crd_sets([*accelerator_charts(pools), "metallb"]), "source": mirror}, after())
ready = after(crds, *there)
GpuOperator("operator", {"pools": pools, "source": mirror, "monitoring_namespace": "monitoring"}, ready)
NvidiaDraDriver("claims", {"pools": pools, "source": mirror, "driver_root": "/run/nvidia/driver"}, ready)
MetalLb("lan", {"addresses": ["192.168.10.20-192.168.10.40"], "source": mirror, "pools": pools}, ready)
nfs = NfsStorage(
    "nfs",
    {"server": "filer.example.com", "share": "/exports/ml", "encryption": Encryption.STORAGE_SYSTEM, "source": mirror},
    ready,
)
local = LocalPathStorage(
    "local", {"paths": ["/var/lib/local-volumes"], "encryption": Encryption.NODE_DISK, "pools": pools}, ready
)
StorageClasses(
    "lab",
    {"cluster_kind": ClusterKind.EXISTING, "declared": [*nfs.handles.values(), *local.handles.values()]},
    after(nfs, local),
)
