"""Serves the container runtime interface to the kubelet, on a unix socket."""

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from simulator.process_node.images import built, local_images
from simulator.process_node.messages import PACKAGE, classes
from simulator.process_node.refusals import Refused
from simulator.process_node.relay import RUNTIME_SOCKET
from simulator.process_node.runtime import Runtime
from simulator.process_node.settings import NodeSettings

METHODS: Mapping[str, tuple[str, ...]] = {
    "RuntimeService": (
        *("Version", "Status", "RuntimeConfig", "UpdateRuntimeConfig", "RunPodSandbox", "StopPodSandbox"),
        *("RemovePodSandbox", "PodSandboxStatus", "ListPodSandbox", "CreateContainer", "StartContainer"),
        *("StopContainer", "RemoveContainer", "ListContainers", "ContainerStatus", "ReopenContainerLog"),
        *("UpdateContainerResources", "Exec", "ExecSync", "PortForward", "ContainerStats", "ListContainerStats"),
    ),
    "ImageService": ("ListImages", "ImageStatus", "PullImage", "RemoveImage", "ImageFsInfo"),
}
"""The requests that are answered, by service. For any other the kubelet takes UNIMPLEMENTED."""


def _answer(method: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(request)
        except Refused as refused:
            context.abort(refused.status, str(refused))
        except OSError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return answer


def _request(method: str) -> type[Any]:
    name = f"{method}Request"
    return classes()[name if name in classes() else "Empty"]


def handlers(runtime: Runtime) -> list[grpc.GenericRpcHandler]:
    """The two services of the container runtime interface."""
    services = {"RuntimeService": runtime, "ImageService": runtime.images}
    return [
        grpc.method_handlers_generic_handler(
            f"{PACKAGE}.{service}",
            {
                method: grpc.unary_unary_rpc_method_handler(
                    _answer(getattr(services[service], method)),
                    request_deserializer=_request(method).FromString,
                    response_serializer=lambda message: message.SerializeToString(),
                )
                for method in methods
            },
        )
        for service, methods in METHODS.items()
    ]


def main() -> None:
    """Serves until it is killed. Arguments: the node's settings, a process in its network."""
    settings, node = NodeSettings.read(Path(sys.argv[1])), int(sys.argv[2])
    more = (*local_images(settings.local_images), *built(settings.programs))
    runtime = Runtime(settings.state, node, settings.cache, more)
    server = grpc.server(ThreadPoolExecutor(max_workers=32))
    server.add_generic_rpc_handlers(handlers(runtime))
    server.add_insecure_port(f"unix://{settings.state}/{RUNTIME_SOCKET}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
