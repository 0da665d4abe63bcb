"""A training on one node."""

from typing import Any, Required, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.base.component import Component
from components.base.labels import Role
from components.base.workload_labels import workload_labels
from components.capacity.placement import PoolHandle
from components.findings import refuse
from components.storage.object_store_plan import object_store_environment
from components.storage.plan import AccessMode, ObjectStoreHandle, StorageHandle
from components.storage.volumes import CLAIM_ANNOTATIONS, claim_spec
from components.tenants.handles import TeamHandle
from components.tracking.spec import TrackingHandle
from components.workloads.config_maps import declare_files
from components.workloads.device_claims import device_claim_template
from components.workloads.training.plan import (
    RUN_LABEL,
    job_spec,
    settings_digest,
    single_host_environment,
    training_template,
)
from components.workloads.training.runs import declare_run
from components.workloads.training.spec import TrainingSpec, run_name
from components.workloads.training.validation import check_checkpoint_storage, check_training


class TrainingJobArgs(TypedDict, total=False):
    """A training program and its dependencies."""

    job: Required[TrainingSpec]
    """The program and its resources."""
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


class TrainingJob(Component):
    """One run of a training on one node. `up` starts it and does not wait for its end.

    A run is started once and never edited or restarted by the platform (ADR 0020); another `run` replaces it. On a
    queued pool of GKE it requests its nodes with a ProvisioningRequest, which is used once: if the nodes end before the
    run does, its pods wait until `deadlineMinutes`; another `run` requests nodes again.
    """

    run: Output[str]
    """Name of its Job."""

    def __init__(self, name: str, args: TrainingJobArgs, opts: ResourceOptions | None = None) -> None:
        job, team, pool, storage = args["job"], args["team"], args["pool"], args.get("checkpoint_storage")
        modes = storage["access_modes"] if storage else None
        refuse(
            f"training {name}",
            [*check_training(name, name, job, pool), *check_checkpoint_storage(name, job, None, modes)],
        )
        super().__init__(name, args, opts)
        labels = workload_labels(name, team["name"], Role.TRAINING)
        of_run = {**labels, RUN_LABEL: run_name(name, job["run"])}
        template = one_host_template(name, args, of_run, self.child)
        self.run = declare_run(
            name,
            job["run"],
            pool,
            team["namespace"],
            job_spec(job, template),
            self.child,
            digest=settings_digest(job, None, team["name"], pool["placement"]["pool"]),
            labels=labels,
        )
        self.register_outputs({"run": self.run})


def one_host_template(
    name: str, args: TrainingJobArgs, labels: dict[str, str], opts: ResourceOptions
) -> dict[str, Any]:
    """The pod of a training that needs only one node. Declares the claim of its checkpoints."""
    job, team, pool = args["job"], args["team"], args["pool"]
    tracking = tracking_environment(name, team["name"], args.get("tracking"))
    return training_template(
        job,
        pool,
        team,
        labels=labels,
        defaults={**single_host_environment(pool), **tracking},
        references=artifact_environment(args.get("artifacts")),
        checkpoint_claim=checkpoint_claim(name, args, opts),
        device_claim=device_claim_template(name, team, pool, job.get("accelerators"), labels, opts),
        config_map=declare_files(name, team, job, labels, opts, changing=not job.get("run")),
    )


def checkpoint_claim(
    name: str, args: TrainingJobArgs, opts: ResourceOptions, *, shared: bool = False
) -> Output[str] | None:
    """Declare the claim of a training's checkpoints and return its name; None if it has no checkpoints.

    It belongs to the training, not to a run, so that the next run can resume. `shared`: several nodes write to it.
    """
    checkpoint, storage, team = args["job"].get("checkpoint"), args.get("checkpoint_storage"), args["team"]
    if not checkpoint or storage is None:
        return None
    mode = AccessMode.READ_WRITE_MANY if shared else AccessMode.READ_WRITE_ONCE
    keep_data = bool(args.get("keep_data"))
    claim = core.v1.PersistentVolumeClaim(
        f"{name}-checkpoints",
        metadata=meta.v1.ObjectMetaArgs(
            name=f"{name}-checkpoints",
            namespace=team["namespace"],
            labels=workload_labels(name, team["name"], Role.TRAINING),
            annotations=CLAIM_ANNOTATIONS,
        ),
        spec=claim_spec(f"{name}.checkpoint", storage, checkpoint["size_gib"], mode),
        opts=ResourceOptions.merge(opts, ResourceOptions(protect=keep_data, retain_on_delete=keep_data)),
    )
    return claim.metadata.name.apply(str)


def tracking_environment(name: str, team: str, tracking: TrackingHandle | None) -> dict[str, Any]:
    """Environment for MLflow: the address of its server, and one experiment for all runs of a training. Pure."""
    return {**tracking["environment"], "MLFLOW_EXPERIMENT_NAME": f"{team}/{name}"} if tracking else {}


def artifact_environment(artifacts: ObjectStoreHandle | None) -> list[dict[str, Any]]:
    """Environment for access to the team's bucket; keys by reference to their Secret. Pure."""
    if not artifacts:
        return []
    return [{"name": "ARTIFACTS_URI", "value": artifacts["uri"]}, *object_store_environment(artifacts)]
