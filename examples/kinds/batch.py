"""A custom workload kind: a nightly batch, split into parts that run in parallel.

`workloadKinds: [examples.kinds.batch]` in a `Pulumi.<stack>.yaml` gives it the section `batch`:

    mlplatform:batch:
      embeddings:
        team: language
        pool: l4
        program: {image: "ghcr.io/example/embed:1.0.0", parts: 4, cpuMillis: 4000, memoryGib: 16, deadlineMinutes: 240}
        schedule: {cron: "0 2 * * *"}

Each pod finds its part in JOB_COMPLETION_INDEX, which Kubernetes sets. The component is in `batch_job.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Required, TypedDict, cast

from components.base.images import check_image
from components.capacity.ledger import Demand, Holding
from components.capacity.placement import AcceleratorRequest, PoolHandle
from components.findings import Finding
from components.workloads.demand import accelerator_demand, training_holding
from components.workloads.training.spec import ScheduleSpec, TrainingSpec, WorkersSpec
from components.workloads.training.validation import MAX_CRON_JOB_NAME, check_schedule
from components.workloads.validation import check_size
from settings.kinds.base import Platform, SettingsView, WorkloadKind
from settings.models.shape import Shape
from settings.models.workloads import Workload

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


class Batch(Workload):
    """A batch on a schedule."""

    program: Annotated[BatchSpec, Shape(BatchSpec)]
    """The program and its resources."""
    schedule: Annotated[ScheduleSpec, Shape(ScheduleSpec)]
    """When it runs."""


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


class BatchKind(WorkloadKind[Batch]):
    """One CronJob for each entry."""

    section = "batch"
    model = Batch
    description = "Batches on a schedule, each split into parts that run in parallel."
    device_keys = frozenset({"parts"})

    def findings(
        self, path: str, name: str, workload: Batch, pool: PoolHandle, settings: SettingsView
    ) -> Iterator[Finding]:
        program, schedule = workload.program, workload.schedule
        yield from check_batch(f"{path}.program", name, program, schedule, pool, entry=path)

    def demand(self, path: str, name: str, workload: Batch, pool: PoolHandle) -> Iterable[Demand]:
        program = workload.program
        return accelerator_demand(path, name, workload.team, program.get("accelerators"), pool, program["parts"])

    def holdings(self, path: str, name: str, workload: Batch) -> Iterable[Holding]:
        suspended = workload.schedule.get("suspended", False)
        job, parts = as_training(workload.program)
        return [] if suspended else [training_holding(path, name, workload.team, job, parts)]

    def row(self, name: str, workload: Batch) -> Mapping[str, str]:
        return {"kind": "batch", "without_pods": f"next: {workload.schedule['cron']}"}

    def declare(self, platform: Platform) -> None:
        from examples.kinds.batch_job import BatchJob  # noqa: PLC0415

        for name, batch in self.workloads(platform.settings).items():
            BatchJob(
                name,
                {
                    "program": batch.program,
                    "schedule": batch.schedule,
                    "team": platform.teams[batch.team],
                    "pool": platform.pools[batch.pool],
                },
                platform.after_team(batch.team),
            )


KIND = BatchKind()
