"""Volumes that pods share with nobody or with each other. Pure."""

from typing import Any

from components.base.pods import Mounted
from components.base.quantities import quantity
from components.findings import refuse
from components.storage.plan import AccessMode, StorageHandle
from components.storage.validation import check_volume

SHARED_MEMORY_PATH = "/dev/shm"  # noqa: S108 - where NCCL and data loaders look, not a temporary file

CLAIM_ANNOTATIONS = {"pulumi.com/skipAwait": "true"}
"""On claims. For a class that waits for its first consumer, the provider (4.25) awaits phase Pending: a claim that is
bound already, as after a killed run, fails after five minutes. The pods that mount it are awaited anyway."""


def shared_memory(size_mib: int) -> Mounted:
    """Memory that the processes of a pod share. It counts towards the pod's memory: request that much more.

    Container runtimes give 64 MiB, where PyTorch data loaders and NCCL die with a bus error.
    """
    volume = {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": quantity(size_mib)}}
    return Mounted(volume, {"name": "shared-memory", "mountPath": SHARED_MEMORY_PATH})


def claim_spec(path: str, handle: StorageHandle, size_gib: int, access_mode: str = "") -> dict[str, Any]:
    """The `spec` of a PersistentVolumeClaim. Without an access mode, the first that the class serves.

    Raises `Refused` where the class cannot serve the access mode; `path` says where it was asked for.
    """
    mode = access_mode or handle["access_modes"][0]
    refuse(path, check_volume(path, handle, mode, size_gib))
    return {
        "accessModes": [str(AccessMode(mode))],
        "storageClassName": handle["class_name"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": quantity(int(size_gib) * 1024)}},
    }
