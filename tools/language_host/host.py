"""The methods of the language host that the engine calls."""

from __future__ import annotations

import importlib.metadata
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from tools.language_host.child import ERROR_SHOWN
from tools.language_host.children import ChildRefused, Children
from tools.language_host.python import Options, PythonError, activated, install_commands, interpreter, read_options

CHUNK_BYTES = 1 << 16

LIST_PACKAGES = """
import importlib.metadata, json, re, sys
found = {d.metadata["Name"]: d for d in importlib.metadata.distributions()}
required = {re.split(r"[^\\w.-]", r)[0].lower().replace("_", "-") for d in found.values() for r in d.requires or ()}
json.dump({n: [d.version, n.lower().replace("_", "-") in required] for n, d in found.items()}, sys.stdout)
"""
"""Run in the project's interpreter: each distribution with its version, and whether another one requires it."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The LanguageRuntime service of one engine. Method names and messages are the protocol's."""

    def __init__(self, engine: str, children: Children) -> None:
        self._engine = engine
        self._children = children

    def Handshake(  # noqa: N802
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """None in advance, where the official host names the plugin of every installed package.

        The engine would download each of them at once, which fails without internet access and is too much for programs
        that use one of three installed clouds. Without the list it loads a plugin when the first resource needs it, in
        the version that the resource's SDK names.
        """
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(  # noqa: N802
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(  # noqa: N802
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def About(  # noqa: N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        python = self._python(request.info, context)[1]
        version = subprocess.run([python, "--version"], capture_output=True, text=True, check=False).stdout
        return language_pb2.AboutResponse(
            executable=str(python),
            version=version.removeprefix("Python ").strip(),
            metadata={"languageHost": "mlplatform stand-in"},
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        python = self._python(request.info, context)[1]
        listed = subprocess.run([python, "-c", LIST_PACKAGES], capture_output=True, text=True, check=False)
        if listed.returncode != 0:
            context.abort(grpc.StatusCode.INTERNAL, f"{python} cannot list its packages: {listed.stderr.strip()}")
        packages = [
            language_pb2.DependencyInfo(name=name, version=version)
            for name, (version, required) in sorted(json.loads(listed.stdout).items())
            if request.transitiveDependencies or not required
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=packages)

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        directory = Path(request.directory or request.info.program_directory)
        try:
            options = read_options(_options(request.info), request.info.root_directory or str(directory))
            commands = install_commands(options, directory)
        except PythonError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        for command in commands:
            yield language_pb2.InstallDependenciesResponse(stdout=f"$ {' '.join(command)}\n".encode())
            process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            context.add_callback(process.terminate)
            for field, chunk in _output(process):
                yield language_pb2.InstallDependenciesResponse(**{field: chunk})
            if process.wait() != 0:
                context.abort(grpc.StatusCode.UNKNOWN, f"`{' '.join(command)}` failed; its output above says why")

    def Run(  # noqa: N802
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        try:
            options = read_options(_options(request.info), request.info.root_directory)
            python = interpreter(options)
            task = program_task(request, self._engine)
            child = self._children.start(
                python, task, request.pwd or request.info.program_directory, activated(options, os.environ), piped=False
            )
        except (PythonError, ChildRefused) as error:
            return language_pb2.RunResponse(error=str(error))
        context.add_callback(lambda: self._children.end(child))  # a cancelled call ends the program
        return program_result(self._children.wait(child))

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        options, python = self._python(request.info, context)
        environment = activated(options, dict(entry.split("=", 1) for entry in request.env) or os.environ)
        path = _entry(request.info)
        if not path.is_file() and not (path / "__main__.py").is_file():
            context.abort(grpc.StatusCode.NOT_FOUND, f"{path} has no __main__.py, which a Python plugin is started by.")
        task = {"kind": "plugin", "path": str(path), "import_from": str(_directory(path)), "arguments": [*request.args]}
        try:
            child = self._children.start(python, task, request.pwd or str(_directory(path)), environment, piped=True)
        except ChildRefused as error:
            context.abort(grpc.StatusCode.CANCELLED, str(error))
        context.add_callback(lambda: self._children.end(child))
        for field, chunk in _output(child):
            yield (
                language_pb2.RunPluginResponse(stdout=chunk)
                if field == "stdout"
                else language_pb2.RunPluginResponse(stderr=chunk)
            )
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(child))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """The engine is about to end, and with it the programs. Each gets the time to flush its output."""
        self._children.interrupt_all()
        return empty_pb2.Empty()

    def Template(  # noqa: N802
        self, request: language_pb2.TemplateRequest, context: grpc.ServicerContext
    ) -> language_pb2.TemplateResponse:
        """A template needs no changes for pip; this status means that."""
        _refuse(context, "Template")

    def Link(self, request: language_pb2.LinkRequest, context: grpc.ServicerContext) -> NoReturn:  # noqa: N802
        _refuse(context, "Link")

    def GenerateProgram(  # noqa: N802
        self, request: language_pb2.GenerateProgramRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "GenerateProgram")

    def GenerateProject(  # noqa: N802
        self, request: language_pb2.GenerateProjectRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "GenerateProject")

    def GeneratePackage(  # noqa: N802
        self, request: language_pb2.GeneratePackageRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        _refuse(context, "GeneratePackage")

    def Pack(self, request: language_pb2.PackRequest, context: grpc.ServicerContext) -> NoReturn:  # noqa: N802
        _refuse(context, "Pack")

    def _python(self, info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> tuple[Options, Path]:
        try:
            options = read_options(_options(info), info.root_directory)
            return options, interpreter(options)
        except PythonError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise


def program_task(request: language_pb2.RunRequest, engine: str) -> dict[str, Any]:
    """The task for `child.py` to run a program.

    Raises:
        PythonError: the program is not there.
    """
    path = _entry(request.info)
    if not path.is_file() and not (path / "__main__.py").is_file():
        raise PythonError(
            f"There is no Python program at {path}: a directory needs a __main__.py (`main` in Pulumi.yaml)."
        )
    return {
        "kind": "program",
        "path": str(path),
        "import_from": str(_directory(path)),
        "arguments": [*request.args],
        "config": dict(request.config),
        "secret_keys": [*request.configSecretKeys],
        "settings": {
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root_directory": request.info.root_directory,
            "monitor": request.monitor_address,
            "engine": engine,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
        },
    }


def program_result(exit_code: int) -> language_pb2.RunResponse:
    """The result for the engine. `bail` means that the error was shown: the engine adds nothing."""
    if exit_code == 0:
        return language_pb2.RunResponse()
    if exit_code == ERROR_SHOWN:
        return language_pb2.RunResponse(bail=True)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        return language_pb2.RunResponse(error=f"The program was ended by the signal {name}.")
    return language_pb2.RunResponse(error=f"The program exited with code {exit_code}, without an error message.")


def _entry(info: language_pb2.ProgramInfo) -> Path:
    return Path(info.program_directory, info.entry_point or ".")


def _directory(entry: Path) -> Path:
    return entry.parent if entry.is_file() else entry


def _options(info: language_pb2.ProgramInfo) -> Mapping[str, object]:
    return dict(info.options)


def _output(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """Output of a process as it is printed, with the name of the stream; ends when both streams are closed."""
    chunks: queue.Queue[tuple[str, bytes]] = queue.Queue()

    def pump(field: str, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), CHUNK_BYTES):
            chunks.put((field, chunk))
        chunks.put((field, b""))

    assert process.stdout is not None
    assert process.stderr is not None
    streams = {"stdout": process.stdout, "stderr": process.stderr}
    for field, stream in streams.items():
        threading.Thread(target=pump, args=(field, stream), daemon=True).start()
    open_streams = len(streams)
    while open_streams:
        field, chunk = chunks.get()
        if chunk:
            yield field, chunk
        else:
            open_streams -= 1


def _refuse(context: grpc.ServicerContext, method: str) -> NoReturn:
    context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        f"{method} is not in mlplatform's stand-in for the Python language host ({sys.executable}). Install "
        "the official Pulumi release, which has it: https://www.pulumi.com/docs/install/",
    )
    raise AssertionError("abort raises")
