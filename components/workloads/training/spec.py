"""Trainings as plain data: the part that settings contain. Pure.

The components take these under one key (`job`, `workers`, `schedule`), in addition to handles (team, pool, storage,
tracking), so that settings have the same structure and the same rules validate both.
"""

from typing import Required, TypedDict

from components.capacity.placement import AcceleratorRequest
from components.workloads.files import FilesSpec


class CheckpointSpec(TypedDict, total=False):
    """A volume that outlives the pods and the runs of a training."""

    size_gib: Required[int]
    """Size of the volume in GiB."""
    path: str
    """Mount path; default `/checkpoints`. The program gets it in the environment variable CHECKPOINT_DIR."""


class TrainingSpec(FilesSpec, total=False):
    """One training program and its resources; per worker, if there are several."""

    run: str
    """Required, except with a schedule. Names one run of this training and is part of its Job's name. A run is
    immutable: to train again, or with other settings, set another one. `deadlineMinutes`, `retries` and `ttlMinutes`
    can be changed while it runs."""
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
    accelerators: AcceleratorRequest
    """Devices of one worker; on a TPU slice all chips of a host. Omitted on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, as request and limit."""
    cpu_limit_millis: int
    """CPU limit; default none: a limit throttles data loaders."""
    ephemeral_storage_gib: int
    """Local disk for /tmp and logs in GiB; default 20."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the image's file system is read-only; default true. /tmp and /dev/shm are writable in any case."""
    deadline_minutes: Required[int]
    """Deadline in minutes from the start of the run, retries and the wait for nodes included; the run is then stopped.
    At most the lifetime of a node of the pool; only flex-start with a checkpoint may take longer."""
    retries: int
    """Restarts after a failure, 0 to 10; default 3. Lost nodes and preemption do not count."""
    fatal_exit_codes: list[int]
    """Exit codes after which there is no restart; default 2 (wrong usage), 126 and 127 (cannot be executed)."""
    grace_seconds: int
    """Seconds from SIGTERM to the end of a pod, to write a checkpoint; default 60."""
    checkpoint: CheckpointSpec
    """Required on spot pools. Volume for the data with which the program resumes."""
    datasets: dict[str, str]
    """Existing PersistentVolumeClaims of the namespace -> mount paths, read-only."""
    annotations: dict[str, str]
    """Annotations of the pods; they override those that prevent autoscalers from moving a training (not on spot)."""
    preemptible: bool
    """Whether trainings of normal priority may preempt it; default: on spot pools only."""
    ttl_minutes: int
    """When the finished Job is removed; default: never, it stays until another run replaces it. The next `refresh` and
    `up` start a removed Job again, so this requires a checkpoint to resume from."""


class WorkersSpec(TypedDict, total=False):
    """Distribution of a training over several pods that start and end together."""

    count: Required[int]
    """Number of pods, one on each node unless they are smaller; on a TPU slice its number of hosts."""
    processes_per_worker: int
    """Processes that torchrun starts in each pod; default: one for each accelerator."""
    port: int
    """Rendezvous port of worker 0; default 29400."""
    one_per_node: bool
    """Whether each worker has a node of its own, also where several fit one; default false."""


class ScheduleSpec(TypedDict, total=False):
    """Schedule of a training."""

    cron: Required[str]
    """Minute, hour, day of month, month, day of week."""
    time_zone: str
    """IANA time zone; default Etc/UTC."""
    suspended: bool
    """Whether it is suspended; default false. A run in progress is not stopped."""
    start_within_minutes: int
    """How late a run may start, in minutes; default 60. After that it is skipped."""
    keep_succeeded: int
    """Succeeded Jobs that are kept; default 3."""
    keep_failed: int
    """Failed Jobs that are kept; default 3."""


DEFAULT_RETRIES = 3
DEFAULT_GRACE_SECONDS = 60
DEFAULT_EPHEMERAL_STORAGE_GIB = 20
DEFAULT_FATAL_EXIT_CODES = (2, 126, 127)
DEFAULT_RENDEZVOUS_PORT = 29400
DEFAULT_CHECKPOINT_PATH = "/checkpoints"
DEFAULT_TIME_ZONE = "Etc/UTC"
DEFAULT_START_WITHIN_MINUTES = 60
DEFAULT_KEPT_JOBS = 3


def run_name(name: str, run: str) -> str:
    """Name of the Job of one run; also the stem of its pods' host names."""
    return f"{name}-{run}"


def accelerator_count(request: AcceleratorRequest | None) -> int:
    """Units that one pod requests; 0 without any."""
    return int((request or {}).get("count", 0))


def shared_memory_mib(memory_gib: int, accelerators: AcceleratorRequest | None, wanted_gib: int | None) -> int:
    """Size of /dev/shm: the set value, else a quarter of the memory with accelerators (data loaders pass batches)."""
    if wanted_gib is not None:
        return int(wanted_gib) * 1024
    return int(memory_gib) * 256 if accelerator_count(accelerators) else 0
