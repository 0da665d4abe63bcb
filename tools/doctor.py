"""Checks whether this computer has what the platform needs, and how to install what is missing: `make doctor`."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import psutil

from tools import build
from tools.errors import ToolError
from tools.pins import TOOL_BY_NAME
from tools.processes import possible as possible_processes
from tools.search import RejectedTool
from tools.selection import SelectedTool
from tools.store import Store, cache_root
from tools.toolchain import ROOT, STAND_IN, ensure, look

OLDEST_PYTHON = (3, 11)
NEEDED_MEMORY_BYTES = 3 * 10**9
"""Measured: control plane and engine use up to 2.5 GB together."""
NEEDED_DISK_BYTES = 10**9
"""State and data of simulated clusters, in addition to the tools."""


@dataclass(frozen=True)
class Check:
    """One row of the table."""

    subject: str
    version: str
    """Or an amount; empty if there is none."""
    place: str
    """Where from."""
    remedy: str = ""
    """What is wrong and how to correct it; empty if all is well."""


def tool_checks(found: Mapping[str, SelectedTool | RejectedTool | None]) -> list[Check]:
    """A row for each tool of the toolchain."""
    return [_tool_check(name, at) for name, at in found.items()]


def _tool_check(name: str, at: SelectedTool | RejectedTool | None) -> Check:
    if isinstance(at, SelectedTool):
        places = {"path": "on PATH", "download": "downloaded", "build": "built from Go modules"}
        return Check(name, at.version, f"{places[at.way]}: {at.program}")
    install = "run `make up` or `python -m tools install`"
    if isinstance(at, RejectedTool):
        return Check(name, "", str(at.program), f"{at.reason}; {install}")
    return Check(name, "", "", f"not installed, required is {TOOL_BY_NAME[name].rule}; {install}")


def python_check(version: tuple[int, int, int], program: str) -> Check:
    text = ".".join(map(str, version))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    remedy = "" if version[:2] >= OLDEST_PYTHON else f"older than {oldest}; install Python {oldest} or newer"
    return Check("python", text, program, remedy)


def go_check(version: str | None, problem: str, *, needed: bool) -> Check:
    """Go is needed only while a tool must be built."""
    if version is not None:
        return Check("go", version, "on PATH")
    return Check("go", "", "not needed: every tool is there", "") if not needed else Check("go", "", "", problem)


def git_check(version: str | None) -> Check:
    remedy = "" if version else "not on PATH; install it with the system's package manager"
    return Check("git", version or "", "on PATH" if version else "", remedy)


def disk_check(free_bytes: int, needed_bytes: int, place: Path) -> Check:
    remedy = f"less than {needed_bytes / 1e9:.0f} GB; free some space, or set MLPLATFORM_CACHE to a directory elsewhere"
    return Check("disk space", f"{free_bytes / 1e9:.1f} GB", str(place), "" if free_bytes >= needed_bytes else remedy)


def memory_check(available_bytes: int) -> Check:
    remedy = f"less than {NEEDED_MEMORY_BYTES / 1e9:.0f} GB free; close other programs before `make up`"
    enough = available_bytes >= NEEDED_MEMORY_BYTES
    return Check("free memory", f"{available_bytes / 1e9:.1f} GB", "", "" if enough else remedy)


def environment_check(requirements: str, installed: Mapping[str, str], prefix: str) -> Check:
    """Whether the pinned packages are installed in the pinned versions.

    Args:
        requirements: the text of requirements.txt; only its `name==version` lines count.
        installed: versions by normalised name (lower case, dashes).
    """
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", requirements, flags=re.MULTILINE)
    apart = [
        f"{name} is {installed.get(normalised(name), 'missing')}, pinned is {version}"
        for name, version in pins
        if installed.get(normalised(name)) != version
    ]
    remedy = f"{'; '.join(apart)}; run `{Path(prefix, 'bin', 'pip')} install -r requirements.txt`" if apart else ""
    return Check("virtual environment", f"{len(pins) - len(apart)} of {len(pins)} pins", prefix, remedy)


def normalised(name: str) -> str:
    """A package name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def examine(environment: Mapping[str, str]) -> list[Check]:
    """All rows. Installs nothing."""
    store = Store(cache_root(environment))
    found = look(store, environment)
    complete = all(isinstance(at, SelectedTool) for at in found.values())
    existing = next(place for place in (store.root, *store.root.parents) if place.is_dir())
    installed = {normalised(str(d.metadata["Name"])): d.version for d in importlib.metadata.distributions()}
    return [
        *tool_checks(found),
        *(_stand_in_checks(environment) if complete else []),
        python_check(sys.version_info[:3], sys.executable),
        _examine_go(environment, needed=not complete),
        git_check(_git_version(environment)),
        disk_check(shutil.disk_usage(existing).free, NEEDED_DISK_BYTES if complete else build.NEEDED_BYTES, store.root),
        memory_check(psutil.virtual_memory().available),
        environment_check((ROOT / "requirements.txt").read_text(), installed, sys.prefix),
        Check("pods as processes", "", possible_processes(environment)),
    ]


def _stand_in_checks(environment: Mapping[str, str]) -> list[Check]:
    rows = ensure(environment=environment).report()
    return [Check(row.tool, row.version, row.program) for row in rows if row.tool == STAND_IN]


def _examine_go(environment: Mapping[str, str], *, needed: bool) -> Check:
    try:
        return go_check(build.check_go(environment), "", needed=needed)
    except ToolError as error:
        return go_check(None, error.message, needed=needed)


def _git_version(environment: Mapping[str, str]) -> str | None:
    program = shutil.which("git", path=environment.get("PATH"))
    if program is None:
        return None
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return printed.removeprefix("git version").strip() or None


def table(checks: Sequence[Check]) -> str:
    """The rows, aligned; the remedy of a row is in the line below it."""
    subject = max(len(row.subject) for row in checks)
    version = max(len(row.version) for row in checks)
    lines = []
    for row in checks:
        state = "missing" if row.remedy else "ok"
        lines.append(f"{row.subject:<{subject}}  {state:<7}  {row.version:<{version}}  {row.place}".rstrip())
        if row.remedy:
            lines.append(f"{'':<{subject}}  {row.remedy}")
    return "\n".join(lines)


@click.command()
def doctor() -> None:
    """Print each requirement with its version, its location and the remedy if it is missing (then exit code 1)."""
    checks = examine(os.environ)
    click.echo(table(checks))
    missing = [row.subject for row in checks if row.remedy]
    if missing:
        raise ToolError(f"{len(missing)} of {len(checks)} are missing: {', '.join(missing)}. The remedies are above.")
