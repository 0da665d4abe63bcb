"""Which program was selected for each tool, and the record of it, so that the next command need not look again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools import build
from tools.pins import TOOLS
from tools.store import Store, Way


@dataclass(frozen=True)
class SelectedTool:
    """A selected tool. One row of `Toolchain.report()`."""

    tool: str
    version: str
    program: str
    """Its path."""
    way: Way


def stamp_of(store: Store, environment: Mapping[str, str], checkout: Path) -> Path:
    """The record of a checkout's last selection: named by everything that it depends on, apart from the programs."""
    read = {name: environment.get(name) for name in ("PATH", "PULUMI_HOME", "HOME", "MLPLATFORM_TOOLCHAIN")}
    facts = (read, [build.recipe(tool) for tool in TOOLS], repr(TOOLS), sys.executable, str(checkout))
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return store.root / "stamps" / f"{key}.json"


def identity(program: str) -> list[int] | None:
    """Attributes that change when a file is replaced: its inode, size and time of change."""
    try:
        status = os.stat(program)
    except OSError:
        return None
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _tool(row: dict[str, str]) -> SelectedTool:
    return SelectedTool(row["tool"], row["version"], row["program"], Way(row["way"]))


def read_stamp(stamp: Path) -> list[SelectedTool] | None:
    """The last selection, if every program is unchanged since."""
    try:
        rows = json.loads(stamp.read_text())
        chosen = [
            (SelectedTool(**{**row["chosen"], "way": Way(row["chosen"]["way"])}), row["identity"]) for row in rows
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [row for row, _ in chosen] if all(identity(row.program) == known for row, known in chosen) else None


def write_stamp(stamp: Path, chosen: Sequence[SelectedTool]) -> None:
    stamp.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"chosen": asdict(row), "identity": identity(row.program)} for row in chosen]
    unfinished = stamp.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(rows, indent=1))
    unfinished.replace(stamp)
