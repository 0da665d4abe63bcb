"""The one reader of the stack's configuration."""

import json
from typing import Any

import yaml
from pulumi.runtime.config import CONFIG

from policies.rules.finding import Finding, Refused
from stacks.settings import PROJECT, Settings, parse


def read_settings() -> Settings:
    """The settings of the running stack. Raises `Refused` with every problem."""
    return parse(structured(CONFIG.get()))


def structured(config: dict[str, str]) -> dict[str, Any]:
    """`mlplatform:key` -> JSON or text, as key -> value. Keys of other namespaces belong to providers."""
    prefix = f"{PROJECT}:"
    return {key.removeprefix(prefix): _value(text) for key, text in config.items() if key.startswith(prefix)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key written twice: the second would silently win."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[Any, yaml.Node] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            line = key_node.start_mark.line + 1
            raise Refused(
                "settings",
                [
                    Finding(
                        f"line {line}",
                        f"{key} (first on line {seen[key].start_mark.line + 1})",
                        "a key stands once",
                        "rename or remove one of the two",
                    )
                ],
            )
        seen[key] = key_node
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def from_file(text: str) -> Settings:
    """The settings in the text of a `Pulumi.<stack>.yaml`. Secrets stay encrypted: they are taken as given.

    Raises `Refused` with every problem, also for text that is no YAML.
    """
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the file"
        problem = str(getattr(error, "problem", error))
        raise Refused("settings", [Finding(where, problem, "valid YAML", "correct the file")]) from None
    config = (document or {}).get("config") or {}
    prefix = f"{PROJECT}:"
    return parse({key.removeprefix(prefix): _opaque(value) for key, value in config.items() if key.startswith(prefix)})


def _opaque(value: Any) -> Any:
    """The value with `secure: …` replaced: what it decrypts to is text, and only the engine can tell which."""
    if isinstance(value, dict):
        return "[secret]" if set(value) == {"secure"} else {key: _opaque(item) for key, item in value.items()}
    return [_opaque(item) for item in value] if isinstance(value, list) else value
