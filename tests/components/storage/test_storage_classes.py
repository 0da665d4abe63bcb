"""Storage classes by kind of cluster. Not proved here: that drivers take the parameters; rows name their sources."""

from typing import Any

import pytest
from pulumi import Output

from catalog.accelerators import ClusterKind
from components.findings import Refused
from components.storage.plan import (
    CLASSES,
    PROVISIONERS,
    Encryption,
    StorageClassesArgs,
    StoragePurpose,
    plan_storage_classes,
)
from components.storage.storage_classes import StorageClasses
from components.storage.validation import check_storage_classes
from tests.recorder import Recording, record

FILE_SYSTEM = {"shared": {"fileSystemId": "fs-1"}, "dataset": {"fileSystemId": "fs-1"}}


def declared(args: StorageClassesArgs) -> tuple[Recording, StorageClasses]:
    made: list[StorageClasses] = []
    recording = record(lambda: made.append(StorageClasses("storage", args)))
    return recording, made[0]


def of_class(recording: Recording, name: str) -> dict[str, Any]:
    return recording.one("StorageClass", name).inputs


def test_a_simulated_cluster_has_one_class_for_each_purpose_and_nothing_else() -> None:
    recording, made = declared({"cluster_kind": ClusterKind.SIMULATED})
    assert recording.kinds() == [
        "StorageClass storage-dataset",
        "StorageClass storage-fast",
        "StorageClass storage-shared",
        "StorageClass storage-standard",
        "StorageClasses storage",
    ]
    assert made.handles == {
        "fast": {"purpose": "fast", "class_name": "storage-fast", "access_modes": ["ReadWriteOnce"]},
        "standard": {"purpose": "standard", "class_name": "storage-standard", "access_modes": ["ReadWriteOnce"]},
        "shared": {
            "purpose": "shared",
            "class_name": "storage-shared",
            "access_modes": ["ReadWriteMany", "ReadWriteOnce"],
        },
        "dataset": {
            "purpose": "dataset",
            "class_name": "storage-dataset",
            "access_modes": ["ReadOnlyMany", "ReadWriteMany"],
        },
    }


@pytest.mark.parametrize("kind", [ClusterKind.SIMULATED, ClusterKind.EKS, ClusterKind.GKE])
def test_exactly_one_class_is_the_default_whatever_the_cluster(kind: ClusterKind) -> None:
    recording, _ = declared({"cluster_kind": kind, "parameters": FILE_SYSTEM})
    annotations = {r.name: r.inputs["metadata"]["annotations"] for r in recording.of("StorageClass")}
    defaults = [
        name for name, one in annotations.items() if one["storageclass.kubernetes.io/is-default-class"] == "true"
    ]
    assert defaults == ["storage-standard"]
    assert all(one["mlplatform.dev/encryption"] for one in annotations.values())


def test_disks_wait_for_their_pod_and_file_systems_do_not() -> None:
    recording, _ = declared({"cluster_kind": ClusterKind.SIMULATED})
    modes = {r.name: r.inputs["volumeBindingMode"] for r in recording.of("StorageClass")}
    assert modes == {
        "storage-fast": "WaitForFirstConsumer",
        "storage-standard": "WaitForFirstConsumer",
        "storage-shared": "Immediate",
        "storage-dataset": "Immediate",
    }


def test_datasets_outlive_their_claims_always_and_everything_does_where_data_is_kept() -> None:
    kept = {"cluster_kind": ClusterKind.SIMULATED, "keep_data": True}
    policies = {
        bool(args.get("keep_data")): {
            r.name: r.inputs["reclaimPolicy"]
            for r in declared(args)[0].of("StorageClass")  # type: ignore[arg-type]
        }
        for args in ({"cluster_kind": ClusterKind.SIMULATED}, kept)
    }
    assert policies[False] == {
        "storage-fast": "Delete",
        "storage-standard": "Delete",
        "storage-shared": "Delete",
        "storage-dataset": "Retain",
    }
    assert set(policies[True].values()) == {"Retain"}


def test_the_parameters_of_the_environment_reach_the_class() -> None:
    recording, _ = declared({"cluster_kind": ClusterKind.EKS, "parameters": FILE_SYSTEM})
    assert of_class(recording, "storage-shared")["parameters"] == {
        "provisioningMode": "efs-ap",
        "directoryPerms": "700",
        "fileSystemId": "fs-1",
    }
    assert of_class(recording, "storage-shared")["allowVolumeExpansion"] is False
    assert of_class(recording, "storage-standard")["parameters"] == {"type": "gp3", "encrypted": "true"}
    assert of_class(recording, "storage-standard")["allowVolumeExpansion"] is True


def test_another_purpose_can_be_the_default() -> None:
    recording, _ = declared({"cluster_kind": ClusterKind.SIMULATED, "default_purpose": StoragePurpose.FAST})
    is_default = {
        r.name: r.inputs["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"]
        for r in recording.of("StorageClass")
    }
    assert [name for name, flag in is_default.items() if flag == "true"] == ["storage-fast"]


