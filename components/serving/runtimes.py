"""Serving runtimes: which server loads which model format. Declared by us from one table, under KServe's own names.

Names, ports, arguments and formats are those of kserve/kserve v0.20.0 charts/kserve-runtime-configs, so that its
documentation and existing InferenceServices hold. Ours differ in four things: images are pinned (upstream's vLLM is
`latest`), every container keeps Pod Security `restricted`, no runtime has a CPU limit, and the table holds a choice,
not all.

Devices are the InferenceService's: it asks for them, and KServe takes the image for them. It goes by `nvidia.com/gpu`
and `nvidia.com/mig-…`: without one of these huggingfaceserver stays at its CPU image, and vLLM gets one
(pkg/controller/v1beta1/inferenceservice/utils, UpdateImageTag). On other names (`nvidia.com/gpu.shared`, DRA) our
InferenceService therefore gives `runtimeVersion` (`components.serving.spec.runtime_version`).
"""

from typing import Any, NamedTuple, TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes.apiextensions import CustomResource

from components.component import Component
from components.custom_resources import custom_resource
from components.pods import container, environment, http_probe, startup_probe
from components.versions import IMAGES
from policies.rules.finding import refuse
from policies.rules.serving import check_runtimes

HTTP_PORT = 8080
MODELS = "/mnt/models"
"""Where KServe puts the model."""
NOT_ROOT = {"runAsUser": 1000, "runAsGroup": 1000}
"""For images that name no user, or root."""


USUAL = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
"""Upstream's defaults where an InferenceService names no size, without its CPU limit: KServe lays the InferenceService
over these, so a limit here would hold below a larger request, and the API server refuses that
(kserve/kserve v0.20.0 pkg/utils/container_merge.go)."""


class ModelFormat(NamedTuple):
    """A format that a runtime loads. Of several, KServe takes the one with the highest priority."""

    name: str
    version: str
    priority: int = 1
    auto_select: bool = True


class Runtime(NamedTuple):
    """One model server."""

    name: str
    """As KServe's chart names it, without `kserve-`: what it calls the server's type."""
    image: str
    """Key of `versions.IMAGES`."""
    formats: tuple[ModelFormat, ...]
    protocols: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    metrics_port: int = HTTP_PORT
    user: bool = False
    """Whether it needs `NOT_ROOT`: its image brings no user of its own."""
    ready_path: str = ""
    """What it answers once the model is loaded; empty: KServe's own probe of the port."""


def _kserve_server(name: str, *formats: ModelFormat, more: tuple[str, ...] = ()) -> Runtime:
    arguments = ("--model_name={{.Name}}", f"--model_dir={MODELS}", f"--http_port={HTTP_PORT}", *more)
    return Runtime(name, name, formats, ("v1", "v2"), arguments)


