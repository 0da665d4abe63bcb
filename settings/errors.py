"""Validation errors as findings: where, what, which rule, what to do."""

import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.findings import Finding, nearest
from settings.models.base import KEY_ARN, KEY_ID, LARGEST, MODULE_PATTERN, NAME_PATTERN
from settings.models.descriptions import descriptions
from settings.models.environment import DOMAIN_PATTERN
from settings.models.shape import Shape

SECRET = "[secret]"  # noqa: S105 - what is shown instead of one
SECRET_KEY = re.compile(r"(?i)(passw|secret|token|credential|bearer|webhook|(access|api|private)_?key)")
UNITS = {
    "Gib": "GiB",
    "Mib": "MiB",
    "Millis": "thousandths of a vCPU",
    "Hours": "hours",
    "Minutes": "minutes",
    "Seconds": "seconds",
    "Days": "days",
    "Percent": "%",
}
WHOLE = "devices are whole: a pool shares them with sharing.strategy time-slicing, or partitions them with mig"
REMEDIES = {"devicesPerNode": WHOLE, "count": WHOLE}
"""Key -> what to do instead, where a fraction is the usual mistake."""
PATTERNS = {
    NAME_PATTERN: (
        "1 to 40 lower-case letters, digits and dashes, starting with a letter: it becomes part of object names",
        "rename it, like team-a",
    ),
    KEY_ARN: ("the ARN of a KMS key, no alias", "write it like arn:aws:kms:eu-central-1:012345678901:key/…"),
    KEY_ID: (
        "the full name of a Cloud KMS key",
        "write it like projects/…/locations/…/keyRings/…/cryptoKeys/…",
    ),
    MODULE_PATTERN: (
        "the name of a Python module: lower-case letters, digits and underscores, with dots between",
        "write it like examples.kinds.batch",
    ),
    DOMAIN_PATTERN: ("a DNS domain in lower case", "write it like ml.example.com"),
}
RENAMED = {
    "found": "existingAddons",
    "foundCrds": "existingCrds",
    "layer": "scope",
    "clusterStack": "clusterStackReference",
    "mechanism": "deviceAllocation",
    "bundled": "stub",
}
"""Keys and values of before 0.1.0 and their names since."""
HUGE = 10**1000
"""The largest number that is read; larger ones are this one. Python writes no number of 4,300 digits."""
QUANTITY = re.compile(r"^\s*(\d+)(\.\d+)?\s*([A-Za-z%]+)\s*$")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ud800-\udfff]")
NO_MAPPING = ("dict_type", "model_type", "model_attributes_type", "mapping_type")
NO_NUMBER = ("int_from_float", "int_parsing", "int_type", "float_parsing", "float_type")


