"""The one reader of the settings of a stack: from its file, or from the engine. Pure."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from components.findings import Finding, Refused, nearest, refuse
from settings.errors import HUGE, SECRET, key_text, shown
from settings.load import kinds_of, parse, settings_model
from settings.settings import PROJECT, Settings

PREFIX = f"{PROJECT}:"
MERGE = "tag:yaml.org,2002:merge"
RENAME = "rename or remove one of the two"
TABS = "indent with spaces: YAML takes no tabs"
COPY = "start from Pulumi.dev.yaml: copy it and change it"


def from_engine(config: Mapping[str, str], secret_keys: Iterable[str]) -> Settings:
    """The settings of the running stack, as the engine hands them to the program.

    `secret_keys`: keys with something that was encrypted. Raises `Refused` with every problem, and shows nothing of
    these.
    """
    try:
        settings = parse(*structured(config))
        if settings.environment.rehearsal and not os.environ.get("MLPLATFORM_REHEARSAL"):
            rule = (
                "only `make rehearse` sets it, with a simulated cloud: charts that run nothing, data that is not kept"
            )
            raise Refused("settings", [Finding("environment.rehearsal", "true", rule, "remove it")])
        return settings
    except Refused as refused:
        # The engine hands out the plain text and says only in which key there was something to decrypt.
        encrypted = {key.rpartition(":")[2] for key in secret_keys}
        raise Refused("settings", [_without_secrets(finding, encrypted) for finding in refused.findings]) from None


def _without_secrets(finding: Finding, encrypted: set[str]) -> Finding:
    harmless = finding.value.startswith("(") or re.fullmatch(r"[\d.]+", finding.value)
    hidden = re.split(r"[.[]", finding.path)[0] in encrypted and not harmless
    return finding._replace(value=SECRET) if hidden else finding


def structured(config: Mapping[str, str]) -> tuple[dict[str, Any], list[Finding]]:
    """`mlplatform:key` -> JSON or text, as key -> value. Keys of other namespaces belong to providers."""
    own, findings = _of_project(config)
    return {key: _value(text) for key, text in own.items()}, findings


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) <= DIGITS else HUGE)
    except (ValueError, RecursionError):
        return text


DIGITS = 1000
"""Of a number that is read as it is."""
LARGEST_DOCUMENT = 100_000
"""Values in one file: the largest of the examples has 700. Nine aliases of nine, eight levels deep, took minutes."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key written twice: the second would silently win."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: dict[str, yaml.Node] = {}
    for key_node, _ in node.value:
        if key_node.tag == MERGE:
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise _unreadable(f"line {key_node.start_mark.line + 1}", "a list or mapping as a key", "a key is text")
        key = key_node.value
        if key in seen:
            found = f"{key} (first on line {seen[key].start_mark.line + 1})"
            raise _unreadable(f"line {key_node.start_mark.line + 1}", found, "each key appears once", RENAME)
        seen[key] = key_node
    return loader.construct_mapping(node, deep=True)


def _whole(loader: _UniqueKeys, node: yaml.ScalarNode) -> int:
    """A number, of which Python reads no more than 4,300 digits and writes no more either."""
    if len(node.value) > DIGITS:
        return HUGE
    number: int = loader.construct_yaml_int(node)
    return number


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_UniqueKeys.add_constructor("tag:yaml.org,2002:int", _whole)


def from_file(text: str) -> Settings:
    """The settings in the text of a `Pulumi.<stack>.yaml`. Secrets stay encrypted: they are taken as given.

    Raises `Refused` with every problem, also for text that is no YAML.
    """
    return parse(*_own_keys(text))


def model_from_file(text: str) -> type[Settings]:
    """The model of the settings in that text, with the sections of its `workloadKinds`; the rest of it may be wrong.

    Raises `Refused` where the kinds, or the YAML, cannot be read.
    """
    loaded = kinds_of(_own_keys(text)[0])
    refuse("settings", loaded.findings)
    return settings_model(loaded.kinds)


