"""A training on several nodes whose workers start, restart and end together."""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.base.component import Component
from components.base.workload_labels import NO_AWAIT, Role, workload_labels
from components.capacity.placement import PoolHandle, fabric_units
from components.findings import refuse
from components.storage.plan import ObjectStoreHandle, StorageHandle
from components.tenants.handles import TeamHandle
from components.tracking.spec import TrackingHandle
from components.workloads.device_claims import device_claim_template
from components.workloads.training.job import artifact_environment, checkpoint_claim, tracking_environment
from components.workloads.training.plan import (
    RUN_LABEL,
    job_spec,
    rendezvous,
    service_spec,
    settings_digest,
    training_template,
    worker_affinity,
)
from components.workloads.training.runs import declare_run
from components.workloads.training.spec import DEFAULT_RENDEZVOUS_PORT, TrainingSpec, WorkersSpec, run_name
from components.workloads.training.validation import check_checkpoint_storage, check_training


class DistributedTrainingJobArgs(TypedDict, total=False):
    """A training program, its workers and its dependencies."""

    job: Required[TrainingSpec]
    """The program and the resources of each worker."""
    workers: Required[WorkersSpec]
    """Number of workers, and their rendezvous."""
    team: Required[TeamHandle]
    """The team: namespace, service account, priority."""
    pool: Required[PoolHandle]
    """The pool whose nodes it uses."""
    checkpoint_storage: StorageHandle
    """Class of the checkpoint volume, ReadWriteMany; required with `job.checkpoint`."""
    tracking: TrackingHandle
    """Tracking server that it logs to."""
    artifacts: ObjectStoreHandle
    """Bucket that it may read and write, with the keys in the team's namespace."""
    keep_data: bool
    """Required in stacks that are not simulated: the checkpoints outlive the training's removal from the stack."""


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
        service = core.v1.Service(
            f"{name}-workers",
            metadata=meta.v1.ObjectMetaArgs(
                name=name, namespace=team["namespace"], labels=labels, annotations=NO_AWAIT
            ),
            spec=service_spec(labels, int(workers.get("port", DEFAULT_RENDEZVOUS_PORT))),
            opts=self.child,
        )
        run = run_name(name, job["run"])
        values, references = rendezvous(run, name, job, workers, pool)
        template = training_template(
            job,
            pool,
            team,
            labels={**labels, RUN_LABEL: run},
            defaults={**tracking_environment(name, team["name"], args.get("tracking")), **values},
            references=[*references, *artifact_environment(args.get("artifacts"))],
            checkpoint_claim=checkpoint_claim(name, args, self.child, shared=True),
            device_claim=device_claim_template(name, team, pool, job.get("accelerators"), labels, self.child),
            fabric=fabric_units(pool, job.get("accelerators") or {}),
            subdomain=service.metadata.name,
            affinity=worker_affinity(run, pool),
        )
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
