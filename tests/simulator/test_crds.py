"""The stand-in CRDs: well-formed, closed, written from their tables, and a true subset of upstream's."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from catalog.versions import API_VERSIONS, CLOUD_CRDS, CRDS
from simulator.crds.__main__ import FOLDER, KINDS_BY_ADDON
from simulator.crds.schema import Fragment, Kind, to_yaml
from tests.support.upstream_crds import ABSENT
from tests.support.upstream_crds import FOLDER as UPSTREAM

UPSTREAM_FOLDERS = {
    "karpenter": ("karpenter", "karpenter-aws"),
    "dra-driver-nvidia-gpu": ("nvidia-dra-driver",),
    "gke-provisioning-request": ("cluster-autoscaler",),
}
"""Where the collection keeps the CRDs of a set under other names than the set's."""

ALL_KINDS = [(addon, kind) for addon, kinds in KINDS_BY_ADDON.items() for kind in kinds]

MUST_EQUAL = (
    "type format default minimum maximum minItems maxItems minLength maxLength maxProperties "
    "x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type x-kubernetes-int-or-string"
).split()
"""Facets that decide which values are accepted, what the server fills in and how it merges."""
MAY_BE_LOOSER = {"maximum", "minimum", "minItems", "maxItems", "minLength", "maxLength", "maxProperties"}
"""Of these, the bounds that the stand-in may leave out, but never change."""


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 reads a bare `=` as a value tag; prometheus-operator's enums have one."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(path.read_text(), Loader=_Loader) if document]


def bundled(addon: str) -> dict[str, dict[str, Any]]:
    return {crd["metadata"]["name"]: crd for crd in documents(FOLDER / f"{addon}.yaml")}


@cache
def upstream(addon: str) -> dict[str, dict[str, Any]]:
    if not UPSTREAM.is_dir():
        pytest.skip(ABSENT)
    folders = [UPSTREAM / name for name in UPSTREAM_FOLDERS.get(addon, (addon,))]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip(f"the real CRDs of {addon} are not beside the checkout ({folders}): nothing to compare with")
    paths = [path for folder in folders for path in sorted(folder.glob("*.yaml"))]
    return {crd["metadata"]["name"]: crd for path in paths for crd in documents(path)}


def root(crd: dict[str, Any], version: str) -> dict[str, Any]:
    found = next(one for one in crd["spec"]["versions"] if one["name"] == version)
    schema: dict[str, Any] = found["schema"]["openAPIV3Schema"]
    return schema


