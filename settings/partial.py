"""Partial settings: the valid parts of invalid settings are validated too, so that one run reports every error.

Entries of mappings that are wrong (a pool, a team, a workload) are left out. Of models with `in_parts` other fields
that are wrong are unknown: a rule that asks for one says nothing more.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar, get_origin

from pydantic import ValidationError, create_model

from components.findings import Finding
from settings.errors import members_of
from settings.models.base import NAME_PATTERN, Model, UnknownSetting

Location = tuple[int | str, ...]
Dropped = dict[str, set[str]]
"""Mapping (`pools`, `teams`) -> names of the entries that are left out of it."""
P = ParamSpec("P")
M = TypeVar("M", bound=Model)


def as_far_as_known(rule: Callable[P, Iterator[Finding]]) -> Callable[P, Iterator[Finding]]:
    """The rule, which stops where it asks for what is unknown."""

    @wraps(rule)
    def asked(*args: P.args, **kwargs: P.kwargs) -> Iterator[Finding]:
        with suppress(UnknownSetting):
            yield from rule(*args, **kwargs)

    return asked


def known_part(model: type[M], written: Mapping[str, Any], wrong: Iterable[Location], dropped: Dropped) -> M:
    """The model with all valid parts. `wrong`: locations of errors; `dropped` gets the entries that mappings lose."""
    inside: dict[str, list[Location]] = defaultdict(list)
    for key, *rest in wrong:
        inside[str(key)].append(tuple(rest))
    left_out = [field.alias or "" for field in model.model_fields.values() if field.alias not in written]
    # An unknown key may be a misspelt one: the intended field is unknown, not missing.
    meant = {near for key in inside for near in get_close_matches(key, left_out, cutoff=0.5)}
    known, unknown = {}, set()
    for name, field in model.model_fields.items():
        key = field.alias or name
        try:
            if key in meant or key in inside:
                known[name] = _known_value(model, name, written.get(key), inside[key], dropped)
            elif key in written:
                known[name] = _validated(model, name, written[key])
        except (UnknownSetting, ValidationError):
            unknown.add(name)
    return without(model.model_construct(**known), *unknown)


def all_named(entries: Iterable[str]) -> bool:
    """Whether these entries of a mapping have valid names; else what is not declared may be one of them."""
    return all(re.fullmatch(NAME_PATTERN, name) for name in entries)


def is_known(model: Model, name: str) -> bool:
    """Whether that field of the model is known."""
    return name in model.__dict__


def without(model: M, *names: str) -> M:
    """The model, of which these fields are unknown."""
    part = model.model_copy()
    for name in names:
        part.__dict__.pop(name, None)
    return part


def _known_value(model: type[Model], name: str, given: Any, wrong: list[Location], dropped: Dropped) -> Any:
    field = model.model_fields[name]
    if not wrong or not all(wrong):  # it is itself what is wrong
        raise UnknownSetting(name)
    if get_origin(field.annotation) is dict:
        entries = {str(location[0]) for location in wrong}
        dropped.setdefault(field.alias or name, set()).update(entries)
        return _validated(model, name, {key: value for key, value in given.items() if str(key) not in entries})
    tagged = members_of(field)
    part = tagged.get(str(wrong[0][0])) if tagged else field.annotation
    if not (isinstance(part, type) and issubclass(part, Model) and part.in_parts):
        raise UnknownSetting(name)
    return known_part(part, given, [location[1:] if tagged else location for location in wrong], dropped)


def _validated(model: type[Model], name: str, value: Any) -> Any:
    return getattr(_alone(model, name).model_validate({model.model_fields[name].alias: value}), name)


@cache
def _alone(model: type[Model], name: str) -> type[Model]:
    """A model with that one field."""
    field = model.model_fields[name]
    fields: dict[str, Any] = {name: (field.annotation, field)}
    return create_model(model.__name__, __base__=Model, **fields)