_WRITABLE = (("HF_HOME", "/tmp"), ("HOME", "/tmp"), ("USER", "model"), ("VLLM_CONFIG_ROOT", "/tmp"))  # noqa: S108
"""vLLM and its compiler cache in the home of their user, whom the image does not know."""

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        _kserve_server("sklearnserver", ModelFormat("sklearn", "1")),
        _kserve_server("xgbserver", ModelFormat("xgboost", "2"), more=("--nthread=1",)),
        _kserve_server("lgbserver", ModelFormat("lightgbm", "4"), more=("--nthread=1",)),
        Runtime(
            "mlserver",
            "mlserver",
            (
                ModelFormat("sklearn", "0", 2),
                ModelFormat("sklearn", "1", 2),
                ModelFormat("xgboost", "1", 2),
                ModelFormat("xgboost", "2", 2),
                ModelFormat("lightgbm", "3", 2),
                ModelFormat("lightgbm", "4", 2),
                ModelFormat("mlflow", "1"),
                ModelFormat("mlflow", "2"),
            ),
            ("v2",),
            environment=(
                ("MLSERVER_MODEL_IMPLEMENTATION", "{{.Labels.modelClass}}"),
                ("MLSERVER_HTTP_PORT", str(HTTP_PORT)),
                ("MLSERVER_GRPC_PORT", "9000"),
            ),
        ),
        Runtime(
            "huggingfaceserver",
            "huggingfaceserver",
            (ModelFormat("huggingface", "1"),),
            ("v2", "v1"),
            ("--model_name={{.Name}}",),
            environment=(("LMCACHE_USE_EXPERIMENTAL", "True"), *_WRITABLE),
        ),
        Runtime(
            "vllmserver",
            "vllm",
            (ModelFormat("vLLM", "1"),),
            (),
            (f"--port={HTTP_PORT}", "--served-model-name={{.Name}}", f"--model={MODELS}"),
            ("python3", "-m", "vllm.entrypoints.openai.api_server"),
            (
                ("LMCACHE_USE_EXPERIMENTAL", "True"),
                ("VLLM_WORKER_MULTIPROC_METHOD", "spawn"),
                ("VLLM_CACHE_ROOT", "/tmp/vllm"),  # noqa: S108
                *_WRITABLE,
            ),
            user=True,
            ready_path="/v1/models",
        ),
        Runtime(
            "tritonserver",
            "tritonserver",
            (
                ModelFormat("tensorrt", "8"),
                ModelFormat("tensorflow", "1"),
                ModelFormat("tensorflow", "2"),
                ModelFormat("onnx", "1"),
                ModelFormat("pytorch", "1", auto_select=False),
                ModelFormat("triton", "2"),
            ),
            ("v2", "grpc-v2"),
            (
                "tritonserver",
                f"--model-store={MODELS}",
                "--grpc-port=9000",
                f"--http-port={HTTP_PORT}",
                "--allow-grpc=true",
                "--allow-http=true",
            ),
            metrics_port=8002,
            user=True,
        ),
    )
}
"""By server type. `kserve-<type>` is the ClusterServingRuntime."""


class ServingRuntimesArgs(TypedDict, total=False):
    """Which runtimes there are."""

    runtimes: list[str]
    """Names of the table; default: all of them. An InferenceService may bring a ServingRuntime of its own."""


class ServingRuntimes(Component):
    """ClusterServingRuntimes for every namespace. After KServe: its webhook judges them."""

    def __init__(self, name: str, args: ServingRuntimesArgs, opts: ResourceOptions | None = None) -> None:
        chosen = args.get("runtimes") or list(RUNTIMES)
        refuse(f"serving runtimes {name}", check_runtimes(name, chosen, RUNTIMES))
        super().__init__(name, args, opts)
        for key in chosen:
            self._declare(name, RUNTIMES[key])
        self.register_outputs({})

    def _declare(self, name: str, runtime: Runtime) -> CustomResource:
        return custom_resource(
            f"{name}-{runtime.name}",
            "ClusterServingRuntime",
            f"kserve-{runtime.name}",
            runtime_spec(runtime),
            self.child,
            annotations={"serving.kserve.io/server-type": runtime.name},
        )


def runtime_spec(runtime: Runtime) -> dict[str, Any]:
    """The `spec` of the ClusterServingRuntime. Pure."""
    probes: dict[str, Any] = {
        "readinessProbe": http_probe(runtime.ready_path, HTTP_PORT),
        # Half an hour: a model of hundreds of gigabytes is loaded from disk before the first answer.
        "startupProbe": startup_probe(runtime.ready_path, HTTP_PORT, within_seconds=1800),
    }
    server = container(
        # The name by which KServe finds the container that it completes.
        name="kserve-container",
        image=IMAGES[runtime.image].reference,
        resources=USUAL,
        command=runtime.command,
        args=runtime.arguments,
        env=environment(dict(runtime.environment)),
        read_only_root=False,
        **(probes if runtime.ready_path else {}),
    )
    if runtime.user:
        server["securityContext"] |= NOT_ROOT
    return {
        "annotations": {
            "prometheus.kserve.io/path": "/metrics",
            "prometheus.kserve.io/port": str(runtime.metrics_port),
        },
        "containers": [server],
        **({"protocolVersions": list(runtime.protocols)} if runtime.protocols else {}),
        "supportedModelFormats": [_format(row) for row in runtime.formats],
    }


def _format(row: ModelFormat) -> dict[str, Any]:
    chosen = {"autoSelect": True, "priority": row.priority} if row.auto_select else {}
    return {"name": row.name, "version": row.version, **chosen}
