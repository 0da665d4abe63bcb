"""Our own components comply with the policies for single objects. What charts render is in tests/engine."""

from typing import Any

import pytest
from pulumi import ResourceOptions

from policies.objects import UNKNOWN, PlannedObject
from policies.pack import RULES, message
from tests.components.cases import CASES
from tests.components.contract.case import Case
from tests.recorder import record


def without_ids(value: Any, ids: set[str]) -> Any:
    """A body in which the ids of resources, which the recorder makes up, are not known."""
    if isinstance(value, dict):
        return {key: without_ids(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [without_ids(item, ids) for item in value]
    return UNKNOWN if isinstance(value, str) and value in ids else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_component_makes_what_the_policies_forbid(case: Case) -> None:
    recording = record(lambda: case.component(f"it{case.ending}", case.arguments({}), ResourceOptions()) and None)  # type: ignore[arg-type]
    ids = {f"{made.name}-id" for made in recording.resources}
    objects = [
        PlannedObject(made.urn, made.type, made.name, without_ids(made.inputs, ids)) for made in recording.resources
    ]
    assert [message(found) for rule in RULES if rule.of_one for made in objects for found in rule.of_one(made)] == []
