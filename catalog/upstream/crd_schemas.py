"""What upstream's CRDs say of their objects: names, versions and fields of each kind, without any text. Pure.

`python -m tools upstream-crds` writes the files of `schemas/`, one for each version of a CRD set. They have no texts,
no rules in CEL, and no status, which only controllers write. A set that a cloud or a CNI brings (`CLOUD_CRDS`) is in a
file without a version, written by hand: its source is documentation, or the CRD of another release.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from catalog.versions import CRDS

FOLDER = Path(__file__).parent / "schemas"

REFERENCE = "shape"
"""The one key of an object that stands for a shape of the file."""

FIXED = "immutable"
"""Key of a field that cannot change; upstream says it as a rule in CEL."""

TEXTS = frozenset({"description", "example", "externalDocs", "title", "x-kubernetes-validations"})
"""Keys of a schema that are texts or code."""

Schema = dict[str, Any]


class VersionFacts(TypedDict):
    """One served version of a kind, and its fields except metadata and status."""

    columns: NotRequired[list[tuple[str, str, str]]]
    """Columns of `kubectl get`: title, type, JSON path."""
    subresources: NotRequired[dict[str, Any]]
    schema: Schema


class KindFacts(TypedDict):
    """One kind, as upstream names, scopes and serves it."""

    group: str
    names: dict[str, Any]
    scope: str
    versions: dict[str, VersionFacts]
    """The stored version comes first; deprecated ones are left out."""


class SchemaFacts(TypedDict):
    """The kinds of one version of a CRD set."""

    set: str
    version: str
    source: str
    date: str
    kinds: dict[str, KindFacts]
    shapes: dict[str, Schema]
    """Objects with fields, named after the place where the first of their kind stands."""


def schemas_file(name: str, version: str = "") -> Path:
    """Where the kinds of a set's version stand."""
    return FOLDER / f"{name}-{version}.json" if version else FOLDER / f"{name}.json"


def kinds_of(crds: Sequence[Mapping[str, Any]]) -> tuple[dict[str, KindFacts], dict[str, Schema]]:
    """Kinds and shapes of these CRDs."""
    shapes = _Shapes()
    kinds = {crd["spec"]["names"]["kind"]: _kind(crd["spec"], shapes) for crd in crds}
    return kinds, {name: json.loads(text) for text, name in shapes.names.items()}


def _kind(spec: Mapping[str, Any], shapes: "_Shapes") -> KindFacts:
    served = [one for one in spec["versions"] if one["served"] and not one.get("deprecated")]
    return {
        "group": spec["group"],
        "names": spec["names"],
        "scope": spec["scope"],
        "versions": {
            one["name"]: _version(spec["names"]["kind"], one, shapes)
            for one in sorted(served, key=lambda one: not one["storage"])
        },
    }


def _version(kind: str, version: Mapping[str, Any], shapes: "_Shapes") -> VersionFacts:
    whole = version["schema"]["openAPIV3Schema"]
    fields = {name: one for name, one in whole["properties"].items() if name not in ("metadata", "status")}
    facts: VersionFacts = {"schema": shapes.kept({**whole, "properties": fields}, kind)}
    if columns := version.get("additionalPrinterColumns"):
        facts["columns"] = [(one["name"], one["type"], one["jsonPath"]) for one in columns]
    if subresources := version.get("subresources"):
        facts["subresources"] = subresources
    return facts


class _Shapes:
    """Collects objects with fields, each different one once."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """JSON -> name."""

    def kept(self, schema: Any, path: str) -> Any:
        """The schema without texts, with references to shapes."""
        if not isinstance(schema, Mapping):
            return schema
        kept = {key: value for key, value in schema.items() if key not in TEXTS}
        if any(one["rule"] == "self == oldSelf" for one in schema.get("x-kubernetes-validations", ())):
            kept[FIXED] = True
        for key, step in (("items", "[]"), ("additionalProperties", "[]"), ("not", "!")):
            if key in kept:
                kept[key] = self.kept(kept[key], path + step)
        for key in ("allOf", "anyOf", "oneOf"):
            if key in kept:
                kept[key] = [self.kept(one, path) for one in kept[key]]
        if "properties" not in kept:
            return kept
        kept["properties"] = {name: self.kept(one, f"{path}.{name}") for name, one in kept["properties"].items()}
        return {REFERENCE: self._name(json.dumps(kept, sort_keys=True), path)}

    def _name(self, text: str, path: str) -> str:
        if text not in self.names:
            taken = set(self.names.values())
            while path in taken:
                path += "'"
            self.names[text] = path
        return self.names[text]


@cache
def kinds_of_set(name: str) -> dict[str, KindFacts]:
    """The kinds of a set of `catalog.versions.CRDS` or `CLOUD_CRDS`, with shapes in the place of references."""
    path = schemas_file(name, CRDS[name].version if name in CRDS else "")
    facts: SchemaFacts = json.loads(path.read_text(encoding="utf-8"))
    whole: dict[str, Schema] = {}

    def expanded(value: Any) -> Any:
        if isinstance(value, list):
            return [expanded(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() != {REFERENCE}:
            return {key: expanded(one) for key, one in value.items()}
        shape = value[REFERENCE]
        if shape not in whole:
            whole[shape] = expanded(facts["shapes"][shape])
        return whole[shape]

    kinds: dict[str, KindFacts] = expanded(facts["kinds"])
    return kinds


def fields(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema inside one, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from fields(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from fields(schema[key], f"{path}[]")
