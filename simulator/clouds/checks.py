"""Whether a cloud would take the inputs of a resource: all that is wrong at once, each with its property. Pure."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulator.clouds import sdk
from simulator.clouds.rows import Row
from simulator.clouds.shapes import ApiShape, shape
from simulator.clouds.values import at, is_unknown

_ENUM_SHOWN = 12


class Problem(NamedTuple):
    """One refused property."""

    path: str
    reason: str


def check_sdk(token: str, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Names, types and required inputs, by the SDK's classes."""
    yield from _check_fields(token, "", sdk.inputs(token), inputs, token.rpartition(":")[2])


def _check_fields(
    token: str, prefix: str, fields: Mapping[str, sdk.Field], given: Mapping[str, Any], owner: str
) -> Iterator[Problem]:
    for name, value in given.items():
        if name.startswith("__"):
            continue
        if name in fields:
            yield from _check_kind(token, f"{prefix}{name}", fields[name].kind, value)
        else:
            yield Problem(f"{prefix}{name}", f"{owner} has no property {name!r}.{_closest(name, fields)}")
    for name, wanted in fields.items():
        if wanted.required and name not in given:
            yield Problem(f"{prefix}{name}", f"{owner}: the property {name!r} is required")


def _check_kind(token: str, path: str, kind: sdk.Kind, value: Any) -> Iterator[Problem]:
    if is_unknown(value) or kind.name == "any":
        return
    if not _is(kind.name, value):
        # As Terraform does, in either direction: "1" is 1, true is "true".
        if not (
            kind.name in _CONVERTIBLE and isinstance(value, str | bool | int | float) and _converts(kind.name, value)
        ):
            yield Problem(path, f"is {_named(path, value)}, and must be {_KIND_NAMES[kind.name]}")
    elif kind.name == "list" and kind.of:
        for index, item in enumerate(value):
            yield from _check_kind(token, f"{path}[{index}]", kind.of, item)
    elif kind.name == "map" and kind.of:
        for name, item in value.items():
            yield from _check_kind(token, f"{path}.{name}", kind.of, item)
    elif kind.name == "object":
        fields = sdk.nested(token, kind.type_name)
        if fields:
            yield from _check_fields(token, f"{path}.", fields, value, kind.type_name.removesuffix("Args"))


_PYTHON: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "float": (int, float),
    "list": (list,),
    "map": (dict,),
    "object": (dict,),
}
_KIND_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "float": "a number",
    "list": "a list",
    "map": "an object",
    "object": "an object",
}
_CONVERTIBLE = ("str", "int", "bool", "float")


def _is(kind: str, value: Any) -> bool:
    if kind not in _PYTHON:
        return True
    return isinstance(value, _PYTHON[kind]) and not (isinstance(value, bool) and kind in ("int", "float"))


def _converts(kind: str, value: Any) -> bool:
    text = str(value).lower()
    patterns = {"str": r"(?s).*", "int": r"-?\d+", "float": r"-?\d+(\.\d+)?", "bool": "true|false"}
    return re.fullmatch(patterns[kind], text) is not None


def _named(path: str, value: Any) -> str:
    kind = next((name for name in _PYTHON if _is(name, value)), "something else")
    return (
        f"{_KIND_NAMES.get(kind, kind)} ({_shown(path, value)})"
        if isinstance(value, str | int | float)
        else _KIND_NAMES[kind]
    )


def _shown(path: str, value: Any) -> str:
    """A value for a message, unless the property is a secret by its name: secrets come here in clear."""
    return "(hidden)" if re.search(r"(?i)password|secretstring|accesstoken|privatekey|userdata", path) else repr(value)


