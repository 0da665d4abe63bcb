"""Rules on trainings and served models: refuses what cannot run, or must not, before any resource is registered.

The functions take plain specs (`components.workloads.training.spec`, `components.workloads.serving.spec`) and the
handles of their dependencies. Settings and components call the same functions; paths are written as in the settings,
in camelCase.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from catalog.accelerators import ACCELERATORS, TURING, Purchase, Sharing
from catalog.versions import IMAGES
from components.base.grammar import (
    ANNOTATION_KEY,
    DNS_NAME,
    ENVIRONMENT_NAME,
    GCS_BUCKET,
    HTTP_PATH,
    MOUNT_PATH,
    S3_BUCKET,
    SUBDOMAIN,
    check_keys,
    check_text,
    check_texts,
)
from components.base.images import check_image, check_tag
from components.base.schedules import cron_problem
from components.capacity.placement import AcceleratorRequest, Capacity, PoolHandle, resource_name
from components.findings import Finding, camel, nearest
from components.storage.plan import AccessMode
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
    DEFAULT_CHECKPOINT_PATH,
    DEFAULT_FATAL_EXIT_CODES,
    DEFAULT_GRACE_SECONDS,
    DEFAULT_RETRIES,
    ScheduleSpec,
    TrainingSpec,
    WorkersSpec,
    accelerator_count,
)

SPOT_GRACE_SECONDS = (10, 120)
"""EC2 ends a spot node two minutes after the notice, Compute Engine after half a minute: longer has no effect."""
MAX_RETRIES = 10
MAX_OBJECT_NAME = 63
MAX_LOCAL_GIB = 64 * 1024
"""Local disk of one pod: more than any node has, so that only a wrong unit exceeds it."""
MAX_MILLIS = 1_000_000
"""CPU of one pod: more than any node has."""
MAX_SERVED_NAME = 58
"""KServe labels the pods of `name` with `isvc.<name>`, and the value of a label has at most 63 characters."""
TAKEN_FOLDERS = ("/", "/tmp", "/dev", "/dev/shm", "/proc", "/sys", "/etc", "/bin", "/sbin", "/usr", "/lib")  # noqa: S108
"""Folders of the image, of the container runtime, or of other volumes."""
KSERVE_BLOCKED = frozenset({"PYTHONPATH"})
"""Variables that KServe's webhook refuses (kserve/kserve v0.20.0 pkg/validation/env_policy.go)."""
MAX_CRON_JOB_NAME = 52
"""The controller adds eleven characters for the name of each Job."""
INFERENCE_SCHEMES = ("s3", "gs", "hf", "pvc", "https")
MODEL_SERVER_SCHEMES = ("s3", "gs", "pvc")

_PLACES = {"s3": ("a bucket", S3_BUCKET), "gs": ("a bucket", GCS_BUCKET), "pvc": ("a claim", SUBDOMAIN)}
"""Scheme of a model's address -> what its first part is."""
AUTOSCALER = "serving.kserve.io/autoscalerClass"
AUTOSCALERS = ("hpa", "none", "external")
"""Values of that annotation for which KServe creates a model's pods; with any other but `keda`, which needs KEDA's
CRDs, its controller fails (kserve/kserve v0.20.0 pkg/controller/v1beta1/inferenceservice/reconcilers/autoscaler)."""
_PLACEHOLDER = re.compile(r"\{\{(- )? *(\.(Name|Namespace|Annotations\.modelFormat)|`[^`]*`) *( -)?\}\}")
"""What Go's text/template can replace from the metadata of an InferenceService: its labels have slashes and dots in
their names, which a template cannot write. Text in backquotes is literal."""
_MIG_PREFIX = "nvidia.com/mig-"
_RUN = re.compile(r"^[a-z0-9]([-a-z0-9]{0,14}[a-z0-9])?\Z")
_VERSION = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_URI = re.compile(r"^(?P<scheme>[a-z0-9]+)://(?P<place>[^\s/]+)(/\S*)?\Z")
_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token(?!iz|s(?![a-z])|_?(limit|count|length|budget))"
    r"|api_?key|access_?key|private_?key|credential)"
)
"""TOKENIZERS_PARALLELISM and MAX_TOKENS concern text."""
_IN_ENVIRONMENT_SECRETS = "put it into a Secret of the team's namespace and name that in environmentSecrets"
_NOWHERE_IN_KSERVE = (
    "remove it: KServe downloads models with the team's credentials; a program that needs another one "
    "is a modelServers entry, which has environmentSecrets"
)
_DEVICE_VARIABLES = ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES", "TPU_VISIBLE_CHIPS")


