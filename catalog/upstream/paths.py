"""Paths and shapes of chart values. Pure.

A path is written with dots; a name that contains dots is in brackets: `grafana.[grafana.ini].server`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TEXT = "(text)"
"""Replaces a default that is an upstream text or template."""
LONGEST = 60
"""Maximum length of a default that is kept. Longer ones are texts."""

OWN_KEYS = frozenset({"data", "map"})
"""Names of values whose keys are the user's: not split further."""

Path = tuple[str, ...]


def written(path: Sequence[str]) -> str:
    """The path as text."""
    return ".".join(f"[{name}]" if "." in name else name for name in path)


def shape(value: Any) -> str:
    """What the templates of a chart can distinguish: switches by value, all else by type and by whether it is empty."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return "number" if value else "0"
        case str():
            return "text" if value else '""'
        case Mapping():
            return "map"
        case None:
            return "null"
    return "list" if value else "[]"


def leaves(values: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The values that are set, each with its path. An empty map sets nothing: helm merges it into the defaults."""
    for name, value in values.items():
        if isinstance(value, Mapping) and name not in OWN_KEYS:
            yield from leaves(value, (*at, name))
        else:
            yield (*at, name), value


def flat(defaults: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a chart with its default, as facts keep it."""
    for name, value in defaults.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, (*at, name))
        else:
            yield (*at, name), kept(value)


def kept(value: Any) -> Any:
    """A default as facts keep it: upstream texts and templates are omitted, long lists are counted."""
    if isinstance(value, str):
        return TEXT if len(value) > LONGEST or "\n" in value or "{{" in value or " " in value else value
    if isinstance(value, list) and value:
        plain = all(isinstance(one, int | float) or (isinstance(one, str) and kept(one) == one) for one in value)
        return value if plain and len(value) <= 8 else f"(list of {len(value)})"
    return value


def without(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The values without one of them, so that the default of the chart applies."""
    name, *rest = path
    if not rest:
        return {key: value for key, value in values.items() if key != name}
    return {**values, name: without(values[name], tuple(rest))}


def found(values: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for name in path:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values
