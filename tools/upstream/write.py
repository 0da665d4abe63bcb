"""Facts as text: JSON with one object, CRD or value on each line, so that a version's changes can be reviewed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATED = "date"


def text_of(facts: Mapping[str, Any]) -> str:
    """The file. The lists and maps of the first level have one entry on each line."""
    return "{\n" + ",\n".join(f" {_line(key)}: {_block(value)}" for key, value in facts.items()) + "\n}\n"


def _block(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"  {_line(one)}" for one in value) + "\n ]"
    if isinstance(value, Mapping) and value:
        return "{\n" + ",\n".join(f"  {_line(key)}: {_line(one)}" for key, one in value.items()) + "\n }"
    return _line(value)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def with_old_date(facts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The facts with the date on which they were first written, if nothing else changed."""
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if text_of({**before, DATED: ""}) == text_of({**facts, DATED: ""}):
            return {**facts, DATED: before[DATED]}
    return dict(facts)


def difference(facts: Mapping[str, Any], path: Path) -> list[str]:
    """Lines that differ from the file; none where only the date does."""
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    after = text_of(with_old_date(facts, path))
    return list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), str(path.name), "upstream", lineterm="", n=0)
    )
