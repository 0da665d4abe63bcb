"""The controls of the Pod Security Standards. The real API server is asked about the same pods in tests/engine."""

from collections import Counter
from typing import Any

import pytest

from policies.objects import UNKNOWN, PlannedObject
from policies.pod_templates import _paths
from policies.rules.security.pod_security import (
    CONTROLS,
    ENFORCE,
    RULES,
    namespaces_enforce_a_standard,
    standards_of,
)
from tests.policies.test_cases import with_other_shapes
from tests.policies.test_pod_templates import KINDS, nested, planned
from tests.support.pod_cases import CASES, COMPLIANT, Case, merged

BY_NAME = {rule.name: rule for rule in RULES}


def namespace(standard: Any, name: str = "team") -> PlannedObject:
    labels = {} if standard is None else {ENFORCE: standard}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    return PlannedObject("urn:namespace", "kubernetes:core/v1:Namespace", name, body)


def broken(*objects: PlannedObject) -> Counter[str]:
    return Counter(rule.name for rule in RULES if rule.of_all for _ in rule.of_all([*objects]))


def deployment(case: Case) -> PlannedObject:
    template = {"metadata": {"annotations": case.annotations}, "spec": case.spec}
    return planned(("apps", "Deployment"), spec={"template": template})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_change_of_a_pod_breaks_its_controls_and_no_other(case: Case) -> None:
    assert set(broken(namespace("restricted"), deployment(case))) == set(case.breaks)
    baseline = {control.name for control in CONTROLS if control.standard == "baseline"}
    assert set(broken(namespace("baseline"), deployment(case))) == set(case.breaks) & baseline
    assert broken(namespace("privileged"), deployment(case)) == Counter()


@pytest.mark.parametrize("key", KINDS, ids="/".join)
def test_pods_of_every_kind_are_checked_at_each_path(key: tuple[str, str]) -> None:
    spec = {**merged(COMPLIANT, {}), "hostNetwork": True}
    for path in _paths(key):
        subject = planned(key, **nested(path, spec))
        (found,) = BY_NAME["no-host-namespaces"].of_all([namespace("restricted"), subject])  # type: ignore[misc]
        assert found.path == f"{subject.title} {path.replace('[]', '[0]')}.hostNetwork"
        assert (found.value, found.remedy) == (
            "True",
            "remove the field, or run it in a namespace that enforces a weaker standard",
        )
        assert found.rule.endswith("(Pod Security Standard baseline)")


def test_a_finding_names_the_container_and_the_value() -> None:
    spec = merged(
        COMPLIANT, {"containers": [{"name": "trainer", "securityContext": {"capabilities": {"add": ["BPF"]}}}]}
    )
    subject = planned(("apps", "Deployment"), **nested("spec.template.spec", spec))
    (found,) = BY_NAME["only-safe-capabilities"].of_all([subject])  # type: ignore[misc]
    path = "spec.template.spec.containers[trainer].securityContext.capabilities.add"
    assert (found.path, found.value) == (f"Deployment team/it {path}", "BPF")


def test_a_namespace_outside_of_the_plan_and_one_that_enforces_nothing_has_the_baseline() -> None:
    root, privileged = (next(case for case in CASES if case.name == name) for name in ("root", "privileged"))
    for around in ([], [namespace(None)], [namespace("restricted", "another")]):
        assert broken(*around, deployment(root)) == Counter()
        assert set(broken(*around, deployment(privileged))) == {"no-privileged-containers"}


def test_pods_in_a_namespace_that_is_not_known_are_not_decided() -> None:
    """Only this finds a first preview that refuses the node software of charts, whose namespaces it does not know."""
    privileged = next(case for case in CASES if case.name == "privileged")
    body = {**deployment(privileged).body, "metadata": {"name": "it", "namespace": UNKNOWN}}
    assert broken(PlannedObject("urn:it", "kubernetes:apps/v1:Deployment", "it", body)) == Counter()


def test_a_standard_that_is_not_known_is_taken_for_the_strictest() -> None:
    """Only this finds a label that is computed and so switches the policies off."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": UNKNOWN}}
    whole = PlannedObject("urn:b", "kubernetes:core/v1:Namespace", "b", body)
    objects = [namespace(UNKNOWN), whole, namespace("none", "c"), namespace("baseline", "d"), namespace(None, "e")]
    assert standards_of(objects) == {
        "team": "restricted",
        "b": "restricted",
        "c": "restricted",
        "d": "baseline",
        "e": "baseline",
    }


def unknown_at_each_place(value: Any) -> list[Any]:
    """Copies of a value with one part of it, at any depth, not known."""
    if isinstance(value, dict):
        return [{**value, key: part} for key, one in value.items() for part in (UNKNOWN, *unknown_at_each_place(one))]
    if isinstance(value, list):
        return [
            [*value[:index], part, *value[index + 1 :]]
            for index, one in enumerate(value)
            for part in (UNKNOWN, *unknown_at_each_place(one))
        ]
    return []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_part_that_is_not_known_before_up_is_no_finding_of_its_own_and_no_error(case: Case) -> None:
    for spec in unknown_at_each_place(case.spec):
        subject = planned(("apps", "Deployment"), **nested("spec.template.spec", spec))
        assert set(broken(namespace("restricted"), subject)) <= set(case.breaks)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_field_of_another_shape_is_no_error(case: Case) -> None:
    for spec in with_other_shapes(case.spec):
        broken(namespace("restricted"), planned(("apps", "Deployment"), **nested("spec.template.spec", spec)))


@pytest.mark.parametrize(
    ("standard", "value"), [("restricted", None), ("privileged", None), (None, "not set"), ("strict", "strict")]
)
def test_a_namespace_says_which_standard_it_enforces(standard: str | None, value: str | None) -> None:
    found = [*namespaces_enforce_a_standard(namespace(standard))]
    assert [one.value for one in found] == ([value] if value else [])
    assert all(one.path == f"Namespace team metadata.labels[{ENFORCE}]" for one in found)


@pytest.mark.parametrize("labels", [UNKNOWN, {ENFORCE: UNKNOWN}])
def test_a_label_that_is_not_known_is_no_finding(labels: Any) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": labels}}
    subject = PlannedObject("urn:namespace", "kubernetes:core/v1:Namespace", "team", body)
    assert [*namespaces_enforce_a_standard(subject)] == []


def test_only_namespaces_enforce_standards() -> None:
    assert [*namespaces_enforce_a_standard(planned(("apps", "Deployment")))] == []
