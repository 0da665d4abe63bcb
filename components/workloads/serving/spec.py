"""Served models as plain data: the part that settings contain. Pure.

`InferenceService` takes an `InferenceSpec` and `ModelServer` a `ModelServerSpec`, in addition to handles.
"""

from enum import StrEnum
from typing import NamedTuple, Required, TypedDict

from catalog.accelerators import ACCELERATORS
from catalog.versions import IMAGES
from components.capacity.placement import AcceleratorRequest, PoolHandle
from components.workloads.files import FilesSpec


class ScaleMetric(StrEnum):
    """The metric that replicas are scaled by. KServe supports these two in Standard mode."""

    CPU = "cpu"
    MEMORY = "memory"


class Protocol(StrEnum):
    """Protocol of a model server (KServe's inference protocols)."""

    V1 = "v1"
    """`/v1/models/<name>:predict`, as in TensorFlow Serving."""
    V2 = "v2"
    """The open inference protocol, `/v2/models/<name>/infer`."""
    GRPC_V2 = "grpc-v2"
    """The same over gRPC. A runtime may support it too; models are served over HTTP only."""


class FormatSpec(TypedDict, total=False):
    """A model format that a runtime loads."""

    name: Required[str]
    """The value of `modelFormat` of models."""
    version: str
    """Its version; default 1."""
    priority: int
    """KServe chooses the runtime with the highest priority for a format; 1 or more, equal for all versions of a format
    within a runtime; default 1. Not used without `autoSelect`."""
    auto_select: bool
    """Whether KServe may choose it for a model that names no `runtime`; default true."""


class RuntimeSpec(TypedDict, total=False):
    """A model server in addition to the platform's. It serves the model in /mnt/models on port 8080."""

    image: Required[str]
    """Container image with a tag or digest."""
    formats: Required[list[FormatSpec]]
    """Formats that it loads."""
    protocols: list[Protocol]
    """Protocols: v1, v2, grpc-v2; default v1."""
    command: list[str]
    """Replaces the image's entry point."""
    arguments: list[str]
    """Its arguments, before those of the model; `{{.Name}}` is the model's name (also `{{.Namespace}}`,
    `{{.Labels.key}}`, `{{.Annotations.key}}`)."""
    environment: dict[str, str]
    """Environment variables."""
    ready_path: str
    """HTTP path that answers 200 once the model is loaded; default: the port is open."""
    metrics_port: int
    """Port of Prometheus metrics under /metrics; default 8080."""


class CanarySpec(TypedDict, total=False):
    """Another version of the model that gets a part of the traffic.

    KServe's Standard mode silently ignores `canaryTrafficPercent` (kserve/kserve#5335); it has named canaries instead
    (kserve 0.20, `spec.canary`), which this sets (ADR 0021).
    """

    version: Required[str]
    """Name of that version. To promote it, write it and its URI into `version` and `storageUri` of the service and
    remove the canary: its pods are not restarted."""
    storage_uri: Required[str]
    """Its model."""
    traffic_percent: Required[int]
    """Its share of the traffic, 0 to 100. KServe 0.20 starts the canary and sends it no traffic through the gateway:
    the weights of its routes are part of 0.21 (kserve/kserve#5912). Until then it is reachable inside the cluster, as
    `<name>-<version>-predictor`."""
    replicas: int
    """Its number of replicas, at most the service's `minReplicas`; default 1. A canary does not scale."""


class TransformerSpec(TypedDict, total=False):
    """A container in front of the model that prepares requests and responses. It runs on CPU, on any untainted node."""

    image: Required[str]
    """Container image with a tag or digest."""
    command: list[str]
    """Replaces the image's entry point."""
    arguments: list[str]
    """Replaces the image's arguments."""
    environment: dict[str, str]
    """Environment variables."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB."""
    min_replicas: int
    """Minimum of replicas; default 1."""
    max_replicas: int
    """Maximum of replicas; default `minReplicas`."""


