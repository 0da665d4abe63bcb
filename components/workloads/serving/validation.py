"""Rules on served models: what cannot run is refused before anything is registered."""

import re
from collections.abc import Iterator, Mapping, Sequence

from catalog.accelerators import ACCELERATORS, TURING, Purchase
from catalog.versions import IMAGES
from components.base.grammar import (
    ANNOTATION_KEY,
    DNS_NAME,
    HTTP_PATH,
    MOUNT_PATH,
    SUBDOMAIN,
    check_keys,
    check_text,
    check_texts,
)
from components.base.images import check_image, check_tag
from components.capacity.placement import Capacity, PoolHandle
from components.findings import Finding, nearest
from components.workloads.file_validation import KSERVE_MODEL_PATH, PLATFORM_MOUNTS, check_files, folder, of_the_image
from components.workloads.serving.runtime_table import RUNTIMES, Runtime, choose_runtime
from components.workloads.serving.spec import (
    DEFAULT_MODEL_PATH,
    CanarySpec,
    InferenceSpec,
    ModelServerSpec,
    Protocol,
    TransformerSpec,
    device_runtime,
    kserve_sees_gpus,
    replicas_of,
    runtime_version,
    takes_nvidia,
)
from components.workloads.serving.spec import DEFAULT_SCALE_TARGET_PERCENT as SCALE_TARGET
from components.workloads.training.spec import (
    accelerator_count,
)
from components.workloads.validation import (
    MAX_LOCAL_GIB,
    MAX_MILLIS,
    between,
    check_environment,
    check_size,
    check_storage_uri,
    required,
)

MAX_SERVED_NAME = 58
"""KServe labels the pods of `name` with `isvc.<name>`, and the value of a label has at most 63 characters."""
KSERVE_BLOCKED = frozenset({"PYTHONPATH"})
"""Variables that KServe's webhook refuses (kserve/kserve v0.20.0 pkg/validation/env_policy.go)."""
INFERENCE_SCHEMES = ("s3", "gs", "hf", "pvc", "https")
MODEL_SERVER_SCHEMES = ("s3", "gs", "pvc")
AUTOSCALER = "serving.kserve.io/autoscalerClass"
AUTOSCALERS = ("hpa", "none", "external")
"""Values of that annotation for which KServe creates a model's pods; with any other but `keda`, which needs KEDA's
CRDs, its controller fails (kserve/kserve v0.20.0 pkg/controller/v1beta1/inferenceservice/reconcilers/autoscaler)."""
_PLACEHOLDER = re.compile(r"\{\{(- )? *(\.(Name|Namespace|Annotations\.modelFormat)|`[^`]*`) *( -)?\}\}")
"""What Go's text/template can replace from the metadata of an InferenceService: its labels have slashes and dots in
their names, which a template cannot write. Text in backquotes is literal."""
_VERSION = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_NOWHERE_IN_KSERVE = (
    "remove it: KServe downloads models with the team's credentials; a program that needs another one "
    "is a modelServers entry, which has environmentSecrets"
)


def check_inference(
    path: str,
    service: InferenceSpec,
    pool: PoolHandle,
    runtimes: Mapping[str, Runtime] = RUNTIMES,
    pools: Sequence[PoolHandle] = (),
    *,
    entry: str = "",
) -> Iterator[Finding]:
    """One model served by KServe. `runtimes`: the existing ones, by name; `pools`: all, if they are known.

    `path`: of the service; `entry`: of what has the service and the pool, where that is another path.
    """
    yield from required(path, service, ("model_format", "storage_uri", "cpu_millis", "memory_gib"))
    if service.get("storage_uri"):
        yield from check_storage_uri(f"{path}.storageUri", service["storage_uri"], INFERENCE_SCHEMES)
    if service.get("version"):
        yield from _check_version(f"{path}.version", service["version"])
    yield from _check_choice(path, service, pool, runtimes)
    yield from _check_runtime(path, service, pool)
    yield from _check_served(path, entry or path, service, pool)
    yield from between(path, "metricsPort", service.get("metrics_port", 0), 0, 65535, "as a port; 0 is none")
    yield from check_kserve_environment(f"{path}.environment", service.get("environment") or {})
    yield from check_files(path, service, {**PLATFORM_MOUNTS, KSERVE_MODEL_PATH: "the model"})
    yield from _check_placeholders(path, service)
    yield from _check_autoscaler(path, service)
    if service.get("canary"):
        yield from _check_canary(f"{path}.canary", service["canary"], service)
    if service.get("transformer"):
        yield from _check_transformer(f"{path}.transformer", service["transformer"], pools)


