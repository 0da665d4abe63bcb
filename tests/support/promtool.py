"""promtool for tests: on PATH, else Debian's package unpacked into the tool cache, else built from its Go module."""

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock

from tools.store import cache_root

DEBIAN_PACKAGE = "prometheus"
GO_PACKAGE = "github.com/prometheus/prometheus/cmd/promtool"
GO_VERSION = "v0.315.0"
OLDEST = (2, 42)
"""Debian 12's, which the rules were written against."""


class PromtoolMissing(RuntimeError):
    """No way leads to promtool here; says what was tried."""


@cache
def promtool() -> Path:
    """A promtool of a good version. Raises `PromtoolMissing`, with what was tried, where there is none to be had."""
    found = shutil.which("promtool")
    if found and _version(Path(found)) >= OLDEST:
        return Path(found)
    home = cache_root(os.environ) / "tests" / f"promtool-{GO_VERSION}"
    program = home / "promtool"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / "install.lock"):
        if not program.is_file():
            with tempfile.TemporaryDirectory(dir=home) as scratch:
                _install(Path(scratch), program)
    return program


def check_rules(text: str, folder: Path) -> None:
    """Fail with promtool's words when the rules do not parse."""
    rules = folder / "rules.yaml"
    rules.write_text(text, encoding="utf-8")
    answer = subprocess.run([promtool(), "check", "rules", rules], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def _version(program: Path) -> tuple[int, ...]:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    numbers = re.search(r"version (\d+)\.(\d+)", answer.stdout + answer.stderr)
    return tuple(int(number) for number in numbers.groups()) if numbers else (0, 0)


def _install(scratch: Path, program: Path) -> None:
    tried = []
    for install in (_from_debian, _from_go):
        try:
            install(scratch).rename(program)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or str(error)
            tried.append(f"{install.__name__.removeprefix('_from_')}: {said.strip().splitlines()[-1][:200]}")
        else:
            return
    raise PromtoolMissing(
        f"promtool is not on PATH ({OLDEST[0]}.{OLDEST[1]} or newer) and could not be had: {'; '.join(tried)}. "
        f"Install the package `{DEBIAN_PACKAGE}`, or `go install {GO_PACKAGE}@{GO_VERSION}`."
    )


def _run(*command: str, folder: Path, **environment: str) -> None:
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **environment}, timeout=1500
    )


def _from_debian(scratch: Path) -> Path:
    try:
        _run("apt-get", "download", DEBIAN_PACKAGE, folder=scratch)
    except subprocess.CalledProcessError:
        # A fresh machine has no package lists yet.
        _run("apt-get", "update", folder=scratch)
        _run("apt-get", "download", DEBIAN_PACKAGE, folder=scratch)
    (package,) = scratch.glob("*.deb")
    _run("dpkg", "-x", str(package), "unpacked", folder=scratch)
    return scratch / "unpacked" / "usr" / "bin" / "promtool"


def _from_go(scratch: Path) -> Path:
    # The module's own sources, not `go install`: its go.mod may hold replacements.
    (scratch / "go.mod").write_text("module promtool-for-tests\n", encoding="utf-8")
    _run("go", "get", f"{GO_PACKAGE.rsplit('/cmd', 1)[0]}@{GO_VERSION}", folder=scratch, GOFLAGS="-mod=mod")
    _run("go", "build", "-o", "promtool", GO_PACKAGE, folder=scratch, GOFLAGS="-mod=mod", CGO_ENABLED="0")
    return scratch / "promtool"