class InferenceSpec(FilesSpec, total=False):
    """A model served by KServe."""

    version: str
    """Name of the version at `storageUri`; default none. See `canary`."""
    model_format: Required[str]
    """The serving runtime's name for it: `huggingface`, `sklearn`, `onnx`, `triton`."""
    model_format_version: str
    """Version of the format; default: any that a runtime loads."""
    protocol_version: Protocol
    """v1 or v2 (grpc-v2 is refused); default v1 if a runtime of the format supports it, else v2."""
    runtime: str
    """Serving runtime: one of the platform's (`kserve-tritonserver`) or of `servingRuntimes`; default: KServe chooses
    by format and protocol."""
    runtime_version: str
    """Tag of the runtime's image; default: the runtime's. On an NVIDIA device that KServe does not recognize (a share,
    a DRA claim) the default for `huggingface` and `vLLM` is the tag for GPUs."""
    storage_uri: Required[str]
    """Address of the model: `s3://`, `gs://`, `hf://`, `pvc://` or `https://`."""
    arguments: list[str]
    """Arguments for the runtime's container. KServe replaces `{{.Name}}` and `{{.Namespace}}`."""
    environment: dict[str, str]
    """Environment variables of the runtime's container."""
    accelerators: AcceleratorRequest
    """Devices of one replica. Omitted on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, as request and limit."""
    cpu_limit_millis: int
    """CPU limit; default none."""
    ephemeral_storage_gib: int
    """Local disk of one replica in GiB, the downloaded model included; default 50."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the runtime's file system is read-only; default true. /tmp, /dev/shm and the model are writable."""
    min_replicas: int
    """Minimum of replicas, 1 or more; default 1."""
    max_replicas: int
    """Maximum of replicas; default `minReplicas`."""
    scale_metric: ScaleMetric
    """cpu or memory; default cpu."""
    scale_target_percent: int
    """Target utilization, 10 to 95; default 70."""
    timeout_seconds: int
    """Time limit of one request; default 60."""
    metrics_port: int
    """Port of Prometheus metrics under /metrics; default: that of the runtime (8080; Triton 8002); 0: none."""
    annotations: dict[str, str]
    """Annotations of the pods."""
    canary: CanarySpec
    """Another version that gets a part of the traffic."""
    transformer: TransformerSpec
    """A container in front of the model."""


class ModelServerSpec(FilesSpec, total=False):
    """A model server with an image of the team."""

    image: Required[str]
    """Container image with a tag or digest; `latest` is refused."""
    command: list[str]
    """Replaces the image's entry point."""
    arguments: list[str]
    """Replaces the image's arguments."""
    environment: dict[str, str]
    """Environment variables. No secrets: use `environmentSecrets`."""
    environment_secrets: list[str]
    """Secrets of the team's namespace whose keys become environment variables."""
    port: int
    """HTTP port of the container; default 8080."""
    storage_uri: str
    """Model that is downloaded before the server starts: `s3://`, `gs://` or `pvc://`; default: part of the image."""
    model_path: str
    """Directory of the model; default `/models`. The program gets it in the environment variable MODEL_DIR."""
    model_size_gib: int
    """Space for the downloaded model in GiB; default 20."""
    accelerators: AcceleratorRequest
    """Devices of one replica. Omitted on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, as request and limit."""
    cpu_limit_millis: int
    """CPU limit; default none."""
    ephemeral_storage_gib: int
    """Local disk for /tmp and logs in GiB; default 10."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the image's file system is read-only; default true. /tmp and the model's folder are writable."""
    min_replicas: int
    """Minimum of replicas, 1 or more; default 1. With accelerators an update stops one replica at a time, so a single
    replica is unavailable during its update."""
    max_replicas: int
    """Maximum of replicas; default `minReplicas`: no autoscaling."""
    scale_target_percent: int
    """Target CPU utilization, 10 to 95; default 70."""
    ready_path: str
    """HTTP path that answers 200 when the server is ready; default `/health/ready`."""
    live_path: str
    """HTTP path that answers 200 while the process is healthy; default `/health/live`."""
    startup_minutes: int
    """Time limit for loading the model, in minutes; default 10."""
    grace_seconds: int
    """Seconds for requests in progress when a pod ends; default 60."""
    timeout_seconds: int
    """Time limit of one request; default 60."""
    metrics_path: str
    """HTTP path of Prometheus metrics on the same port; default `/metrics`, empty: none."""
    annotations: dict[str, str]
    """Annotations of the pods."""
    hostname: str
    """DNS name at the gateway; default: reachable inside the cluster only."""


