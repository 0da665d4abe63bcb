"""What a served model is, in plain data: the part of it that people write in settings. Pure.

`InferenceService` takes an `InferenceSpec` and `ModelServer` a `ModelServerSpec`, beside the handles of what they use.
"""

from enum import StrEnum
from typing import NamedTuple, Required, TypedDict

from catalog.accelerators import ACCELERATORS
from catalog.versions import IMAGES
from components.capacity.placement import AcceleratorRequest, PoolHandle


class ScaleMetric(StrEnum):
    """What the number of replicas follows. KServe scales on these two in Standard mode."""

    CPU = "cpu"
    MEMORY = "memory"


class Protocol(StrEnum):
    """How a model server is spoken to (KServe's inference protocols)."""

    V1 = "v1"
    """`/v1/models/<name>:predict`, as TensorFlow Serving has it."""
    V2 = "v2"
    """The open inference protocol, `/v2/models/<name>/infer`."""
    GRPC_V2 = "grpc-v2"
    """The same over gRPC. A runtime may have it beside the others; models are served over HTTP alone."""


class FormatSpec(TypedDict, total=False):
    """A model format that a runtime loads."""

    name: Required[str]
    """What models write in `modelFormat`."""
    version: str
    """Its version; default 1."""
    priority: int
    """Of several runtimes for a format the highest is chosen; 1 or more, the same for all versions of a format within a
    runtime; default 1. Without `autoSelect` it is not used."""
    auto_select: bool
    """Whether it is chosen without being named in `runtime`; default true."""


class RuntimeSpec(TypedDict, total=False):
    """A model server beside the platform's. It serves on port 8080 what lies in /mnt/models."""

    image: Required[str]
    """Container image with a tag or digest."""
    formats: Required[list[FormatSpec]]
    """What it loads."""
    protocols: list[Protocol]
    """What it speaks: v1, v2, grpc-v2; default v1."""
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
    """Another version of the model that takes a part of the traffic.

    KServe's Standard mode ignores `canaryTrafficPercent` without a word (kserve/kserve#5335); it has named canaries
    instead (kserve 0.20, `spec.canary`), which is what this becomes (ADR 0021).
    """

    version: Required[str]
    """Name of that version. To promote it, write it and its URI into `version` and `storageUri` of the
    service and remove the canary: its pods go on without a restart."""
    storage_uri: Required[str]
    """Its model."""
    traffic_percent: Required[int]
    """Its part of the traffic, 0 to 100. KServe 0.20 starts the canary and sends it nothing through the gateway: the
    weights of its routes come with 0.21 (kserve/kserve#5912). Until then it is reached inside the cluster, as
    `<name>-<version>-predictor`."""
    replicas: int
    """Its number of replicas, at most the service's `minReplicas`; default 1. A canary does not scale."""


class TransformerSpec(TypedDict, total=False):
    """A container before the model that prepares requests and answers. It runs on CPU, on any untainted node."""

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
    """Fewest replicas; default 1."""
    max_replicas: int
    """Most replicas; default `minReplicas`."""


class InferenceSpec(TypedDict, total=False):
    """A model served by KServe."""

    version: str
    """Name of the version that `storageUri` is; default none. See `canary`."""
    model_format: Required[str]
    """As the serving runtime calls it: `huggingface`, `sklearn`, `onnx`, `triton`."""
    model_format_version: str
    """Version of the format; default: any that a runtime loads."""
    protocol_version: Protocol
    """How it is spoken to: v1 or v2 (grpc-v2 is refused); default v1 where a runtime of the format has it, else v2."""
    runtime: str
    """Serving runtime: one of the platform's (`kserve-tritonserver`) or of `servingRuntimes`; default: KServe chooses
    by format and protocol."""
    runtime_version: str
    """Tag of the runtime's image; default: the runtime's own. On an NVIDIA device that KServe does not know for one (a
    share, a claim of DRA) the default for `huggingface` and `vLLM` is the tag for GPUs."""
    storage_uri: Required[str]
    """Where the model is: `s3://`, `gs://`, `hf://`, `pvc://` or `https://`."""
    arguments: list[str]
    """Arguments for the runtime's container. KServe fills in `{{.Name}}` and `{{.Namespace}}`."""
    environment: dict[str, str]
    """Environment variables of the runtime's container."""
    accelerators: AcceleratorRequest
    """Devices of one replica. Left out on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, request and limit alike."""
    cpu_limit_millis: int
    """CPU limit; default none."""
    ephemeral_storage_gib: int
    """Local disk of one replica in GiB, the downloaded model included; default 50."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the runtime's file system is read-only; default true. /tmp, /dev/shm and the model are writable."""
    min_replicas: int
    """Fewest replicas, 1 or more; default 1."""
    max_replicas: int
    """Most replicas; default `minReplicas`."""
    scale_metric: ScaleMetric
    """cpu or memory; default cpu."""
    scale_target_percent: int
    """Utilization that scaling aims at, 10 to 95; default 70."""
    timeout_seconds: int
    """How long one request may take; default 60."""
    metrics_port: int
    """Port of Prometheus metrics under /metrics; default: that of the runtime (8080; Triton 8002); 0: none."""
    annotations: dict[str, str]
    """Annotations of the pods."""
    canary: CanarySpec
    """Another version that takes a part of the traffic."""
    transformer: TransformerSpec
    """A container before the model."""


