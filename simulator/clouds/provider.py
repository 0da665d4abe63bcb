"""`provider.py aws|gcp`: serves a stand-in provider until the engine ends. Run as a file, by what the engine starts."""

import importlib.metadata
import os
import sys
import threading
from concurrent import futures
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # run as a file: not this directory, whose names a module could shadow

from simulator.engine_protocol import MESSAGE_BYTES, THREADS, WATCH_SECONDS, spare_the_sdk

DIRECTORY_VARIABLE = "MLPLATFORM_SIMULATED_CLOUD"
"""Environment variable: where the simulated clouds keep what they hold."""


def main() -> None:
    """Prints the port, serves, and ends with the engine, whatever that one died of."""
    engine = os.getppid()
    cloud = sys.argv[1]
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        sys.exit(f"{DIRECTORY_VARIABLE} does not say where the simulated cloud keeps what it holds.")
    spare_the_sdk()
    import grpc  # noqa: PLC0415 - after the line above
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415

    from simulator.clouds import sdk  # noqa: PLC0415
    from simulator.clouds.service import Provider  # noqa: PLC0415

    limits = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=THREADS), options=limits)
    provider = Provider(cloud, importlib.metadata.version(sdk.PACKAGES[cloud]), Path(directory))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended = threading.Event()
    while os.getppid() == engine and not ended.wait(WATCH_SECONDS):
        pass
    server.stop(grace=0.2).wait()
    os._exit(0)


if __name__ == "__main__":
    main()