def unchecked(text: str) -> dict[str, Any]:
    """The keys of the project as that text has them, right or wrong; none where there is no `config`.

    Raises `Refused` for text that is no YAML.
    """
    document = _document(text)
    config = document.get("config") if isinstance(document, dict) else None
    return _of_project(config)[0] if isinstance(config, dict) else {}


def _own_keys(text: str) -> tuple[dict[str, Any], list[Finding]]:
    own, findings = _of_project(_config(_document(text)))
    return {key: _opaque(value) for key, value in own.items()}, findings


def _of_project(config: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """The keys of the project, without its namespace, and of those whose namespace is misspelt what is wrong.

    What is below these is read too, so that they are not reported as missing.
    """
    own, misspelt, findings = {}, {}, []
    for key, value in config.items():
        namespace, _, name = str(key).partition(":")
        if namespace == PROJECT:
            own[name] = value
        elif nearest(namespace, [PROJECT], cutoff=0.9):  # `platform` may be another program's
            misspelt[name] = value
            rule = f"settings of this project are below {PROJECT}; other programs have namespaces of their own"
            findings.append(Finding(f"config.{key}", namespace, rule, f"did you mean {PREFIX}{name}?"))
    return {**misspelt, **own}, findings


def _document(text: str) -> Any:
    try:
        document = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
        if _size(document, {}) > LARGEST_DOCUMENT:
            rule = f"at most {LARGEST_DOCUMENT} values, those that aliases repeat included"
            raise _unreadable("the file", "aliases (*name) of aliases", rule, "write the values out")
        return document
    except Refused:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "the file"
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", error))
        raise _unreadable(where, problem, "valid YAML", TABS if "\\t" in problem else "correct that line") from None
    except (ValueError, KeyError, AttributeError) as error:  # 2026-02-30 looks like a date; `!!bool maybe`
        remedy = "put what only looks like a date into quotes, and remove tags (`!!bool`)"
        raise _unreadable("the file", str(error), "valid YAML", remedy) from None
    except RecursionError:
        rule = "lists and mappings that a reader can follow"
        raise _unreadable("the file", "hundreds of lists or mappings inside each other", rule, "flatten it") from None


def _size(value: Any, known: dict[int, int]) -> int:
    """Number of values, each alias counted with all that it repeats."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = 1 + sum(_size(one, known) for one in (value.values() if isinstance(value, dict) else value))
    return known[id(value)]


def _config(document: Any) -> dict[str, Any]:
    if document is not None and not isinstance(document, dict):
        raise _unreadable("the file", shown(document), "a mapping with the key config", COPY)
    config = (document or {}).get("config")
    if not config:
        found = "(missing)" if document and "config" not in document else "(nothing)"
        raise _unreadable("config", found, f"settings are below config, as {PREFIX}<key>", COPY)
    if not isinstance(config, dict):
        raise _unreadable("config", shown(config), f"a mapping with keys like {PREFIX}environment", COPY)
    for key in config:
        if not isinstance(key, str) or ":" not in key:
            rule, remedy = "a key of the stack has a namespace, as namespace:key", f"write {PREFIX}{key_text(key)}"
            raise _unreadable(f"config.{key_text(key)}", key_text(key), rule, remedy)
    return config


def _unreadable(path: str, value: str, rule: str, remedy: str = "write it as in Pulumi.dev.yaml") -> Refused:
    return Refused("settings", [Finding(path, value, rule, remedy)])


def _opaque(value: Any) -> Any:
    """The value with `secure: …` replaced: what it decrypts to is text, and only the engine can tell which.

    Keys in the engine's order, so that a running stack and its file have the same messages.
    """
    if isinstance(value, dict):
        return SECRET if set(value) == {"secure"} else {key: _opaque(value[key]) for key in sorted(value, key=str)}
    return [_opaque(item) for item in value] if isinstance(value, list) else value
