"""Priority classes: who gives way to whom when a pool is full."""

from typing import NamedTuple, TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes import meta, scheduling

from components.base.component import LABELS, Component
from components.tenants.handles import PriorityHandle

DEFAULT_PREFIX = "mlplatform"


class Priority(NamedTuple):
    """One row of the order."""

    role: str
    """Key of `PriorityHandle`, and the end of the class's name."""
    value: int
    preempts: bool
    """Whether its pods push pods of lower priority aside; otherwise they only wait in front of them."""
    description: str


ORDER = (
    Priority("serving", 1_000_000, True, "Models that people wait for; takes nodes from trainings."),
    Priority("training", 100_000, True, "Trainings; takes nodes from preemptible ones only."),
    Priority("preemptible", 10_000, False, "Trainings that give way: on spot nodes or on spare capacity."),
)
"""Above 0, the priority of pods without a class, and far below the classes of the cluster itself (2 billion)."""


class PriorityClassesArgs(TypedDict, total=False):
    """The order is the platform's, the same in every environment."""

    prefix: str
    """Start of the classes' names; default `mlplatform`. Another one where two stacks share a cluster."""


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
