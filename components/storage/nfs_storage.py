"""Volumes of an existing NFS server: the CSI driver, and the declarations of its storage classes.

The driver creates a directory for each volume on one export. Every client of the export can read every volume: restrict
it to the nodes' addresses on the server. NFS does not encrypt traffic; keep the server on the nodes' network.
"""

from typing import Any, Required

from pulumi import Output, ResourceOptions

from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.findings import refuse
from components.storage.onprem_spec import NFS_NAMESPACE, NFS_PROVISIONER, NfsStorageSpec, nfs_classes
from components.storage.onprem_validation import check_nfs
from components.storage.plan import DeclaredClassArgs, StoragePurpose


class NfsStorageArgs(NfsStorageSpec, total=False):
    """One export of one server, and the driver's dependencies."""

    source: Required[ChartSource]
    """Source of charts."""
    namespace: str
    """Default: csi-driver-nfs."""
    highly_available: bool
    """Two controllers instead of one; default false."""


def nfs_values(args: NfsStorageArgs) -> dict[str, Any]:
    """Values of the chart. Pure."""
    return {
        "kubeletDir": args.get("kubelet_directory") or None,
        "controller": {
            "replicas": 2 if args.get("highly_available") else 1,
            # It needs the CRDs of the snapshot controller, which some clusters lack.
            "enableSnapshotter": False,
            "defaultOnDeletePolicy": "retain" if args.get("keep_deleted") else "delete",
        },
        "feature": {"enableFSGroupPolicy": True},
    }


class NfsStorage(Component):
    """The CSI driver for NFS on every node; `handles` declares the classes that it serves."""

    namespace: Output[str]
    """Namespace of the driver."""
    provisioner: Output[str]
    """Provisioner of its storage classes."""

    def __init__(self, name: str, args: NfsStorageArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"NFS storage {name}", check_nfs(name, args))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            # It mounts file systems for other pods, on the host network: policies do not apply to it.
            {"namespace": args.get("namespace") or NFS_NAMESPACE, "pod_security": PodSecurity.PRIVILEGED},
            opts=self.child,
        )
        AddonChart(
            f"{name}-chart",
            {
                "chart": "csi-driver-nfs",
                "namespace": home.namespace,
                "values": nfs_values(args),
                "source": args["source"],
            },
            opts=self.child,
        )
        self.handles: dict[StoragePurpose, DeclaredClassArgs] = {one["purpose"]: one for one in nfs_classes(args)}
        """Classes for `declared` of `StorageClasses`, by purpose."""
        self.namespace = home.namespace
        self.provisioner = Output.from_input(NFS_PROVISIONER)
        self.register_outputs({"namespace": self.namespace, "provisioner": self.provisioner})