def check_inference_name(path: str, name: str, service: InferenceSpec) -> Iterator[Finding]:
    """The names of the objects that KServe creates for a model must be valid."""
    if not name[:1].isalpha():
        yield Finding(path, name, "KServe requires a name that starts with a letter", f"write it like model-{name}")
    canary = service.get("canary")
    versions = {"version": service.get("version", ""), "canary.version": canary.get("version", "") if canary else ""}
    parts = {key: f"{name}-{version}-predictor" for key, version in versions.items() if _VERSION.fullmatch(version)}
    for key, part in {"": f"{name}-transformer", **parts}.items():
        if len(part) > MAX_SERVED_NAME:
            yield Finding(
                f"{path}.service.{key}" if key else path,
                f"{part} ({len(part)} characters)",
                f"KServe uses it as an object name and a label, with at most {MAX_SERVED_NAME}",
                "shorten the model's name, or its version",
            )
            return


def check_kserve_environment(path: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Variables of a container of a model or of a runtime; KServe's webhook refuses some of them."""
    yield from check_environment(path, environment, _NOWHERE_IN_KSERVE)
    for name in sorted(KSERVE_BLOCKED & {*environment}):
        yield Finding(
            f"{path}.{name}", environment[name], "KServe refuses it: it would load other code", "set it in the image"
        )


def _check_placeholders(path: str, service: InferenceSpec) -> Iterator[Finding]:
    """KServe renders the runtime's container as a template after it has added the model's arguments and variables.

    Source: kserve/kserve v0.20.0 pkg/controller/v1beta1/inferenceservice, components/predictor.go (buildPodSpec) and
    utils/utils.go (ReplacePlaceholders); a transformer's container is not rendered.
    """
    texts = {f"arguments[{index}]": text for index, text in enumerate(service.get("arguments") or [])}
    texts |= {f"environment.{name}": text for name, text in (service.get("environment") or {}).items()}
    for key, text in texts.items():
        if "{{" in _PLACEHOLDER.sub("", text):
            yield Finding(
                f"{path}.{key}",
                "(a placeholder)",
                "KServe treats two braces as a placeholder and replaces the model's .Name and .Namespace; nothing else "
                "has a value",
                "correct the placeholder, or put the text into a file of the image or of the model",
            )


def _check_autoscaler(path: str, service: InferenceSpec) -> Iterator[Finding]:
    value = (service.get("annotations") or {}).get(AUTOSCALER)
    if value is not None and value not in AUTOSCALERS:
        needs = "keda needs KEDA, which the platform does not install" if value == "keda" else "KServe has no other"
        yield Finding(
            f"{path}.annotations.{AUTOSCALER}",
            value,
            f"one of {', '.join(AUTOSCALERS)}: {needs}",
            "remove it: minReplicas, maxReplicas and scaleMetric control the scaling of a model",
        )


def _check_choice(
    path: str, service: InferenceSpec, pool: PoolHandle, runtimes: Mapping[str, Runtime]
) -> Iterator[Finding]:
    """KServe finds a runtime for the model, and that runtime runs on the pool."""
    name, version = service.get("model_format", ""), service.get("model_format_version", "")
    named, protocol = service.get("runtime", ""), service.get("protocol_version")
    if named and named not in runtimes:
        remedy = f"{_nearest(named, [*runtimes])}declare it under servingRuntimes"
        yield Finding(f"{path}.runtime", named, f"an existing serving runtime: {', '.join(runtimes)}", remedy)
        return
    if protocol == Protocol.GRPC_V2:
        yield Finding(
            f"{path}.protocolVersion",
            str(protocol),
            "v1 or v2: KServe's Service targets the HTTP port of a model, no runtime declares a gRPC port",
            "use v2, the same protocol over HTTP",
        )
        return
    able = {key: one for key, one in runtimes.items() if named in ("", key) and any(one.loads(name))}
    choice = choose_runtime(service, runtimes)
    if not name or choice:
        if choice and any(row.gpu for row in choice.runtime.loads(name, version)) and not takes_nvidia(service, pool):
            yield Finding(
                f"{path}.modelFormat",
                f"{name} on pool {pool['capacity']['pool']}",
                "a format that runs on NVIDIA GPUs only",
                "choose a pool that has some and set accelerators.count",
            )
    elif named and not able:
        loads = ", ".join(dict.fromkeys(row.name for row in runtimes[named].formats))
        yield Finding(f"{path}.runtime", named, f"a runtime that loads {name}; this one loads {loads}", "name another")
    elif not able:
        formats = [*dict.fromkeys(row.name for one in runtimes.values() for row in one.formats)]
        rule = f"a format that a serving runtime loads: {', '.join(formats)}"
        yield Finding(
            f"{path}.modelFormat",
            name,
            rule,
            f"{_nearest(name, formats)}declare a runtime for it under servingRuntimes",
        )
    elif not any(any(one.loads(name, version)) for one in able.values()):
        versions = ", ".join(dict.fromkeys(row.version for one in able.values() for row in one.loads(name)))
        rule = f"a version of {name} that a serving runtime loads: {versions}"
        yield Finding(f"{path}.modelFormatVersion", version, rule, "name one of them, or omit it")
    elif not named and not any(row.auto_select for one in able.values() for row in one.loads(name, version)):
        rule = f"KServe chooses no runtime for {name} by itself; it is loaded by {', '.join(able)}"
        yield Finding(f"{path}.runtime", "(missing)", rule, "name the runtime")
    else:
        spoken = ", ".join(dict.fromkeys(each for one in able.values() for each in one.protocols))
        rule = f"a protocol in which {named or 'a runtime'} serves {name}: {spoken}"
        yield Finding(f"{path}.protocolVersion", str(protocol), rule, "name one of them, or omit it")


def _nearest(name: str, known: Sequence[str]) -> str:
    close = nearest(name, known)
    return f"did you mean {close}? Else " if close else ""


def _check_runtime(path: str, service: InferenceSpec, pool: PoolHandle) -> Iterator[Finding]:
    """The runtime's image has one version, which supports the device."""
    tag, row = service.get("runtime_version", ""), device_runtime(service)
    if tag:
        yield from check_tag(f"{path}.runtimeVersion", tag)
    accelerator = ACCELERATORS.get(pool["capacity"]["accelerator"])
    older = accelerator is not None and accelerator.before_turing and takes_nvidia(service, pool)
    if row and not tag and accelerator and older and not row.knows_gpus_before_turing:
        yield Finding(
            f"{path}.runtimeVersion",
            "(missing)",
            f"{IMAGES[row.image].reference} runs on GPUs of compute capability {TURING} and later; "
            f"{accelerator.name} has {accelerator.compute_capability}",
            "choose a pool of newer GPUs, or name the tag of an older image in runtimeVersion",
        )
    if row and not tag and accelerator_count(service.get("accelerators")) and not runtime_version(service, pool):
        resource = ", ".join(pool["capacity"]["units_per_node"])
        if resource and not kserve_sees_gpus(pool):
            yield Finding(
                f"{path}.runtimeVersion",
                "(missing)",
                f"{row.runtime} has images for CPUs and for NVIDIA GPUs; on {resource} it would serve on the CPU",
                "name the tag of an image for that device, or a runtime from servingRuntimes in runtime",
            )


def check_model_server(
    path: str,
    server: ModelServerSpec,
    pool: PoolHandle,
    domains: Mapping[str, str] | None = None,
    *,
    entry: str = "",
) -> Iterator[Finding]:
    """One model server with an image of the team. `domains`: of its gateway, by name; None: it has no gateway.

    `path`: of the server; `entry`: of what has the server and the pool, where that is another path.
    """
    yield from required(path, server, ("image", "cpu_millis", "memory_gib"))
    if server.get("image"):
        yield from check_image(f"{path}.image", server["image"])
    yield from check_environment(f"{path}.environment", server.get("environment") or {})
    yield from check_texts(f"{path}.environmentSecrets", server.get("environment_secrets") or [], SUBDOMAIN)
    if server.get("storage_uri"):
        yield from check_storage_uri(f"{path}.storageUri", server["storage_uri"], MODEL_SERVER_SCHEMES)
    yield from _check_served(path, entry or path, server, pool)
    yield from between(path, "port", server.get("port", 8080), 1024, 65535, "as a port")
    yield from between(path, "modelSizeGib", server.get("model_size_gib", 1), 1, MAX_LOCAL_GIB, "GiB")
    yield from between(path, "startupMinutes", server.get("startup_minutes", 10), 1, 180, "minutes")
    yield from between(path, "graceSeconds", server.get("grace_seconds", 60), 0, 3600, "seconds")
    for key, route in (("readyPath", "ready_path"), ("livePath", "live_path"), ("metricsPath", "metrics_path")):
        if server.get(route):
            yield from check_text(f"{path}.{key}", str(server.get(route)), HTTP_PATH)
    model_path = server.get("model_path", DEFAULT_MODEL_PATH)
    yield from check_text(f"{path}.modelPath", model_path, MOUNT_PATH)
    if MOUNT_PATH.accepts(model_path) and of_the_image(folder(model_path)):
        rule = "a separate folder: others are mounted, or belong to the image"
        yield Finding(f"{path}.modelPath", model_path, rule, f"write it like {DEFAULT_MODEL_PATH}")
    mounted = {folder(model_path): "the model"} if server.get("storage_uri") else {}
    yield from check_files(path, server, {**PLATFORM_MOUNTS, **mounted})
    hostname, suffixes = server.get("hostname", ""), [*(domains or {}).values()]
    if hostname and not (DNS_NAME.accepts(hostname) and "." in hostname):
        yield Finding(f"{path}.hostname", hostname, "a DNS name in lower case", "write it like model.example.com")
    elif hostname and all(map(DNS_NAME.accepts, suffixes)) and hostname.partition(".")[2] not in suffixes:
        known = ", ".join(suffixes) or "(there is no gateway)"
        yield Finding(
            f"{path}.hostname",
            hostname,
            f"one label below a domain of the gateway, because a wildcard certificate covers one: {known}",
            "choose such a name, or add the domain above it to gateway.domains",
        )


def _check_served(
    path: str, entry: str, served: InferenceSpec | ModelServerSpec, pool: PoolHandle
) -> Iterator[Finding]:
    yield from check_keys(f"{path}.annotations", served.get("annotations") or {}, ANNOTATION_KEY)
    yield from check_size(path, served, pool)
    yield from _check_replicas(path, served)
    target = served.get("scale_target_percent", SCALE_TARGET)
    yield from between(path, "scaleTargetPercent", target, 10, 95, "percent")
    yield from between(path, "timeoutSeconds", served.get("timeout_seconds", 60), 1, 3600, "seconds")
    placement = pool["placement"]
    if placement["purchase"] == Purchase.SPOT:
        yield Finding(
            f"{entry}.pool",
            f"{placement['pool']} (spot)",
            "a model must not run on nodes that can all be reclaimed at once",
            "choose an on-demand or reserved pool",
        )
    if placement.get("queued"):
        yield Finding(
            f"{entry}.pool",
            f"{placement['pool']} (queued)",
            "queued nodes serve one training, when enough are available, and then end",
            "choose an on-demand or reserved pool; flex-start if it may wait for nodes",
        )
    if placement["hosts_per_slice"] > 1:
        yield Finding(
            f"{entry}.pool",
            f"{placement['pool']} ({placement['topology']}, {placement['hosts_per_slice']} hosts)",
            "one replica is one pod, and a slice of several hosts needs one on each",
            "choose a pool with a topology of a single host",
        )


def _check_replicas(path: str, spec: InferenceSpec | ModelServerSpec | TransformerSpec) -> Iterator[Finding]:
    fewest, most = replicas_of(spec)
    if fewest < 1:
        yield Finding(
            f"{path}.minReplicas", str(fewest), "1 or more: the first request must not wait for a node", "use 1"
        )
    if fewest > most >= 1:
        yield Finding(
            f"{path}.minReplicas",
            str(fewest),
            f"at most maxReplicas ({most})",
            "lower minReplicas or raise maxReplicas",
        )


def _check_version(path: str, version: str) -> Iterator[Finding]:
    if not _VERSION.fullmatch(version):
        yield Finding(
            path,
            version,
            "1 to 63 of a-z, 0-9 and '-', starting with a letter: it becomes part of object names",
            "write it like v2",
        )


def _check_canary(path: str, canary: CanarySpec, service: InferenceSpec) -> Iterator[Finding]:
    yield from required(path, canary, ("version", "storage_uri", "traffic_percent"))
    yield from between(path, "trafficPercent", canary.get("traffic_percent", 0), 0, 100, "percent")
    if canary.get("storage_uri"):
        yield from check_storage_uri(f"{path}.storageUri", canary["storage_uri"], INFERENCE_SCHEMES)
    if canary.get("version"):
        yield from _check_version(f"{path}.version", canary["version"])
    if canary.get("version") == service.get("version"):
        yield Finding(
            f"{path}.version", str(canary.get("version")), "another name than the service's version", "rename it"
        )
    if canary.get("storage_uri") and canary["storage_uri"] == service.get("storage_uri"):
        yield Finding(
            f"{path}.storageUri",
            canary["storage_uri"],
            "the model must differ from the service's: KServe promotes no version with the same address",
            "name the address of the new version",
        )
    fewest, _ = replicas_of(service)
    if not 1 <= int(canary.get("replicas", 1)) <= max(fewest, 1):
        yield Finding(
            f"{path}.replicas",
            str(canary.get("replicas", 1)),
            f"1 to minReplicas ({fewest}), as KServe requires",
            "lower it, or raise minReplicas",
        )


def _check_transformer(path: str, transformer: TransformerSpec, pools: Sequence[PoolHandle]) -> Iterator[Finding]:
    yield from required(path, transformer, ("image", "cpu_millis", "memory_gib"))
    if transformer.get("image"):
        yield from check_image(f"{path}.image", transformer["image"])
    yield from check_kserve_environment(f"{path}.environment", transformer.get("environment") or {})
    yield from _check_replicas(path, transformer)
    yield from _check_room(
        path, transformer, [pool["capacity"] for pool in pools if not pool["placement"]["tolerations"]]
    )


def _check_room(path: str, transformer: TransformerSpec, rooms: Sequence[Capacity]) -> Iterator[Finding]:
    """It fits one node of the pools without taints; if there is none, the nodes are unknown."""
    cpu, memory = int(transformer.get("cpu_millis", 1)), int(transformer.get("memory_gib", 1))
    largest = max(rooms, key=lambda one: (one["memory_gib_per_node"] >= memory, one["cpu_per_node"]), default=None)
    most_cpu = largest["cpu_per_node"] * 1000 if largest else MAX_MILLIS
    most_memory = largest["memory_gib_per_node"] if largest else MAX_LOCAL_GIB
    node = f"of a node of pool {largest['pool']}, on which it runs" if largest else ""
    yield from between(path, "cpuMillis", cpu, 1, most_cpu, f"thousandths of a vCPU {node}".rstrip())
    yield from between(path, "memoryGib", memory, 1, most_memory, f"GiB {node}".rstrip())
