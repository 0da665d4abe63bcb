"""A pool of nodes that somebody else made: nothing is registered, the facts are."""

from pulumi import Output, ResourceOptions

from components.catalog import ClusterKind
from components.component import Component
from components.placement import Capacity, PoolArgs, PoolHandle, Taint, plan_pool
from policies.rules.accelerators import check_described_pool
from policies.rules.finding import refuse


class DescribedNodePool(Component):
    """Nodes that are there, told of so that quotas, policies and the report know them. No child, no object.

    What the nodes must carry is handed out: the label `mlplatform.dev/pool: <name>` is yours to set, those of the
    accelerator come from feature discovery.
    """

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""
    node_labels: Output[dict[str, str]]
    """Labels that its nodes must carry, or nothing is scheduled to them."""
    node_taints: Output[list[Taint]]
    """Taints that its nodes should carry, to keep others away."""

    def __init__(self, name: str, args: PoolArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"node pool {name}", check_described_pool(name, args))
        super().__init__(name, args, opts)
        handle, _, taints = plan_pool(name, args, ClusterKind.EXISTING)
        self.handle: PoolHandle = handle
        self.capacity = Output.from_input(handle["capacity"])
        self.node_labels = Output.from_input(handle["placement"]["node_selector"])
        self.node_taints = Output.from_input(taints)
        outputs = {"capacity": self.capacity, "nodeLabels": self.node_labels, "nodeTaints": self.node_taints}
        self.register_outputs(outputs)
