"""Each policy about single objects, on objects that break it and on objects that comply.

Only this finds a policy that never fires, one that fires beside its subject, and one that prints a secret.
"""

from typing import Any

import pytest

from policies.objects import UNKNOWN, PlannedObject
from policies.pack import RULES, message
from policies.rules.security.literal_secrets import TOKENS, kind_of_secret
from tests.policies.cases import BROKEN, COMPLIANT, KEY, TOKEN, Broken

OWN_TESTS = {
    "custom-resources-match-their-schemas",
    "images-name-one-version",
    "objects-have-names",
    "accelerator-requests-are-whole",
    "namespaces-enforce-pod-security",
    "network-policies-reach-no-node-credentials",
    "no-unrestricted-network-policies",
}
"""Policies about single objects that have tests of their own."""
SINGLE = {rule.name: rule for rule in RULES if rule.of_one and rule.name not in OWN_TESTS}


def findings(subject: PlannedObject) -> list[tuple[str, str, str]]:
    """(policy, path, value) of all of them."""
    return [
        (rule.name, found.path.removeprefix(f"{subject.title} "), found.value)
        for rule in SINGLE.values()
        for found in rule.of_one(subject)  # type: ignore[misc]
    ]


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case.policy}-{case.path}")
def test_an_object_that_breaks_a_policy_is_found_by_that_policy_alone(case: Broken) -> None:
    assert findings(case.subject) == [(case.policy, case.path, case.value)]


@pytest.mark.parametrize("subject", COMPLIANT, ids=lambda subject: subject.type)
def test_an_object_that_complies_is_no_finding(subject: PlannedObject) -> None:
    assert findings(subject) == []


def test_each_policy_has_an_object_that_breaks_it() -> None:
    assert {case.policy for case in BROKEN} == SINGLE.keys()


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case.policy}-{case.path}")
def test_an_object_of_a_chart_is_left_to_its_pinned_version(case: Broken) -> None:
    urn = case.subject.urn.replace("project::", "project::kubernetes:helm.sh/v4:Chart$")
    chart = PlannedObject(urn, case.subject.type, case.subject.name, case.subject.body)
    assert findings(chart) == []


def with_unknowns(value: Any) -> list[Any]:
    """Copies of a value with one part of it, at any depth, not known."""
    if isinstance(value, dict):
        return [{**value, key: part} for key, one in value.items() for part in (UNKNOWN, *with_unknowns(one))]
    if isinstance(value, list):
        parts = [(index, part) for index, one in enumerate(value) for part in (UNKNOWN, *with_unknowns(one))]
        return [[*value[:index], part, *value[index + 1 :]] for index, part in parts]
    return []


ALL = (*(case.subject for case in BROKEN), *COMPLIANT)


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.type)
def test_a_part_that_is_not_known_before_up_is_no_error_and_no_finding_of_its_own(subject: PlannedObject) -> None:
    known = {policy for policy, _, _ in findings(subject)}
    for body in with_unknowns(subject.body):
        if UNKNOWN in (body.get("kind"), body.get("apiVersion")):
            continue
        changed = PlannedObject(subject.urn, subject.type, subject.name, body)
        assert {policy for policy, _, _ in findings(changed)} <= known, body


@pytest.mark.parametrize("value", [None, "text", 7, [], {}, [[]], {"x": None}, UNKNOWN])
def test_a_part_of_another_shape_is_no_error(value: Any) -> None:
    for subject in ALL:
        for key in subject.body:
            if key not in ("kind", "apiVersion"):
                changed = PlannedObject(subject.urn, subject.type, subject.name, {**subject.body, key: value})
                findings(changed)


def with_other_shapes(value: Any) -> list[Any]:
    """Copies of a value with one part of it, at any depth, of another shape."""
    shapes = ({"x": 1}, ["x"], 7)
    if isinstance(value, dict):
        return [{**value, key: part} for key, one in value.items() for part in (*shapes, *with_other_shapes(one))]
    if isinstance(value, list):
        parts = [(index, part) for index, one in enumerate(value) for part in (*shapes, *with_other_shapes(one))]
        return [[*value[:index], part, *value[index + 1 :]] for index, part in parts]
    return []


@pytest.mark.parametrize("subject", ALL, ids=lambda subject: subject.type)
def test_a_field_of_another_shape_is_no_error_at_any_depth(subject: PlannedObject) -> None:
    for body in with_other_shapes(subject.body):
        findings(PlannedObject(subject.urn, subject.type, subject.name, body))


def test_no_finding_prints_a_secret() -> None:
    hidden = (KEY, TOKEN, "correct horse", "letmein", "RSA PRIVATE KEY")
    said = [message(found) for case in BROKEN for rule in SINGLE.values() for found in rule.of_one(case.subject)]  # type: ignore[misc]
    assert len(said) >= len(BROKEN)
    assert [text for text in said if any(secret in text for secret in hidden)] == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"id={KEY}", "an AWS access key"),
        (f"X{KEY}", ""),
        ("ghp_" + "a" * 36, "a GitHub token"),
        ("github_pat_" + "a" * 30, "a GitHub token"),
        ("AIza" + "b" * 35, "a Google API key"),
        ("xoxb-1234567890-abc", "a Slack token"),
        ("https://user:${PASSWORD}@example.com", ""),
        ("https://example.com/a:b@c", ""),
        (TOKEN + "a", ""),
        (7, ""),
    ],
)
def test_secrets_are_known_by_their_forms(text: Any, what: str) -> None:
    assert kind_of_secret(text) == what
    assert what in ("", *TOKENS)
