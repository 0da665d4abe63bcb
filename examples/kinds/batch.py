"""A custom workload kind: a nightly batch, split into parts that run in parallel.

`workloadKinds: [examples.kinds.batch]` in a `Pulumi.<stack>.yaml` gives it the section `batch`:

    mlplatform:batch:
      embeddings:
        team: language
        pool: l4
        program: {image: "ghcr.io/example/embed:1.0.0", parts: 4, cpuMillis: 4000, memoryGib: 16, deadlineMinutes: 240}
        schedule: {cron: "0 2 * * *"}

Each pod finds its part in JOB_COMPLETION_INDEX, which Kubernetes sets. `batch_spec.py` has the program and its rules,
`batch_job.py` the component.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from components.capacity.ledger import Demand, Holding
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.demand import accelerator_demand, training_holding
from components.workloads.training.spec import ScheduleSpec
from examples.kinds.batch_spec import BatchSpec, as_training, check_batch
from settings.kinds.base import Platform, SettingsView, WorkloadKind
from settings.models.shape import Shape
from settings.models.workloads import Workload


class Batch(Workload):
    """A batch on a schedule."""

    program: Annotated[BatchSpec, Shape(BatchSpec)]
    """The program and its resources."""
    schedule: Annotated[ScheduleSpec, Shape(ScheduleSpec)]
    """When it runs."""


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
