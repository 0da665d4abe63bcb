"""Serves the language host: prints its port, ends with the engine."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import types
from concurrent import futures
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])  # run as a file: not `language_host/`, whose names a module could shadow

WATCH_SECONDS = 0.5
"""The longest that a killed engine (-9) goes unnoticed. Nobody tells the host: it looks whose child it is."""
MESSAGE_BYTES = 400 << 20
"""The engine's own bound."""
THREADS = 32
"""Each running program, policy pack and component plugin holds one."""


def spare_the_sdk() -> None:
    """Makes `pulumi.runtime.proto` importable without `pulumi` itself: 0.2 s instead of 0.65 s, at each command.

    The host only passes messages on. Programs and plugins run in processes of their own, with the whole SDK.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or found.origin is None:
        sys.exit(
            f"The Pulumi SDK is not installed for {sys.executable}. Run `pip install -r requirements.txt` with it."
        )
    place = os.path.dirname(found.origin)
    for name, directory in (("pulumi", place), ("pulumi.runtime", os.path.join(place, "runtime"))):
        package = types.ModuleType(name)
        package.__path__ = [directory]
        sys.modules[name] = package


def main() -> None:
    """Serves until the engine ends, or says so by a signal; then ends what was started."""
    # Signals are set before the first import that takes time: a Ctrl-C during start-up is not a traceback either.
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    engine_process = os.getppid()
    spare_the_sdk()
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # no child uses gRPC before it has executed another program
    import grpc  # noqa: PLC0415 - after the two lines above
    from pulumi.runtime.proto import language_pb2_grpc  # noqa: PLC0415

    from tools.language_host.children import Children  # noqa: PLC0415
    from tools.language_host.host import LanguageHost  # noqa: PLC0415

    children = Children()
    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=limits)
    host = LanguageHost(engine=engine_address(sys.argv[1:]), children=children)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == engine_process and not ending.wait(WATCH_SECONDS):
        pass
    children.end_all()
    server.stop(grace=0.2).wait()
    os._exit(0)  # threads that still write to a pipe nobody reads any more do not hold the process up


def engine_address(arguments: list[str]) -> str:
    """The engine's address comes last, after logging options; a host that is attached to gets it by Handshake."""
    return arguments[-1] if arguments and not arguments[-1].startswith("-") else ""


if __name__ == "__main__":
    main()