class Place(NamedTuple):
    """Where an error stands."""

    keys: list[int | str]
    """As people wrote them."""
    owner: type[BaseModel] | None
    """The model that the last key is, or should be, a field of."""
    field: FieldInfo | None
    """That field."""
    here: Any
    """The type of the value."""

    @property
    def path(self) -> str:
        """`cluster.pools.h100.taints[0]`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.keys).removeprefix(".")

    @property
    def hidden(self) -> bool:
        """Whether its value may be a secret. Of an unknown key too, where a secret may have been meant."""
        named = any(SECRET_KEY.search(str(key)) for key in self.keys)
        variable = "environment" in self.keys[1:-1]
        in_owner = self.owner is not None and self.field is None and any(_is_secret(f) for f in _fields(self.owner))
        whole = _is_model(self.here) and any(_is_secret(f) for f in _fields(self.here))
        return named or variable or in_owner or whole


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """One finding for each thing that is wrong with the shape of the settings. Values of secrets are not shown."""
    details = error.errors(include_url=False)
    keys = {location: detail["input"] for detail in details if (location := _key_without_text(detail))}
    for location, key in keys.items():
        path = place_of(model, location[:-1]).path
        yield Finding(
            f"{path}.{key_text(key)}".removeprefix("."),
            key_text(key),
            "a key that is text",
            "put it in quotes, or remove it",
        )
    for detail in details:
        # Of an entry without a name, nothing else is said.
        if not any(detail["loc"][: len(location)] == location for location in keys):
            yield _problem(detail, place_of(model, detail["loc"]))


def _key_without_text(detail: ErrorDetails) -> tuple[int | str, ...]:
    """Where the key of an entry is none that YAML reads as text."""
    if detail["type"] == "invalid_key":
        return detail["loc"]
    return detail["loc"][:-1] if detail["type"] == "string_type" and detail["loc"][-1] == "[key]" else ()


def key_text(key: object) -> str:
    """A key as YAML has it: `~`, not None."""
    return "~" if key is None else str(key).lower() if isinstance(key, bool) else str(key)


def _problem(detail: ErrorDetails, place: Place) -> Finding:  # noqa: PLR0911, PLR0912 - one for each kind of error
    path, given, context = place.path, detail.get("input"), detail.get("ctx", {})
    value = SECRET if place.hidden else shown(given)
    last = next((str(key) for key in reversed(place.keys) if isinstance(key, str)), "")
    match detail["type"]:
        case "extra_forbidden":
            known = [field.alias or "" for field in _fields(place.owner)]
            if (new := RENAMED.get(last)) in known:
                return Finding(path, value, f"renamed to {new}", f"write {new} in its place")
            remedy = _did_you_mean(last, known, "remove it")
            return Finding(path, value, f"a known key: {', '.join(known)}", remedy)
        case "missing":
            return Finding(path, "(missing)", "required", f"add it. {_first_line(place)}".strip())
        case "union_tag_invalid" | "union_tag_not_found":
            tags = [*members_of(place.field)]
            # Pydantic's own text of a tag that is no text would print what is inside it.
            tag = shown(given["kind"]) if isinstance(given, dict) and "kind" in given else "(missing)"
            # Kinds differ in what they mean: aks is no misspelt eks.
            close = nearest(str(context.get("tag", "")), tags, cutoff=0.8)
            remedy = f"did you mean {close}?" if close else f"write kind: {tags[0]}, or another of these"
            return Finding(f"{path}.kind", tag, f"one of: {', '.join(tags)}", remedy)
        case "enum" | "literal_error":
            choices = re.findall(r"'([^']*)'", str(context["expected"]))
            if (new := RENAMED.get(str(given))) in choices:
                return Finding(path, value, f"renamed to {new}", f"write {new} in its place")
            remedy = _did_you_mean(str(given), choices, "choose one of these")
            return Finding(path, value, f"one of: {', '.join(choices)}", remedy)
        case "string_pattern_mismatch":
            pattern = str(context["pattern"])
            return Finding(path, value, *PATTERNS.get(pattern, (f"must look like {pattern}", "correct it")))
        case "string_type":
            # Not the value as it was read: `no` is False then, and 0123 is 83.
            plain = given is not None and not isinstance(given, dict | list)
            return Finding(path, value, "text", "write it in quotes" if plain else "write text in quotes")
        case "bool_type" | "bool_parsing":
            return Finding(path, value, "true or false", "write one of the two, without quotes")
        case "list_type":
            return Finding(path, value, "a list", "write it like [a, b], also for a single one")
        case kind if kind in NO_MAPPING:
            return Finding(path, value, _mapping_rule(place), _mapping_remedy(given))
        case kind if kind in NO_NUMBER:
            unit = next((name for part, name in UNITS.items() if part in last), "")
            rule = f"a whole number, in {unit}" if unit else "a whole number"
            return Finding(path, value, rule, _number_remedy(given, unit, last))
        case "less_than_equal" | "greater_than_equal" if LARGEST in (context.get("le"), -context.get("ge", 0)):
            return Finding(path, value, f"a number up to {LARGEST}, the largest that the APIs accept", "correct it")
        case "greater_than_equal":
            return Finding(path, value, f"at least {context['ge']}", f"use {context['ge']} or more")
        case "less_than_equal":
            return Finding(path, value, f"at most {context['le']}", f"use {context['le']} or less")
        case "string_too_short":
            return Finding(path, value, f"at least {context['min_length']} characters", "write more of it")
        case _:
            return Finding(path, value, detail["msg"], "correct the value")


def control_characters(value: Any, path: str = "") -> Iterator[Finding]:
    """Text with control characters, which no object of Kubernetes and no program can hold. It is not shown."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield from control_characters(str(key), f"{path}.{key}".removeprefix("."))
            yield from control_characters(inside, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            yield from control_characters(inside, f"{path}[{index}]")
    elif isinstance(value, str) and (found := CONTROL.search(value)):
        sign = f"text with the character U+{ord(found[0]):04X}"
        yield Finding(path, sign, "text without control characters, line breaks and tabs aside", "remove the character")


def shown(value: Any) -> str:
    """A value in a message: on one line, short, and nothing of what is inside lists and mappings."""
    match value:
        case None:
            return "(nothing)"
        case bool():
            return str(value).lower()
        case int() if abs(value) >= HUGE:
            return "(a number of more than 1,000 digits)"
        case dict():
            return f"a mapping ({', '.join(key_text(key) for key in [*value][:5])})" if value else "an empty mapping"
        case list():
            return f"a list of {len(value)}"
    text = " ".join(str(value).split())
    return (text if len(text) <= 60 else f"{text[:57]}...") or "(empty)"


def _did_you_mean(name: str, known: list[str], otherwise: str) -> str:
    close = nearest(name, known)
    return f"did you mean {close}?" if close else otherwise


def _first_line(place: Place) -> str:
    """Of the description of its field."""
    fields = place.owner.model_fields if place.owner else {}
    name = next((name for name, field in fields.items() if field is place.field), "")
    described = descriptions(place.owner).get(name, "") if place.owner else ""
    return described.split("\n")[0].removeprefix("Required.").strip()


def _mapping_rule(place: Place) -> str:
    tags = members_of(place.field)
    if tags:
        return f"a mapping with the key kind, which is one of: {', '.join(tags)}"
    keys = [field.alias or "" for field in _fields(place.here)] if _is_model(place.here) else []
    return f"a mapping with the keys {', '.join(keys)}" if keys else "a mapping, key: value"


def _mapping_remedy(value: Any) -> str:
    if value == SECRET:
        return "encrypt the values in it, not the whole of it: pulumi config set --secret --path"
    return "write its keys below it, each on a line of its own, indented"


def _number_remedy(value: Any, unit: str, key: str) -> str:
    if isinstance(value, float) and not value.is_integer():
        return REMEDIES.get(key, "write it without a fraction")
    if isinstance(value, float):
        return f"write it without a fraction: {value:.0f}"
    quantity = QUANTITY.match(str(value))
    if quantity:
        return f"the unit is in the key ({unit or 'none'}): write {quantity[1]} if that is what you mean"
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value):
        return f"write it without quotes: {value.strip()}"
    return f"write digits only{f', in {unit}' if unit else ''}"


