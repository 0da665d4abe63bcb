"""A training on a schedule."""

from typing import Required

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import batch, meta

from components.base.component import Component
from components.base.labels import Role
from components.base.workload_labels import workload_labels
from components.findings import refuse
from components.workloads.training.distributed import workers_template
from components.workloads.training.job import TrainingJobArgs, one_host_template
from components.workloads.training.plan import cron_job_spec, job_spec
from components.workloads.training.spec import ScheduleSpec, WorkersSpec
from components.workloads.training.validation import check_checkpoint_storage, check_scheduled_training


class ScheduledTrainingArgs(TrainingJobArgs, total=False):
    """A training program, its schedule and its dependencies. `job` has no `run`. With workers `checkpoint_storage` is a
    class with ReadWriteMany."""

    schedule: Required[ScheduleSpec]
    """The schedule."""
    workers: WorkersSpec
    """Number of workers, and their rendezvous; default: one worker, without."""


class ScheduledTraining(Component):
    """A repeated training on one node, or on several (`workers`); runs never overlap.

    A change applies from the next run on; a run in progress does not change, but its pods that are replaced get the new
    `files`. `schedule` sets how many old runs are kept.
    """

    cron_job: Output[str]
    """Name of its CronJob."""

    def __init__(self, name: str, args: ScheduledTrainingArgs, opts: ResourceOptions | None = None) -> None:
        job, team, pool, workers = args["job"], args["team"], args["pool"], args.get("workers")
        storage = args.get("checkpoint_storage")
        modes = storage["access_modes"] if storage else None
        refuse(
            f"scheduled training {name}",
            [
                *check_scheduled_training(name, name, job, args["schedule"], pool, workers),
                *check_checkpoint_storage(name, job, workers, modes),
            ],
        )
        super().__init__(name, args, opts)
        labels = workload_labels(name, team["name"], Role.TRAINING)
        template = (
            workers_template(name, name, args, workers, labels, self.child, scheduled=True)
            if workers
            else one_host_template(name, args, labels, self.child)
        )
        cron = batch.v1.CronJob(
            f"{name}-schedule",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=team["namespace"], labels=labels),
            spec=cron_job_spec(args["schedule"], job_spec(job, template, workers), labels),
            opts=self.child,
        )
        self.cron_job = cron.metadata.name.apply(str)
        self.register_outputs({"cronJob": self.cron_job})
