"""Shared memory and claims."""

import pytest

from components.findings import Refused
from components.storage.plan import StorageHandle, StoragePurpose
from components.storage.volumes import claim_spec, shared_memory

SHARED = StorageHandle(
    purpose=StoragePurpose.SHARED, class_name="storage-shared", access_modes=["ReadWriteMany", "ReadWriteOnce"]
)
STANDARD = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="storage-standard", access_modes=["ReadWriteOnce"])


def test_shared_memory_is_memory_with_a_limit_where_nccl_looks_for_it() -> None:
    mounted = shared_memory(2048)
    assert mounted.volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "2Gi"}
    assert mounted.mount == {"name": mounted.volume["name"], "mountPath": "/dev/shm"}


def test_a_claim_takes_the_usual_access_mode_of_its_class() -> None:
    assert claim_spec("checkpoint", SHARED, 100) == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "storage-shared",
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "100Gi"}},
    }
    assert claim_spec("checkpoint", SHARED, 100, "ReadWriteOnce")["accessModes"] == ["ReadWriteOnce"]


def test_sizes_are_written_as_the_api_server_keeps_them() -> None:
    assert claim_spec("checkpoint", SHARED, 2048)["resources"]["requests"]["storage"] == "2Ti"
    assert claim_spec("checkpoint", SHARED, 1025)["resources"]["requests"]["storage"] == "1025Gi"


def test_many_writers_on_a_disk_are_refused() -> None:
    with pytest.raises(Refused, match="ReadWriteMany on storage class storage-standard"):
        claim_spec("trainings.ranker.checkpoint", STANDARD, 100, "ReadWriteMany")


def test_a_claim_of_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="1 or more"):
        claim_spec("trainings.ranker.checkpoint", STANDARD, 0)
