"""What a training is, in plain data: the part of it that people write in settings. Pure.

The components take these under one key (`job`, `workers`, `schedule`) beside the handles of what they use (team, pool,
storage, tracking), so that settings mirror them one to one and the rules judge both alike.
"""

from typing import Required, TypedDict

from components.capacity.placement import AcceleratorRequest


class CheckpointSpec(TypedDict, total=False):
    """A volume that outlives the pods and the runs of a training."""

    size_gib: Required[int]
    """Size of the volume in GiB."""
    path: str
    """Where it is mounted; default `/checkpoints`. The environment variable CHECKPOINT_DIR says so to the program."""


class TrainingSpec(TypedDict, total=False):
    """One training program and what it needs; of one worker, where there are several."""

    run: str
    """Required, except on a schedule. Names one run of this training and is part of its Job's name. A run is never
    edited: to train again, or with other settings, give another one. `deadlineMinutes`, `retries` and `ttlMinutes` can
    be changed while it runs."""
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
    accelerators: AcceleratorRequest
    """Devices of one worker; on a TPU slice all chips of a host. Left out on a CPU pool."""
    cpu_millis: Required[int]
    """CPU request in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory in GiB, request and limit alike."""
    cpu_limit_millis: int
    """CPU limit; default none: a limit throttles data loaders."""
    ephemeral_storage_gib: int
    """Local disk for /tmp and logs in GiB; default 20."""
    shared_memory_gib: int
    """Size of /dev/shm in GiB, part of `memoryGib`; default a quarter of it with accelerators, else none (0)."""
    read_only_root: bool
    """Whether the image's file system is read-only; default true. /tmp and /dev/shm are writable in any case."""
    deadline_minutes: Required[int]
    """When the run is stopped at the latest, in minutes from its start, retries and the wait for nodes included. At
    most as long as a node of the pool lives: flex-start with a checkpoint alone may take longer."""
    retries: int
    """Restarts after a failure, 0 to 10; default 3. Lost nodes and preemption are not counted."""
    fatal_exit_codes: list[int]
    """Exit codes that a restart cannot help; default 2 (wrong usage), 126 and 127 (cannot be executed)."""
    grace_seconds: int
    """Seconds from SIGTERM to the end of a pod, to write a checkpoint; default 60."""
    checkpoint: CheckpointSpec
    """Required on spot pools. Where the program keeps what it needs to resume."""
    datasets: dict[str, str]
    """Existing PersistentVolumeClaims of the namespace -> where they are mounted, read-only."""
    annotations: dict[str, str]
    """Annotations of the pods; they win over those that keep autoscalers from moving a training (not on spot)."""
    preemptible: bool
    """Whether trainings of normal priority may push it aside; default: on spot pools only."""
    ttl_minutes: int
    """When the finished Job is removed; default: never, its record stays until another run replaces it. A Job that is
    gone is started again by the next `refresh` and `up`, so this is refused without a checkpoint to resume from."""


class WorkersSpec(TypedDict, total=False):
    """How a training is spread over several pods that start and end together."""

    count: Required[int]
    """Pods, one on each node unless they are smaller; on a TPU slice its number of hosts."""
    processes_per_worker: int
    """Processes that torchrun starts in each pod; default: one for each accelerator."""
    port: int
    """Rendezvous port of worker 0; default 29400."""


class ScheduleSpec(TypedDict, total=False):
    """When a training is repeated."""

    cron: Required[str]
    """Minute, hour, day of month, month, day of week."""
    time_zone: str
    """IANA time zone; default Etc/UTC."""
    suspended: bool
    """Whether it pauses; default false. A run that goes on is not stopped."""
    start_within_minutes: int
    """How late a run may start, in minutes; default 60. Later it is skipped."""
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
    """Units that one pod takes; 0 without any."""
    return int((request or {}).get("count", 0))


def shared_memory_mib(memory_gib: int, accelerators: AcceleratorRequest | None, wanted_gib: int | None) -> int:
    """Size of /dev/shm: as wanted, else a quarter of the memory where there are accelerators (loaders pass batches)."""
    if wanted_gib is not None:
        return int(wanted_gib) * 1024
    return int(memory_gib) * 256 if accelerator_count(accelerators) else 0
