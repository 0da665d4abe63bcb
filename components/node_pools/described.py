"""A pool of nodes that somebody else made: nothing is registered, the facts are."""

from pulumi import Output, ResourceOptions

from components.catalog import ClusterKind
from components.component import Component
from components.placement import Capacity, PoolArgs, PoolHandle, plan_pool
from policies.rules.accelerators import check_described_pool
from policies.rules.finding import refuse


class DescribedNodePool(Component):
    """Nodes that are there, told of so that quotas, policies and the report know them. No child, no object.

    Each node carries the label `mlplatform.dev/pool: <name>` and the taints of its accelerator.
    """

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""

    def __init__(self, name: str, args: PoolArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"node pool {name}", check_described_pool(name, args))
        super().__init__(name, args, opts)
        self.handle: PoolHandle = plan_pool(name, args, ClusterKind.EXISTING)[0]
        self.capacity = Output.from_input(self.handle["capacity"])
        self.register_outputs({"capacity": self.capacity})
