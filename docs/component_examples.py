"""An example of each component for its page: the arguments with which the contract test declares it."""

import sys
import textwrap
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.components import cloud_handles, platform_handles
from tests.components.cases import CASES

WIDTH = 96
ARGUMENTS = {case.component: case.args for case in CASES}
HANDLES = {
    id(value): name.lower()
    for module in (platform_handles, cloud_handles)
    for name, value in vars(module).items()
    if name.isupper() and isinstance(value, (Mapping, list))
}
"""Values that other components hand out; an example names them in lower case."""

SECRETS = ("access_key_id", "password", "secret_access_key")


def example(component: type) -> str:
    """The program text that declares a component, as Markdown."""
    arguments = ARGUMENTS[component]
    named = sorted({name for value in _inside(arguments) if (name := HANDLES.get(id(value)))})
    note = f"\n\nHandles of other components, or what they are made of: {', '.join(f'`{one}`' for one in named)}."
    text = f'{component.__name__}("name", {_written(arguments)}, opts)'
    return f"```python\n{text}\n```" + (note if named else "")


def _inside(value: Any) -> list[Any]:
    inside = [*value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [value, *(found for one in inside for found in ([one] if id(one) in HANDLES else _inside(one)))]


def _written(value: Any) -> str:
    """As a program writes it: on one line where it fits."""
    if id(value) in HANDLES:
        return HANDLES[id(value)]
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return _within("{", [f'"{key}": {_value(key, one)}' for key, one in value.items()], "}")
    if isinstance(value, (list, tuple)):
        return _within("[", [_written(one) for one in value], "]")
    return f'"{value}"' if isinstance(value, str) and '"' not in value and value.isprintable() else repr(value)


def _value(key: str, value: Any) -> str:
    return f'config.require_secret("{key}")' if key.endswith(SECRETS) and isinstance(value, str) else _written(value)


def _within(start: str, parts: list[str], end: str) -> str:
    line = f"{start}{', '.join(parts)}{end}"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    inner = textwrap.indent(",\n".join(parts), "    ")
    return f"{start}\n{inner},\n{end}"
