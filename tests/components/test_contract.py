"""What every component keeps. A component without a case here fails the first test.

Not proved here: that values are right, only that each of them arrives somewhere; what charts render (their objects do
not exist before an API server); which parts of a handle a component uses; that two components of different classes do
not collide. Random values are constant here, so that whatever else differs between two runs shows.
"""

import importlib
import pkgutil
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from pulumi import ResourceOptions
from pulumi.runtime import rpc

import components
from components.base.component import Component
from components.base.labels import LABELS
from components.base.schema import Analyzer
from components.findings import Refused
from tests.components.cases import CASES
from tests.components.contract.case import ABSENT, Case, value_at
from tests.recorder import Recording, Registered, record

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

CHART, FILES = "kubernetes:helm.sh/v4:Chart", "kubernetes:yaml/v2:ConfigGroup"
"""The provider makes objects of them; in a unit test they have none."""
CLUSTER_SCOPED = {
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterServingRuntime",
    "ComputeClass",
    "EC2NodeClass",
    "GatewayClass",
    "Namespace",
    "Node",
    "NodeClass",
    "NodePool",
    "PriorityClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}
_RANGE = re.compile(r"[0-9.]+/[0-9]+")
SECRET = "s3cr3t"


@pytest.fixture(autouse=True)
def _nothing_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size=32: "0" * 2 * size)
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size=32: "0" * size)


def component_classes() -> set[type[Component]]:
    for module in pkgutil.walk_packages(components.__path__, "components."):
        importlib.import_module(module.name)
    found, waiting = set(), [Component]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            found.add(child)
    return {child for child in found if child.__module__.startswith("components.")}


def declared(case: Case, arguments: Mapping[str, Any], name: str = "it") -> Component:
    return case.component(f"{name}{case.ending}", arguments, ResourceOptions())  # type: ignore[arg-type]


def registered(case: Case, over: Mapping[str, Any]) -> Recording:
    return record(lambda: declared(case, case.arguments(over)) and None)


def attempted(case: Case, over: Mapping[str, Any]) -> tuple[Recording, Exception | None]:
    """What is registered, and how the constructor ended."""
    ended: list[Exception] = []

    def program() -> None:
        try:
            declared(case, case.arguments(over))
        except Exception as error:
            ended.append(error)

    return record(program), next(iter(ended), None)


def below(recording: Recording) -> list[Any]:
    """What a component registers besides itself, in a form that compares."""
    return sorted(
        (r.type, r.name, repr(r.inputs), sorted(r.dependencies), r.protect, r.retain_on_delete)
        for r in recording.resources
        if not r.type.startswith("mlplatform:")
    )


_USUAL: dict[str, Recording] = {}


def usual(case: Case) -> Recording:
    """What it registers by itself; once for all tests that only look."""
    if case.name not in _USUAL:
        _USUAL[case.name] = registered(case, {})
    return _USUAL[case.name]


_BEFORE: dict[tuple[str, str], list[Any]] = {}


def registered_before(case: Case, context: Mapping[str, Any]) -> list[Any]:
    """What it registers in that context; once for all fields that share it."""
    key = case.name, repr(sorted(context.items()))
    if key not in _BEFORE:
        _BEFORE[key] = below(registered(case, context))
    return _BEFORE[key]


def handles(case: Case, over: Mapping[str, Any]) -> list[str]:
    """The plain values that a component hands out."""
    found: list[str] = []

    def program() -> None:
        for name, value in vars(declared(case, case.arguments(over))).items():
            if isinstance(value, Mapping) and not name.startswith("_"):
                found.append(repr(value))

    record(program)
    return found


def objects(recording: Recording) -> list[Registered]:
    """The Kubernetes objects."""
    return [r for r in recording.resources if r.type.startswith("kubernetes:") and r.type not in (CHART, FILES)]


def identity(resource: Registered) -> tuple[str, ...]:
    """By what two resources would be the same thing in the cluster.

    Objects of a chart are named after its release, and some of them are cluster-wide.
    """
    if resource.type == CHART:
        return (resource.type, resource.inputs["name"])
    if resource.type == FILES:
        return (resource.type, *resource.inputs["files"])
    metadata = resource.inputs["metadata"]
    return (resource.type, str(metadata.get("namespace", "")), metadata["name"])


