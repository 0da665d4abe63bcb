"""Property values as the engine sends them: protobuf structs, with marks for what is not known yet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Stands for a value that only an `up` will know. Source: pulumi/sdk v3.246.0, plugin/rpc.go.

There is a mark for each kind of value, and providers may send any; the Python SDK understands this one alone.
"""

_MARKS = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # true or false
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of an object that is a secret, an asset or a reference in disguise. Source: the same."""


def is_unknown(value: object) -> bool:
    """Whether the value will only be known in an `up`."""
    return isinstance(value, str) and value in _MARKS


def has_unknown(value: object) -> bool:
    """Whether anything in the value will only be known in an `up`."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return is_unknown(value)


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """The properties of a request, without those that are null. Whole numbers come out as int, secrets in clear."""
    found = {name: _python(value) for name, value in struct.fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def _python(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        inner = from_struct(value.struct_value)
        return inner.get("value") if _SIGNATURE in inner else inner
    if kind == "list_value":
        return [_python(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Properties as the engine takes them."""
    struct = struct_pb2.Struct()
    struct.update({name: _plain(value) for name, value in properties.items()})
    return struct


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def at(properties: Any, path: str) -> Any:
    """The value at a dotted path, `vpcConfig.subnetIds`; None when there is none. The first of a list counts for it."""
    for step in path.split("."):
        if isinstance(properties, list):
            properties = properties[0] if properties else None
        if not isinstance(properties, Mapping):
            return None
        properties = properties.get(step)
    return properties


def every(properties: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, through all members of the lists on the way."""
    step, _, rest = path.partition(".")
    if isinstance(properties, Sequence) and not isinstance(properties, str):
        for item in properties:
            yield from every(item, path)
    elif isinstance(properties, Mapping) and step in properties:
        value = properties[step]
        if rest:
            yield from every(value, rest)
        elif isinstance(value, list):
            yield from value
        else:
            yield value
