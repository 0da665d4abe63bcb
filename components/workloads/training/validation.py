"""Rules on trainings: what cannot run is refused before anything is registered."""

import re
from collections.abc import Iterator, Sequence
from zoneinfo import available_timezones

from catalog.accelerators import Purchase
from components.base.grammar import (
    ANNOTATION_KEY,
    MOUNT_PATH,
    SUBDOMAIN,
    check_keys,
    check_text,
    check_texts,
)
from components.base.images import check_image
from components.base.schedules import cron_problem
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.storage.plan import AccessMode
from components.workloads.file_validation import PLATFORM_MOUNTS, check_files, folder, of_the_image, taken
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
from components.workloads.validation import MAX_OBJECT_NAME, between, check_environment, check_size, required

SPOT_GRACE_SECONDS = (10, 120)
"""EC2 ends a spot node two minutes after the notice, Compute Engine after half a minute: longer has no effect."""
MAX_RETRIES = 10
MAX_CRON_JOB_NAME = 52
"""The controller adds eleven characters for the name of each Job."""
_RUN = re.compile(r"^[a-z0-9]([-a-z0-9]{0,14}[a-z0-9])?\Z")


def check_training(
    path: str, name: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None = None, *, entry: str = ""
) -> Iterator[Finding]:
    """One training with a `run`, on one node or (with `workers`) on several.

    `path`: of the job; `entry`: of what has the job, the pool and the workers, where that is another path.
    """
    yield from required(path, job, ("run",))
    run = job.get("run", "")
    last = int(workers["count"]) - 1 if workers else 0
    if run and not _RUN.match(run):
        yield Finding(
            f"{path}.run",
            run,
            "1 to 16 of a-z, 0-9 and '-', no '-' at either end",
            "use a number or a date: 2026-11-21",
        )
    elif len(f"{name}-{run}-{last}") > MAX_OBJECT_NAME:
        yield Finding(
            f"{path}.run",
            f"{name}-{run}",
            f"with the index of a worker at most {MAX_OBJECT_NAME} characters: it is the host name of its pods",
            "shorten the name or the run",
        )
    yield from _check_program(path, entry or path, job, pool, workers)


def check_scheduled_training(
    path: str,
    name: str,
    job: TrainingSpec,
    schedule: ScheduleSpec,
    pool: PoolHandle,
    workers: WorkersSpec | None = None,
    *,
    entry: str = "",
) -> Iterator[Finding]:
    """One training on a schedule, on one node or (with `workers`) on several. `path` and `entry` as above."""
    entry = entry or path
    if job.get("run"):
        yield Finding(
            f"{path}.run",
            str(job["run"]),
            "runs on a schedule are named after their time",
            "remove run, or remove schedule to train once",
        )
    # With workers the host names of its pods end with their index.
    longest = MAX_CRON_JOB_NAME - (len(f"-{int(workers.get('count', 2)) - 1}") if workers else 0)
    if len(name) > longest:
        yield Finding(
            entry, name, f"the name of this scheduled training has at most {longest} characters", "shorten it"
        )
    if pool["placement"].get("queued"):
        yield Finding(
            f"{entry}.pool",
            f"{pool['placement']['pool']} (queued)",
            "a request for queued nodes is used once, and a schedule has many runs",
            "choose a flex-start, spot or on-demand pool, or remove schedule and set a run each time",
        )
    yield from _check_program(path, entry, job, pool, workers)
    yield from check_schedule(f"{entry}.schedule", schedule)


def check_schedule(path: str, schedule: ScheduleSpec) -> Iterator[Finding]:
    """Valid for Kubernetes: five fields, and a separate time zone."""
    yield from required(path, schedule, ("cron",))
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
    yield from between(path, "startWithinMinutes", schedule.get("start_within_minutes", 1), 1, 24 * 60, "minutes")
    for key, kept in (("keepSucceeded", "keep_succeeded"), ("keepFailed", "keep_failed")):
        yield from between(path, key, schedule.get(kept, 0), 0, 50, "Jobs")


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


