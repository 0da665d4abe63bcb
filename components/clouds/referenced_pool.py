"""A pool of another stack: it registers no resources, only facts."""

from typing import TypedDict

from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.capacity.placement import Capacity, PoolHandle


class ReferencedNodePoolArgs(TypedDict):
    """A pool of another stack."""

    pool: PoolHandle
    """Handle from its planner: both stacks have the same settings of the cluster."""


class ReferencedNodePool(Component):
    """Nodes of another stack, described for quotas, policies and reports."""

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""

    def __init__(self, name: str, args: ReferencedNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.handle: PoolHandle = args["pool"]
        self.capacity = Output.from_input(args["pool"]["capacity"])
        self.register_outputs({"capacity": self.capacity})
