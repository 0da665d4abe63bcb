"""Message classes of the container runtime interface, made from the table of field numbers in `cri.yaml`.

Generated stubs would be 40 times as long. A field that is not in the table is skipped when it is read, as protobuf does
with any unknown field.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "runtime.v1"
_SCALARS = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("bool", "bytes", "int32", "int64", "string", "uint32", "uint64")
}

Fields = Mapping[str, tuple[int, str]]
"""Name of a field -> its number, and its type as in `cri.yaml`."""


def table() -> dict[str, Fields]:
    """The fields of each message."""
    return dict(yaml.safe_load(Path(__file__).with_name("cri.yaml").read_text(encoding="utf-8")))


def _add_map(message: descriptor_pb2.DescriptorProto, field: str) -> str:
    """Adds the entry type of a map from string to string and returns its name."""
    name = "".join(part.capitalize() for part in field.split("_")) + "Entry"
    entry = message.nested_type.add(name=name)
    entry.options.map_entry = True
    for number, part in enumerate(("key", "value"), start=1):
        entry.field.add(name=part, number=number, type=_SCALARS["string"], label="LABEL_OPTIONAL")
    return f"{message.name}.{name}"


def _describe(message: descriptor_pb2.DescriptorProto, fields: Fields) -> None:
    for name, (number, written) in fields.items():
        kind = _add_map(message, name) if written == "map" else written.removesuffix("[]")
        field = message.field.add(name=name, number=number)
        field.label = field.LABEL_REPEATED if written == "map" or written.endswith("[]") else field.LABEL_OPTIONAL
        if kind in _SCALARS:
            field.type = _SCALARS[kind]
        else:
            field.type, field.type_name = field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


@cache
def classes() -> dict[str, type[Any]]:
    """The message classes, by name."""
    file = descriptor_pb2.FileDescriptorProto(name="cri.proto", package=PACKAGE, syntax="proto3")
    for name, fields in table().items():
        _describe(file.message_type.add(name=name), fields)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName("cri.proto").message_types_by_name
    return {name: message_factory.GetMessageClass(found[name]) for name in table()}


def new(message: str, **fields: Any) -> Any:
    """A message of that name with these fields; a field that is a message may be given as a dict."""
    return classes()[message](**fields)
