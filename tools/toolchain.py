"""The toolchain: every tool the platform runs on, in a tested version.

Three ways, in this order: an accepted version on PATH, the official release, a build from pinned Go modules. A setting
(MLPLATFORM_TOOLCHAIN) forces one of them. `ensure` installs them; all other code uses the `Toolchain` that it returns.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shlex
import shutil
import sys
import urllib.parse
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from tools import build, download
from tools.download import Unavailable
from tools.errors import ToolError
from tools.pins import KUBERNETES_PROVIDER, LANGUAGE_HOST, PULUMI, TOOL_BY_NAME, TOOLS, Tool
from tools.progress import Progress, Silent
from tools.search import FoundTool, RejectedTool, find, plugin_directory, programs_on_path
from tools.selection import SelectedTool, identity, read_stamp, stamp_of, write_stamp
from tools.store import Store, Way, cache_root, link, this_platform

ROOT = Path(__file__).parent.parent
"""The checkout."""

Available = Mapping[str, download.Asset | Unavailable]

STAND_IN = f"{LANGUAGE_HOST} (stand-in)"


class Mode(str, Enum):
    """Values of MLPLATFORM_TOOLCHAIN."""

    AUTO = "auto"
    """An accepted version on PATH, else the official release, else a build."""
    PATH = "path"
    """Only tools on PATH; otherwise an error that names what is missing."""
    DOWNLOAD = "download"
    BUILD = "build"

    __str__ = str.__str__


class Toolchain:
    """All tools, ready to run. Created by `ensure`."""

    def __init__(
        self, chosen: Sequence[SelectedTool], bin_directory: Path, pulumi_home: Path, credentials: Path
    ) -> None:
        self._chosen = {row.tool: row for row in chosen}
        self._pulumi_home = pulumi_home
        self._credentials = credentials
        self.bin_directory = bin_directory
        """Contains every tool under its own name, and the companions of `pulumi`."""

    def path(self, name: str) -> Path:
        """Path of a tool. Raises KeyError for a name that is not in `tools.pins`."""
        linked = self.bin_directory / name
        return linked if linked.exists() else Path(self._chosen[name].program)

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """A copy of `base` (default: os.environ) in which plain `pulumi`, `kubectl`, `etcd` … are the selected ones.

        Plugins: the engine warns at each run about a provider on PATH, and not about one in its home. So PULUMI_HOME
        becomes a directory of this toolchain that contains the provider (credentials stay where they are). A
        PULUMI_HOME in `base` that lacks the provider is kept, and the provider is put on PATH.
        """
        environment = dict(os.environ if base is None else base)
        entries = [str(self.bin_directory)]
        own_home = environment.get("PULUMI_HOME")
        if own_home is None:
            environment["PULUMI_HOME"] = str(self._pulumi_home)
            environment.setdefault("PULUMI_CREDENTIALS_PATH", str(self._credentials))
        elif Path(own_home) != self._pulumi_home and not plugin_directory(Path(own_home)).is_dir():
            entries.append(str(plugin_directory(self._pulumi_home)))
        before = [entry for entry in environment.get("PATH", os.defpath).split(os.pathsep) if entry not in entries]
        environment["PATH"] = os.pathsep.join([*entries, *before])
        environment["PULUMI_SKIP_UPDATE_CHECK"] = "true"
        return environment

    def report(self) -> list[SelectedTool]:
        """The tools in use, in the order of the table of pins; a stand-in is last and marked as one."""
        return list(self._chosen.values())


def mode(environment: Mapping[str, str]) -> Mode:
    """The value of MLPLATFORM_TOOLCHAIN (default `auto`). Raises ToolError for any other value."""
    word = environment.get("MLPLATFORM_TOOLCHAIN") or Mode.AUTO
    try:
        return Mode(word)
    except ValueError:
        raise ToolError(
            f"MLPLATFORM_TOOLCHAIN is {word!r}. It must be one of {', '.join(Mode)}; leave it out for `auto`."
        ) from None


def ensure(progress: Progress | None = None, environment: Mapping[str, str] | None = None) -> Toolchain:
    """The toolchain, installed first if necessary. Takes well under 0.1 s if nothing has changed.

    Args:
        progress: gets each step and its reason. Default: none.
        environment: source of PATH and the settings. Default: os.environ.

    Raises:
        ToolError: a tool is not available in the requested way. Finished tools stay installed.
    """
    progress = progress or Silent()
    environment = os.environ if environment is None else environment
    store = Store(cache_root(environment))
    stamp = stamp_of(store, environment, ROOT)
    chosen = read_stamp(stamp)
    if chosen is None:
        found = look(store, environment)
        missing = [TOOL_BY_NAME[name] for name, at in found.items() if not isinstance(at, SelectedTool)]
        if missing:
            with store.installing(progress):
                _install(missing, store, environment, progress)
                found = look(store, environment)
        chosen = [row for row in found.values() if isinstance(row, SelectedTool)]
        write_stamp(stamp, chosen)
    return _select(chosen, store, environment)


def is_installed(environment: Mapping[str, str] | None = None) -> bool:
    """Whether `ensure` has nothing to install, according to the last run; a wrong False costs minutes at most."""
    environment = os.environ if environment is None else environment
    return read_stamp(stamp_of(Store(cache_root(environment)), environment, ROOT)) is not None


def look(store: Store, environment: Mapping[str, str]) -> dict[str, SelectedTool | RejectedTool | None]:
    """State of each tool, without changes: on PATH first, then in the cache."""
    wanted = mode(environment)
    return {tool.name: _look_for(tool, store, environment, wanted) for tool in TOOLS}


def _look_for(
    tool: Tool, store: Store, environment: Mapping[str, str], wanted: Mode
) -> SelectedTool | RejectedTool | None:
    on_path: FoundTool | RejectedTool | None = None
    if wanted in (Mode.AUTO, Mode.PATH):
        on_path = find(tool, environment, outside=store.root)
        if isinstance(on_path, FoundTool):
            return SelectedTool(tool.name, on_path.version, str(on_path.program), Way.PATH)
    ways = {
        Mode.AUTO: (Way.DOWNLOAD, Way.BUILD),
        Mode.DOWNLOAD: (Way.DOWNLOAD,),
        Mode.BUILD: (Way.BUILD,),
        Mode.PATH: (),
    }
    for way in ways[wanted]:
        program = store.directory(tool, way, build.recipe(tool)) / tool.name
        if program.is_file():
            return SelectedTool(tool.name, tool.version, str(program), way)
    return on_path if isinstance(on_path, RejectedTool) else None


def _install(missing: Sequence[Tool], store: Store, environment: Mapping[str, str], progress: Progress) -> None:
    wanted = mode(environment)
    # Another process may have made some of them while this one waited for the lock.
    found = {tool.name: _look_for(tool, store, environment, wanted) for tool in missing}
    missing = [tool for tool in missing if not isinstance(found[tool.name], SelectedTool)]
    if not missing:
        return
    reasons = {name: at.reason for name, at in found.items() if isinstance(at, RejectedTool)}
    if wanted is Mode.PATH:
        raise ToolError(_not_on_path(missing, found))
    progress.note(_why_not_path(missing, reasons, wanted))
    available: Available = {}
    if wanted is not Mode.BUILD:
        available = download.assets(missing, this_platform(), environment.get("MLPLATFORM_DOWNLOAD_BASE"))
    to_build = [tool for tool in missing if not isinstance(available.get(tool.name), download.Asset)]
    if to_build and wanted is Mode.DOWNLOAD:
        why = download.joined_reasons(at for at in available.values() if isinstance(at, Unavailable))
        raise ToolError(
            f"{_names(to_build)} cannot be downloaded: {why}. Name a mirror with MLPLATFORM_DOWNLOAD_BASE, "
            "or leave out MLPLATFORM_TOOLCHAIN=download to build them from Go modules."
        )
    not_had = _download_all(missing, available, wanted, store, progress)
    why = download.joined_reasons(
        [*not_had.values(), *(at for at in available.values() if isinstance(at, Unavailable))]
    )
    to_build = [tool for tool in missing if tool in to_build or tool.name in not_had]
    if to_build:
        _build_all(to_build, why, store, environment, progress)


def _download_all(
    tools: Sequence[Tool], available: Available, wanted: Mode, store: Store, progress: Progress
) -> dict[str, Unavailable]:
    """Downloads what is available. Returns the tools that must be built after all, with the reason.

    If a firewall allows the host of the checksum but not the host of the files, only the download shows it.
    """
    not_had: dict[str, Unavailable] = {}
    silent: dict[str, Unavailable] = {}
    for tool in tools:
        asset = available.get(tool.name)
        if not isinstance(asset, download.Asset):
            continue
        if asset.publisher in silent:
            not_had[tool.name] = silent[asset.publisher]
            continue
        try:
            _download(tool, asset, store, progress)
        except download.NotDownloadedError as error:
            if wanted is Mode.DOWNLOAD:
                raise
            not_had[tool.name] = error.unavailable
            if error.silent:
                silent[asset.publisher] = error.unavailable
            reason = download.joined_reasons([error.unavailable])
            progress.note(f"{tool.name} {tool.version} cannot be downloaded ({reason}); it is built instead.")
    return not_had


def _why_not_path(missing: Sequence[Tool], reasons: Mapping[str, str], wanted: Mode) -> str:
    if wanted is not Mode.AUTO:
        return f"{_names(missing)}: {wanted}, as MLPLATFORM_TOOLCHAIN sets."
    plain = [tool for tool in missing if tool.name not in reasons]
    lines = [f"{tool.name}: {reasons[tool.name]}." for tool in missing if tool.name in reasons]
    if plain:
        lines.append(f"Not on PATH: {_names(plain)}.")
    return "\n".join(lines)


def _not_on_path(missing: Sequence[Tool], found: Mapping[str, SelectedTool | RejectedTool | None]) -> str:
    def reason(tool: Tool) -> str:
        at = found[tool.name]
        return (
            f"{at.program}: {at.reason}" if isinstance(at, RejectedTool) else f"not installed; required is {tool.rule}"
        )

    lines = "\n".join(f"    {tool.name}: {reason(tool)}" for tool in missing)
    return (
        f"MLPLATFORM_TOOLCHAIN=path, and PATH has no accepted version of:\n{lines}\n"
        "Put them on PATH, or leave out MLPLATFORM_TOOLCHAIN to download or build them."
    )


def _names(tools: Sequence[Tool]) -> str:
    return ", ".join(f"{tool.name} {tool.version}" for tool in tools)


def _download(tool: Tool, asset: download.Asset, store: Store, progress: Progress) -> None:
    with store.becoming(store.directory(tool, Way.DOWNLOAD, "")) as (directory, _):
        download.download(tool, asset, directory, store.downloads, progress)
    progress.done(tool.name, f"{tool.version} downloaded from {urllib.parse.urlsplit(asset.address).netloc}, verified")


def _build_all(
    tools: Sequence[Tool], why: str, store: Store, environment: Mapping[str, str], progress: Progress
) -> None:
    go = build.check_go(environment)
    free = shutil.disk_usage(store.root).free
    if free < build.NEEDED_BYTES:
        raise ToolError(
            f"A build needs about {build.NEEDED_BYTES / 1e9:.0f} GB, and {store.root} has {free / 1e9:.1f} GB left. "
            "Free space, or name a directory on another disk with MLPLATFORM_CACHE (Go has GOCACHE and GOMODCACHE)."
        )
    reason = f"no download: {why}" if why else "as MLPLATFORM_TOOLCHAIN sets"
    progress.note(
        f"Building {len(tools)} tools from pinned Go modules with Go {go} ({reason}).\n"
        "The first time this takes 10 to 25 minutes on two cores; finished tools stay installed after an interruption."
    )
    for tool in tools:
        with store.becoming(store.directory(tool, Way.BUILD, build.recipe(tool))) as (directory, scratch):
            build.build(tool, directory, scratch, environment, progress)
        progress.done(tool.name, f"{tool.version} built")


def _select(chosen: Sequence[SelectedTool], store: Store, environment: Mapping[str, str]) -> Toolchain:
    """The bin directory for this selection and this checkout: created once, then reused.

    It belongs to one checkout, because the stand-in for the language host runs that checkout's interpreter: several
    checkouts have separate directories.
    """
    programs = {row.tool: Path(row.program) for row in chosen}
    launcher = None if _has_official_host(programs[PULUMI.name], store, environment) else _launcher()
    facts = ([(row.program, identity(row.program)) for row in chosen], launcher, str(ROOT))
    selection = store.selections / hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    if not selection.is_dir():
        _forget_lost_checkouts(store.selections)
        with store.becoming(selection) as (directory, _):
            (directory / "checkout").write_text(str(ROOT))
            _fill(directory / "bin", chosen, launcher)
    home = store.root / "pulumi-home"
    _place_provider(programs[KUBERNETES_PROVIDER.name], home)
    rows = list(chosen)
    if launcher is not None:
        host = selection / "bin" / LANGUAGE_HOST
        rows.append(SelectedTool(STAND_IN, importlib.metadata.version("pulumi"), str(host), Way.BUILD))
    credentials = Path(environment.get("HOME") or Path.home()) / ".pulumi"
    return Toolchain(rows, selection / "bin", home, credentials)


def _has_official_host(pulumi: Path, store: Store, environment: Mapping[str, str]) -> bool:
    """Whether the engine finds an official Python language host: in its directory, or on PATH."""
    official = pulumi.resolve().parent / LANGUAGE_HOST
    return official.is_file() or any(programs_on_path(LANGUAGE_HOST, environment, outside=store.root))


def _launcher() -> str:
    """The script that the engine starts as its Python language host, instead of the official one."""
    python, host = shlex.quote(sys.executable), shlex.quote(str(ROOT / "tools" / "language_host" / "__main__.py"))
    gone = shlex.quote(f"{sys.executable} or the checkout {ROOT} is gone. Run `make up` in the checkout you work in.")
    return f"""#!/bin/sh
