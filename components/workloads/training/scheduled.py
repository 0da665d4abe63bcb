"""A training on a schedule."""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import batch, meta

from components.base.component import Component
from components.base.workload_labels import Role, workload_labels
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.storage.plan import ObjectStoreHandle, StorageHandle
from components.tenants.handles import TeamHandle
from components.tracking.spec import TrackingHandle
from components.workloads.training.job import one_host_template
from components.workloads.training.plan import cron_job_spec, job_spec
from components.workloads.training.spec import ScheduleSpec, TrainingSpec
from components.workloads.training.validation import check_checkpoint_storage, check_scheduled_training


class ScheduledTrainingArgs(TypedDict, total=False):
    """A training program, its schedule and its dependencies."""

    job: Required[TrainingSpec]
    """The program and its resources, without a `run`."""
    schedule: Required[ScheduleSpec]
    """The schedule."""
    team: Required[TeamHandle]
    """The team: namespace, service account, priority."""
    pool: Required[PoolHandle]
    """The pool whose nodes it uses."""
    checkpoint_storage: StorageHandle
    """Class of the checkpoint volume; required with `job.checkpoint`."""
    tracking: TrackingHandle
    """Tracking server that it logs to."""
    artifacts: ObjectStoreHandle
    """Bucket that it may read and write, with the keys in the team's namespace."""
    keep_data: bool
    """Required in stacks that are not simulated: the checkpoints outlive the training's removal from the stack."""


class ScheduledTraining(Component):
    """A repeated training on one node; runs never overlap.

    A change applies from the next run on; a run in progress does not change. `schedule` sets how many old runs are
    kept.
    """

    cron_job: Output[str]
    """Name of its CronJob."""

    def __init__(self, name: str, args: ScheduledTrainingArgs, opts: ResourceOptions | None = None) -> None:
        job, team, pool, storage = args["job"], args["team"], args["pool"], args.get("checkpoint_storage")
        modes = storage["access_modes"] if storage else None
        refuse(
            f"scheduled training {name}",
            [
                *check_scheduled_training(name, name, job, args["schedule"], pool),
                *check_checkpoint_storage(name, job, None, modes),
            ],
        )
        super().__init__(name, args, opts)
        labels = workload_labels(name, team["name"], Role.TRAINING)
        template = one_host_template(name, args, labels, self.child)
        cron = batch.v1.CronJob(
            f"{name}-schedule",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=team["namespace"], labels=labels),
            spec=cron_job_spec(args["schedule"], job_spec(job, template), labels),
            opts=self.child,
        )
        self.cron_job = cron.metadata.name.apply(str)
        self.register_outputs({"cronJob": self.cron_job})
