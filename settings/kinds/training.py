"""Trainings: once on one node, on several (`workers`), or again and again (`schedule`)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from components.capacity.ledger import Demand, Holding
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.storage.plan import StoragePurpose
from components.workloads.demand import training_demand, training_holding
from components.workloads.training.spec import ScheduleSpec, TrainingSpec, WorkersSpec, run_name
from components.workloads.training.validation import check_checkpoint_storage, check_scheduled_training, check_training
from settings.kinds.base import Disk, Platform, SettingsView, WorkloadKind
from settings.models.shape import Shape
from settings.models.workloads import Workload


class Training(Workload):
    """A training: once, on several nodes (`workers`) or again and again (`schedule`)."""

    job: Annotated[TrainingSpec, Shape(TrainingSpec)]
    """The program and what it needs; of one worker, where there are several."""
    workers: Annotated[WorkersSpec, Shape(WorkersSpec)] | None = None
    """How it is spread over several pods."""
    schedule: Annotated[ScheduleSpec, Shape(ScheduleSpec)] | None = None
    """When it is repeated."""
    checkpoint_storage: StoragePurpose | None = None
    """Storage of the checkpoint volume; default: shared with `workers`, standard without."""

    @property
    def checkpoint_purpose(self) -> StoragePurpose:
        """Several nodes write to a file system, one to a disk."""
        return self.checkpoint_storage or (StoragePurpose.SHARED if self.workers else StoragePurpose.STANDARD)


class TrainingKind(WorkloadKind[Training]):
    """One training, of which each run is a Job, or a CronJob."""

    section = "training"
    model = Training
    description = "Trainings."
    device_keys = frozenset({"workers"})
    size_keys = frozenset({"checkpoint"})

    def findings(
        self, path: str, name: str, workload: Training, pool: PoolHandle, settings: SettingsView
    ) -> Iterator[Finding]:
        job, workers, schedule = workload.job, workload.workers, workload.schedule
        if not schedule:
            yield from check_training(f"{path}.job", name, job, pool, workers, entry=path)
        else:
            yield from check_scheduled_training(f"{path}.job", name, job, schedule, pool, workers, entry=path)
        handle = settings.storage_handles.get(workload.checkpoint_purpose)
        modes = handle["access_modes"] if handle else None
        yield from check_checkpoint_storage(f"{path}.job", job, workers, modes)

    def findings_together(self, settings: SettingsView) -> Iterator[Finding]:
        jobs: dict[tuple[str, str], str] = {}
        for name, training in self.workloads(settings).items():
            job = run_name(name, str(training.job.get("run", "")))
            other = jobs.setdefault((training.team, job), name)
            if other != name:
                yield Finding(
                    f"training.{name}.job.run",
                    f"Job {job} (also run of {other})",
                    f"within team {training.team} a Job has a name of its own: name and run, with '-' between",
                    "give one of the two another run",
                )

    def disks(self, path: str, workload: Training) -> Iterable[Disk]:
        # Several workers write to no disk, and that is said elsewhere.
        if workload.job.get("checkpoint") and not workload.workers:
            yield Disk(f"{path}.job.checkpoint", workload.checkpoint_purpose, "checkpointStorage")

    def demand(self, path: str, name: str, workload: Training, pool: PoolHandle) -> Iterable[Demand]:
        return training_demand(path, name, workload.team, workload.job, pool, workload.workers)

    def holdings(self, path: str, name: str, workload: Training) -> Iterable[Holding]:
        return [training_holding(path, name, workload.team, workload.job, workload.workers, workload.schedule)]

    def row(self, name: str, workload: Training) -> Mapping[str, str]:
        if workload.schedule:
            return {"kind": "scheduled training", "without_pods": f"next: {workload.schedule['cron']}"}
        return {"kind": "distributed training" if workload.workers else "training"}

    def declare(self, platform: Platform) -> None:
        for name, training in self.workloads(platform.settings).items():
            _declare(name, training, platform)


def _declare(name: str, training: Training, platform: Platform) -> None:
    from components.workloads.training.distributed import DistributedTrainingJob  # noqa: PLC0415
    from components.workloads.training.job import TrainingJob  # noqa: PLC0415
    from components.workloads.training.scheduled import ScheduledTraining  # noqa: PLC0415

    common: Any = {
        "job": training.job,
        "team": platform.teams[training.team],
        "pool": platform.pools[training.pool],
        "tracking": platform.tracking,
        "artifacts": platform.artifacts,
        "keep_data": platform.settings.keep_data,
    }
    if training.job.get("checkpoint"):
        common["checkpoint_storage"] = platform.storage[training.checkpoint_purpose]
    opts = platform.after_team(training.team)
    if training.schedule:
        several = {"workers": training.workers} if training.workers else {}
        ScheduledTraining(name, common | several | {"schedule": training.schedule}, opts)
    elif training.workers:
        DistributedTrainingJob(name, common | {"workers": training.workers}, opts)
    else:
        TrainingJob(name, common, opts)


KIND = TrainingKind()
