"""The stand-in CRDs: upstream's names, versions and fields, closed as far down as they fit, open below."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from catalog.upstream import crd_set_facts
from catalog.upstream.crd_schemas import FIXED, TEXTS, fields, kinds_of, kinds_of_set
from catalog.upstream.objects import crd_facts
from catalog.versions import API_VERSIONS, CLOUD_CRDS, CRDS
from simulator.crds import EVERY_LEVEL, KINDS, LEVELS, STAND_IN_LABEL, definitions, text_of_set
from tests.support.definitions import upstream_crd
from tests.support.upstream_crds import ABSENT

CRDS_BY_KIND = {crd["spec"]["names"]["kind"]: crd for name in KINDS for crd in definitions(name)}
DOCUMENTED = {"CiliumNetworkPolicy", "ComputeClass"}
"""Kinds whose facts are written by hand from documentation."""

FACETS = (
    *("type", "format", "enum", "required", "nullable", "default", "pattern", "minimum", "maximum"),
    *("minItems", "maxItems", "minLength", "maxLength"),
    *(f"x-kubernetes-{name}" for name in ("list-type", "list-map-keys", "map-type", "int-or-string")),
    "x-kubernetes-preserve-unknown-fields",
)
"""What a schema says of one value, besides its fields, texts and rules."""
_MODULUS = [
    (f".spec.monitoring.podMonitor{relabelings}[].modulus", "minimum", None, 0)
    for relabelings in ("MetricRelabelings", "Relabelings")
]
DIFFERENT_RELEASES: dict[str, list[tuple[str, str, Any, Any]]] = {
    "Cluster": _MODULUS,
    "Pooler": _MODULUS,
    "SecurityPolicy": [
        (".spec.oidc.provider.issuer", "pattern", None, "^https://[^/?#@]+(/[^?#]*)?$"),
        (".spec.oidc.provider.issuer", "minLength", 1, None),
    ],
}
"""Kind -> path, facet, value in the older release of the collection, value in the pinned one."""


def roots(crd: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for version in crd["spec"]["versions"]:
        yield version["schema"]["openAPIV3Schema"]


def openings(schema: dict[str, Any]) -> set[str]:
    return {path for path, one in fields(schema) if one.get("x-kubernetes-preserve-unknown-fields")}


def test_every_set_of_crds_that_the_platform_or_a_cloud_installs_has_its_row() -> None:
    assert not CLOUD_CRDS & CRDS.keys(), "what a cloud brings is not installed"
    assert sorted(KINDS) == sorted([*CRDS, *CLOUD_CRDS])


def test_every_kind_of_a_row_has_facts_and_no_other() -> None:
    assert {name: sorted(kinds_of_set(name)) for name in KINDS} == {
        name: sorted(row.split()) for name, row in KINDS.items()
    }


def test_every_custom_kind_that_components_emit_is_served() -> None:
    served = {
        (f"{crd['spec']['group']}/{version['name']}", kind)
        for kind, crd in CRDS_BY_KIND.items()
        for version in crd["spec"]["versions"]
    }
    groups = {crd["spec"]["group"] for crd in CRDS_BY_KIND.values()}
    emitted = {(version, kind) for kind, version in API_VERSIONS.items() if version.split("/")[0] in groups}
    assert emitted <= served


@pytest.mark.parametrize("kind", CRDS_BY_KIND)
def test_a_crd_says_that_it_is_a_stand_in_and_has_one_stored_version(kind: str) -> None:
    crd = CRDS_BY_KIND[kind]
    assert crd["metadata"]["labels"] == {STAND_IN_LABEL: "true"}
    assert [version["storage"] for version in crd["spec"]["versions"]].count(True) == 1
    assert {root["description"] for root in roots(crd)} == {"Simulated stand-in."}


@pytest.mark.parametrize("kind", CRDS_BY_KIND)
def test_a_crd_is_closed_down_to_its_level_and_open_below(kind: str) -> None:
    for root in roots(CRDS_BY_KIND[kind]):
        opened = openings(root) - {".status"}
        assert all(path.count(".") >= LEVELS.get(kind, 2) for path in opened), opened


def test_with_every_level_only_what_upstream_leaves_open_is_open() -> None:
    (policy,) = definitions("prometheus-operator", EVERY_LEVEL)[5:6]
    assert set().union(*map(openings, roots(policy))) == {".status"}
    assert set().union(*map(openings, roots(CRDS_BY_KIND["PrometheusRule"]))) > {".status"}


def test_a_set_is_one_document_for_each_kind() -> None:
    documents = [json.loads(text) for text in text_of_set("kserve").split("---\n")]
    assert [one["spec"]["names"]["kind"] for one in documents] == KINDS["kserve"].split()


@pytest.mark.parametrize("name", CRDS)
def test_the_kinds_are_scoped_and_served_as_upstreams_manifests_say(name: str) -> None:
    upstream = {crd["name"]: crd for crds in crd_set_facts(name, CRDS[name].version)["files"].values() for crd in crds}
    for crd in definitions(name):
        facts, real = crd_facts(crd), upstream[crd["metadata"]["name"]]
        kept = sorted(one for one in real["versions"] if "deprecated" not in one)
        assert (facts["kind"], facts["scope"], sorted(facts["versions"])) == (real["kind"], real["scope"], kept)


@pytest.mark.parametrize("kind", sorted(CRDS_BY_KIND.keys() - DOCUMENTED))
def test_the_facts_have_the_fields_of_the_real_crd(kind: str) -> None:
    """The collection next to the checkout may hold an older patch release than the facts: it may lack fields."""
    (facts,) = [facts for name in KINDS for named, facts in kinds_of_set(name).items() if named == kind]
    real = upstream_crd(facts["group"], kind)
    if real is None:
        pytest.skip(ABSENT)
    (theirs,) = kinds_of([real])[0].values()
    assert (facts["names"], facts["scope"], [*facts["versions"]]) == (
        theirs["names"],
        theirs["scope"],
        [*theirs["versions"]],
    )
    for version, ours in facts["versions"].items():
        (whole,) = [one for one in real["spec"]["versions"] if one["name"] == version]
        schema = whole["schema"]["openAPIV3Schema"]
        paths = {path for path, _ in fields(schema) if path.split(".")[1:2] not in (["status"], ["metadata"])}
        assert paths <= {path for path, _ in fields(ours["schema"])}
        mine = dict(fields(ours["schema"]))
        assert [
            (path, facet, one.get(facet), mine[path].get(facet))
            for path, one in fields(schema)
            if path in paths
            for facet in FACETS
            if one.get(facet) != mine[path].get(facet)
        ] == DIFFERENT_RELEASES.get(kind, [])


@pytest.mark.parametrize("kind", sorted(DOCUMENTED))
def test_a_documented_kind_is_compared_where_there_is_something_to_compare_with(kind: str) -> None:
    assert upstream_crd(CRDS_BY_KIND[kind]["spec"]["group"], kind) is None


def crd_of(spec: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "description": "A text.", "properties": {"spec": spec, "status": {"type": "object"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "Thing", "plural": "things"}
    return {"spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}}


def test_facts_have_each_shape_once_no_text_and_no_status() -> None:
    colour = {"type": "object", "properties": {"description": {"type": "string", "description": "A text."}}}
    fixed = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "A text."}]}
    spec = {"type": "object", "properties": {"inside": colour, "outside": colour, "name": fixed}}
    kinds, shapes = kinds_of([crd_of(spec)])
    assert kinds["Thing"]["versions"] == {"v1": {"schema": {"shape": "Thing"}}}
    reference = {"shape": "Thing.spec.inside"}
    assert shapes == {
        "Thing.spec.inside": {"type": "object", "properties": {"description": {"type": "string"}}},
        "Thing.spec": {
            "type": "object",
            "properties": {"inside": reference, "outside": reference, "name": {"type": "string", FIXED: True}},
        },
        "Thing": {"type": "object", "properties": {"spec": {"shape": "Thing.spec"}}},
    }


def test_a_deprecated_version_is_left_out_and_the_stored_one_comes_first() -> None:
    crd = crd_of({"type": "object"})
    (stored,) = crd["spec"]["versions"]
    others = [
        {**stored, "name": "v1beta1", "storage": False},
        {**stored, "name": "v1alpha1", "storage": False, "deprecated": True},
        {**stored, "name": "v0", "storage": False, "served": False},
    ]
    crd["spec"]["versions"] = [*others, stored]
    assert [*kinds_of([crd])[0]["Thing"]["versions"]] == ["v1", "v1beta1"]


def test_no_fact_holds_a_text() -> None:
    for name in KINDS:
        for facts in kinds_of_set(name).values():
            for version in facts["versions"].values():
                assert [path for path, one in fields(version["schema"]) if TEXTS & one.keys()] == []
