"""The cache of installed tools: outside the checkout, one directory for each tool, version and recipe.

A directory appears by one rename, when it is complete; unfinished ones are under `staging/`. So a directory that exists
is complete, even after a kill.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import filelock
import platformdirs

from tools.errors import ToolError
from tools.pins import Tool
from tools.progress import Progress


class Way(str, Enum):
    """How a tool was obtained."""

    PATH = "path"
    DOWNLOAD = "download"
    BUILD = "build"

    __str__ = str.__str__


@dataclass(frozen=True)
class HostPlatform:
    """The operating system and architecture of this computer, in Go's spelling."""

    system: str
    architecture: str


def this_platform() -> HostPlatform:
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return HostPlatform(platform.system().lower(), architecture)


def cache_root(environment: Mapping[str, str]) -> Path:
    """MLPLATFORM_CACHE, else the user's cache directory (`~/.cache/mlplatform` on Linux)."""
    named = environment.get("MLPLATFORM_CACHE")
    return Path(named).absolute() if named else Path(platformdirs.user_cache_dir("mlplatform"))


class Store:
    """The tools below one cache directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.downloads = root / "downloads"
        """Downloads in progress; they stay after an interruption and are resumed."""
        self.selections = root / "selections"
        """The bin directories of `tools.toolchain`, one for each checkout and choice of tools."""

    def directory(self, tool: Tool, way: Way, recipe: str) -> Path:
        """Directory of a tool. `recipe` is a digest of the inputs of its build; a download depends only on its
        version."""
        here = this_platform()
        name = f"{tool.name}-{tool.version}-{here.system}-{here.architecture}"
        return self.root / "tools" / (f"{name}-built-{recipe}" if way is Way.BUILD else name)

    @contextmanager
    def becoming(self, directory: Path) -> Iterator[tuple[Path, Path]]:
        """A new directory to fill, and a scratch directory next to it that is deleted.

        At the end of the block the first appears as `directory`; if another process was quicker, its directory stays.
        After an error nothing appears.
        """
        parent = self.root / ("selecting" if directory.parent == self.selections else "staging")
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=parent))
        staged = scratch / "finished"
        staged.mkdir()
        try:
            yield staged, scratch
            directory.parent.mkdir(parents=True, exist_ok=True)
            try:
                staged.rename(directory)
            except OSError:
                if not directory.is_dir():
                    raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @contextmanager
    def installing(self, progress: Progress) -> Iterator[None]:
        """One installation at a time: a second one waits, prints that, and then uses what the first has installed."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.root / "install.lock")
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                progress.note(f"Another installation is writing to {self.root}; waiting for it.")
                lock.acquire()
        except OSError as error:
            raise ToolError(
                f"The tool cache {self.root} cannot be written: {error}. Make it writable, or name another directory "
                "with MLPLATFORM_CACHE."
            ) from error
        try:
            # A killed process held the lock: what is staged now belongs to no process.
            shutil.rmtree(self.root / "staging", ignore_errors=True)
            yield
        finally:
            lock.release()


def link(source: Path, target: Path) -> None:
    """The same file under a second name, or a copy where the file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