def test_an_existing_class_is_used_as_it_is_and_not_declared() -> None:
    recording, made = declared(
        {
            "cluster_kind": ClusterKind.EXISTING,
            "declared": [
                {
                    "purpose": StoragePurpose.STANDARD,
                    "class_name": "local-path",
                    "provisioner": "rancher.io/local-path",
                    "encryption": Encryption.NODE_DISK,
                    "is_default": True,
                },
                {
                    "purpose": StoragePurpose.SHARED,
                    "provisioner": "nfs.csi.k8s.io",
                    "parameters": {"server": "nas", "share": "/ml"},
                    "encryption": Encryption.STORAGE_SYSTEM,
                },
            ],
        }
    )
    assert recording.kinds() == ["StorageClass storage-shared", "StorageClasses storage"]
    assert of_class(recording, "storage-shared")["parameters"] == {"server": "nas", "share": "/ml"}
    assert made.handles[StoragePurpose.STANDARD]["class_name"] == "local-path"
    assert StoragePurpose.DATASET not in made.handles


def refusals(args: StorageClassesArgs) -> list[str]:
    return [str(finding) for finding in check_storage_classes("storage", plan_storage_classes("storage", args))]


def test_many_writers_on_a_disk_are_refused_with_the_remedy() -> None:
    (finding,) = refusals(
        {
            "cluster_kind": ClusterKind.SIMULATED,
            "declared": [
                {"purpose": StoragePurpose.SHARED, "provisioner": "ebs.csi.aws.com", "encryption": Encryption.PROVIDER}
            ],
        }
    )
    assert "ReadWriteMany on ebs.csi.aws.com" in finding
    assert "support ReadWriteOnce only" in finding
    assert "EFS, Filestore, NFS" in finding


def test_declaring_more_access_modes_does_not_make_a_disk_a_file_system() -> None:
    (finding,) = refusals(
        {
            "cluster_kind": ClusterKind.SIMULATED,
            "declared": [
                {
                    "purpose": StoragePurpose.STANDARD,
                    "provisioner": "rancher.io/local-path",
                    "access_modes": ["ReadWriteOnce", "ReadWriteMany"],  # type: ignore[list-item]
                    "encryption": Encryption.NODE_DISK,
                }
            ],
        }
    )
    assert "ReadWriteMany on rancher.io/local-path" in finding


def test_all_that_is_wrong_is_said_at_once() -> None:
    found = refusals(
        {
            "cluster_kind": ClusterKind.EKS,
            "default_purpose": StoragePurpose.STANDARD,
            "parameters": {"standard": {"encrypted": "false"}},
            "declared": [
                {
                    "purpose": StoragePurpose.FAST,
                    "class_name": "found",
                    "provisioner": "ebs.csi.aws.com",
                    "encryption": Encryption.PROVIDER,
                    "is_default": True,
                },
            ],
        }
    )
    text = "\n".join(found)
    assert "2 default storage classes: found, storage-standard" in text
    assert "storage-standard is not encrypted" in text
    assert "storage.parameters.shared.fileSystemId" in text
    assert "storage.parameters.dataset.fileSystemId" in text
    assert len(found) == 4


def test_an_unknown_provisioner_must_say_what_it_can_do() -> None:
    args = StorageClassesArgs(
        cluster_kind=ClusterKind.EXISTING,
        declared=[
            {
                "purpose": StoragePurpose.STANDARD,
                "provisioner": "acme.example/disk",
                "encryption": Encryption.STORAGE_SYSTEM,
            }
        ],
    )
    (finding,) = refusals(args)
    assert "acme.example/disk" in finding
    args["declared"][0]["access_modes"] = ["ReadWriteOnce"]  # type: ignore[list-item]
    assert refusals(args) == []


def test_refused_arguments_register_nothing() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="cannot create volumes without fileSystemId"):
            StorageClasses("storage", {"cluster_kind": ClusterKind.EKS})

    assert record(program).resources == []


def test_every_row_names_a_provisioner_of_the_table_and_every_provisioner_its_source() -> None:
    assert {row.provisioner for rows in CLASSES.values() for row in rows.values()} <= set(PROVISIONERS)
    assert all(provisioner.source for provisioner in PROVISIONERS.values())


def test_the_id_of_a_file_system_may_be_an_output_of_another_resource_of_the_stack() -> None:
    file_system = Output.from_input("fs-1")
    recording, _ = declared(
        {
            "cluster_kind": ClusterKind.EKS,
            "parameters": {"shared": {"fileSystemId": file_system}, "dataset": {"fileSystemId": file_system}},
        }
    )
    assert of_class(recording, "storage-shared")["parameters"]["fileSystemId"] == "fs-1"


def test_whether_a_volume_is_encrypted_depends_on_no_other_resource() -> None:
    args: StorageClassesArgs = {
        "cluster_kind": ClusterKind.EKS,
        "parameters": {**FILE_SYSTEM, "standard": {"encrypted": Output.from_input("true")}},
    }
    found = list(check_storage_classes("storage", plan_storage_classes("storage", args)))
    assert [finding.path for finding in found] == ["storage.standard.encryption"]
