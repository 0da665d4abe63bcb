"""Volumes of single pods and shared volumes. Pure."""

from typing import Any

from components.base.pods import Mounted
from components.base.quantities import quantity
from components.findings import refuse
from components.storage.plan import AccessMode, StorageHandle
from components.storage.validation import check_volume

SHARED_MEMORY_PATH = "/dev/shm"  # noqa: S108 - the path for NCCL and data loaders, not a temporary file

CLAIM_ANNOTATIONS = {"pulumi.com/skipAwait": "true"}
"""On claims. For a class that waits for its first consumer, the provider (4.25) awaits phase Pending: a claim that is
already bound, as after a killed run, fails after five minutes. The pods that mount it are awaited anyway."""


def shared_memory(size_mib: int) -> Mounted:
    """Memory that the processes of a pod share. It counts towards the pod's memory: increase the request by it.

    Container runtimes set 64 MiB, with which PyTorch data loaders and NCCL fail with a bus error.
    """
    volume = {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": quantity(size_mib)}}
    return Mounted(volume, {"name": "shared-memory", "mountPath": SHARED_MEMORY_PATH})


def claim_spec(path: str, handle: StorageHandle, size_gib: int, access_mode: str = "") -> dict[str, Any]:
    """The `spec` of a PersistentVolumeClaim. Without an access mode, the first of the class.

    Raises `Refused` if the class does not support the access mode; `path` is the path in the settings.
    """
    mode = access_mode or handle["access_modes"][0]
    refuse(path, check_volume(path, handle, mode, size_gib))
    return {
        "accessModes": [str(AccessMode(mode))],
        "storageClassName": handle["class_name"],
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": quantity(int(size_gib) * 1024)}},
    }
