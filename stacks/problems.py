"""Validation errors as findings: where, what, which rule, what to do."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from policies.rules.finding import Finding
from stacks.models.shape import Shape

SECRET_KEY = re.compile(r"(?i)(password|secret|token|credential|accesskey|apikey|webhook)")
UNITS = {"Gib": "GiB", "Hours": "hours", "Minutes": "minutes", "Seconds": "seconds", "Days": "days", "Percent": "%"}
WHOLE = "devices are whole: a pool shares them with sharing.strategy time-slicing, or partitions them with mig"
REMEDIES = {"devicesPerNode": WHOLE, "count": WHOLE}
"""Key -> what to do instead, where a fraction is the usual mistake."""
QUANTITY = re.compile(r"^\s*(\d+)(\.\d+)?\s*([A-Za-z%]+)\s*$")


def problems_of(error: ValidationError, model: type[BaseModel]) -> Iterator[Finding]:
    """One finding for each thing that is wrong with the shape of the settings. Values of secrets are not shown."""
    for detail in error.errors(include_url=False):
        yield _problem(detail, model)


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Finding:  # noqa: PLR0911 - one return for each kind of error
    # A discriminated union puts its tag into the location; people did not write it.
    keys = [key for key in detail["loc"] if key != "[key]" and key not in _tags(model)]
    path = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")
    last = next((str(key) for key in reversed(keys) if isinstance(key, str)), "")
    value = "[secret]" if SECRET_KEY.search(path) else _shown(detail.get("input"))
    owner, field = _walk(model, keys)
    unit = next((name for part, name in UNITS.items() if part in last), "")
    match detail["type"]:
        case "extra_forbidden":
            known = [f.alias or n for n, f in owner.model_fields.items()] if owner else []
            close = get_close_matches(last, known, n=1, cutoff=0.5)
            remedy = f"did you mean {close[0]}?" if close else "remove it"
            return Finding(path, value, f"a known key: {', '.join(known)}", remedy)
        case "missing":
            described = (field.description or "").split("\n")[0] if field else ""
            return Finding(path, "(missing)", "required", f"add it. {described}".strip())
        case "int_from_float" | "int_parsing" | "int_type":
            rule = f"a whole number of {unit}" if unit else "a whole number"
            return Finding(path, value, rule, REMEDIES.get(last) or _number_remedy(detail.get("input"), unit))
        case "string_pattern_mismatch":
            pattern = detail.get("ctx", {}).get("pattern", "")
            meaning = (
                "lower-case letters, digits and dashes, starting with a letter" if "{0,38}" in pattern else pattern
            )
            return Finding(path, value, f"must look like {meaning}", "rename it")
        case "union_tag_invalid":
            tag, tags = detail["ctx"]["tag"], sorted(_tags(model))
            return Finding(f"{path}.kind", tag, f"one of: {', '.join(tags)}", "choose one of these")
        case "enum" | "literal_error":
            return Finding(path, value, f"one of: {detail['ctx']['expected']}", "choose one of these")
        case _:
            return Finding(path, value, detail["msg"], "correct the value")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _number_remedy(value: Any, unit: str) -> str:
    quantity = QUANTITY.match(str(value))
    if quantity:
        return f"the unit is in the key ({unit or 'none'}): write {quantity[1]} if that is what you mean"
    return f"write a number without a unit{f', in {unit}' if unit else ''}"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, Shape):
        yield annotation.model
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, UnionType, Annotated, dict, list, tuple):
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _tags(model: type[BaseModel]) -> set[str]:
    """Discriminator values of the unions directly in a model."""
    return {
        str(value)
        for field in model.model_fields.values()
        if field.discriminator
        for member in _models_in(field.annotation)
        for value in get_args(member.model_fields[str(field.discriminator)].annotation)
    }


def _walk(model: type[BaseModel], keys: list[int | str]) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model that holds the last key of a path, and the field itself where it has one."""
    owners, field = [model], None
    owner: type[BaseModel] | None = model
    for key in keys:
        owner, found = None, None
        for candidate in owners:
            found = next((f for n, f in candidate.model_fields.items() if key in (f.alias, n)), None)
            if found:
                owner = candidate
                break
        if found:
            field, owners = found, [m for part in (found.annotation, *found.metadata) for m in _models_in(part)]
        elif owners:  # a key of a dict or an unknown key: stay with the models below
            owner = owners[0]
            field = field if key != keys[-1] else None
    return owner, field
