"""The few shapes of a structural schema, and how a kind of them becomes a CustomResourceDefinition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Schema = dict[str, Any]

STAND_IN_LABEL = "mlplatform.dev/stand-in"
"""Marks what is ours and simulated, on CRDs as on charts."""


class Fragment(dict[str, Any]):
    """A schema used in several places of one CRD: written once in the YAML, under its own name as the anchor."""

    def __init__(self, name: str, schema: Schema) -> None:
        super().__init__(schema)
        self.name = name


def string(**facets: Any) -> Schema:
    """A string; `facets` are OpenAPI's (format, pattern, default …)."""
    return {"type": "string", **facets}


def choice(*values: str, **facets: Any) -> Schema:
    """A string that is one of `values`."""
    return {"type": "string", "enum": list(values), **facets}


def integer(width: str | None = "int32", **facets: Any) -> Schema:
    """A whole number; upstream types that declare no width pass None."""
    return {"type": "integer", **({"format": width} if width else {}), **facets}


def boolean(**facets: Any) -> Schema:
    """True or false."""
    return {"type": "boolean", **facets}


def obj(properties: Mapping[str, Schema], required: str = "", **facets: Any) -> Schema:
    """An object of exactly these fields; `required` names some of them, separated by spaces."""
    schema: Schema = {"type": "object", "properties": dict(properties), **facets}
    return {**schema, "required": required.split()} if required else schema


def mapping(values: Schema, **facets: Any) -> Schema:
    """An object with free keys."""
    return {"type": "object", "additionalProperties": values, **facets}


def array(items: Schema, merge: str = "", **facets: Any) -> Schema:
    """A list. `merge` is how server-side apply merges it: "" (undeclared: replaced), "atomic", "set", or key names."""
    schema: Schema = {"type": "array", "items": items, **facets}
    if merge in ("atomic", "set"):
        schema["x-kubernetes-list-type"] = merge
    elif merge:
        schema |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": merge.split()}
    return schema


def atomic(schema: Schema) -> Schema:
    """An object that server-side apply replaces as a whole."""
    return {**schema, "x-kubernetes-map-type": "atomic"}


def free(**facets: Any) -> Schema:
    """An object that upstream leaves open, or that only controllers write (status)."""
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, **facets}


STRING = string()
STRINGS = array(STRING)
ATOMIC_STRINGS = array(STRING, "atomic")
STRING_MAP = mapping(STRING)
BOOLEAN = boolean()
INT32 = integer()
INT64 = integer("int64")
PORT = integer(minimum=1, maximum=65535)
INT_OR_STRING: Schema = {"x-kubernetes-int-or-string": True}
QUANTITY: Schema = {
    **INT_OR_STRING,
    "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$",
}

AGE = ("Age", "date", ".metadata.creationTimestamp")


def condition(name: str, kind: str, part: str = "status") -> tuple[str, str, str]:
    """A printer column that shows a condition of the status."""
    return (name, "string", f".status.conditions[?(@.type=='{kind}')].{part}")


@dataclass(frozen=True)
class Kind:
    """One kind of one API group, as upstream names, scopes and serves it."""

    group: str
    kind: str
    plural: str
    description: str
    spec: Schema
    versions: Sequence[str] = ("v1",)
    """Versions that are served, the stored one first."""
    short_names: Sequence[str] = ()
    categories: Sequence[str] = ()
    cluster_scoped: bool = False
    columns: Sequence[tuple[str, str, str]] = (AGE,)
    has_status: bool = True
    scale: Mapping[str, str] = field(default_factory=dict)
    """Paths of the scale subresource, where upstream has one."""
    required: str = "spec"
    """What upstream requires beside apiVersion and kind."""
    root: Mapping[str, Schema] = field(default_factory=dict)
    """Fields beside spec and status."""

    def definition(self) -> Schema:
        """The CustomResourceDefinition, as an object of the API."""
        singular = self.kind.lower()
        names: Schema = {"kind": self.kind, "listKind": f"{self.kind}List", "plural": self.plural, "singular": singular}
        if self.short_names:
            names["shortNames"] = list(self.short_names)
        if self.categories:
            names["categories"] = list(self.categories)
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": self._metadata(),
            "spec": {
                "group": self.group,
                "names": names,
                "scope": "Cluster" if self.cluster_scoped else "Namespaced",
                "versions": [self._version(version, stored=at == 0) for at, version in enumerate(self.versions)],
            },
        }

    def _metadata(self) -> Schema:
        metadata: Schema = {"name": f"{self.plural}.{self.group}", "labels": {STAND_IN_LABEL: "true"}}
        if self.group.endswith(".k8s.io"):
            # The API server takes CRDs of the community's groups only with this annotation.
            metadata["annotations"] = {"api-approved.kubernetes.io": "unapproved, simulated stand-in"}
        return metadata

    def _version(self, name: str, *, stored: bool) -> Schema:
        properties: Schema = {
            "apiVersion": STRING,
            "kind": STRING,
            "metadata": {"type": "object"},
            **self.root,
            "spec": self.spec,
        }
        subresources: Schema = {}
        if self.has_status:
            properties["status"] = free()
            subresources["status"] = {}
        if self.scale:
            subresources["scale"] = dict(self.scale)
        schema = {**obj(properties, self.required), "description": f"Simulated stand-in. {self.description}"}
        version: Schema = {"name": name, "served": True, "storage": stored, "schema": {"openAPIV3Schema": schema}}
        if subresources:
            version["subresources"] = subresources
        if self.columns:
            version["additionalPrinterColumns"] = [
                {"name": title, "type": type_, "jsonPath": path} for title, type_, path in self.columns
            ]
        return version


_LONGEST_INLINE = 88
"""Characters of an object that may stand on one line."""


class _Dumper(yaml.SafeDumper):
    """Short objects on one line; aliases for fragments and nothing else, with names instead of numbers."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        return super().represent_mapping(tag, mapping, flow_style=len(str(mapping)) <= _LONGEST_INLINE)

    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, Fragment)

    def generate_anchor(self, node: yaml.Node) -> str:
        return str(node.__dict__["fragment"])

    def represent_fragment(self, fragment: Fragment) -> yaml.Node:
        node = self.represent_dict(fragment)
        node.__dict__["fragment"] = fragment.name
        return node


_Dumper.add_representer(Fragment, _Dumper.represent_fragment)


def to_yaml(kinds: Iterable[Kind]) -> str:
    """One YAML document for each kind, with a heading that says what the file is."""
    heading = (
        "# Simulated stand-in CRDs, written by `python -m simulator.crds`: change the Python tables, not this file.\n"
    )
    documents = [
        yaml.dump(kind.definition(), Dumper=_Dumper, sort_keys=False, width=120, default_flow_style=None)
        for kind in kinds
    ]
    return heading + "".join(f"---\n{document}" for document in documents)
