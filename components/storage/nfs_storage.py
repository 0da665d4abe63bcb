"""Volumes of an NFS server that is there already: the CSI driver, and what the classes on it are declared with.

The driver makes a directory for each volume on one export. Who may read the export reads every volume: restrict it to
the nodes' addresses on the server. NFS encrypts nothing on its way; keep the server on the nodes' own network.
"""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions

from components.base.chart_source import ChartSource
from components.base.charts import AddonChart
from components.base.component import Component
from components.base.namespaces import IsolatedNamespace, PodSecurity
from components.findings import refuse
from components.storage.onprem_validation import check_nfs
from components.storage.plan import DeclaredClassArgs, Encryption, StoragePurpose

DEFAULT_NAMESPACE = "csi-driver-nfs"
PROVISIONER = "nfs.csi.k8s.io"


class NfsStorageArgs(TypedDict, total=False):
    """One export of one server."""

    server: Required[str]
    """Name or address of the NFS server."""
    share: Required[str]
    """What it exports, as an absolute path: `/exports/ml`."""
    encryption: Required[Encryption]
    """What encrypts the server's disks: `storage-system`. It is written on the classes."""
    source: Required[ChartSource]
    """Where charts come from."""
    namespace: str
    """Default: csi-driver-nfs."""
    kubelet_directory: str
    """The kubelet's root directory, where it is not /var/lib/kubelet (K0s: /var/lib/k0s/kubelet)."""
    keep_deleted: bool
    """Whether the directory of a deleted volume stays on the server; default false."""
    highly_available: bool
    """Two controllers instead of one; default false."""


def nfs_values(args: NfsStorageArgs) -> dict[str, Any]:
    """Values of the chart. Pure."""
    return {
        "kubeletDir": args.get("kubelet_directory") or None,
        "controller": {
            "replicas": 2 if args.get("highly_available") else 1,
            # It needs the CRDs of the snapshot controller, which not every cluster has.
            "enableSnapshotter": False,
            "defaultOnDeletePolicy": "retain" if args.get("keep_deleted") else "delete",
        },
        "feature": {"enableFSGroupPolicy": True},
    }


def nfs_classes(args: NfsStorageArgs) -> list[DeclaredClassArgs]:
    """What `StorageClasses` takes under `declared`: file systems that many nodes write. Pure."""
    parameters = {"server": args["server"], "share": args["share"]}
    return [
        DeclaredClassArgs(
            purpose=purpose, provisioner=PROVISIONER, parameters=dict(parameters), encryption=args["encryption"]
        )
        for purpose in (StoragePurpose.SHARED, StoragePurpose.DATASET)
    ]


class NfsStorage(Component):
    """The CSI driver for NFS on every node; `handles` declares the classes that it serves."""

    namespace: Output[str]
    """Where it runs."""
    provisioner: Output[str]
    """What classes on it name."""

    def __init__(self, name: str, args: NfsStorageArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"NFS storage {name}", check_nfs(name, args))
        super().__init__(name, args, opts)
        home = IsolatedNamespace(
            f"{name}-namespace",
            # It mounts file systems for other pods, on the node's own network: policies do not reach it.
            {"namespace": args.get("namespace") or DEFAULT_NAMESPACE, "pod_security": PodSecurity.PRIVILEGED},
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
        """What `StorageClasses` takes under `declared`, by purpose."""
        self.namespace = home.namespace
        self.provisioner = Output.from_input(PROVISIONER)
        self.register_outputs({"namespace": self.namespace, "provisioner": self.provisioner})