def check_training(
    path: str, name: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None = None
) -> Iterator[Finding]:
    """One training with a `run`, on one node or (with `workers`) on several."""
    yield from _required(path, job, ("run",))
    run = job.get("run", "")
    if run and not _RUN.match(run):
        yield Finding(
            f"{path}.run",
            run,
            "1 to 16 of a-z, 0-9 and '-', no '-' at either end",
            "use a number or a date: 2026-11-21",
        )
    last = int(workers["count"]) - 1 if workers else 0
    if len(f"{name}-{run}-{last}") > MAX_OBJECT_NAME:
        yield Finding(
            f"{path}.run",
            f"{name}-{run}",
            f"with the index of a worker at most {MAX_OBJECT_NAME} characters: it is the host name of its pods",
            "shorten the name or the run",
        )
    yield from _check_program(path, job, pool, workers)


def check_scheduled_training(
    path: str, name: str, job: TrainingSpec, schedule: ScheduleSpec, pool: PoolHandle
) -> Iterator[Finding]:
    """One training on a schedule."""
    if job.get("run"):
        yield Finding(
            f"{path}.run",
            str(job["run"]),
            "runs on a schedule are named after their time",
            "remove run, or remove schedule to train once",
        )
    if len(name) > MAX_CRON_JOB_NAME:
        yield Finding(
            path, name, f"the name of a scheduled training has at most {MAX_CRON_JOB_NAME} characters", "shorten it"
        )
    if pool["placement"].get("queued"):
        yield Finding(
            f"{path}.pool",
            f"{pool['placement']['pool']} (queued)",
            "a request for queued nodes is used once, and a schedule has many runs",
            "choose a flex-start, spot or on-demand pool, or remove schedule and set a run each time",
        )
    yield from _check_program(path, job, pool, None)
    yield from check_schedule(f"{path}.schedule", schedule)


def check_schedule(path: str, schedule: ScheduleSpec) -> Iterator[Finding]:
    """Valid for Kubernetes: five fields, and a separate time zone."""
    yield from _required(path, schedule, ("cron",))
    cron = schedule.get("cron", "")
    if cron:
        problem = cron_problem(cron)
        if problem:
            yield Finding(
                f"{path}.cron",
                cron,
                f"minute, hour, day of month, month, day of week (0 to 6, Sunday is 0): {problem}",
                "every night at three is `0 3 * * *`",
            )
    zone, known = schedule.get("time_zone"), available_timezones()
    if zone is not None and known and zone not in known:
        rule = "a time zone of the IANA database"
        yield Finding(f"{path}.timeZone", zone or "(empty)", rule, "write it like Europe/Paris")
    yield from _between(path, "startWithinMinutes", schedule.get("start_within_minutes", 1), 1, 24 * 60, "minutes")
    for key, kept in (("keepSucceeded", "keep_succeeded"), ("keepFailed", "keep_failed")):
        yield from _between(path, key, schedule.get(kept, 0), 0, 50, "Jobs")