def _closest(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Do you mean {near[0]!r}?" if near else ""


def check_api(row: Row, inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Enums, patterns, bounds, types and required members, by the cloud's own API model."""
    if row.cloud == "aws":
        yield from _check_tags(inputs)
    for path in row.labels.split():
        yield from _check_labels(path, at(inputs, path))
    if not row.api:
        return
    name, _, inner = row.api.partition(":")
    start = _descend(shape(row.cloud, name), inner) if inner else shape(row.cloud, name)
    yield from _Api(row).check_object("", start, inputs)


class _Api:
    """A walk through inputs and API model side by side."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._unchecked = frozenset(row.unchecked.split())
        self._supplied = frozenset(row.supplied.split())

    def check_object(self, prefix: str, start: ApiShape, given: Mapping[str, Any]) -> Iterator[Problem]:
        members = start.members()
        by_name = {_bare(name): name for name in members}
        met = set()
        for name, value in given.items():
            path = f"{prefix}{name}"
            if (
                name.startswith("__")
                or path in self._unchecked
                or (not prefix and name in _EVERYWHERE[self._row.cloud])
            ):
                continue
            target = self._row.renames.get(path) or by_name.get(_bare(name))
            if target is None:
                yield Problem(
                    path,
                    f"the simulated cloud finds no member of {start.name} for it. If the API has it under another "
                    f"name, say so in the row of {self._row.title} (simulator/clouds/tables)",
                )
                continue
            if "/" not in target:
                met.add(target.partition(".")[0])
            yield from self.check(path, self._member(start, target), value)
        for name in start.required:
            if name not in met and (name if not prefix else f"{prefix}{name}") not in self._supplied:
                yield Problem(f"{prefix}{name}", f"{start.name} requires {name!r}, which no property gives")

    def check(self, path: str, wanted: ApiShape, value: Any) -> Iterator[Problem]:
        if is_unknown(value):
            return
        kind = wanted.kind
        if isinstance(value, list):
            if kind == "list":
                yield from _check_bounds(path, wanted, len(value), "members")
            for item in value:
                yield from self.check(path, wanted.item() if kind == "list" else wanted, item)
        elif kind == "list":  # one where the API has many
            yield from self.check(path, wanted.item(), value)
        elif kind == "object" and isinstance(value, dict):
            yield from self.check_object(f"{path}.", wanted, value)
        elif kind == "map" and isinstance(value, dict):
            for name, item in value.items():
                yield from self.check(f"{path}.{name}", wanted.item(), item)
        elif isinstance(value, dict) or kind in ("object", "map"):
            if kind != "any":
                yield Problem(
                    path, f"the API takes {_KIND_NAMES[kind]} here ({wanted.name}), not {_named(path, value)}"
                )
        else:
            yield from _check_scalar(path, wanted, value)

    def _member(self, start: ApiShape, target: str) -> ApiShape:
        other, _, path = target.rpartition("/")
        return _descend(shape(self._row.cloud, other) if other else start, path)


_EVERYWHERE = {
    "aws": frozenset({"region", "tags", "tagsAll"}),
    "gcp": frozenset({"project", "timeouts", "deletionPolicy"}),
}
"""Properties that the provider understands, and no API call has."""


def _descend(start: ApiShape, path: str) -> ApiShape:
    for step in path.split(".") if path else ():
        start = start.item() if step == "[]" else start.members()[step]
    return start


def _bare(name: str) -> str:
    """Without case and plural: `iamInstanceProfiles` is IamInstanceProfile."""
    name = name.lower().replace("_", "")
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name.removesuffix("s")


def _check_scalar(path: str, wanted: ApiShape, value: Any) -> Iterator[Problem]:
    kind = wanted.kind
    if kind == "any":
        return
    if not _is(kind, value) and not (kind in _CONVERTIBLE and _converts(kind, value)):
        yield Problem(path, f"the API takes {_KIND_NAMES[kind]} here ({wanted.name}), not {_shown(path, value)}")
        return
    text = str(value)
    if wanted.enum and text not in wanted.enum:
        yield Problem(
            path, f"{_shown(path, text)} is none of the values of {wanted.name}: {_listed(text, wanted.enum)}"
        )
    elif wanted.pattern and isinstance(value, str) and not _matches(wanted.pattern, text):
        yield Problem(path, f"{_shown(path, text)} does not match the pattern of {wanted.name}, {wanted.pattern}")
    if kind == "str":
        yield from _check_bounds(path, wanted, len(text), "characters")
    elif kind in ("int", "float"):
        yield from _check_bounds(path, wanted, float(value), "")


def _check_bounds(path: str, wanted: ApiShape, size: float, unit: str) -> Iterator[Problem]:
    least, most = wanted.bounds
    words = f"{size:g} {unit}".strip()
    if least is not None and size < least:
        yield Problem(path, f"{words} is less than {wanted.name} allows, {least:g}")
    if most is not None and size > most:
        yield Problem(path, f"{words} is more than {wanted.name} allows, {most:g}")


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text, re.DOTALL) is not None
    except re.error:  # written for another engine (\p{L})
        return True


def _listed(text: str, enum: list[str]) -> str:
    if len(enum) <= _ENUM_SHOWN:
        return ", ".join(enum)
    near = difflib.get_close_matches(text, enum, n=3, cutoff=0.3)
    return f"{len(enum)} there are, such as {', '.join(near or enum[:3])}"


def _check_tags(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """AWS general reference, tag restrictions."""
    tags = inputs.get("tags")
    if not isinstance(tags, dict):
        return
    if len(tags) > 50:
        yield Problem("tags", f"{len(tags)} tags; a resource has 50 at most")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            yield Problem(f"tags.{key}", "keys that begin with aws: are the cloud's own")
        if not 1 <= len(key) <= 128:
            yield Problem(f"tags.{key}", "a key has 1 to 128 characters")
        if isinstance(value, str) and not is_unknown(value):
            if len(value) > 256:
                yield Problem(f"tags.{key}", "a value has 256 characters at most")
            if not re.fullmatch(r"[\w\s.:/=+\-@]*", value):
                yield Problem(f"tags.{key}", f"{value!r}: letters, digits, spaces and _ . : / = + - @ only")


def _check_labels(path: str, labels: Any) -> Iterator[Problem]:
    """Google Cloud, requirements for labels."""
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key):
            yield Problem(f"{path}.{key}", "a key is a lower-case letter and then letters, digits, - and _; 63 at most")
        if isinstance(value, str) and not is_unknown(value) and not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            yield Problem(f"{path}.{key}", f"{value!r}: lower-case letters, digits, - and _ only; 63 at most")
