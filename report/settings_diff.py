"""What differs between two texts of a `Pulumi.<stack>.yaml`: path, both values, and the line of the file. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from report.plan import differences
from report.values import shown, without_secrets
from settings.reader import PREFIX

_ENCRYPTED = "secure"
_HIDDEN = "environment"
"""Below a workload: variables of its containers, whose values may be secrets."""


@dataclass(frozen=True)
class SettingChange:
    """One setting that differs."""

    path: str
    """`cluster.pools.l4.machines`."""
    before: str
    """Empty: it was not set."""
    after: str
    """Empty: it is not set any more."""
    line: int
    """Its line in the new file; of a setting that is removed, the line of what contained it. 1 if unknown."""

    def text(self, longest: int = 200) -> str:
        """`path: before → after`, each value cut to `longest` characters."""
        before, after = shown(self.before, longest), shown(self.after, longest)
        if not before:
            return f"{self.path}: + {after}"
        return f"{self.path}: {before} → {after}" if after else f"{self.path}: - {before}"


def settings_changes(before: str, after: str) -> tuple[SettingChange, ...]:
    """The settings that differ, in the order of their lines. Values of secrets are not shown.

    Text that is no YAML has no settings: the reader of the settings reports it.
    """
    old, new = _document(before), _document(after)
    lines = dict(_lines(after))
    return tuple(
        sorted(
            (
                SettingChange(path, _shown(one), _shown(other), _line(lines, path))
                for path, one, other in differences(_readable(old), _readable(new))
            ),
            key=lambda change: (change.line, change.path),
        )
    )


def setting_lines(text: str) -> dict[str, int]:
    """Path of each setting -> its line, counted from 1, in the order of the file."""
    return dict(_lines(text))


def _shown(value: Any) -> str:
    return "" if value is None else shown(value) or '""'


def _document(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    config = content.get("config") if isinstance(content, dict) else None
    return {_short(key): value for key, value in config.items()} if isinstance(config, dict) else {}


def _short(key: object) -> str:
    return str(key).removeprefix(PREFIX)


def _readable(value: Any, path: tuple[str, ...] = ()) -> Any:
    """The value with keys as text and without secrets."""
    if isinstance(value, Mapping):
        if set(value) == {_ENCRYPTED}:
            return "[secret]"
        return {str(key): _readable(one, (*path, str(key))) for key, one in value.items()}
    if isinstance(value, list):
        return [_readable(one, path) for one in value]
    if _HIDDEN in path[1:-1]:
        return "[secret]"
    return without_secrets(value if isinstance(value, str | int | float | bool | None) else str(value), path[-1])


def _line(lines: Mapping[str, int], path: str) -> int:
    while path not in lines and path:
        path = path.rpartition(".")[0]
    return lines.get(path, 1)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Path of each setting -> its line, counted from 1."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        if key.value == "config":
            yield from _nodes(value, "")


def _nodes(node: yaml.Node, path: str) -> Iterator[tuple[str, int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            name = _short(key.value)
            inside = f"{path}.{name}" if path else name
            yield inside, key.start_mark.line + 1
            yield from _nodes(value, inside)