def changed(value: Any) -> Any:
    """Another value of the same type."""
    other = value
    match value:
        case bool():
            other = not value
        case Enum():
            members = list(type(value))
            other = members[(members.index(value) + 1) % len(members)]
        case int() | float():
            other = value + 1
        case str():
            other = "10.77.0.0/16" if _RANGE.fullmatch(value) else f"{value}x"
        case dict() if value:
            key = next(iter(value))
            other = {**value, key: changed(value[key])}
        case list() if value:
            other = [changed(value[0]), *value[1:]]
    assert other != value, f"no way to change {value!r}: give a variant"
    return other


def hostile(value: Any) -> list[Any]:
    """Values of the same type that hardly any field can take."""
    if isinstance(value, Enum):
        return [member for member in type(value) if member is not value]
    by_type: dict[type, list[Any]] = {int: [-1, 0, 100_000], str: ["", "No Name!"], dict: [{}], list: [[]]}
    return by_type.get(type(value), [])


def specs_in(annotation: Any) -> tuple[type | None, bool]:
    """The TypedDict of settings that a field holds, and whether it holds a list of them. Handles are none: whole."""
    if is_typeddict(annotation):
        return (None if annotation.__name__.endswith("Handle") else annotation), False
    if get_origin(annotation) is list:
        return specs_in(get_args(annotation)[0])[0], True
    for part in get_args(annotation) if get_origin(annotation) is not dict else ():
        found = specs_in(part)
        if found[0]:
            return found
    return None, False


class Field(NamedTuple):
    """A field that people write, also inside nested settings."""

    path: str
    handle: bool
    """Another component made it: only whole, never typed by people."""


def leaves(args: type, prefix: str = "") -> Iterator[Field]:
    for name, annotation in args.__annotations__.items():
        spec, several = specs_in(annotation)
        path = f"{prefix}{name}"
        if spec:
            yield from leaves(spec, f"{path}.0." if several else f"{path}.")
        if several or not spec:
            yield Field(path, is_typeddict(annotation))


def cases_of_fields(*, handles: bool) -> list[Any]:
    return [
        pytest.param(case, field.path, id=f"{case.name}.{field.path}")
        for case in CASES
        for field in leaves(get_type_hints(case.component.__init__)["args"])
        if handles or not field.handle
    ]


def strings(value: Any, *, secret: bool = False) -> Iterator[tuple[str, bool]]:
    """Every text in a value, and whether it is inside a secret."""
    if isinstance(value, str):
        yield value, secret
    elif isinstance(value, Mapping):
        hidden = secret or value.get(rpc._special_sig_key) == rpc._special_secret_sig
        for part in value.values():
            yield from strings(part, secret=hidden)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part, secret=secret)


