"""Our own components keep the law on single objects. Not proved here: what charts render (tests/engine)."""

import pytest
from pulumi import ResourceOptions

from policies.objects import PlannedObject
from policies.pack import RULES, message
from tests.components.cases import CASES
from tests.components.contract.case import Case
from tests.recorder import record


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_component_makes_what_the_policies_forbid(case: Case) -> None:
    recording = record(lambda: case.component(f"it{case.ending}", case.arguments({}), ResourceOptions()) and None)  # type: ignore[arg-type]
    objects = [PlannedObject(made.urn, made.type, made.name, made.inputs) for made in recording.resources]
    assert [message(found) for rule in RULES if rule.of_one for made in objects for found in rule.of_one(made)] == []