DEFAULT_SERVING_PORT = 8080
DEFAULT_MODEL_PATH = "/models"
DEFAULT_MODEL_SIZE_GIB = 20
DEFAULT_SERVER_STORAGE_GIB = 10
DEFAULT_INFERENCE_STORAGE_GIB = 50
DEFAULT_SCALE_TARGET_PERCENT = 70
DEFAULT_TIMEOUT_SECONDS = 60
DEFAULT_GRACE_SECONDS = 60
DEFAULT_STARTUP_MINUTES = 10
TRANSFORMER_STORAGE_GIB = 2
"""Local disk of a transformer."""
DOWNLOAD_CPU_MILLIS = 500
DOWNLOAD_MEMORY_GIB = 1
"""Memory of the container that downloads the model of a model server; rclone buffers a few parts of 5 MiB for each of
its transfers."""


class DeviceRuntime(NamedTuple):
    """A runtime of the platform with separate images for CPUs and GPUs."""

    runtime: str
    image: str
    """Key of `versions.IMAGES`."""
    gpu_suffix: str
    """Suffix of its tag for GPUs."""
    knows_gpus_before_turing: bool = True
    """Whether the catalogue's image supports GPUs of that generation, according to its source."""


DEVICE_RUNTIMES = {
    "huggingface": DeviceRuntime("kserve-huggingfaceserver", "huggingfaceserver", "-gpu"),
    # Built with CUDA 13; "compute capability 7.5 or higher" (vllm 0487d5c docs/getting_started/installation, 2026).
    "vLLM": DeviceRuntime("kserve-vllmserver", "vllm", "", knows_gpus_before_turing=False),
}
"""By model format. KServe selects the image for GPUs if it recognizes one, unless `runtimeVersion` sets the tag
(kserve/kserve v0.20.0 pkg/controller/v1beta1/inferenceservice/utils, UpdateImageTag)."""


def device_runtime(service: InferenceSpec) -> DeviceRuntime | None:
    """The platform's runtime that serves it, if that has an image for each kind of device."""
    row = DEVICE_RUNTIMES.get(service.get("model_format", ""))
    return row if row and service.get("runtime", row.runtime) == row.runtime else None


def runtime_version(service: InferenceSpec, pool: PoolHandle) -> str:
    """The `runtimeVersion` with which the runtime uses the pool's devices; empty: KServe selects the image itself."""
    row = device_runtime(service)
    if service.get("runtime_version") or row is None or not takes_nvidia(service, pool) or kserve_sees_gpus(pool):
        return service.get("runtime_version", "")
    return IMAGES[row.image].tag + row.gpu_suffix


def takes_nvidia(service: InferenceSpec, pool: PoolHandle) -> bool:
    """Whether the model requests NVIDIA devices."""
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    wanted = int((service.get("accelerators") or {}).get("count", 0))
    return wanted > 0 and accelerator is not None and accelerator.vendor == "NVIDIA"


def kserve_sees_gpus(pool: PoolHandle) -> bool:
    """Whether KServe recognizes the pool's devices as GPUs: only two names (v0.20.0 pkg/utils, IsGPUEnabled)."""
    names = pool["capacity"]["units_per_node"]
    return all(name == "nvidia.com/gpu" or name.startswith("nvidia.com/mig") for name in names)


def fetches_model(uri: str) -> bool:
    """Whether a container downloads the model before the server starts: not for one on a volume or in the image."""
    return bool(uri) and not uri.startswith("pvc://")


def model_server_storage_gib(server: ModelServerSpec) -> int:
    """Local disk of one replica of a model server: emptyDirs count, and so does the downloaded model."""
    model = (
        int(server.get("model_size_gib", DEFAULT_MODEL_SIZE_GIB)) if fetches_model(server.get("storage_uri", "")) else 0
    )
    return int(server.get("ephemeral_storage_gib", DEFAULT_SERVER_STORAGE_GIB)) + model


def replicas_of(spec: InferenceSpec | ModelServerSpec | TransformerSpec) -> tuple[int, int]:
    """Minimum and maximum of replicas."""
    fewest = int(spec.get("min_replicas", 1))
    return fewest, int(spec.get("max_replicas", fewest))
