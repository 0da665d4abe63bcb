"""The volume of checkpoints: it belongs to the training, not to a run, so that the next run can resume."""

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import core, meta

from components.storage.volumes import CLAIM_ANNOTATIONS, claim_spec
from components.stores import AccessMode, StorageHandle
from components.training.spec import CheckpointSpec
from components.workloads import Role, workload_labels


def checkpoint_claim(
    name: str,
    checkpoint: CheckpointSpec | None,
    storage: StorageHandle | None,
    namespace: Input[str],
    opts: ResourceOptions,
    *,
    team: str,
    shared: bool = False,
    keep_data: bool = False,
) -> Output[str] | None:
    """Declare the claim of one training and return its name; nothing where it keeps no checkpoints.

    `shared`: several nodes write it. `keep_data`: it survives the removal of the training from the stack.
    """
    if not checkpoint or storage is None:
        return None
    mode = AccessMode.READ_WRITE_MANY if shared else AccessMode.READ_WRITE_ONCE
    claim = core.v1.PersistentVolumeClaim(
        f"{name}-checkpoints",
        metadata=meta.v1.ObjectMetaArgs(
            name=f"{name}-checkpoints",
            namespace=namespace,
            labels=workload_labels(name, team, Role.TRAINING),
            annotations=CLAIM_ANNOTATIONS,
        ),
        spec=claim_spec(f"{name}.checkpoint", storage, checkpoint["size_gib"], mode),
        opts=ResourceOptions.merge(opts, ResourceOptions(protect=keep_data, retain_on_delete=keep_data)),
    )
    return claim.metadata.name.apply(str)
