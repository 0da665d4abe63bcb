"""Storage of clusters of one's own: what people write of it, and the storage classes that follow. Pure."""

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
    """What it exports, as an absolute path: `/exports/ml`."""
    encryption: Required[Encryption]
    """What encrypts the server's disks: `storage-system`. It is written on the classes."""
    kubelet_directory: str
    """The kubelet's root directory, where it is not /var/lib/kubelet (K0s: /var/lib/k0s/kubelet)."""
    keep_deleted: bool
    """Whether the directory of a deleted volume stays on the server; default false."""


class LocalPathStorageSpec(TypedDict, total=False):
    """Directories of the nodes."""

    paths: Required[list[str]]
    """Directories that volumes are made in, on every node that has volumes: `/var/lib/local-volumes`."""
    encryption: Required[Encryption]
    """What encrypts the nodes' disks: `node-disk` (LUKS). It is written on the classes."""


def nfs_classes(args: NfsStorageSpec) -> list[DeclaredClassArgs]:
    """What `StorageClasses` takes under `declared`: file systems that many nodes write."""
    parameters = {"server": args["server"], "share": args["share"]}
    return [
        DeclaredClassArgs(
            purpose=purpose, provisioner=NFS_PROVISIONER, parameters=dict(parameters), encryption=args["encryption"]
        )
        for purpose in (StoragePurpose.SHARED, StoragePurpose.DATASET)
    ]


def local_path_classes(args: LocalPathStorageSpec) -> list[DeclaredClassArgs]:
    """What `StorageClasses` takes under `declared`: disks of one node."""
    return [
        DeclaredClassArgs(purpose=purpose, provisioner=LOCAL_PATH_PROVISIONER, encryption=args["encryption"])
        for purpose in (StoragePurpose.FAST, StoragePurpose.STANDARD)
    ]
