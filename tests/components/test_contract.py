"""What every component keeps, whoever wrote it. A component without a case here fails the first test.

Not proved here: that values are right, only that each of them arrives somewhere.
"""

import importlib
import pkgutil
import socket
import subprocess
from enum import Enum
from typing import Any, get_type_hints

import pytest
from pulumi import ResourceOptions
from pulumi.provider.experimental.analyzer import Analyzer

import components
from components.component import Component
from policies.rules.finding import Refused
from tests.components.cases import ABSENT, CASES, Case
from tests.recorder import Recording, record

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def component_classes() -> set[type[Component]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        importlib.import_module(module.name)
    found, waiting = set(), [Component]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            found.add(child)
    return {child for child in found if child.__module__.startswith("components.")}


def arguments(case: Case, over: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**case.args, **over}.items() if value is not ABSENT}


def registered(case: Case, over: dict[str, Any], name: str = "it") -> Recording:
    return record(lambda: case.component(name, arguments(case, over), ResourceOptions()) and None)  # type: ignore[arg-type]


def below(recording: Recording) -> list[Any]:
    """What a component registers besides itself, in a form that compares."""
    return sorted(
        (r.type, r.name, repr(r.inputs), sorted(r.dependencies), r.protect, r.retain_on_delete)
        for r in recording.resources
        if not r.type.startswith("mlplatform:")
    )


def changed(value: Any) -> Any:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case Enum():
            members = list(type(value))
            return members[(members.index(value) + 1) % len(members)]
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case dict() if value:
            key = next(iter(value))
            return {**value, key: changed(value[key])}
        case list() if value:
            return [changed(value[0]), *value[1:]]
    raise AssertionError(f"no way to change {value!r}: give a variant")


def cases_of_fields() -> list[Any]:
    return [
        pytest.param(case, name, id=f"{case.name}.{name}")
        for case in CASES
        for name in get_type_hints(case.component.__init__)["args"].__annotations__
    ]


def test_every_component_has_a_case() -> None:
    assert {case.name for case in CASES} == {child.__name__ for child in component_classes()}


@EVERY_CASE
def test_the_token_is_the_class_and_every_child_stands_below_its_component(case: Case) -> None:
    recording = registered(case, {})
    (itself,) = [r for r in recording.resources if r.type == f"mlplatform:index:{case.name}"]
    others = [r for r in recording.resources if r is not itself]
    assert others, "a component that declares nothing is no component"
    assert [r.name for r in others if itself.urn not in recording.ancestors(r)] == []
    assert [r.name for r in others if not r.name.startswith("it")] == []


@EVERY_CASE
def test_two_instances_share_no_child_and_no_object(case: Case) -> None:
    def program() -> None:
        case.component("one", arguments(case, {}), ResourceOptions())  # type: ignore[arg-type]
        case.component("two", arguments(case, case.second), ResourceOptions())  # type: ignore[arg-type]

    recording = record(program)
    urns = [r.urn for r in recording.resources]
    assert len(urns) == len(set(urns))
    objects = [
        (r.type, str(r.inputs["metadata"].get("namespace")), r.inputs["metadata"]["name"])
        for r in recording.resources
        if r.type.startswith("kubernetes:") and "metadata" in r.inputs
    ]
    assert [o for o in objects if objects.count(o) > 1] == []


@EVERY_CASE
def test_every_object_has_an_explicit_name(case: Case) -> None:
    # Fast profile: a run that is killed leaks nothing only because names are explicit.
    for resource in registered(case, {}).resources:
        if resource.type.startswith("kubernetes:") and "metadata" in resource.inputs:
            assert resource.inputs["metadata"].get("name"), resource.name


@EVERY_CASE
def test_every_input_and_output_is_described(case: Case) -> None:
    definition = Analyzer("mlplatform").analyze_component(case.component)  # type: ignore[no-untyped-call]
    fields = {**definition.inputs, **definition.outputs}
    assert [name for name, field in fields.items() if not (field.description or "").strip()] == []
    assert definition.description


@pytest.mark.parametrize(("case", "name"), cases_of_fields())
def test_every_accepted_field_reaches_a_resource(case: Case, name: str) -> None:
    if name in case.variants:
        over = case.variants[name]
    else:
        assert name in case.args, f"{case.name}.{name} has neither a value nor a variant in tests/components/cases.py"
        over = {name: changed(case.args[name])}
    assert below(registered(case, over)) != below(registered(case, {}))


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=lambda case: case.name)
def test_refused_arguments_register_nothing(case: Case) -> None:
    def program() -> None:
        with pytest.raises(Refused) as refusal:
            case.component("it", arguments(case, case.refused), ResourceOptions())  # type: ignore[arg-type]
        assert all(finding.path and finding.rule and finding.remedy for finding in refusal.value.findings)

    assert record(program).resources == []


@EVERY_CASE
def test_the_constructor_uses_no_network_and_starts_no_process(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a constructor reached outside")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert registered(case, {}).resources