def check_checkpoint_storage(
    path: str, job: TrainingSpec, workers: WorkersSpec | None, access_modes: Sequence[str] | None
) -> Iterator[Finding]:
    """Several nodes can write to one checkpoint volume only if its class allows it. None: no storage was set."""
    checkpoint = job.get("checkpoint")
    if not checkpoint:
        return
    size = int(checkpoint.get("size_gib", 1))
    if size < 1:
        yield Finding(f"{path}.checkpoint.sizeGib", str(size), "1 GiB or more", "set the size of the volume in GiB")
    if access_modes is None:
        yield Finding(
            f"{path}.checkpoint",
            "no storage class for it",
            "a checkpoint volume needs a storage class",
            "declare a class for that purpose under storage.declared, or choose another checkpointStorage",
        )
        return
    if workers and AccessMode.READ_WRITE_MANY not in access_modes:
        yield Finding(
            f"{path}.checkpoint",
            f"{', '.join(access_modes)} for {int(workers.get('count', 0))} workers",
            "workers on several nodes need a ReadWriteMany volume for checkpoints",
            "use checkpointStorage shared, or omit it",
        )
    if not workers and AccessMode.READ_WRITE_ONCE not in access_modes:
        yield Finding(
            f"{path}.checkpoint",
            ", ".join(access_modes),
            "a training on one node needs a ReadWriteOnce volume for checkpoints",
            "use checkpointStorage standard, or omit it",
        )


def _check_program(path: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None) -> Iterator[Finding]:
    yield from _required(path, job, ("image", "cpu_millis", "memory_gib", "deadline_minutes"))
    if job.get("image"):
        yield from check_image(f"{path}.image", job["image"])
    yield from check_environment(f"{path}.environment", job.get("environment") or {})
    yield from check_texts(f"{path}.environmentSecrets", job.get("environment_secrets") or [], SUBDOMAIN)
    yield from check_keys(f"{path}.annotations", job.get("annotations") or {}, ANNOTATION_KEY)
    yield from _check_mounts(path, job)
    yield from check_size(path, job, pool)
    yield from _between(path, "deadlineMinutes", job.get("deadline_minutes", 1), 1, 60 * 24 * 30, "minutes")
    yield from _between(path, "retries", job.get("retries", DEFAULT_RETRIES), 0, MAX_RETRIES, "restarts")
    grace = int(job.get("grace_seconds", DEFAULT_GRACE_SECONDS))
    yield from _between(path, "graceSeconds", grace, 0, 60 * 60, "seconds")
    for code in job.get("fatal_exit_codes", DEFAULT_FATAL_EXIT_CODES):
        yield from _between(path, "fatalExitCodes", code, 1, 255, "as an exit code of a failure")
    if job.get("ttl_minutes") and not job.get("checkpoint"):
        yield Finding(
            f"{path}.ttlMinutes",
            str(job["ttl_minutes"]),
            "the next refresh and up start a removed Job again: it needs a checkpoint to resume from",
            "remove ttlMinutes, or add a checkpoint",
        )
    if pool["placement"]["purchase"] == Purchase.SPOT:
        yield from _check_spot(path, job, pool, grace)
    yield from _check_node_life(path, job, pool)
    yield from _check_slice(path, job, pool, workers)
    if workers:
        yield from _check_workers(f"{path}.workers", job, pool, workers)


def _check_mounts(path: str, job: TrainingSpec) -> Iterator[Finding]:
    """Datasets are existing claims with separate mount paths, none of which the platform uses."""
    checkpoint = job.get("checkpoint")
    taken = {"/tmp": "temporary files", "/dev/shm": "shared memory"}  # noqa: S108 - paths of the container
    if checkpoint:
        place = checkpoint.get("path", DEFAULT_CHECKPOINT_PATH)
        mounted = _folder(place)
        yield from check_text(f"{path}.checkpoint.path", place, MOUNT_PATH)
        if _of_the_image(mounted):
            yield _taken(f"{path}.checkpoint.path", place, taken.get(mounted, "the image's own files"))
        taken.setdefault(mounted, "checkpoints")
    for claim, place in (job.get("datasets") or {}).items():
        where = f"{path}.datasets.{claim}"
        yield from check_text(where, claim, SUBDOMAIN)
        yield from check_text(where, place, MOUNT_PATH)
        mounted = _folder(place)
        if mounted in taken or _of_the_image(mounted):
            yield _taken(where, place, taken.get(mounted, "the image's own files"))
        taken.setdefault(mounted, f"claim {claim}")


