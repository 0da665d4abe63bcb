"""Priority classes: which pods preempt which when a pool is full."""

from typing import NamedTuple, TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes import meta, scheduling

from components.base.component import Component
from components.base.labels import LABELS
from components.tenants.handles import PriorityHandle

DEFAULT_PREFIX = "mlplatform"


class Priority(NamedTuple):
    """One priority class."""

    role: str
    """Key of `PriorityHandle`, and suffix of the class's name."""
    value: int
    preempts: bool
    """Whether its pods preempt pods of lower priority; otherwise they only precede them in the queue."""
    description: str


ORDER = (
    Priority("serving", 1_000_000, True, "Models that serve users; preempts trainings."),
    Priority("training", 100_000, True, "Trainings; preempts only preemptible ones."),
    Priority("preemptible", 10_000, False, "Trainings that can be preempted: on spot nodes or on spare capacity."),
)
"""Above 0, the priority of pods without a class, and far below the classes of the cluster itself (2 billion)."""


class PriorityClassesArgs(TypedDict, total=False):
    """The classes are the same in every environment."""

    prefix: str
    """Prefix of the class names; default `mlplatform`. Set another one if two stacks share a cluster."""


class PriorityClasses(Component):
    """Serving before training before preemptible training. Cluster-wide."""

    def __init__(self, name: str, args: PriorityClassesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.handle: PriorityHandle = priority_handle(args)
        for priority in ORDER:
            scheduling.v1.PriorityClass(
                f"{name}-{priority.role}",
                metadata=meta.v1.ObjectMetaArgs(name=_class_name(args, priority), labels=LABELS),
                value=priority.value,
                global_default=False,
                preemption_policy="PreemptLowerPriority" if priority.preempts else "Never",
                description=priority.description,
                opts=self.child,
            )
        self.register_outputs({})


def priority_handle(args: PriorityClassesArgs) -> PriorityHandle:
    """Names of the classes. Pure."""
    serving, training, preemptible = (_class_name(args, priority) for priority in ORDER)
    return PriorityHandle(serving=serving, training=training, preemptible=preemptible)


def _class_name(args: PriorityClassesArgs, priority: Priority) -> str:
    return f"{args.get('prefix') or DEFAULT_PREFIX}-{priority.role}"
