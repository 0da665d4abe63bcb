"""Rules on the shape of arguments: all required keys, and no undeclared ones."""

import difflib
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, Required, is_typeddict

from components.findings import Finding


def check_arguments(path: str, args: Mapping[str, Any], typed: Any) -> Iterator[Finding]:
    """Arguments against their TypedDict, nested ones included. Handles and values are not checked."""
    if not is_typeddict(typed) or not isinstance(args, Mapping):
        return
    fields = _fields(typed)
    for key in sorted(typed.__required_keys__ - args.keys()):
        yield Finding(f"{path}.{key}", "(missing)", f"{typed.__name__} requires it", f"add {key}")
    for key, value in args.items():
        if key not in fields:
            nearest = difflib.get_close_matches(key, fields, 1)
            yield Finding(
                f"{path}.{key}",
                "unknown key",
                f"{typed.__name__} has {', '.join(sorted(fields))}",
                f"write {nearest[0]}" if nearest else "remove it",
            )
        elif isinstance(value, list):
            for index, item in enumerate(value):
                yield from check_arguments(f"{path}.{key}.{index}", item, fields[key])
        else:
            yield from check_arguments(f"{path}.{key}", value, fields[key])


@functools.cache
def _fields(typed: Any) -> dict[str, Any]:
    """Field -> the TypedDict that it nests, alone, optional or in a list; None for anything else."""
    return {name: _nested(hint) for name, hint in typed.__annotations__.items()}


def _nested(hint: Any) -> Any:
    if is_typeddict(hint):
        return hint
    if typing.get_origin(hint) in (Required, NotRequired, list) or type(None) in typing.get_args(hint):
        return next((found for part in typing.get_args(hint) if (found := _nested(part))), None)
    return None
