"""Storage of self-managed clusters: the part that settings contain, and the storage classes derived from it. Pure."""

from typing import Required, TypedDict

from catalog.addons import ADDONS
from components.storage.plan import DeclaredClassArgs, Encryption, StoragePurpose

NFS_NAMESPACE = ADDONS["csi-driver-nfs"].namespace
NFS_PROVISIONER = "nfs.csi.k8s.io"
LOCAL_PATH_NAMESPACE = ADDONS["local-path-provisioner"].namespace
LOCAL_PATH_PROVISIONER = "rancher.io/local-path"


class NfsStorageSpec(TypedDict, total=False):
    """One export of one server."""

    server: Required[str]
    """Name or address of the NFS server."""
    share: Required[str]
    """The export, as an absolute path: `/exports/ml`."""
    encryption: Required[Encryption]
    """Encryption of the server's disks: `storage-system`. Recorded on the classes."""
    kubelet_directory: str
    """The kubelet's root directory, if it is not /var/lib/kubelet (K0s: /var/lib/k0s/kubelet)."""
    keep_deleted: bool
    """Whether the server keeps the directory of a deleted volume; default false."""


class LocalPathStorageSpec(TypedDict, total=False):
    """Directories of the nodes."""

    paths: Required[list[str]]
    """Directories of volumes, on every node that has volumes: `/var/lib/local-volumes`."""
    encryption: Required[Encryption]
    """Encryption of the nodes' disks: `node-disk` (LUKS). Recorded on the classes."""


def nfs_classes(args: NfsStorageSpec) -> list[DeclaredClassArgs]:
    """Classes for `declared` of `StorageClasses`: file systems that many nodes write."""
    parameters = {"server": args["server"], "share": args["share"]}
    return [
        DeclaredClassArgs(
            purpose=purpose, provisioner=NFS_PROVISIONER, parameters=dict(parameters), encryption=args["encryption"]
        )
        for purpose in (StoragePurpose.SHARED, StoragePurpose.DATASET)
    ]


def local_path_classes(args: LocalPathStorageSpec) -> list[DeclaredClassArgs]:
    """Classes for `declared` of `StorageClasses`: disks of one node."""
    return [
        DeclaredClassArgs(purpose=purpose, provisioner=LOCAL_PATH_PROVISIONER, encryption=args["encryption"])
        for purpose in (StoragePurpose.FAST, StoragePurpose.STANDARD)
    ]