class ModelServerSpec(TypedDict, total=False):
    """A model server in an image of the team's own."""

    image: Required[str]
    """Container image with a tag or digest; `latest` is refused."""
    command: list[str]
    """Replaces the image's entry point."""
    arguments: list[str]
    """Replaces the image's arguments."""
    environment: dict[str, str]
    """Environment variables. No secrets: those go to `environmentSecrets`."""
    environment_secrets: list[str]
    """Secrets of the team's namespace whose keys become environment variables."""
    port: int
    """HTTP port of the container; default 8080."""
    storage_uri: str
    """Model that is downloaded before the server starts: `s3://`, `gs://` or `pvc://`; default: the image brings it."""
    model_path: str
    """Where the model is put; default `/models`. The environment variable MODEL_DIR says so to the program."""
    model_size_gib: int
    """Room for the downloaded model in GiB; default 20."""
    accelerators: AcceleratorRequest
    """Devices of one replica. Left out on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, request and limit alike."""
    cpu_limit_millis: int
    """CPU limit; default none."""
    ephemeral_storage_gib: int
    """Local disk for /tmp and logs in GiB; default 10."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the image's file system is read-only; default true. /tmp and the model's folder are writable."""
    min_replicas: int
    """Fewest replicas, 1 or more; default 1. With accelerators an update takes one replica away at a time, so a
    single replica is away while it is updated."""
    max_replicas: int
    """Most replicas; default `minReplicas`: no autoscaling."""
    scale_target_percent: int
    """CPU utilization that autoscaling aims at, 10 to 95; default 70."""
    ready_path: str
    """HTTP path that answers 200 when requests can be served; default `/health/ready`."""
    live_path: str
    """HTTP path that answers 200 while the process is sound; default `/health/live`."""
    startup_minutes: int
    """How long loading the model may take, in minutes; default 10."""
    grace_seconds: int
    """Seconds for requests that are under way when a pod ends; default 60."""
    timeout_seconds: int
    """How long one request may take; default 60."""
    metrics_path: str
    """HTTP path of Prometheus metrics on the same port; default `/metrics`, empty: none."""
    annotations: dict[str, str]
    """Annotations of the pods."""
    hostname: str
    """DNS name under which the gateway serves it; default: reachable inside the cluster only."""


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
"""Of the container that downloads the model of a model server; rclone keeps a few parts of 5 MiB for each of its
transfers."""


class DeviceRuntime(NamedTuple):
    """A runtime of ours with one image for CPUs and another for GPUs."""

    runtime: str
    image: str
    """Key of `versions.IMAGES`."""
    gpu_suffix: str
    """What its tag has for GPUs."""
    knows_gpus_before_turing: bool = True
    """Whether the image of the catalogue has code for them, as far as its source says."""


DEVICE_RUNTIMES = {
    "huggingface": DeviceRuntime("kserve-huggingfaceserver", "huggingfaceserver", "-gpu"),
    # Built with CUDA 13; "compute capability 7.5 or higher" (vllm 0487d5c docs/getting_started/installation, 2026).
    "vLLM": DeviceRuntime("kserve-vllmserver", "vllm", "", knows_gpus_before_turing=False),
}
"""By model format. KServe takes the image for GPUs where it sees one, unless `runtimeVersion` says which tag
(kserve/kserve v0.20.0 pkg/controller/v1beta1/inferenceservice/utils, UpdateImageTag)."""


def device_runtime(service: InferenceSpec) -> DeviceRuntime | None:
    """The runtime of ours that serves it, if that has an image for each kind of device."""
    row = DEVICE_RUNTIMES.get(service.get("model_format", ""))
    return row if row and service.get("runtime", row.runtime) == row.runtime else None


def runtime_version(service: InferenceSpec, pool: PoolHandle) -> str:
    """The `runtimeVersion` that makes the runtime use the pool's devices; empty: KServe finds the image by itself."""
    row = device_runtime(service)
    if service.get("runtime_version") or row is None or not takes_nvidia(service, pool) or kserve_sees_gpus(pool):
        return service.get("runtime_version", "")
    return IMAGES[row.image].tag + row.gpu_suffix


def takes_nvidia(service: InferenceSpec, pool: PoolHandle) -> bool:
    """Whether the model asks for devices of NVIDIA."""
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    wanted = int((service.get("accelerators") or {}).get("count", 0))
    return wanted > 0 and accelerator is not None and accelerator.vendor == "NVIDIA"


def kserve_sees_gpus(pool: PoolHandle) -> bool:
    """Whether KServe knows the pool's devices for GPUs: by two names alone (v0.20.0 pkg/utils, IsGPUEnabled)."""
    names = pool["capacity"]["units_per_node"]
    return all(name == "nvidia.com/gpu" or name.startswith("nvidia.com/mig") for name in names)


def fetches_model(uri: str) -> bool:
    """Whether a container fetches the model before the server starts: none for one on a volume or in the image."""
    return bool(uri) and not uri.startswith("pvc://")


def model_server_storage_gib(server: ModelServerSpec) -> int:
    """Local disk of one replica of a model server: emptyDirs count, so the downloaded model does."""
    model = (
        int(server.get("model_size_gib", DEFAULT_MODEL_SIZE_GIB)) if fetches_model(server.get("storage_uri", "")) else 0
    )
    return int(server.get("ephemeral_storage_gib", DEFAULT_SERVER_STORAGE_GIB)) + model


def replicas_of(spec: InferenceSpec | ModelServerSpec | TransformerSpec) -> tuple[int, int]:
    """Fewest and most replicas."""
    fewest = int(spec.get("min_replicas", 1))
    return fewest, int(spec.get("max_replicas", fewest))
