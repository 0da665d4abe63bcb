"""StorageClasses of a plan together."""

from typing import Any

from policies.objects import UNKNOWN, PlannedObject
from policies.rules.reliability.storage_classes import DEFAULT_CLASS, one_default_storage_class
from tests.policies.cases import manifest


def storage_class(name: str, annotations: Any) -> PlannedObject:
    metadata = {"name": name, "annotations": annotations}
    return manifest("storage.k8s.io/v1", "StorageClass", metadata=metadata)


def test_the_second_default_storage_class_is_a_finding_that_names_the_first() -> None:
    default = {DEFAULT_CLASS: "true"}
    classes = [storage_class("a", default), storage_class("b", {DEFAULT_CLASS: "false"}), storage_class("c", default)]
    (found,) = one_default_storage_class(classes)
    assert found.path.startswith("StorageClass team/c metadata.annotations")
    assert found.value == "true, as for a"
    assert [*one_default_storage_class(classes[:2])] == []
    assert [*one_default_storage_class([storage_class("a", default), storage_class("b", UNKNOWN)])] == []