def schemas(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside one, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from schemas(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from schemas(schema[key], f"{path}[]")


def departures(ours: dict[str, Any], theirs: dict[str, Any], path: str) -> Iterator[str]:
    """Where a stand-in schema accepts, requires, defaults or merges differently from the real one.

    The status is left open in the stand-ins: nobody but controllers writes it. Upstream's KServe lets some probes
    have no port; the stand-ins keep core/v1's rule everywhere.
    """
    if path == ".status":
        return
    for facet in MUST_EQUAL:
        mine, real = ours.get(facet), theirs.get(facet)
        if mine != real and not (mine is None and facet in MAY_BE_LOOSER):
            yield f"{path}: {facet} is {mine!r}, upstream has {real!r}"
    if not set(ours.get("enum", [])) <= set(theirs.get("enum", ours.get("enum", []))):
        yield f"{path}: enum has {set(ours['enum']) - set(theirs['enum'])}, which upstream refuses"
    if "enum" in theirs and "enum" not in ours:
        yield f"{path}: any string, upstream has an enum"
    stricter = {"port"} if path.endswith(("httpGet", "tcpSocket")) else set()
    if set(ours.get("required", [])) - stricter != set(theirs.get("required", [])) - stricter:
        yield f"{path}: required is {ours.get('required')}, upstream has {theirs.get('required')}"
    if ours.get("x-kubernetes-preserve-unknown-fields") and not theirs.get("x-kubernetes-preserve-unknown-fields"):
        yield f"{path}: takes unknown fields, upstream does not"
    for name, child in ours.get("properties", {}).items():
        if name in theirs.get("properties", {}):
            yield from departures(child, theirs["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: no such field upstream"
    for key in ("items", "additionalProperties"):
        if isinstance(ours.get(key), dict):
            yield from departures(ours[key], theirs.get(key, {}), f"{path}[]")


def test_the_comparison_sees_each_way_to_depart() -> None:
    real = {
        "type": "object",
        "properties": {"size": {"type": "integer", "format": "int32", "maximum": 9}, "mode": {"enum": ["a", "b"]}},
        "required": ["size"],
    }
    wrong = {
        "type": "object",
        "properties": {
            "size": {"type": "string", "format": "int32", "maximum": 10, "default": 1},
            "mode": {"enum": ["a", "c"]},
            "colour": {},
        },
        "x-kubernetes-map-type": "atomic",
    }
    assert list(departures(real, real, "")) == []
    assert list(departures(wrong, real, "")) == [
        ": x-kubernetes-map-type is 'atomic', upstream has None",
        ": required is None, upstream has ['size']",
        ".size: type is 'string', upstream has 'integer'",
        ".size: default is 1, upstream has None",
        ".size: maximum is 10, upstream has 9",
        ".mode: enum has {'c'}, which upstream refuses",
        ".colour: no such field upstream",
    ]
    assert list(departures({"x-kubernetes-preserve-unknown-fields": True}, {}, ".spec")) == [
        ".spec: takes unknown fields, upstream does not"
    ]


@pytest.mark.parametrize("addon", KINDS_BY_ADDON)
def test_the_file_is_what_the_tables_say(addon: str) -> None:
    assert (FOLDER / f"{addon}.yaml").read_text() == to_yaml(KINDS_BY_ADDON[addon]), "run python -m simulator.crds"


def test_every_set_of_crds_that_the_platform_or_a_cloud_installs_has_its_file_and_no_other() -> None:
    assert not CLOUD_CRDS & CRDS.keys(), "what a cloud brings is not installed"
    assert sorted(KINDS_BY_ADDON) == sorted([*CRDS, *CLOUD_CRDS])
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(KINDS_BY_ADDON)


def test_every_custom_kind_that_components_emit_is_served() -> None:
    served = {(f"{kind.group}/{version}", kind.kind) for _, kind in ALL_KINDS for version in kind.versions}
    groups = {kind.group for _, kind in ALL_KINDS}
    emitted = {(version, kind) for kind, version in API_VERSIONS.items() if version.split("/")[0] in groups}
    assert emitted <= served


OPEN = {
    # Routes nest without end; upstream leaves them open as well.
    "AlertmanagerConfig": {".spec.route.routes[]"},
    # What no component of ours has: a copy of a pod's schema for each would make every `up` slower.
    "Alertmanager": {".spec.initContainers[]"},
    "Prometheus": {".spec.initContainers[]"},
    "Pooler": {".spec.template"},
    "ServingRuntime": {".spec.workerSpec"},
    "ClusterServingRuntime": {".spec.workerSpec"},
    "InferenceService": {
        ".spec.explainer",
        ".spec.predictor.workerSpec",
        ".spec.predictor.initContainers[]",
        ".spec.canary[].predictor.initContainers[]",
        ".spec.transformer.initContainers[]",
    },
}


@pytest.mark.parametrize(("addon", "kind"), ALL_KINDS, ids=lambda value: getattr(value, "kind", value))
def test_a_crd_says_that_it_is_a_stand_in_and_refuses_what_it_does_not_declare(addon: str, kind: Kind) -> None:
    crd = bundled(addon)[f"{kind.plural}.{kind.group}"]
    assert crd["metadata"]["labels"] == {"mlplatform.dev/stand-in": "true"}
    assert [version["name"] for version in crd["spec"]["versions"] if version["storage"]] == [kind.versions[0]]
    for version in kind.versions:
        schema = root(crd, version)
        assert schema["description"].startswith("Simulated stand-in. ")
        open_paths = {path for path, one in schemas(schema) if one.get("x-kubernetes-preserve-unknown-fields")}
        assert open_paths <= {".status", *OPEN.get(kind.kind, ())}


def test_a_fragment_is_written_once_under_its_name() -> None:
    shared = Fragment("colour", {"type": "string", "description": "a fragment " * 10})
    spec = {"type": "object", "properties": {"inside": shared, "outside": shared}}
    text = to_yaml([Kind("example.com", "Thing", "things", "Anything.", spec)])
    assert text.count("&colour") == 1
    assert text.count("*colour") == 1
    (crd,) = [document for document in yaml.safe_load_all(text) if document]
    assert root(crd, "v1")["properties"]["spec"]["properties"] == {"inside": {**shared}, "outside": {**shared}}


@pytest.mark.parametrize(("addon", "kind"), ALL_KINDS, ids=lambda value: getattr(value, "kind", value))
def test_a_stand_in_is_a_subset_of_the_real_crd(addon: str, kind: Kind) -> None:
    name = f"{kind.plural}.{kind.group}"
    ours, theirs = bundled(addon)[name]["spec"], upstream(addon)[name]["spec"]
    assert ours["group"] == theirs["group"]
    assert ours["scope"] == theirs["scope"]
    assert ours["names"] == theirs["names"]
    served = {version["name"]: version.get("deprecated", False) for version in theirs["versions"] if version["served"]}
    # A deprecated version may lack: no object of ours is written in one.
    assert {name for name, deprecated in served.items() if not deprecated} <= set(kind.versions) <= set(served)
    for version in ours["versions"]:
        real = next(one for one in theirs["versions"] if one["name"] == version["name"])
        assert version["storage"] == real["storage"]
        assert version.get("subresources", {}) == real.get("subresources", {})
        schema = version["schema"]["openAPIV3Schema"]
        known = {f"{path}: takes unknown fields, upstream does not" for path in OPEN.get(kind.kind, ())}
        assert set(departures(schema, real["schema"]["openAPIV3Schema"], "")) <= known
