"""What NfsStorage registers, and that classes can be made on it. Not proved here: that a server answers."""

import pytest

from catalog.accelerators import ClusterKind
from components.base.chart_source import ChartOrigin, ChartSource
from components.findings import Refused
from components.storage.nfs_storage import NfsStorage, NfsStorageArgs
from components.storage.plan import Encryption, StoragePurpose, plan_storage_classes
from components.storage.validation import check_storage_classes
from tests.recorder import Recording, record

ARGS: NfsStorageArgs = {
    "server": "filer.example.com",
    "share": "/exports/ml",
    "encryption": Encryption.STORAGE_SYSTEM,
    "source": ChartSource(origin=ChartOrigin.STUB, location="/mirror"),
}


def nfs(**changes: object) -> Recording:
    return record(lambda: NfsStorage("nfs", {**ARGS, **changes}) and None)  # type: ignore[typeddict-item]


def test_it_is_a_chart_in_a_namespace_of_its_own() -> None:
    assert nfs().kinds() == [
        "AddonChart nfs-chart",
        "Chart nfs-chart-chart",
        "IsolatedNamespace nfs-namespace",
        "Namespace nfs-namespace-namespace",
        "NetworkPolicy nfs-namespace-allow-dns",
        "NetworkPolicy nfs-namespace-default-deny",
        "NfsStorage nfs",
    ]


def test_directories_of_deleted_volumes_go_unless_they_are_kept() -> None:
    assert nfs().one("Chart").inputs["values"]["controller"]["defaultOnDeletePolicy"] == "delete"
    assert nfs(keep_deleted=True).one("Chart").inputs["values"]["controller"]["defaultOnDeletePolicy"] == "retain"


def test_its_classes_serve_many_writers_and_pass_the_rules_of_storage() -> None:
    made: list[NfsStorage] = []
    record(lambda: made.append(NfsStorage("nfs", ARGS)))
    declared = made[0].handles
    assert sorted(declared) == [StoragePurpose.DATASET, StoragePurpose.SHARED]
    plans = plan_storage_classes(
        "lab",
        {
            "cluster_kind": ClusterKind.EXISTING,
            "declared": [*declared.values()],
            "default_purpose": StoragePurpose.SHARED,
        },
    )
    assert list(check_storage_classes("storage", plans)) == []
    assert {plan.class_name: plan.parameters for plan in plans} == {
        name: {"server": "filer.example.com", "share": "/exports/ml"} for name in ("lab-shared", "lab-dataset")
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("server", "nfs://filer"), ("server", ""), ("share", "exports"), ("share", "/a/../b"), ("encryption", " ")],
)
def test_what_cannot_be_mounted_or_is_not_encrypted_is_refused(field: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        nfs(**{field: value})
    assert [finding.path for finding in refused.value.findings] == [f"nfs.{field}"]
