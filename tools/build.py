"""Builds tools from the pinned Go modules under `tools/go`, where no official release is available."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tools.errors import ToolError
from tools.pins import GO_VERSION, Tool
from tools.progress import Progress

MODULES = Path(__file__).parent / "go"

LINKER_FLAGS = "-s -w"
COMPILER_FLAGS = (
    "-gcflags=all=-dwarf=false",
    # The provider imports its generated Go SDK only to wrap rendered charts. Without optimisation it is no longer the
    # longest part of the build: 343 s instead of 424 s, with the line above.
    "-gcflags=github.com/pulumi/pulumi-kubernetes/sdk/...=-dwarf=false -N -l",
)
ERROR_LINES = 15
NEEDED_BYTES = 12 * 10**9
"""Measured after some builds: Go's build cache 8.0 GB, its module cache 2.7 GB, the tools 0.9 GB."""

_REMEDY = (
    "Install Go {wanted} or newer (https://go.dev/doc/install) and put it on PATH, or put the tools themselves on PATH "
    "(`python -m tools doctor` names them), or name a mirror of their downloads with MLPLATFORM_DOWNLOAD_BASE."
)


def recipe(tool: Tool) -> str:
    """A digest of all inputs of a build of the tool: its row in the table, flags, module files and our sources."""
    facts = (tool.version, tool.build, LINKER_FLAGS, COMPILER_FLAGS, _module_digest(tool.build.module))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:12]


@cache
def _module_digest(module: str) -> str:
    digest = hashlib.sha256()
    for source in sorted(path for path in (MODULES / module).rglob("*") if path.is_file()):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def command(tool: Tool, output: Path) -> list[str]:
    """The `go build` of one tool. Tools of one module differ in their linker flags only, so they share compilations."""
    linker = " ".join([LINKER_FLAGS, *(f"-X {value}" for value in tool.build.linker_values)])
    return [
        *("go", "build", "-v", "-trimpath", "-buildvcs=false", f"-ldflags={linker}"),
        *COMPILER_FLAGS,
        *("-o", str(output), tool.build.package),
    ]


def go_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's environment (proxy, caches, private mirrors) with the settings of a pinned build.

    `-mod=readonly` refuses an incomplete go.mod. The setting of the checksum database is unchanged: go.sum is complete,
    so the database is never queried, not even for the provider's version, which it does not have.
    """
    unwanted = {"GOOS", "GOARCH", "GOEXPERIMENT", "GOROOT_FINAL"}
    kept = {name: value for name, value in environment.items() if name not in unwanted}
    return {**kept, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}


def check_go(environment: Mapping[str, str]) -> str:
    """The version of Go that a build would use.

    Raises:
        ToolError: Go is not on PATH, or too old and not allowed to download a newer toolchain.
    """
    wanted = ".".join(map(str, GO_VERSION))
    remedy = _REMEDY.format(wanted=wanted)
    program = shutil.which("go", path=environment.get("PATH"))
    if program is None:
        raise ToolError(f"The tools must be built from Go modules, and `go` is not on PATH. {remedy}")
    asked = subprocess.run(
        [program, "env", "GOVERSION"],
        cwd=MODULES / "kubernetes",
        env=go_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    version = asked.stdout.strip()
    match = re.match(r"go(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < GO_VERSION:
        raise ToolError(f"{program} is {version or asked.stderr.strip()}; the build needs Go {wanted}. {remedy}")
    return version.removeprefix("go")


def build(tool: Tool, directory: Path, scratch: Path, environment: Mapping[str, str], progress: Progress) -> None:
    """Builds one tool into `directory`, in a copy of its module under `scratch`.

    Raises:
        ToolError: the build failed; the message contains the compiler's last lines.
    """
    module = scratch / tool.build.module
    shutil.copytree(MODULES / tool.build.module, module)
    go = go_environment({**environment, "GOTMPDIR": str(scratch)})
    if tool.build.embedded:
        progress.update(tool.name, "fetching the module it is built from")
        source = _module_directory(tool, module, go)
        for name in tool.build.embedded:
            shutil.copyfile(source / name, module / "provider" / Path(name).name)
    _run(tool, command(tool, directory / tool.name), module, go, progress)


def _module_directory(tool: Tool, module: Path, environment: Mapping[str, str]) -> Path:
    path = tool.build.dependency.split()[0]
    result = subprocess.run(
        ["go", "mod", "download", "-json", path],
        cwd=module,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise _failed(tool, (result.stderr or result.stdout).splitlines())
    return Path(json.loads(result.stdout)["Dir"])


def _run(tool: Tool, arguments: list[str], module: Path, environment: Mapping[str, str], progress: Progress) -> None:
    progress.update(tool.name, "building from Go modules")
    process = subprocess.Popen(
        arguments, cwd=module, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    last_lines: deque[str] = deque(maxlen=ERROR_LINES)
    downloaded = compiled = 0
    try:
        for line in _lines(process):
            if line.startswith("go: downloading"):
                downloaded += 1
            elif re.fullmatch(r"[\w./~-]+", line):
                compiled += 1
            elif line:
                last_lines.append(line)
            if downloaded or compiled:  # else they are in Go's caches already, and only linking takes time
                progress.update(tool.name, f"building: {downloaded} modules fetched, {compiled} packages compiled")
    except BaseException:
        # Compilers are children of `go`: end the whole session, or they continue to write into the scratch directory.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.wait() != 0:
        raise _failed(tool, list(last_lines))


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of the process as they are printed, and an empty line in each second without output, for elapsed
    time."""
    assert process.stderr is not None
    stream, lines = process.stderr, queue.Queue[str | None]()

    def read() -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            yield ""
            continue
        if line is None:
            return
        yield line


def _failed(tool: Tool, lines: list[str]) -> ToolError:
    text = "\n".join(f"    {line}" for line in lines[-ERROR_LINES:])
    return ToolError(
        f"{tool.name} {tool.version} could not be built from {tool.build.dependency}:\n{text}\n"
        "Compiled packages are kept: run the same command again to continue. If modules cannot be fetched, set GOPROXY "
        "to a mirror that has them."
    )
