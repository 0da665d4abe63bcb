"""Serving runtimes: which server loads which model format over which protocol, and how KServe chooses. Pure.

The rows are those of kserve/kserve v0.20.0 charts/kserve-runtime-configs/files/runtimes/resources.yaml. Of the runtimes
that load a format (and its version) and support the InferenceService's `protocolVersion`, KServe takes the one with the
highest priority; a model without `protocolVersion` counts as v1, whatever its format supports
(pkg/apis/serving/v1beta1/predictor_model.go, GetProtocol and GetSupportingRuntimes). So every model here sets it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from catalog.versions import IMAGES
from components.workloads.serving.spec import InferenceSpec, Protocol, RuntimeSpec

HTTP_PORT = 8080
MODELS = "/mnt/models"
"""Where KServe mounts the model."""


class ModelFormat(NamedTuple):
    """A format that a runtime loads. KServe takes the runtime with the highest priority."""

    name: str
    version: str
    priority: int = 1
    auto_select: bool = True
    gpu: bool = False
    """Whether it runs on NVIDIA GPUs only."""


class Runtime(NamedTuple):
    """One model server."""

    name: str
    """Name of the ClusterServingRuntime."""
    server_type: str
    """KServe's key for servers that it handles specially (image for GPUs, defaults of mlserver); else the name."""
    image: str
    """Its reference."""
    formats: tuple[ModelFormat, ...]
    protocols: tuple[Protocol, ...]
    """Empty: KServe does not check."""
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    metrics_port: int = HTTP_PORT
    user: bool = False
    """Whether it needs `NOT_ROOT`: its image sets no user."""
    ready_path: str = ""
    """Probe path, which succeeds once the model is loaded; empty: KServe's default probe of the port."""

    def loads(self, name: str, version: str = "") -> Iterator[ModelFormat]:
        """Its rows for a format, and for a version of it."""
        return (row for row in self.formats if row.name == name and version in ("", row.version))

    def priority(self, name: str) -> int:
        """The priority that KServe compares for a format: that of its first row, whatever the version. 0: none, the
        lowest."""
        first = next(self.loads(name))
        return first.priority if first.auto_select else 0

    def speaks(self, protocol: Protocol) -> bool:
        """Whether KServe chooses it for a model with that protocol."""
        return not self.protocols or protocol in self.protocols


def _runtime(server_type: str, image: str, *rest: Any, **more: Any) -> Runtime:
    return Runtime(f"kserve-{server_type}", server_type, IMAGES[image].reference, *rest, **more)


def _kserve_server(name: str, *formats: ModelFormat, more: tuple[str, ...] = ()) -> Runtime:
    arguments = ("--model_name={{.Name}}", f"--model_dir={MODELS}", f"--http_port={HTTP_PORT}", *more)
    return _runtime(name, name, formats, (Protocol.V1, Protocol.V2), arguments)


_WRITABLE = (("HF_HOME", "/tmp"), ("HOME", "/tmp"), ("USER", "model"), ("VLLM_CONFIG_ROOT", "/tmp"))  # noqa: S108
"""Home and caches of vLLM: the image has no entry for its user."""

RUNTIMES: dict[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        _kserve_server("sklearnserver", ModelFormat("sklearn", "1")),
        _kserve_server("xgbserver", ModelFormat("xgboost", "2"), more=("--nthread=1",)),
        _kserve_server("lgbserver", ModelFormat("lightgbm", "4"), more=("--nthread=1",)),
        _runtime(
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
            (Protocol.V2,),
            environment=(
                ("MLSERVER_MODEL_IMPLEMENTATION", "{{.Labels.modelClass}}"),
                ("MLSERVER_HTTP_PORT", str(HTTP_PORT)),
                ("MLSERVER_GRPC_PORT", "9000"),
                # By default in the working directory, which is read-only: the server would end at its start.
                ("MLSERVER_ENVIRONMENTS_DIR", "/tmp/environments"),  # noqa: S108
                ("MLSERVER_METRICS_DIR", "/tmp/metrics"),  # noqa: S108
            ),
            # KServe's annotation has 8080; the server has a separate port (SeldonIO/MLServer mlserver/settings.py).
            metrics_port=8082,
        ),
        _runtime(
            "huggingfaceserver",
            "huggingfaceserver",
            (ModelFormat("huggingface", "1"),),
            (Protocol.V2, Protocol.V1),
            ("--model_name={{.Name}}",),
            environment=(("LMCACHE_USE_EXPERIMENTAL", "True"), *_WRITABLE),
        ),
        _runtime(
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
        _runtime(
            "tritonserver",
            "tritonserver",
            (
                ModelFormat("tensorrt", "8", gpu=True),
                ModelFormat("tensorflow", "1"),
                ModelFormat("tensorflow", "2"),
                ModelFormat("onnx", "1"),
                ModelFormat("pytorch", "1", auto_select=False),
                ModelFormat("triton", "2"),
            ),
            (Protocol.V2, Protocol.GRPC_V2),
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
"""By name."""


def known_runtimes(own: Mapping[str, RuntimeSpec] | None = None) -> dict[str, Runtime]:
    """The platform's runtimes, and those of the settings."""
    return {**RUNTIMES, **{name: own_runtime(name, spec) for name, spec in (own or {}).items()}}


def own_runtime(name: str, spec: RuntimeSpec) -> Runtime:
    """A runtime of the settings, as a row."""
    return Runtime(
        name,
        name,
        spec["image"],
        tuple(
            ModelFormat(
                row["name"], row.get("version", "1"), int(row.get("priority", 1)), bool(row.get("auto_select", True))
            )
            for row in spec["formats"]
        ),
        tuple(Protocol(one) for one in spec.get("protocols") or (Protocol.V1,)),
        tuple(spec.get("arguments") or ()),
        tuple(spec.get("command") or ()),
        tuple(sorted((spec.get("environment") or {}).items())),
        int(spec.get("metrics_port", HTTP_PORT)),
        ready_path=spec.get("ready_path", ""),
    )


class Choice(NamedTuple):
    """The runtime that KServe chooses for a model."""

    runtime: Runtime
    protocol: Protocol | None
    """Protocol of its InferenceService; None: the runtime names none."""


def choose_runtime(service: InferenceSpec, runtimes: Mapping[str, Runtime]) -> Choice | None:
    """The runtime of a model, and the protocol with which KServe chooses it; None if there is none.

    Without `protocol_version`: v1 where a runtime has it, as KServe assumes, else v2.
    """
    named, asked = service.get("runtime"), service.get("protocol_version")
    name, version = service.get("model_format", ""), service.get("model_format_version", "")
    able = [
        one
        for key, one in runtimes.items()
        if named in (None, "", key) and any(named or row.auto_select for row in one.loads(name, version))
    ]
    for protocol in (Protocol(asked),) if asked else (Protocol.V1, Protocol.V2):
        fitting = [one for one in able if one.speaks(protocol)]
        if fitting:
            chosen = max(fitting, key=lambda one: one.priority(name))
            return Choice(chosen, protocol if chosen.protocols else None)
    return None


def metrics_port(service: InferenceSpec, runtimes: Mapping[str, Runtime]) -> int:
    """Port of a model's metrics; 0: none."""
    choice = choose_runtime(service, runtimes)
    return int(service.get("metrics_port", choice.runtime.metrics_port if choice else HTTP_PORT))
