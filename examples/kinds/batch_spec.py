"""The program of a batch, and its rules. Pure: settings and the component use both."""

from collections.abc import Iterator
from typing import Required, TypedDict, cast

from components.base.images import check_image
from components.capacity.placement import AcceleratorRequest, PoolHandle
from components.findings import Finding
from components.workloads.training.spec import ScheduleSpec, TrainingSpec, WorkersSpec
from components.workloads.training.validation import MAX_CRON_JOB_NAME, check_schedule
from components.workloads.validation import check_size

MAX_PARTS = 100


class BatchSpec(TypedDict, total=False):
    """The program of a batch, and the resources of each part."""

    image: Required[str]
    """Container image with a tag or digest."""
    arguments: list[str]
    """Replaces the image's arguments."""
    parts: Required[int]
    """Pods that run at once, each with its index in JOB_COMPLETION_INDEX."""
    accelerators: AcceleratorRequest
    """Devices of one part."""
    cpu_millis: Required[int]
    """CPU request of one part, in thousandths of a vCPU."""
    memory_gib: Required[int]
    """Memory of one part in GiB."""
    deadline_minutes: Required[int]
    """Deadline in minutes from the start; the batch is then stopped."""


def as_training(program: BatchSpec) -> tuple[TrainingSpec, WorkersSpec]:
    """A batch as a training on several nodes, whose planners it uses."""
    one = cast(TrainingSpec, {key: value for key, value in program.items() if key != "parts"})
    return one, WorkersSpec(count=program["parts"])


def check_batch(
    path: str, name: str, program: BatchSpec, schedule: ScheduleSpec, pool: PoolHandle, *, entry: str = ""
) -> Iterator[Finding]:
    """Findings for a batch, from its settings or its component.

    `path`: of the program; `entry`: of what has the program, the schedule and the pool, where that is another path.
    """
    entry = entry or path
    yield from check_image(f"{path}.image", program["image"])
    yield from check_size(path, as_training(program)[0], pool)
    for key, value, most in (
        ("parts", program["parts"], MAX_PARTS),
        ("deadlineMinutes", program["deadline_minutes"], 1440),
    ):
        if not 1 <= int(value) <= most:
            yield Finding(f"{path}.{key}", str(value), f"1 to {most}", f"use {min(max(int(value), 1), most)}")
    if len(name) > MAX_CRON_JOB_NAME:
        yield Finding(entry, name, f"the name of a batch has at most {MAX_CRON_JOB_NAME} characters", "shorten it")
    if pool["placement"].get("queued") or pool["placement"]["hosts_per_slice"] > 1:
        rule = "each part starts alone, on one node: no queued pool, no slice of several hosts"
        yield Finding(f"{entry}.pool", pool["placement"]["pool"], rule, "choose another pool")
    yield from check_schedule(f"{entry}.schedule", schedule)