def _check_program(
    path: str, entry: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None
) -> Iterator[Finding]:
    yield from required(path, job, ("image", "cpu_millis", "memory_gib", "deadline_minutes"))
    if job.get("image"):
        yield from check_image(f"{path}.image", job["image"])
    yield from check_environment(f"{path}.environment", job.get("environment") or {})
    yield from check_texts(f"{path}.environmentSecrets", job.get("environment_secrets") or [], SUBDOMAIN)
    yield from check_keys(f"{path}.annotations", job.get("annotations") or {}, ANNOTATION_KEY)
    yield from _check_mounts(path, job)
    yield from check_size(path, job, pool)
    yield from between(path, "deadlineMinutes", job.get("deadline_minutes", 1), 1, 60 * 24 * 30, "minutes")
    yield from between(path, "retries", job.get("retries", DEFAULT_RETRIES), 0, MAX_RETRIES, "restarts")
    grace = int(job.get("grace_seconds", DEFAULT_GRACE_SECONDS))
    yield from between(path, "graceSeconds", grace, 0, 60 * 60, "seconds")
    for index, code in enumerate(job.get("fatal_exit_codes", DEFAULT_FATAL_EXIT_CODES)):
        yield from between(path, f"fatalExitCodes[{index}]", code, 1, 255, "as an exit code of a failure")
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
    yield from _check_slice(path, entry, job, pool, workers)
    if workers:
        yield from _check_workers(f"{entry}.workers", job, pool, workers)


def _check_mounts(path: str, job: TrainingSpec) -> Iterator[Finding]:
    """Datasets are existing claims. Each mount has a path of its own, which neither image nor platform uses."""
    checkpoint = job.get("checkpoint")
    mounted = dict(PLATFORM_MOUNTS)
    if checkpoint:
        place = checkpoint.get("path", DEFAULT_CHECKPOINT_PATH)
        at = folder(place)
        yield from check_text(f"{path}.checkpoint.path", place, MOUNT_PATH)
        if MOUNT_PATH.accepts(place) and of_the_image(at):
            yield taken(f"{path}.checkpoint.path", place, mounted.get(at, "the image's own files"))
        mounted.setdefault(at, "checkpoints")
    for claim, place in (job.get("datasets") or {}).items():
        where = f"{path}.datasets.{claim}"
        yield from check_text(where, claim, SUBDOMAIN)
        yield from check_text(where, place, MOUNT_PATH)
        at = folder(place)
        if MOUNT_PATH.accepts(place) and (at in mounted or of_the_image(at)):
            yield taken(where, place, mounted.get(at, "the image's own files"))
        mounted.setdefault(at, f"claim {claim}")
    yield from check_files(path, job, mounted)


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


def _check_slice(
    path: str, entry: str, job: TrainingSpec, pool: PoolHandle, workers: WorkersSpec | None
) -> Iterator[Finding]:
    """A TPU slice works as a whole: every chip of every host, one pod per host."""
    placement, capacity = pool["placement"], pool["capacity"]
    if not placement["topology"]:
        return
    hosts, pods = placement["hosts_per_slice"], int(workers["count"]) if workers else 1
    if pods != hosts and not (workers and pods < 2):
        yield Finding(
            f"{entry}.workers.count",
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
    yield from required(path, workers, ("count",))
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
    nodes = int(pool["capacity"]["nodes_max"])
    if workers.get("one_per_node") and count > nodes:
        yield Finding(
            f"{path}.onePerNode",
            f"{count} workers",
            f"pool {pool['capacity']['pool']} has {nodes} nodes at its largest, and each worker needs one",
            f"use {nodes} workers, raise nodesMax of the pool, or remove onePerNode",
        )
    if "processes_per_worker" in workers:
        yield from between(path, "processesPerWorker", workers["processes_per_worker"], 1, 256, "processes")
    if "port" in workers:
        yield from between(path, "port", workers["port"], 1024, 65535, "as a port")
