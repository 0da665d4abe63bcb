"""What clusters without a cloud need, and device software that has more than one owner."""

from catalog.accelerators import ClusterKind, DeviceAllocation, Owner, Purchase, Sharing
from components.addons.efa_device_plugin import EfaDevicePlugin
from components.addons.gpu_operator import GpuOperator
from components.addons.metallb import MetalLb
from components.addons.nvidia_dra_driver import NvidiaDraDriver
from components.capacity.placement import NodeSoftware, PoolArgs, PoolHandle, plan_pool
from components.storage.local_path_storage import LocalPathStorage
from components.storage.nfs_storage import NfsStorage
from components.storage.plan import Encryption
from tests.components.contract.case import Case
from tests.components.platform_handles import CPU, H100, NETWORK, SOURCE, SPOT

_ONE_CHART = "its chart is installed once in a cluster: objects of a chart are named after it"


def _pool(
    name: str,
    driver: Owner = Owner.OPERATOR,
    plugin: Owner = Owner.OPERATOR,
    device_allocation: DeviceAllocation = DeviceAllocation.DEVICE_PLUGIN,
    **more: object,
) -> PoolHandle:
    args = PoolArgs(accelerator="H100", nodes_max=2, **more)  # type: ignore[typeddict-item]
    software = NodeSoftware(driver=driver, device_plugin=plugin, device_allocation=device_allocation)
    fabric = {"vpc.amazonaws.com/efa": 32} if driver is Owner.IMAGE else {}
    return plan_pool(name, args, ClusterKind.EXISTING, software, fabric)[0]


BARE = _pool("bare", purchase=Purchase.SPOT)
BARE_MIG = _pool("bare-mig", sharing={"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 7}})
CLAIMED, MORE_CLAIMED = (
    _pool(name, Owner.FOUND, Owner.PLATFORM, DeviceAllocation.DRA, purchase=Purchase.SPOT)
    for name in ("claimed", "more-claimed")
)
EFA, MORE_EFA = (_pool(name, Owner.IMAGE, Owner.PLATFORM) for name in ("efa", "more-efa"))

CASES = [
    Case(
        GpuOperator,
        {
            "network": NETWORK,
            "pools": [BARE, BARE_MIG, CPU],
            "source": SOURCE,
            "namespace": "operator",
            "monitoring_namespace": "monitoring",
            "node_feature_discovery": True,
            "driver_version": "595.91.07",
            "toolkit_environment": {"CONTAINERD_SOCKET": "/run/k3s/containerd/containerd.sock"},
        },
        variants={"pools": [BARE]},
        refused={"pools": [BARE, H100]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        NvidiaDraDriver,
        {
            "network": NETWORK,
            "pools": [CLAIMED, H100],
            "source": SOURCE,
            "namespace": "claims",
            "monitoring_namespace": "monitoring",
            "driver_root": "/run/nvidia/driver",
            "compute_domains": False,
        },
        variants={"pools": [CLAIMED, MORE_CLAIMED]},
        refused={"pools": [H100]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        EfaDevicePlugin,
        {
            "pools": [EFA, H100],
            "source": SOURCE,
            "namespace": "efa",
            "image_repository": "registry.example.com/aws-efa-k8s-device-plugin",
        },
        variants={"pools": [EFA, MORE_EFA]},
        refused={"pools": [H100]},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        MetalLb,
        {
            "network": NETWORK,
            "addresses": ["192.168.10.20-192.168.10.40"],
            "source": SOURCE,
            "pools": [H100],
            "namespace": "addresses",
            "monitoring_namespace": "monitoring",
            "interfaces": ["eth0"],
            "automatic": True,
            "load_balancer_class": "example.com/local",
            "control_plane_ranges": ["10.20.0.0/16"],
        },
        variants={"addresses": ["192.168.11.0/24"], "pools": [SPOT], "control_plane_ranges": ["10.21.0.0/16"]},
        refused={"addresses": ["192.168.10.40-192.168.10.20"]},
        second={"namespace": "other", "addresses": ["192.168.12.0/24"]},
        single=_ONE_CHART,
    ),
    Case(
        NfsStorage,
        {
            "server": "filer.example.com",
            "share": "/exports/ml",
            "encryption": Encryption.STORAGE_SYSTEM,
            "source": SOURCE,
            "namespace": "nfs",
            "kubelet_directory": "/var/lib/k0s/kubelet",
            "keep_deleted": True,
            "highly_available": True,
        },
        handed=dict.fromkeys(("server", "share", "encryption"), "the storage classes, which are declared with them"),
        refused={"share": "exports"},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        LocalPathStorage,
        {
            "network": NETWORK,
            "paths": ["/var/lib/local-volumes"],
            "encryption": Encryption.NODE_DISK,
            "pools": [H100],
            "namespace": "local",
        },
        variants={"paths": ["/mnt/disks/volumes"], "pools": [SPOT], "encryption": Encryption.PROVIDER},
        handed={"encryption": "the storage classes, which are declared with it"},
        refused={"paths": ["/"]},
        second={"namespace": "other"},
        single="its roles are cluster-wide and named after the provisioner, of which a cluster has one",
    ),
]