def as_floats(value: Any) -> Any:
    """Integers as the hosted components get them."""
    if isinstance(value, Mapping):
        return {key: as_floats(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_floats(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool | Enum) else value


def test_every_component_has_one_case() -> None:
    assert sorted(case.name for case in CASES) == sorted(child.__name__ for child in component_classes())


@EVERY_CASE
def test_the_token_is_the_class_and_every_child_stands_below_its_component(case: Case) -> None:
    recording = usual(case)
    (itself,) = [r for r in recording.resources if r.type == f"mlplatform:index:{case.name}"]
    others = [r for r in recording.resources if r is not itself]
    assert bool(others) != bool(case.childless), "a component that declares nothing says why"
    assert [r.name for r in others if itself.urn not in recording.ancestors(r)] == []


@EVERY_CASE
@pytest.mark.parametrize("name", ["it", "it-backup"])  # a name that ends as some roles do
def test_every_child_is_named_after_the_component_above_it(case: Case, name: str) -> None:
    recording = record(lambda: declared(case, case.arguments(), name) and None)
    names = {r.urn: r.name for r in recording.resources}
    others = [r for r in recording.resources if r.parent in names]
    assert [r.name for r in others if not r.name.startswith(f"{names[r.parent]}-")] == []


@EVERY_CASE
def test_two_instances_share_no_child_and_no_object(case: Case) -> None:
    def program() -> None:
        # One name begins with the other, and ends as some roles do.
        declared(case, case.arguments(), "it")
        declared(case, case.arguments(case.second), "it-backup")

    recording = record(program)
    urns = [r.urn for r in recording.resources]
    assert len(urns) == len(set(urns))
    identities = [identity(r) for r in recording.resources if r.type.startswith("kubernetes:")]
    shared = {one for one in identities if identities.count(one) > 1}
    if not case.single:
        assert shared == set()
        return
    # Not an excuse: there is something to share, and all of it is cluster-wide.
    assert shared
    assert {one for one in shared if one[0] not in (CHART, FILES) and one[1] not in ("", "kube-system")} == set()


@EVERY_CASE
def test_every_object_has_an_explicit_name_a_namespace_and_an_owner(case: Case) -> None:
    # Fast profile: a run that is killed leaks nothing only because names are explicit.
    for resource in objects(usual(case)):
        metadata = resource.inputs["metadata"]
        assert metadata.get("name"), resource.name
        assert bool(metadata.get("namespace")) == (resource.kind not in CLUSTER_SCOPED), resource.name
        assert metadata.get("labels", {}).items() >= LABELS.items(), resource.name


@EVERY_CASE
def test_every_input_and_output_is_described(case: Case) -> None:
    analyzer = Analyzer("mlplatform")
    definition = analyzer.analyze_component(case.component)
    assert definition.description
    described = {name: field.description for name, field in {**definition.inputs, **definition.outputs}.items()}
    for kind in analyzer.type_definitions.values():
        described[kind.name] = kind.description
        described |= {f"{kind.name}.{name}": field.description for name, field in kind.properties.items()}
    assert [name for name, text in described.items() if not (text or "").strip()] == []


def test_one_schema_holds_all_components() -> None:
    # Two nested types of one name in different modules cannot both be in it.
    Analyzer("mlplatform").analyze(components=[case.component for case in CASES])


@pytest.mark.parametrize(("case", "path"), cases_of_fields(handles=True))
def test_every_accepted_field_reaches_a_resource(case: Case, path: str) -> None:
    context = case.context(path)
    value = value_at(case.arguments(context), path)
    assert value is not ABSENT or path in case.variants, f"{case.name}.{path} has neither a value nor a variant"
    other = case.variants[path] if path in case.variants else changed(value)
    assert other != value
    recording, error = attempted(case, {**context, path: other})
    if path in case.rules_only:
        assert isinstance(error, Refused)
        return
    assert error is None
    # Not an excuse: what goes into the handle only changes no object.
    reached = below(recording) != registered_before(case, context)
    assert reached == (path not in (*case.handed, *case.inert))
    assert reached or (handles(case, {**context, path: other}) != handles(case, context)) == (path not in case.inert)


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=lambda case: case.name)
def test_refused_arguments_register_nothing(case: Case) -> None:
    recording, error = attempted(case, case.refused)
    assert isinstance(error, Refused)
    assert all(finding.path and finding.rule and finding.remedy for finding in error.findings)
    assert recording.resources == []


@pytest.mark.parametrize(("case", "path"), cases_of_fields(handles=False))
def test_a_strange_value_is_accepted_or_refused_before_anything_is_registered(case: Case, path: str) -> None:
    context = case.context(path)
    for value in hostile(value_at(case.arguments(context), path)):
        recording, error = attempted(case, {**context, path: value})
        if error:
            assert isinstance(error, Refused), f"{value!r}: {error!r}"
            assert recording.resources == [], f"{value!r} is refused when something is registered: {error}"


@EVERY_CASE
def test_integers_that_arrive_as_floats_mean_the_same(case: Case) -> None:
    recording = record(lambda: declared(case, as_floats(case.arguments())) and None)
    assert below(recording) == below(usual(case))


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if any(SECRET in text for text, _ in strings(case.args))],
    ids=lambda case: case.name,
)
def test_what_is_secret_is_registered_as_a_secret_only(case: Case) -> None:
    found = [(r.name, secret) for r in usual(case).resources for text, secret in strings(r.inputs) if SECRET in text]
    assert found
    assert [name for name, secret in found if not secret] == []


@EVERY_CASE
def test_the_constructor_uses_no_network_and_starts_no_process(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a constructor reached outside")

    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert registered(case, {}).resources


@EVERY_CASE
def test_every_documented_output_is_registered(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[type, set[str]] = {}
    monkeypatch.setattr(Component, "register_outputs", lambda self, outputs: seen.update({type(self): {*outputs}}))
    registered(case, {})
    documented = Analyzer("mlplatform").analyze_component(case.component).outputs
    assert {*documented} - seen[case.component] == set()
