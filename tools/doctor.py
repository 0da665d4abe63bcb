"""What this computer has of what the platform needs, and the remedy for what is missing: `make doctor`."""

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
from tools.search import Refused
from tools.store import Store, cache_root
from tools.toolchain import ROOT, STAND_IN, Chosen, ensure, look

OLDEST_PYTHON = (3, 11)
NEEDED_MEMORY_BYTES = 3 * 10**9
"""Control plane and engine were measured at up to 2.5 GB together."""
NEEDED_DISK_BYTES = 10**9
"""With the tools there: state and data of simulated clusters."""


@dataclass(frozen=True)
class Finding:
    """One row of the doctor's table."""

    subject: str
    version: str
    """Or an amount; empty where there is nothing."""
    place: str
    """Where from."""
    remedy: str = ""
    """What is wrong and what to do about it; empty when all is well."""


def tool_findings(found: Mapping[str, Chosen | Refused | None]) -> list[Finding]:
    """A row for each tool of the toolchain."""
    return [_tool_finding(name, at) for name, at in found.items()]


def _tool_finding(name: str, at: Chosen | Refused | None) -> Finding:
    if isinstance(at, Chosen):
        places = {"path": "on PATH", "download": "downloaded", "build": "built from Go modules"}
        return Finding(name, at.version, f"{places[at.way]}: {at.program}")
    install = "run `make up` or `python -m tools install`"
    if isinstance(at, Refused):
        return Finding(name, "", str(at.program), f"{at.reason}; {install}")
    return Finding(name, "", "", f"not there, wanted is {TOOL_BY_NAME[name].rule}; {install}")


def python_finding(version: tuple[int, int, int], program: str) -> Finding:
    text = ".".join(map(str, version))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    remedy = "" if version[:2] >= OLDEST_PYTHON else f"older than {oldest}; install Python {oldest} or newer"
    return Finding("python", text, program, remedy)


def go_finding(version: str | None, problem: str, *, needed: bool) -> Finding:
    """Go is needed only as long as a tool has to be built."""
    if version is not None:
        return Finding("go", version, "on PATH")
    return Finding("go", "", "not needed: every tool is there", "") if not needed else Finding("go", "", "", problem)


def git_finding(version: str | None) -> Finding:
    remedy = "" if version else "not on PATH; install it with the system's package manager"
    return Finding("git", version or "", "on PATH" if version else "", remedy)


def disk_finding(free_bytes: int, needed_bytes: int, place: Path) -> Finding:
    remedy = f"less than {needed_bytes / 1e9:.0f} GB; make room, or set MLPLATFORM_CACHE to a directory elsewhere"
    return Finding("disk space", f"{free_bytes / 1e9:.1f} GB", str(place), "" if free_bytes >= needed_bytes else remedy)


def memory_finding(available_bytes: int) -> Finding:
    remedy = f"less than {NEEDED_MEMORY_BYTES / 1e9:.0f} GB free; close something before `make up`"
    enough = available_bytes >= NEEDED_MEMORY_BYTES
    return Finding("free memory", f"{available_bytes / 1e9:.1f} GB", "", "" if enough else remedy)


def environment_finding(requirements: str, installed: Mapping[str, str], prefix: str) -> Finding:
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
    return Finding("virtual environment", f"{len(pins) - len(apart)} of {len(pins)} pins", prefix, remedy)


def normalised(name: str) -> str:
    """A package name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def examine(environment: Mapping[str, str]) -> list[Finding]:
    """All rows, from looking only: nothing is installed."""
    store = Store(cache_root(environment))
    found = look(store, environment)
    complete = all(isinstance(at, Chosen) for at in found.values())
    existing = next(place for place in (store.root, *store.root.parents) if place.is_dir())
    installed = {normalised(str(d.metadata["Name"])): d.version for d in importlib.metadata.distributions()}
    return [
        *tool_findings(found),
        *(_stand_in_findings(environment) if complete else []),
        python_finding(sys.version_info[:3], sys.executable),
        _examine_go(environment, needed=not complete),
        git_finding(_git_version(environment)),
        disk_finding(
            shutil.disk_usage(existing).free, NEEDED_DISK_BYTES if complete else build.NEEDED_BYTES, store.root
        ),
        memory_finding(psutil.virtual_memory().available),
        environment_finding((ROOT / "requirements.txt").read_text(), installed, sys.prefix),
    ]


def _stand_in_findings(environment: Mapping[str, str]) -> list[Finding]:
    rows = ensure(environment=environment).report()
    return [Finding(row.tool, row.version, row.program) for row in rows if row.tool == STAND_IN]


def _examine_go(environment: Mapping[str, str], *, needed: bool) -> Finding:
    try:
        return go_finding(build.check_go(environment), "", needed=needed)
    except ToolError as error:
        return go_finding(None, error.message, needed=needed)


def _git_version(environment: Mapping[str, str]) -> str | None:
    program = shutil.which("git", path=environment.get("PATH"))
    if program is None:
        return None
    printed = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return printed.removeprefix("git version").strip() or None


def table(findings: Sequence[Finding]) -> str:
    """The rows, aligned; the remedy of a row stands in the line below it."""
    subject = max(len(row.subject) for row in findings)
    version = max(len(row.version) for row in findings)
    lines = []
    for row in findings:
        state = "missing" if row.remedy else "ok"
        lines.append(f"{row.subject:<{subject}}  {state:<7}  {row.version:<{version}}  {row.place}".rstrip())
        if row.remedy:
            lines.append(f"{'':<{subject}}  {row.remedy}")
    return "\n".join(lines)


@click.command()
def doctor() -> None:
    """Print what is used, from where, in which version, and the remedy for what is missing (then exit code 1)."""
    findings = examine(os.environ)
    click.echo(table(findings))
    missing = [row.subject for row in findings if row.remedy]
    if missing:
        raise ToolError(f"{len(missing)} of {len(findings)} are missing: {', '.join(missing)}. The remedies are above.")
