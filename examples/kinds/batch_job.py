"""The component of a batch: a CronJob whose pods are built like those of trainings."""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import batch, meta

from components.base.component import Component
from components.base.labels import Role
from components.base.workload_labels import workload_labels
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.tenants.handles import TeamHandle
from components.workloads.device_claims import device_claim_template
from components.workloads.training.plan import cron_job_spec, job_spec, training_template
from components.workloads.training.spec import ScheduleSpec
from examples.kinds.batch_spec import BatchSpec, as_training, check_batch


class BatchJobArgs(TypedDict, total=False):
    """A program, its schedule, its tenant and its pool."""

    program: Required[BatchSpec]
    """The program, and the resources of each part."""
    schedule: Required[ScheduleSpec]
    """The schedule."""
    team: Required[TeamHandle]
    """The tenant: namespace, service account, priority."""
    pool: Required[PoolHandle]
    """The pool whose nodes it uses."""


class BatchJob(Component):
    """A repeated batch, never run twice at once. Network policies and metrics treat its pods as trainings."""

    cron_job: Output[str]
    """Name of its CronJob."""

    def __init__(self, name: str, args: BatchJobArgs, opts: ResourceOptions | None = None) -> None:
        program, schedule, team, pool = args["program"], args["schedule"], args["team"], args["pool"]
        refuse(f"batch {name}", check_batch(name, name, program, schedule, pool))
        super().__init__(name, args, opts)
        one, parts = as_training(program)
        labels = workload_labels(name, team["name"], Role.TRAINING)
        claim = device_claim_template(name, team, pool, one.get("accelerators"), labels, self.child)
        template = training_template(one, pool, team, labels=labels, defaults={}, device_claim=claim)
        cron = batch.v1.CronJob(
            f"{name}-schedule",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=team["namespace"], labels=labels),
            spec=cron_job_spec(schedule, job_spec(one, template, parts), labels),
            opts=self.child,
        )
        self.cron_job = cron.metadata.name.apply(str)
        self.register_outputs({"cronJob": self.cron_job})
