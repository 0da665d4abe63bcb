"""The admission policies as documents. What the API server makes of them is in test_process_node.py."""

import json

from simulator.process_node.images import references
from simulator.process_node.placement import policies


def test_an_image_is_named_exactly() -> None:
    place = policies(["b:2", "a:1"])[0]["spec"]
    assert json.loads(place["variables"][0]["expression"]) == ["a:1", "b:2"]
    assert "c.image in variables.images" in place["mutations"][0]["jsonPatch"]["expression"]


def test_a_policy_that_cannot_be_evaluated_stops_the_pod() -> None:
    """With Ignore a real pod would be simulated without a word."""
    found = {one["kind"]: one["spec"]["failurePolicy"] for one in policies([]) if "failurePolicy" in one["spec"]}
    assert found == {"MutatingAdmissionPolicy": "Fail", "ValidatingAdmissionPolicy": "Fail"}


def test_every_reference_of_the_table_is_pinned() -> None:
    """A moving tag would run whatever the table has."""
    assert all("@sha256:" in one or one.rpartition(":")[2][0] in "v0123456789" for one in references())
