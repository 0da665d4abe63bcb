"""The clouds' published API models in one form: what a member may be, down through nested shapes.

AWS: botocore's service models. Google Cloud: the discovery documents that google-api-python-client carries (a test
dependency). Both are read as data; nothing of either package is imported.
"""

import gzip
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from simulator.errors import SimulatorError


class ApiShape(Protocol):
    """A type of an API."""

    @property
    def name(self) -> str:
        """As the API's documentation has it."""

    @property
    def kind(self) -> str:
        """`object`, `list`, `map`, `str`, `int`, `float`, `bool` or `any`."""

    @property
    def enum(self) -> list[str]:
        """The values it can have; empty: any."""

    @property
    def pattern(self) -> str:
        """A regular expression that a string matches as a whole; empty: any."""

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and most: value of a number, length of a string or list."""

    @property
    def required(self) -> list[str]:
        """Members that an object must have."""

    def members(self) -> Mapping[str, "ApiShape"]:
        """Of an object."""

    def item(self) -> "ApiShape":
        """Of a list or map."""


_AWS_KINDS = {
    "structure": "object",
    "list": "list",
    "map": "map",
    "string": "str",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "boolean": "bool",
}


@dataclass(frozen=True)
class AwsShape:
    """A shape of botocore."""

    name: str
    raw: Mapping[str, Any]
    shapes: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return _AWS_KINDS.get(self.raw["type"], "any")

    @property
    def enum(self) -> list[str]:
        return list(self.raw.get("enum", ()))

    @property
    def pattern(self) -> str:
        return str(self.raw.get("pattern", ""))

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return self.raw.get("min"), self.raw.get("max")

    @property
    def required(self) -> list[str]:
        members = self.raw.get("members", {})
        return [name for name in self.raw.get("required", ()) if not members[name].get("idempotencyToken")]

    def members(self) -> Mapping[str, ApiShape]:
        return {name: self._shape(member["shape"]) for name, member in self.raw.get("members", {}).items()}

    def item(self) -> ApiShape:
        reference = self.raw["member"] if "member" in self.raw else self.raw["value"]
        return self._shape(reference["shape"])

    def _shape(self, name: str) -> "AwsShape":
        return AwsShape(name, self.shapes[name], self.shapes)


@dataclass(frozen=True)
class GoogleShape:
    """A schema of a discovery document."""

    name: str
    raw: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def kind(self) -> str:
        if "additionalProperties" in self.raw:
            return "map"
        kinds = {"object": "object", "array": "list", "integer": "int", "number": "float", "boolean": "bool"}
        if self.raw.get("type") == "string":
            return "int" if self.raw.get("format") in ("int64", "uint64") else "str"
        return kinds.get(self.raw.get("type", ""), "any")

    @property
    def enum(self) -> list[str]:
        return list(self.raw.get("enum", ()))

    @property
    def pattern(self) -> str:
        return str(self.raw.get("pattern", ""))

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        return None, None

    @property
    def required(self) -> list[str]:
        return []

    def members(self) -> Mapping[str, ApiShape]:
        return {name: self._shape(name, member) for name, member in self.raw.get("properties", {}).items()}

    def item(self) -> ApiShape:
        member = self.raw["items"] if "items" in self.raw else self.raw["additionalProperties"]
        return self._shape(f"{self.name}[]", member)

    def _shape(self, name: str, member: Mapping[str, Any]) -> "GoogleShape":
        if "$ref" in member:
            return GoogleShape(member["$ref"], self.schemas[member["$ref"]], self.schemas)
        return GoogleShape(name, member, self.schemas)


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise SimulatorError(
            f"The simulated clouds check inputs against API models that {name} carries, and it is not installed. "
            "Run `pip install -r requirements-dev.txt`."
        )
    return Path(found.origin).parent


@cache
def _service(name: str) -> Mapping[str, Any]:
    newest = sorted((_package("botocore") / "data" / name).glob("*/service-2.json.gz"))[-1]
    with gzip.open(newest) as file:
        return dict(json.load(file))


@cache
def _document(name: str) -> Mapping[str, Any]:
    path = _package("googleapiclient") / "discovery_cache" / "documents" / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


@cache
def shape(cloud: str, name: str) -> ApiShape:
    """`eks.CreateNodegroup` of AWS is the operation's input, `container.v1.NodePool` of Google Cloud a schema."""
    owner, _, member = name.rpartition(".")
    if cloud == "aws":
        model = _service(owner)
        reference = model["operations"][member]["input"]["shape"]
        return AwsShape(reference, model["shapes"][reference], model["shapes"])
    schemas = _document(owner)["schemas"]
    return GoogleShape(member, schemas[member], schemas)


@cache
def aws_regions() -> frozenset[str]:
    """The regions that botocore knows, of every partition."""
    known = json.loads((_package("botocore") / "data" / "endpoints.json").read_text(encoding="utf-8"))
    return frozenset(region for partition in known["partitions"] for region in partition["regions"])
