"""Names of planned objects. Not proved here: what the provider writes onto an object that it names (tests/engine)."""

from typing import Any

import pytest

from policies.objects import UNKNOWN, PlannedObject
from policies.rules.reliability.names import object_has_a_name_of_its_own
from tests.policies.support import pool


def named(**metadata: Any) -> PlannedObject:
    """A ConfigMap of the plan with this metadata."""
    body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata}
    return PlannedObject("urn", "kubernetes:core/v1:ConfigMap", "map", body)


MADE_UP = {"pulumi.com/autonamed": "true"}


@pytest.mark.parametrize("name", ["map", UNKNOWN], ids=["given", "of another resource"])
def test_an_object_with_a_name_that_the_program_gave_it_passes(name: Any) -> None:
    assert list(object_has_a_name_of_its_own(named(name=name, annotations={"a": "b"}))) == []


@pytest.mark.parametrize(
    ("metadata", "value"),
    [
        ({"name": "map-7c1f", "annotations": MADE_UP}, "no metadata.name"),
        ({"namespace": "vision"}, "no metadata.name"),
        ({"generateName": "map-"}, "generateName"),
    ],
)
def test_a_random_name_is_found_and_reported_by_the_name_in_the_program(metadata: Any, value: str) -> None:
    (finding,) = object_has_a_name_of_its_own(named(**metadata))
    assert (finding.path, finding.value, finding.remedy) == ("ConfigMap map", value, "set metadata.name")


def test_what_is_no_object_of_kubernetes_needs_none() -> None:
    assert list(object_has_a_name_of_its_own(pool("h100", accelerator="H100", nodes_max=1))) == []