def place_of(model: type[BaseModel], location: tuple[int | str, ...]) -> Place:
    """Follows an error's location from the model down. Pydantic adds the tags of unions and marks of keys to it."""
    keys: list[int | str] = []
    owner: type[BaseModel] | None = None
    field: FieldInfo | None = None
    here: Any = model
    members: dict[str, type[BaseModel]] = {}
    for key in location:
        if key == "[key]":
            continue
        if key in members:
            here, members = members[str(key)], {}
            continue
        keys.append(key)
        owner, field, members = None, None, {}
        if _is_model(here):
            owner = here
            field = next((f for n, f in here.model_fields.items() if key in (f.alias, n)), None)
            members = members_of(field)
            here = _core(Annotated[(field.annotation, *field.metadata, None)]) if field else None
        else:
            here = _core(get_args(here)[-1]) if get_origin(here) in (dict, list) else None
    return Place(keys, owner, field, here)


def _core(annotation: Any) -> Any:
    """The type behind Annotated and Optional; the mirror of a TypedDict."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        shape = next((extra for extra in arguments[1:] if isinstance(extra, Shape)), None)
        return shape.model if shape else _core(arguments[0])
    if get_origin(annotation) in (Union, UnionType):
        return _core(next(argument for argument in arguments if argument is not NoneType))
    return annotation


def members_of(field: FieldInfo | None) -> dict[str, type[BaseModel]]:
    """Tag -> model, of a union with a discriminator key; such a union may be optional (`dns`)."""
    if field is None:
        return {}
    key, union = (field.discriminator, field.annotation) if field.discriminator else _tagged(field.annotation)
    return {
        str(tag): member
        for member in get_args(union)
        for tag in get_args(member.model_fields[str(key)].annotation if key else None)
    }


def _tagged(annotation: Any) -> tuple[Any, Any]:
    """The discriminator and the union inside `Annotated[A | B, Field(discriminator=…)] | None`; else nothing."""
    for part in (annotation, *get_args(annotation)):
        if get_origin(part) is Annotated:
            union, *extras = get_args(part)
            for extra in extras:
                if isinstance(extra, FieldInfo) and extra.discriminator:
                    return extra.discriminator, union
    return None, None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def _fields(model: type[BaseModel] | None) -> list[FieldInfo]:
    return [*model.model_fields.values()] if model else []
