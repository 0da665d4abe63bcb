"""Serves the language host: prints its port, ends with the engine."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent import futures
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])  # run as a file: not `language_host/`, whose names a module could shadow

from simulator.engine_protocol import MESSAGE_BYTES, THREADS, WATCH_SECONDS, spare_the_sdk  # noqa: E402 - found there


def main() -> None:
    """Serves until the engine ends or sends a signal; then ends the processes that it started."""
    # Signal handlers first, before imports that take time: a Ctrl-C during start-up must not print a traceback.
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
    os._exit(0)  # threads that write to a closed pipe must not delay the exit


def engine_address(arguments: list[str]) -> str:
    """The last argument, after logging options; a host that the engine attaches to gets it by Handshake."""
    return arguments[-1] if arguments and not arguments[-1].startswith("-") else ""


if __name__ == "__main__":
    main()
