"""Finds installed tools, and explains why an installed one is rejected."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.pins import KUBERNETES_PROVIDER, Tool, parse_version

VERSION_SECONDS = 20.0
"""A version query that takes longer counts as failed. The slowest took 1.5 s, on a machine that was compiling."""


@dataclass(frozen=True)
class FoundTool:
    """A program with an accepted version."""

    program: Path
    version: str


@dataclass(frozen=True)
class RejectedTool:
    """A program that is installed but not accepted."""

    program: Path
    reason: str


def find(tool: Tool, environment: Mapping[str, str], *, outside: Path) -> FoundTool | RejectedTool | None:
    """The first accepted version of a tool on PATH; else the first rejected one, with the reason; else None.

    Directories below `outside` (our cache) are skipped: they are on PATH in a shell that has run
    `eval "$(python -m tools env)"`, and the cache is searched separately.
    """
    refused: RejectedTool | None = None
    for program in _candidates(tool, environment, outside):
        try:
            version = read_version(tool, program)
        except VersionError as error:
            refused = refused or RejectedTool(program, str(error))
            continue
        if tool.accepts(parse_version(version)):
            return FoundTool(program, version)
        refused = refused or RejectedTool(program, f"version {version} is installed, required is {tool.rule}")
    return refused


class VersionError(Exception):
    """A program did not print its version."""


def read_version(tool: Tool, program: Path) -> str:
    """The version that a program prints, as `major.minor.patch`.

    Raises:
        VersionError: it did not run, took more than `VERSION_SECONDS`, or printed no version.
    """
    text = _asked_over_grpc(program) if not tool.version_command else _printed(tool, program)
    match = re.search(tool.version_pattern, text)
    if match is None:
        raise VersionError(f"it prints no version: {text.strip()[:80]!r}")
    return match.group(1)


def _printed(tool: Tool, program: Path) -> str:
    try:
        result = subprocess.run(
            [str(program), *tool.version_command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VersionError(f"`{program.name} {' '.join(tool.version_command)}` failed: {error}") from error
    return result.stdout or result.stderr


def _asked_over_grpc(program: Path) -> str:
    """A Pulumi plugin has no version flag: it is started like the engine does, and queried."""
    import grpc  # noqa: PLC0415 - 0.7 s with the next one, and only a plugin on PATH needs them
    from pulumi.runtime.proto import plugin_pb2  # noqa: PLC0415

    no_engine = "127.0.0.1:1"
    try:
        plugin = subprocess.Popen(
            [str(program), no_engine], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise VersionError(f"it does not start: {error}") from error
    try:
        port = _first_line(plugin)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            ask: grpc.UnaryUnaryMultiCallable[None, plugin_pb2.PluginInfo] = channel.unary_unary(
                "/pulumirpc.ResourceProvider/GetPluginInfo",
                request_serializer=lambda _: b"",
                response_deserializer=plugin_pb2.PluginInfo.FromString,
            )
            return str(ask(None, timeout=VERSION_SECONDS, wait_for_ready=True).version)
    except (grpc.RpcError, ValueError) as error:
        raise VersionError(f"it does not answer as a Pulumi plugin: {error}") from error
    finally:
        plugin.kill()
        plugin.communicate()


def _first_line(plugin: subprocess.Popen[bytes]) -> int:
    """The port, which a plugin prints first. Raises ValueError if it prints something else, or nothing in time."""
    assert plugin.stdout is not None
    os.set_blocking(plugin.stdout.fileno(), False)
    deadline, line = time.monotonic() + VERSION_SECONDS, b""
    while b"\n" not in line and time.monotonic() < deadline and plugin.poll() is None:
        line += plugin.stdout.read() or b""
        time.sleep(0.02)
    line += plugin.stdout.read() or b""
    return int(line.partition(b"\n")[0])


def _candidates(tool: Tool, environment: Mapping[str, str], outside: Path) -> Iterator[Path]:
    if tool is KUBERNETES_PROVIDER:
        installed = plugin_directory(pulumi_home(environment)) / tool.name
        if _is_program(installed) and not installed.resolve().is_relative_to(outside.resolve()):
            yield installed
    yield from programs_on_path(tool.name, environment, outside=outside)


def programs_on_path(name: str, environment: Mapping[str, str], *, outside: Path) -> Iterator[Path]:
    """Every program with a name on PATH, in its order, except those below `outside`."""
    excluded = outside.resolve()
    for entry in environment.get("PATH", "").split(os.pathsep):
        program = Path(entry, name)
        if entry and _is_program(program) and not program.parent.resolve().is_relative_to(excluded):
            yield program


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def pulumi_home(environment: Mapping[str, str]) -> Path:
    """Directory of Pulumi's plugins and credentials: PULUMI_HOME, else `~/.pulumi`."""
    return Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")


def plugin_directory(home: Path) -> Path:
    """Directory, in a Pulumi home, in which the engine looks for the provider in the pinned version."""
    return home / "plugins" / f"resource-kubernetes-v{KUBERNETES_PROVIDER.version}"