def _folder(path: str) -> str:
    """A normalized path: without doubled and final slashes and single dots."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def _of_the_image(folder: str) -> bool:
    return folder in TAKEN_FOLDERS or folder.startswith(("/proc/", "/sys/", "/dev/"))


def _taken(path: str, place: str, owner: str) -> Finding:
    return Finding(path, place, f"one volume for each path; this one has {owner}", "mount it elsewhere, like /data")


def _check_spot(path: str, job: TrainingSpec, pool: PoolHandle, grace: int) -> Iterator[Finding]:
    if not job.get("checkpoint"):
        yield Finding(
            f"{path}.checkpoint",
            f"(missing) on spot pool {pool['placement']['pool']}",
            "a training on nodes that can be reclaimed needs checkpoints",
            "add checkpoint.sizeGib, or choose a pool that is not spot",
        )
    least, most = SPOT_GRACE_SECONDS
    if not least <= grace <= most:
        yield Finding(
            f"{path}.graceSeconds",
            str(grace),
            f"{least} to {most} on a spot pool: time to write a checkpoint, and no more than the notice of a cloud",
            f"use {min(max(grace, least), most)}",
        )


def _check_node_life(path: str, job: TrainingSpec, pool: PoolHandle) -> Iterator[Finding]:
    """A run ends before its nodes do. With checkpoints it continues on others, unless they serve one request only."""
    name, hours = pool["placement"]["pool"], int(pool["placement"].get("max_run_hours", 0))
    queued, minutes = pool["placement"].get("queued"), int(job.get("deadline_minutes", 1))
    if hours and minutes > hours * 60 and (queued or not job.get("checkpoint")):
        resumes = "" if queued else "add checkpoint.sizeGib to continue on other nodes, "
        yield Finding(
            f"{path}.deadlineMinutes",
            f"{minutes} on pool {name}, whose nodes end after {hours} hours",
            "a run must end before its nodes do",
            f"use at most {hours * 60}, {resumes}raise maxRunHours of the pool, or choose a pool without a time limit",
        )
    if queued and job.get("ttl_minutes"):
        yield Finding(
            f"{path}.ttlMinutes",
            f"{job['ttl_minutes']} on queued pool {name}",
            "a Job that is started again would wait for nodes of a used request",
            "remove ttlMinutes",
        )


def _check_slice(path: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None) -> Iterator[Finding]:
    """A TPU slice works as a whole: every chip of every host, one pod per host."""
    placement, capacity = pool["placement"], pool["capacity"]
    if not placement["topology"]:
        return
    hosts, pods = placement["hosts_per_slice"], int(workers["count"]) if workers else 1
    if pods != hosts:
        yield Finding(
            f"{path}.workers.count",
            str(pods),
            f"a {placement['topology']} slice of pool {placement['pool']} has {hosts} hosts that work together",
            f"use {hosts} workers" if hosts > 1 else "remove workers: a training on one node has none",
        )
    chips, taken = max(capacity["units_per_node"].values()), accelerator_count(job.get("accelerators"))
    if 0 < taken < chips:
        yield Finding(
            f"{path}.accelerators.count",
            str(taken),
            f"one pod must use all {chips} chips of a host of a TPU slice",
            f"use {chips}",
        )


def _check_workers(path: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec) -> Iterator[Finding]:
    yield from _required(path, workers, ("count",))
    count = int(workers.get("count", 2))
    if count < 2:
        yield Finding(
            f"{path}.count", str(count), "two or more workers", "remove workers: a training on one node has none"
        )
    units, offered = accelerator_count(job.get("accelerators")), pool["capacity"]["units_per_node"].values()
    room = max((each // units for each in offered), default=0) * pool["capacity"]["nodes_max"] if units else count
    if 0 < room < count:
        yield Finding(
            f"{path}.count",
            f"{count} workers with {units} each",
            f"pool {pool['capacity']['pool']} has room for {room} at its largest, and they start together",
            f"use {room}, or raise nodesMax of the pool",
        )
    if "processes_per_worker" in workers:
        yield from _between(path, "processesPerWorker", workers["processes_per_worker"], 1, 256, "processes")
    if "port" in workers:
        yield from _between(path, "port", workers["port"], 1024, 65535, "as a port")


def check_inference(
    path: str,
    service: InferenceSpec,
    pool: PoolHandle,
    runtimes: Mapping[str, Runtime] = RUNTIMES,
    pools: Sequence[PoolHandle] = (),
) -> Iterator[Finding]:
    """One model served by KServe. `runtimes`: the existing ones, by name; `pools`: all, if they are known."""
    yield from _required(path, service, ("model_format", "storage_uri", "cpu_millis", "memory_gib"))
    if service.get("storage_uri"):
        yield from check_storage_uri(f"{path}.storageUri", service["storage_uri"], INFERENCE_SCHEMES)
    if service.get("version"):
        yield from _check_version(f"{path}.version", service["version"])
    yield from _check_choice(path, service, pool, runtimes)
    yield from _check_runtime(path, service, pool)
    yield from _check_served(path, service, pool)
    yield from _between(path, "metricsPort", service.get("metrics_port", 0), 0, 65535, "as a port; 0 is none")
    yield from check_kserve_environment(f"{path}.environment", service.get("environment") or {})
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
    parts = {key: f"{name}-{version}-predictor" for key, version in versions.items() if version}
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
    path: str, server: ModelServerSpec, pool: PoolHandle, domains: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """One model server with an image of the team. `domains`: of its gateway, by name; None: it has no gateway."""
    yield from _required(path, server, ("image", "cpu_millis", "memory_gib"))
    if server.get("image"):
        yield from check_image(f"{path}.image", server["image"])
    yield from check_environment(f"{path}.environment", server.get("environment") or {})
    yield from check_texts(f"{path}.environmentSecrets", server.get("environment_secrets") or [], SUBDOMAIN)
    if server.get("storage_uri"):
        yield from check_storage_uri(f"{path}.storageUri", server["storage_uri"], MODEL_SERVER_SCHEMES)
    yield from _check_served(path, server, pool)
    yield from _between(path, "port", server.get("port", 8080), 1024, 65535, "as a port")
    yield from _between(path, "modelSizeGib", server.get("model_size_gib", 1), 1, MAX_LOCAL_GIB, "GiB")
    yield from _between(path, "startupMinutes", server.get("startup_minutes", 10), 1, 180, "minutes")
    yield from _between(path, "graceSeconds", server.get("grace_seconds", 60), 0, 3600, "seconds")
    for key, route in (("readyPath", "ready_path"), ("livePath", "live_path"), ("metricsPath", "metrics_path")):
        if server.get(route):
            yield from check_text(f"{path}.{key}", str(server.get(route)), HTTP_PATH)
    folder = server.get("model_path", DEFAULT_MODEL_PATH)
    yield from check_text(f"{path}.modelPath", folder, MOUNT_PATH)
    if folder and _of_the_image(_folder(folder)):
        rule = "a separate folder: others are mounted, or belong to the image"
        yield Finding(f"{path}.modelPath", folder, rule, f"write it like {DEFAULT_MODEL_PATH}")
    hostname = server.get("hostname", "")
    if hostname and not (DNS_NAME.accepts(hostname) and "." in hostname):
        yield Finding(f"{path}.hostname", hostname, "a DNS name in lower case", "write it like model.example.com")
    if hostname and hostname.partition(".")[2] not in (domains or {}).values():
        known = ", ".join((domains or {}).values()) or "(there is no gateway)"
        yield Finding(
            f"{path}.hostname",
            hostname,
            f"one label below a domain of the gateway, because a wildcard certificate covers one: {known}",
            "choose such a name, or add the domain above it to gateway.domains",
        )


def _check_served(path: str, served: InferenceSpec | ModelServerSpec, pool: PoolHandle) -> Iterator[Finding]:
    yield from check_keys(f"{path}.annotations", served.get("annotations") or {}, ANNOTATION_KEY)
    yield from check_size(path, served, pool)
    yield from _check_replicas(path, served)
    target = served.get("scale_target_percent", SCALE_TARGET)
    yield from _between(path, "scaleTargetPercent", target, 10, 95, "percent")
    yield from _between(path, "timeoutSeconds", served.get("timeout_seconds", 60), 1, 3600, "seconds")
    placement = pool["placement"]
    if placement["purchase"] == Purchase.SPOT:
        yield Finding(
            f"{path}.pool",
            f"{placement['pool']} (spot)",
            "a model must not run on nodes that can all be reclaimed at once",
            "choose an on-demand or reserved pool",
        )
    if placement.get("queued"):
        yield Finding(
            f"{path}.pool",
            f"{placement['pool']} (queued)",
            "queued nodes serve one training, when enough are available, and then end",
            "choose an on-demand or reserved pool; flex-start if it may wait for nodes",
        )
    if placement["hosts_per_slice"] > 1:
        yield Finding(
            f"{path}.pool",
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
    if fewest > most:
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
    yield from _required(path, canary, ("version", "storage_uri", "traffic_percent"))
    yield from _between(path, "trafficPercent", canary.get("traffic_percent", 0), 0, 100, "percent")
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
    if not 1 <= int(canary.get("replicas", 1)) <= fewest:
        yield Finding(
            f"{path}.replicas",
            str(canary.get("replicas", 1)),
            f"1 to minReplicas ({fewest}), as KServe requires",
            "lower it, or raise minReplicas",
        )


def _check_transformer(path: str, transformer: TransformerSpec, pools: Sequence[PoolHandle]) -> Iterator[Finding]:
    yield from _required(path, transformer, ("image", "cpu_millis", "memory_gib"))
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
    yield from _between(path, "cpuMillis", cpu, 1, most_cpu, f"thousandths of a vCPU {node}".rstrip())
    yield from _between(path, "memoryGib", memory, 1, most_memory, f"GiB {node}".rstrip())


def check_size(path: str, spec: TrainingSpec | InferenceSpec | ModelServerSpec, pool: PoolHandle) -> Iterator[Finding]:
    """One pod fits one node of its pool, and requests devices exactly if the pool has some."""
    capacity = pool["capacity"]
    cpu, memory = int(spec.get("cpu_millis", 1)), int(spec.get("memory_gib", 1))
    most_cpu, most_memory = int(capacity["cpu_per_node"]) * 1000, int(capacity["memory_gib_per_node"])
    node = f"of a node of pool {capacity['pool']}"
    yield from _between(path, "cpuMillis", cpu, 1, most_cpu, f"thousandths of a vCPU, {node}")
    yield from _between(path, "memoryGib", memory, 1, most_memory, f"GiB, {node}")
    yield from _between(path, "ephemeralStorageGib", spec.get("ephemeral_storage_gib", 1), 1, MAX_LOCAL_GIB, "GiB")
    limit = int(spec.get("cpu_limit_millis", 0))
    if limit and limit < cpu:
        yield Finding(f"{path}.cpuLimitMillis", str(limit), "at least cpuMillis", "raise it, or remove it")
    shared = int(spec.get("shared_memory_gib") or 0)
    if not 0 <= shared < max(memory, 1):
        yield Finding(
            f"{path}.sharedMemoryGib",
            str(shared),
            f"shared memory is part of the pod's memory, so it must be less than memoryGib ({memory})",
            "lower sharedMemoryGib or raise memoryGib",
        )
    yield from _check_accelerators(f"{path}.accelerators", spec.get("accelerators") or {}, pool)


def _check_accelerators(path: str, request: AcceleratorRequest, pool: PoolHandle) -> Iterator[Finding]:
    name, offered = pool["capacity"]["pool"], pool["capacity"]["units_per_node"]
    count: Any = request.get("count", 0)
    if int(count) < 0:
        yield Finding(f"{path}.count", str(count), "0 or more devices", "use 1 or more, or remove accelerators")
        return
    if float(count) != int(count):
        yield Finding(
            f"{path}.count",
            str(count),
            "devices are requested as whole numbers",
            "request a whole unit of a pool that shares devices (time-slicing) or partitions them (MIG)",
        )
        return
    if not offered:
        if count or request.get("mig_profile"):
            yield Finding(
                f"{path}.count",
                str(count),
                f"pool {name} has no accelerators",
                "remove accelerators, or choose a pool that has some",
            )
        return
    if not count:
        yield Finding(
            f"{path}.count",
            "0",
            f"a pod on pool {name} must request accelerators: its nodes are reserved for such pods",
            "set accelerators.count, or choose a CPU pool",
        )
        return
    profile = request.get("mig_profile", "")
    try:
        resource = resource_name(pool["capacity"], profile)
    except KeyError:
        yield _wrong_profile(f"{path}.migProfile", profile, pool)
        return
    if int(count) > 1 and pool["capacity"]["sharing"] in (Sharing.TIME_SLICING, Sharing.MPS):
        yield Finding(
            f"{path}.count",
            str(int(count)),
            f"pool {name} shares its devices: two shares are no faster than one, and the device plugin refuses them",
            "set it to 1, or choose a pool with whole devices",
        )
    elif int(count) > offered[resource]:
        yield Finding(
            f"{path}.count",
            str(int(count)),
            f"a node of pool {name} offers {offered[resource]} {resource}, and a pod runs on one node",
            "spread the work over several workers, or choose a pool with larger nodes",
        )


def _wrong_profile(path: str, profile: str, pool: PoolHandle) -> Finding:
    name, offered = pool["capacity"]["pool"], sorted(pool["capacity"]["units_per_node"])
    profiles = [unit.removeprefix(_MIG_PREFIX) for unit in offered if unit.startswith(_MIG_PREFIX)]
    if profiles:
        rule = f"pool {name} is partitioned, so a workload must name one of its profiles: {', '.join(profiles)}"
        return Finding(path, profile or "(missing)", rule, "name one of these")
    rule = f"pool {name} offers {', '.join(offered)}, not partitioned"
    return Finding(path, profile, rule, "remove migProfile, or choose a pool with sharing.strategy mig")


def check_storage_uri(path: str, uri: str, schemes: Sequence[str]) -> Iterator[Finding]:
    """A supported address of a model, without credentials in it."""
    match = _URI.match(uri)
    if not match or match["scheme"] not in schemes or "@" in match["place"]:
        shown = "(an address with credentials in it)" if match and "@" in match["place"] else uri
        yield Finding(
            path,
            shown or "(missing)",
            f"an address of one of: {', '.join(f'{scheme}://' for scheme in schemes)}; credentials come from the team",
            "write it like s3://bucket/models/name/version",
        )
    elif (grammar := _PLACES.get(match["scheme"])) and not grammar[1].accepts(match["place"]):
        what, (rule, example, _) = grammar
        yield Finding(path, uri, f"after {match['scheme']}:// {what}: {rule}", example)


def check_environment(
    path: str, environment: Mapping[str, str], elsewhere: str = _IN_ENVIRONMENT_SECRETS
) -> Iterator[Finding]:
    """No secrets in plain text, and no variables that select devices: the device plugin does. Values are never
    shown."""
    yield from check_keys(path, environment, ENVIRONMENT_NAME)
    for name in sorted(environment):
        if _SECRET_NAME.search(name):
            yield Finding(
                f"{path}.{name}",
                "[not shown]",
                "settings must not contain credentials",
                elsewhere,
            )
        if name in _DEVICE_VARIABLES:
            yield Finding(
                f"{path}.{name}",
                environment[name],
                "the device plugin decides which devices a container sees; this variable could expose others",
                "remove it and set accelerators.count",
            )


def _required(path: str, spec: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Finding]:
    for key in keys:
        if spec.get(key) in (None, ""):
            yield Finding(f"{path}.{camel(key)}", "(missing)", "required", f"add {camel(key)}")


def _between(path: str, key: str, value: Any, least: int, most: int, unit: str) -> Iterator[Finding]:
    if not least <= int(value) <= most:
        yield Finding(
            f"{path}.{key}", str(value), f"{least} to {most} {unit}", f"use {min(max(int(value), least), most)}"
        )
