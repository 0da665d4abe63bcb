"""Priority classes: who gives way to whom when a pool is full."""

from typing import NamedTuple, TypedDict

from pulumi import ResourceOptions
from pulumi_kubernetes import meta, scheduling

from components.component import LABELS, Component
from components.tenants.handles import PriorityHandle


class Priority(NamedTuple):
    """One row of the order."""

    name: str
    value: int
    preempts: bool
    """Whether its pods push pods of lower priority aside; otherwise they only wait in front of them."""
    description: str


SERVING = Priority("mlplatform-serving", 1_000_000, True, "Models that people wait for; takes nodes from trainings.")
TRAINING = Priority("mlplatform-training", 100_000, True, "Trainings; takes nodes from preemptible ones only.")
PREEMPTIBLE = Priority(
    "mlplatform-preemptible", 10_000, False, "Trainings that give way: on spot nodes or on spare capacity."
)
ORDER = (SERVING, TRAINING, PREEMPTIBLE)
"""Above 0, the priority of pods without a class, and far below the classes of the cluster itself (2 billion)."""

PRIORITIES = PriorityHandle(serving=SERVING.name, training=TRAINING.name, preemptible=PREEMPTIBLE.name)


class PriorityClassesArgs(TypedDict):
    """Nothing to choose: the order is the platform's, the same in every environment."""


class PriorityClasses(Component):
    """Serving before training before preemptible training. Cluster-wide, once."""

    def __init__(self, name: str, args: PriorityClassesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.handle: PriorityHandle = PRIORITIES
        for priority in ORDER:
            scheduling.v1.PriorityClass(
                f"{name}-{priority.name.removeprefix('mlplatform-')}",
                metadata=meta.v1.ObjectMetaArgs(name=priority.name, labels=LABELS),
                value=priority.value,
                global_default=False,
                preemption_policy="PreemptLowerPriority" if priority.preempts else "Never",
                description=priority.description,
                opts=self.child,
            )
        self.register_outputs({})
