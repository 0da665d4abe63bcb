"""Section: deletions, replacements and restarts of what holds data or runs work. Facts are a table."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from report.blocks import Block, Code, Line, Table
from report.causes import cause_of
from report.comparison import Comparison
from report.plan import Operation, Resource
from report.sections.base import Document, Level, Reason, Section


class _Kind(NamedTuple):
    """What goes with a resource of one type."""

    holds: str
    """What is lost when it is deleted."""
    lasts: str
    """For how long."""
    avoid: str
    """What avoids it."""
    level: Level = Level.DANGER


_BACKUP = "keep the setting, or copy the data first"
_GOOD = "for good"
_UNTIL = "until it runs again"
_ZONE = "until a zone is delegated again"
_NODES = _Kind(
    "its nodes: every pod on them is evicted",
    "until other nodes take the pods; trainings lose what they computed since their last checkpoint",
    "add a pool with another name, move the workloads to it, then remove this one",
)
_CLUSTER = _Kind("the cluster, with every object and volume in it", _GOOD, "keep the setting that replaces it")
_KINDS: dict[str, _Kind] = {
    "aws:ec2/volume:Volume": _Kind("the disk and its data", _GOOD, _BACKUP),
    "aws:efs/fileSystem:FileSystem": _Kind("the file system with every shared volume", _GOOD, _BACKUP),
    "aws:eks/cluster:Cluster": _CLUSTER,
    "aws:eks/nodeGroup:NodeGroup": _NODES,
    "aws:kms/key:Key": _Kind("the key: what it encrypted cannot be read", "30 days later for good", "keep the key"),
    "aws:rds/instance:Instance": _Kind("the database of MLflow", _GOOD, _BACKUP),
    "aws:route53/zone:Zone": _Kind("the DNS zone with all its records", _ZONE, _BACKUP),
    "aws:s3/bucket:Bucket": _Kind("the bucket with its artifacts, models and backups", _GOOD, _BACKUP),
    "gcp:container/cluster:Cluster": _CLUSTER,
    "gcp:container/nodePool:NodePool": _NODES,
    "gcp:dns/managedZone:ManagedZone": _Kind("the DNS zone with all its records", _ZONE, _BACKUP),
    "gcp:filestore/instance:Instance": _Kind("the file system with every shared volume", _GOOD, _BACKUP),
    "gcp:kms/cryptoKey:CryptoKey": _Kind("the key: what it encrypted cannot be read", _GOOD, "keep the key"),
    "gcp:sql/database:Database": _Kind("the database of MLflow", _GOOD, _BACKUP),
    "gcp:sql/databaseInstance:DatabaseInstance": _Kind("the database server of MLflow", _GOOD, _BACKUP),
    "gcp:storage/bucket:Bucket": _Kind("the bucket with its artifacts, models and backups", _GOOD, _BACKUP),
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": _Kind(
        "every object of this kind in the cluster", _GOOD, "keep the add-on that needs it"
    ),
    "kubernetes:apps/v1:Deployment": _Kind("its pods stop", _UNTIL, "keep the setting", Level.LOOK),
    "kubernetes:apps/v1:StatefulSet": _Kind("its pods stop; its volumes stay", _UNTIL, "keep the setting", Level.LOOK),
    "kubernetes:batch/v1:CronJob": _Kind("its schedule and its run in progress", _GOOD, "keep the setting", Level.LOOK),
    "kubernetes:batch/v1:Job": _Kind(
        "the run, if it is in progress: what it computed since its last checkpoint",
        _GOOD,
        "wait until the run has ended",
        Level.LOOK,
    ),
    "kubernetes:core/v1:Namespace": _Kind("the namespace with every object and volume in it", _GOOD, _BACKUP),
    "kubernetes:core/v1:Node": _NODES._replace(level=Level.LOOK),
    "kubernetes:core/v1:PersistentVolume": _Kind("the volume", _GOOD, _BACKUP),
    "kubernetes:core/v1:PersistentVolumeClaim": _Kind(
        "the claim, and its volume unless its storage class retains it", _GOOD, _BACKUP
    ),
    "kubernetes:karpenter.sh/v1:NodePool": _NODES,
    "kubernetes:postgresql.cnpg.io/v1:Cluster": _Kind("the database of MLflow with its volumes", _GOOD, _BACKUP),
    "kubernetes:serving.kserve.io/v1beta1:InferenceService": _Kind(
        "the model answers no request", _UNTIL, "serve another version next to it first"
    ),
    "kubernetes:trainer.kubeflow.org/v1alpha1:TrainJob": _Kind(
        "the run, if it is in progress", _GOOD, "wait until the run has ended", Level.LOOK
    ),
}
"""Type -> what its deletion loses."""

_RESTARTS: dict[tuple[str, str], str] = {
    (
        "aws:rds/instance:Instance",
        "instanceClass",
    ): "the database of MLflow is away for minutes, for its new class",
    ("aws:rds/instance:Instance", "engineVersion"): "the database of MLflow is away for minutes while it is upgraded",
    ("aws:eks/cluster:Cluster", "version"): "the control plane is upgraded; nodes follow, pool by pool",
    ("aws:eks/nodeGroup:NodeGroup", "version"): "every node is replaced by a new one, one after the other",
    ("aws:eks/nodeGroup:NodeGroup", "launchTemplate"): "every node is replaced by a new one, one after the other",
    ("aws:eks/nodeGroup:NodeGroup", "releaseVersion"): "every node is replaced by a new one, one after the other",
    ("gcp:container/cluster:Cluster", "minMasterVersion"): "the control plane is upgraded; nodes follow, pool by pool",
    ("gcp:container/nodePool:NodePool", "version"): "every node is recreated, one after the other",
    ("gcp:container/nodePool:NodePool", "nodeConfig"): "every node is recreated, one after the other",
    ("gcp:sql/databaseInstance:DatabaseInstance", "settings.tier"): "the database of MLflow restarts",
    (
        "gcp:sql/databaseInstance:DatabaseInstance",
        "databaseVersion",
    ): "the database of MLflow is away while it is upgraded",
    ("kubernetes:apps/v1:Deployment", "spec.template"): "its pods are replaced, new ones first",
    ("kubernetes:apps/v1:StatefulSet", "spec.template"): "its pods restart, one after the other",
    ("kubernetes:apps/v1:DaemonSet", "spec.template"): "its pods restart, node by node",
    ("kubernetes:postgresql.cnpg.io/v1:Cluster", "spec.imageName"): "the database of MLflow restarts, replicas first",
}
"""Type and property -> the interruption that its update means. Sources: Amazon RDS, modifying a DB instance; EKS,
updating a managed node group; Cloud SQL, edit an instance; GKE, node upgrade strategies; Kubernetes, rolling update."""

_GRADUAL = ("DaemonSet", "Deployment")
"""Kinds whose update leaves others running."""


_UNPROTECTED = (
    "On a simulated cloud nothing is protected. The stack itself protects and retains what holds data: there the "
    "engine refuses to delete it, or leaves it behind."
)


class Loss(Document):
    """Something that is lost or interrupted."""

    urn: str
    """URN of the resource."""
    title: str
    """Short type and name."""
    operation: Operation
    """delete, replace or update."""
    lost: str
    """What is lost or interrupted."""
    lasts: str
    """For how long."""
    cause: str
    """The setting that causes it, `path: before → after`; empty: none that is known."""
    line: int
    """Its line in the settings file; 0: unknown."""
    avoid: str
    """What would avoid it."""
    kept: str
    """Why it is not lost after all: it is protected, or retained; empty otherwise."""


class Losses(Section):
    """Loss and interruption."""

    title: ClassVar[str] = "Loss and interruption"
    items: tuple[Loss, ...]
    """Most serious first."""
    note: str = ""
    """What a simulated cloud shows differently; empty otherwise."""

    def blocks(self) -> Iterator[Block]:
        """A row for each; nothing if there is none."""
        if self.items:
            if self.note:
                yield Line(self.note)
            columns = ("what", "resource", "is lost or interrupted", "cause", "avoid it")
            yield Table(columns, tuple(_row(one) for one in self.items), limit=25)


def _row(one: Loss) -> tuple[str, ...]:
    lasts = f" ({one.lasts})" if one.lasts else ""
    return (str(one.operation), Code(one.title), one.kept or f"{one.lost}{lasts}", Code(one.cause), one.avoid)


def losses(comparison: Comparison) -> Losses:
    """The section of a comparison."""
    found = sorted(_found(comparison), key=lambda pair: (tuple(Level).index(pair[0]), pair[1].title))
    reasons = tuple(_reason(level, one, comparison.file) for level, one in found)
    settings = comparison.head.settings
    unprotected = comparison.simulated and settings is not None and settings.keep_data
    return Losses(items=tuple(one for _, one in found), reasons=reasons, note=_UNPROTECTED if unprotected else "")


def _found(comparison: Comparison) -> Iterator[tuple[Level, Loss]]:
    for resource in comparison.plan.changed:
        match resource.operation:
            case Operation.DELETE | Operation.REPLACE:
                if kind := _KINDS.get(resource.type):
                    yield _lost(comparison, resource, kind)
            case Operation.UPDATE:
                if text := _interruption(resource):
                    level = Level.NOTE if resource.kind in _GRADUAL else Level.LOOK
                    yield level, _loss(comparison, resource, _Kind(text, "", "apply it at a quiet time"))


def _lost(comparison: Comparison, resource: Resource, kind: _Kind) -> tuple[Level, Loss]:
    kept = ""
    if resource.protected:
        kept = "it is protected: the engine refuses to delete it"
    elif resource.retained:
        kept = "it stays where it is, and the stack forgets it"
    replaced = resource.operation is Operation.REPLACE and kind.holds == _NODES.holds
    if replaced and not resource.deletes_first:
        kind = kind._replace(lasts="new nodes come first; then pods move, and trainings restart from their checkpoints")
    level = Level.LOOK if kept or (replaced and not resource.deletes_first) else kind.level
    return level, _loss(comparison, resource, kind, kept)


def _loss(comparison: Comparison, resource: Resource, kind: _Kind, kept: str = "") -> Loss:
    cause = cause_of(comparison, resource)
    return Loss(
        urn=resource.urn,
        title=resource.title,
        operation=resource.operation,
        lost=kind.holds,
        lasts=kind.lasts,
        cause=cause.text(longest=60) if cause else "",
        line=cause.line if cause else 0,
        avoid=kind.avoid,
        kept=kept,
    )


def _interruption(resource: Resource) -> str:
    changed = [one.path for one in resource.properties]
    for (type_, path), text in _RESTARTS.items():
        if type_ == resource.type and any(one == path or one.startswith((f"{path}.", f"{path}[")) for one in changed):
            return text
    return ""


def _reason(level: Level, one: Loss, file: str) -> Reason:
    verb = {Operation.DELETE: "is deleted", Operation.REPLACE: "is replaced"}.get(one.operation, "is updated")
    what = one.kept or one.lost
    place = {"file": file, "line": one.line} if one.line else {}
    rule = f"loss/{one.operation}"
    return Reason(level=level, rule=rule, text=f"{one.title} {verb}: {what}.", resource=one.urn, **place)  # type: ignore[arg-type]