# mlplatform's stand-in for Pulumi's Python language host
if [ ! -x {python} ] || [ ! -f {host} ]; then echo {gone} >&2; exit 1; fi
exec {python} -u {host} "$@"
"""


def _fill(bin_directory: Path, chosen: Sequence[SelectedTool], launcher: str | None) -> None:
    """Puts every tool into one directory.

    A tool in the cache gets a second hard link, not a symbolic one: the engine resolves symbolic links to find its
    companions, and warns at each run about a language host that it then finds on PATH only.
    """
    bin_directory.mkdir()
    for row in chosen:
        if row.tool == KUBERNETES_PROVIDER.name:
            continue
        if row.way is Way.PATH:
            (bin_directory / row.tool).symlink_to(row.program)
            continue
        for program in Path(row.program).parent.iterdir():
            link(program, bin_directory / program.name)
    if launcher is not None:
        (bin_directory / LANGUAGE_HOST).write_text(launcher)
        (bin_directory / LANGUAGE_HOST).chmod(0o755)


def _place_provider(program: Path, home: Path) -> None:
    """Puts the provider where the engine looks for installed plugins in `home`."""
    name = plugin_directory(home) / KUBERNETES_PROVIDER.name
    if name.is_symlink() and name.readlink() == program:
        return
    name.parent.mkdir(parents=True, exist_ok=True)
    unfinished = name.with_suffix(f".{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(program)
    unfinished.replace(name)


def _forget_lost_checkouts(selections: Path) -> None:
    """Removes the directories of checkouts that no longer exist."""
    for marker in selections.glob("*/checkout"):
        if not Path(marker.read_text()).is_dir():
            shutil.rmtree(marker.parent, ignore_errors=True)
