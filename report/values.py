"""Values of planned resources as a person may read them: without secrets, control characters and placeholders. Pure.

The engine masks what the program marks as secret. Some values are secrets without such a mark (a variable of a
container, a password in a URL), and are masked here by their names.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from settings.errors import CONTROL, SECRET, SECRET_KEY

UNKNOWN = "(known after up)"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of a mapping that stands for a special value: a secret, an asset (pulumi/pulumi sdk/go/common/resource/sig)."""
_SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark, not a secret
# Placeholders of unknown values in a preview, by type (pulumi/pulumi sdk/go/common/resource/plugin/rpc.go).
_UNKNOWNS = frozenset(
    {
        *("1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "3eeb2bf0-c639-47a8-9e75-3b44932eb421"),
        *("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"),
        *("030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a"),
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_USER_INFO = re.compile(r"(?<=://)[^/\s@:]*:[^/\s@]+(?=@)")
_REFERENCE = re.compile(r"(Name|Ref|Ref\w*|Arn|Url|Version|Id)$")
_OPTION = re.compile(r"^--?[\w-]*(passw|secret|token|credential|api-?key)[\w-]*$", re.IGNORECASE)
"""An argument whose value is the next one."""
_ASSIGNED = re.compile(
    r"(?P<key>[\w-]*(?:passw|secret|token|credential|api_?key|access_?key|private_?key)[\w-]*)"
    r"(?P<sign>[\"']?\s*[=:](?!:)\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&]+)",
    re.IGNORECASE,
)
"""`password=…` and `token: …` within a text, such as a file of a ConfigMap or an argument."""
_LONGEST = 160


def without_secrets(value: Any, key: str = "") -> Any:
    """The value with each secret replaced by `[secret]` and each unknown by `(known after up)`. `key`: its own key."""
    if isinstance(value, str):
        is_secret = value and value not in _UNKNOWNS and _is_secret(key) and not _is_count(key, value)
        return SECRET if is_secret else clean_text(value)
    if isinstance(value, Mapping):
        if _SIGNATURE in value:
            special = value[_SIGNATURE] == _SECRET_SIGNATURE
            return (
                SECRET if special else {str(k): without_secrets(v, str(k)) for k, v in value.items() if k != _SIGNATURE}
            )
        holds_secrets = value.get("kind") == "Secret"
        named = value.get("name") if "value" in value else None
        return {
            clean_text(str(k)): _hidden(v)
            if holds_secrets and k in ("data", "stringData")
            else without_secrets(v, str(named) if k == "value" and named else str(k))
            for k, v in value.items()
            if not str(k).startswith("__")
        }
    if isinstance(value, list):
        options = ["", *(one if isinstance(one, str) and _OPTION.match(one) else "" for one in value)]
        return [without_secrets(one, option or key) for one, option in zip(value, options, strict=False)]
    return value


def _hidden(value: Any) -> Any:
    """Keys of a Secret without their values."""
    return {clean_text(str(key)): SECRET for key in value} if isinstance(value, Mapping) else SECRET


@lru_cache(maxsize=20_000)
def _is_secret(key: str) -> bool:
    return bool(SECRET_KEY.search(key)) and not _REFERENCE.search(key)


@lru_cache(maxsize=20_000)
def clean_text(text: str) -> str:
    """Text without passwords and tokens in it, without control characters, and readable where it is not known yet."""
    if text in _UNKNOWNS:
        return UNKNOWN
    if "://" in text:
        text = _USER_INFO.sub(SECRET, text)
    if "=" in text or ":" in text:
        text = _ASSIGNED.sub(_masked, text)
    if len(text) > 35 and "-" in text:
        for placeholder in _UNKNOWNS:
            text = text.replace(placeholder, UNKNOWN)
    return CONTROL.sub("�", text)


def _masked(found: re.Match[str]) -> str:
    shown_as_is = _REFERENCE.search(found["key"]) or _is_count(found["key"], found["value"])
    return found[0] if shown_as_is else f"{found['key']}{found['sign']}{SECRET}"


def _is_count(key: str, value: str) -> bool:
    """Whether it is a number of tokens of a language model: `--max-model-tokens=4096`."""
    return key.lower().endswith("tokens") and value.isdigit()


def clean_name(text: str) -> str:
    """A URN or a path without control characters. In a URN `Secret::…` assigns nothing."""
    return CONTROL.sub("�", text)


def shown(value: Any, longest: int = _LONGEST) -> str:
    """One line of text for any value, cut to `longest` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
