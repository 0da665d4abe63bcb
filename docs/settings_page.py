"""The page of every settings key: type, unit, default, an example that the tests read, and its meaning.

`python docs/settings_page.py Pulumi.own.yaml` prints it with the sections of the `workloadKinds` in that file.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tables import table

from settings.errors import UNITS
from settings.reader import model_from_file
from settings.schema import stack_file_schema
from settings.settings import PROJECT, Settings

REPOSITORY = Path(__file__).parents[1]
EXAMPLES = (
    *(REPOSITORY / f"Pulumi.{name}.yaml" for name in ("dev", "prod", "gke", "onprem")),
    *sorted((REPOSITORY / "tests" / "settings" / "every_setting").glob("*.yaml")),
)
"""Files that the tests validate; the first that contains a key provides its example."""
NAME = "<name>"
LONGEST_EXAMPLE = 60
TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true, false"}


class Loader(yaml.SafeLoader):
    """Reads overlays too: `!delete` removes a key."""


Loader.add_multi_constructor("!", lambda *_: None)  # type: ignore[no-untyped-call]


def settings_page(own: Path | None = None) -> str:
    """Markdown of the whole page. `own`: a settings file whose workload kinds are documented too."""
    schema = stack_file_schema(model_from_file(own.read_text(encoding="utf-8")) if own else Settings)
    found = examples(*EXAMPLES, *([own] if own else []))
    text = [
        "# Settings",
        f"Keys of `Pulumi.<stack>.yaml`, each below `config` with the prefix `{PROJECT}:` on its first part: "
        f"`cluster.kind` is `kind` below `{PROJECT}:cluster`. `{NAME}` is a name of yours, `[]` an entry of a list. "
        "Any text may be encrypted (`pulumi config set --secret --path`). `make preview` and `python -m "
        "settings.check <file>` report every mistake at once; editors complete keys from `settings.schema.json`.",
    ]
    config = schema["properties"]["config"]
    for key, node in config["properties"].items():
        name = key.removeprefix(f"{PROJECT}:")
        text.append(f"## {name}")
        rows = [*_rows(schema, node, name, "", key in config["required"], found)]
        text.append(table(("key", "meaning", "type and unit", "default", "example"), rows))
    return "\n\n".join(text) + "\n"


def examples(*files: Path) -> Mapping[str, Any]:
    """Path -> a value, names and indices replaced as in the page."""
    found: dict[str, Any] = {}
    for file in files:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a SafeLoader
        config = document.get("config", document)
        for key, value in config.items():
            _collect(str(key).removeprefix(f"{PROJECT}:"), value, found)
    return found


def _collect(path: str, value: Any, found: dict[str, Any]) -> None:
    found.setdefault(path, value)
    if isinstance(value, dict):
        for key, inside in value.items():
            _collect(f"{path}.{key}", inside, found)
            _collect(f"{path}.{NAME}", inside, found)
    elif isinstance(value, list):
        for inside in value:
            _collect(f"{path}[]", inside, found)


def _rows(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: str, kind: str, required: bool, found: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    """The row of a key and those below it. `kind`: of the union that it is in."""
    target = _plain(schema, node)
    meaning = " ".join((node.get("description") or target.get("description") or "").split()).replace("|", "\\|")
    unit = next((unit for part, unit in UNITS.items() if path.endswith(part)), "")
    yield (
        f"`{path}`" + (f" ({kind})" if kind else ""),
        meaning,
        ", ".join(filter(None, (_type(schema, target), unit))),
        "required" if required else _default(node),
        f"`{kind.partition(', ')[0]}`" if kind and path.endswith(".kind") else _example(found.get(path)),
    )
    for member in target.get("oneOf", []):
        body = _plain(schema, member)
        tags = body["properties"].get(target.get("discriminator", {}).get("propertyName", ""), {})
        yield from _below(schema, body, path, _tag(schema, tags), found)
    yield from _below(schema, target, path, kind, found)


def _below(
    schema: Mapping[str, Any], body: Mapping[str, Any], path: str, kind: str, found: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    for key, inside in body.get("properties", {}).items():
        yield from _rows(schema, inside, f"{path}.{key}", kind, key in body.get("required", []), found)
    patterns = [*body.get("patternProperties", {}).values()]
    more = body.get("additionalProperties")
    for inside in [*patterns, *([more] if isinstance(more, dict) else [])]:
        if "properties" in _plain(schema, inside) or "oneOf" in _plain(schema, inside):
            yield from _rows(schema, inside, f"{path}.{NAME}", kind, False, found)
    items = body.get("items")
    if isinstance(items, dict) and "properties" in _plain(schema, items):
        yield from _below(schema, _plain(schema, items), f"{path}[]", kind, found)


def _plain(schema: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resolves a reference, an optional value or an encrypted text."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        elif "anyOf" in node:
            rest = [
                one
                for one in node["anyOf"]
                if one.get("type") != "null" and not one.get("$ref", "").endswith("/Secure")
            ]
            if len(rest) != 1:
                return node
            node = rest[0]
        else:
            return node


def _type(schema: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    choices = node.get("enum") or ([node["const"]] if "const" in node else [])
    if choices:
        return "one of " + ", ".join(f"`{choice}`" for choice in choices)
    if "oneOf" in node:
        return "mapping, by its `kind`"
    if node.get("type") == "object":
        named = "patternProperties" in node or isinstance(node.get("additionalProperties"), dict)
        return "mapping of names" if named else "mapping"
    if node.get("type") == "array":
        return f"list of {_type(schema, _plain(schema, node.get('items', {})))}"
    return TYPES.get(node.get("type", ""), str(node.get("type", "any")))


def _tag(schema: Mapping[str, Any], node: Mapping[str, Any]) -> str:
    target = _plain(schema, node)
    return ", ".join(target.get("enum") or [str(target.get("const", ""))])


def _default(node: Mapping[str, Any]) -> str:
    value = node.get("default")
    if value in (None, "", [], {}) or isinstance(value, dict):
        return ""
    return f"`{json.dumps(value)}`"


def _example(value: Any) -> str:
    """On one line; empty for a mapping of several keys, whose keys have their own examples."""
    if (
        value is None
        or isinstance(value, dict)
        or (isinstance(value, Sequence) and value and isinstance(value[0], dict))
    ):
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True).split("\n...")[0].strip()
    text = " ".join(text.split())
    return f"`{text}`" if len(text) <= LONGEST_EXAMPLE else ""


if __name__ == "__main__":
    sys.stdout.write(settings_page(*map(Path, sys.argv[1:2])))
