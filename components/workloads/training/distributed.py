"""A training on several nodes whose workers start, restart and end together."""

from typing import Any, Required

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.base.component import Component
from components.base.labels import Role
from components.base.workload_labels import NO_AWAIT, workload_labels
from components.capacity.placement import fabric_units
from components.findings import refuse
from components.workloads.config_maps import declare_files
from components.workloads.device_claims import device_claim_template
from components.workloads.training.job import (
    TrainingJobArgs,
    artifact_environment,
    checkpoint_claim,
    tracking_environment,
)
from components.workloads.training.plan import (
    JOB_NAME,
    RUN_LABEL,
    job_spec,
    rendezvous,
    service_spec,
    settings_digest,
    training_template,
    worker_affinity,
)
from components.workloads.training.runs import declare_run
from components.workloads.training.spec import DEFAULT_RENDEZVOUS_PORT, WorkersSpec, run_name
from components.workloads.training.validation import check_checkpoint_storage, check_training


class DistributedTrainingJobArgs(TrainingJobArgs, total=False):
    """A training program, its workers and its dependencies. `checkpoint_storage` is a class with ReadWriteMany."""

    workers: Required[WorkersSpec]
    """Number of workers, and their rendezvous."""


class DistributedTrainingJob(Component):
    """One run of a training on several nodes: an Indexed Job and the headless Service for the rendezvous of its
    workers.

    `components.workloads.training.plan` explains how workers run together without a gang scheduler, ADR 0020 what a run
    is. On a queued pool of GKE one ProvisioningRequest, used once, requests the nodes of all workers (see
    `TrainingJob`).
    """

    run: Output[str]
    """Name of its Job."""

    def __init__(self, name: str, args: DistributedTrainingJobArgs, opts: ResourceOptions | None = None) -> None:
        job, workers, team, pool = args["job"], args["workers"], args["team"], args["pool"]
        storage = args.get("checkpoint_storage")
        modes = storage["access_modes"] if storage else None
        refuse(
            f"training {name}",
            [*check_training(name, name, job, pool, workers), *check_checkpoint_storage(name, job, workers, modes)],
        )
        super().__init__(name, args, opts)
        labels = workload_labels(name, team["name"], Role.TRAINING)
        run = run_name(name, job["run"])
        template = workers_template(name, run, args, workers, labels, self.child)
        self.run = declare_run(
            name,
            job["run"],
            pool,
            team["namespace"],
            job_spec(job, template, workers),
            self.child,
            digest=settings_digest(job, workers, team["name"], pool["placement"]["pool"]),
            labels=labels,
        )
        self.register_outputs({"run": self.run})


def workers_template(
    name: str,
    job_name: str,
    args: TrainingJobArgs,
    workers: WorkersSpec,
    labels: dict[str, str],
    opts: ResourceOptions,
    *,
    scheduled: bool = False,
) -> dict[str, Any]:
    """The pod of one of several workers. Declares the Service of their names, the claim of their checkpoints and the
    ConfigMap of their files.

    `job_name`: of their Job; `scheduled`: of one that each run has with a name of its own.
    """
    job, team, pool = args["job"], args["team"], args["pool"]
    service = core.v1.Service(
        f"{name}-workers",
        metadata=meta.v1.ObjectMetaArgs(name=name, namespace=team["namespace"], labels=labels, annotations=NO_AWAIT),
        spec=service_spec(labels, int(workers.get("port", DEFAULT_RENDEZVOUS_PORT))),
        opts=opts,
    )
    values, references = rendezvous("$(JOB_NAME)" if scheduled else job_name, name, job, workers, pool)
    return training_template(
        job,
        pool,
        team,
        labels={**labels, RUN_LABEL: job_name},
        first=JOB_NAME if scheduled else (),
        defaults={**tracking_environment(name, team["name"], args.get("tracking")), **values},
        references=[*references, *artifact_environment(args.get("artifacts"))],
        checkpoint_claim=checkpoint_claim(name, args, opts, shared=True),
        device_claim=device_claim_template(name, team, pool, job.get("accelerators"), labels, opts),
        config_map=declare_files(name, team, job, labels, opts, changing=scheduled),
        fabric=fabric_units(pool, job.get("accelerators") or {}),
        subdomain=service.metadata.name,
        affinity=worker_affinity(job_name, pool, one_per_node=bool(workers.get("one_per_node"))),
    )
