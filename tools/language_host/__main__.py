#!/usr/bin/env python3
"""A stand-in for Pulumi's Python language host, for places where the official one cannot be installed.

The engine starts it with the engine's address as last argument, reads a port from its first line of output, and then
speaks the LanguageRuntime protocol to it. Programs run in a child process of the project's own virtual environment,
through the LanguageServer that the Automation API uses; policy packs and component plugins run as plain processes.
"""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent import futures

import grpc
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

CHILD = """
import os, runpy, sys
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2
request = language_pb2.RunRequest.FromString(sys.stdin.buffer.read())
directory, entry = sys.argv[1:3]
sys.path.insert(0, directory)
def program():
    runpy.run_path(os.path.join(directory, entry) if entry not in ("", ".") else directory, run_name="__main__")
response = LanguageServer(program).Run(request, None)
with open(sys.argv[3], "wb") as out:
    out.write(response.SerializeToString())
"""


def interpreter(info) -> str:
    """The Python of the project's virtual environment (runtime option `virtualenv`), else this one."""
    name = dict(info.options).get("virtualenv", "")
    if not name:
        return sys.executable
    return os.path.join(os.path.join(info.root_directory, name), "bin", "python")


class Host(language_pb2_grpc.LanguageRuntimeServicer):
    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.children: set[subprocess.Popen] = set()

    def Handshake(self, request, context):
        self.engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="0.0.0")

    def GetRequiredPackages(self, request, context):
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request, context):
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(self, request, context):
        return language_pb2.GetProgramDependenciesResponse()

    def About(self, request, context):
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def RuntimeOptionsPrompts(self, request, context):
        return language_pb2.RuntimeOptionsResponse()

    def Cancel(self, request, context):
        from google.protobuf import empty_pb2

        for child in list(self.children):
            child.terminate()
        return empty_pb2.Empty()

    def Run(self, request, context):
        import tempfile

        result = tempfile.NamedTemporaryFile()
        del request.args[:]
        request.args.append(self.engine)
        child = subprocess.Popen(
            [
                interpreter(request.info),
                "-u",
                "-c",
                CHILD,
                request.info.program_directory,
                request.info.entry_point,
                result.name,
            ],
            cwd=request.pwd or request.info.program_directory,
            stdin=subprocess.PIPE,
        )
        self.children.add(child)
        try:
            child.communicate(request.SerializeToString())
        finally:
            self.children.discard(child)
        data = open(result.name, "rb").read()
        if child.returncode != 0 and not data:
            return language_pb2.RunResponse(error=f"program exited with code {child.returncode}")
        return language_pb2.RunResponse.FromString(data)

    def RunPlugin(self, request, context):
        env = dict(item.split("=", 1) for item in request.env) or dict(os.environ)
        child = subprocess.Popen(
            [interpreter(request.info), "-u", request.info.program_directory, *request.args],
            cwd=request.pwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.children.add(child)
        context.add_callback(child.terminate)
        import queue

        events: queue.Queue = queue.Queue()

        def pump(stream, field):
            for chunk in iter(lambda: stream.read1(65536), b""):
                events.put(language_pb2.RunPluginResponse(**{field: chunk}))
            events.put(None)

        for stream, field in ((child.stdout, "stdout"), (child.stderr, "stderr")):
            threading.Thread(target=pump, args=(stream, field), daemon=True).start()
        open_streams = 2
        while open_streams:
            event = events.get()
            if event is None:
                open_streams -= 1
            else:
                yield event
        self.children.discard(child)
        yield language_pb2.RunPluginResponse(exitcode=child.wait())


def main() -> None:
    engine = sys.argv[-1] if len(sys.argv) > 1 and not sys.argv[-1].startswith("-") else ""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(Host(engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    signal.signal(signal.SIGINT, lambda *_: server.stop(0))
    server.wait_for_termination()


if __name__ == "__main__":
    main()
