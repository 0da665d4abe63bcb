"""A pool of existing nodes: registers facts, and no resources."""

from pulumi import Output, ResourceOptions

from catalog.accelerators import ClusterKind
from components.base.component import Component
from components.capacity.placement import Capacity, PoolHandle, Taint, plan_pool
from components.clouds.pool_spec import DescribedNodePoolArgs, described_software
from components.clouds.pool_validation import check_described_pool
from components.findings import refuse


class DescribedNodePool(Component):
    """Existing nodes, described for quotas, policies and reports. No child, no object.

    What the nodes must carry is handed out, and yours to set: `python -m tools detect` says with which commands.
    The labels of an accelerator's model come from feature discovery.
    """

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""
    node_labels: Output[dict[str, str]]
    """Labels that its nodes must carry, or nothing is scheduled to them."""
    sharing_labels: Output[dict[str, str]]
    """Labels by which NVIDIA's software on its nodes learns how devices are shared; without them nothing is shared."""
    node_taints: Output[list[Taint]]
    """Taints that its nodes should carry, to keep others away."""

    def __init__(self, name: str, args: DescribedNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        software = described_software(args)
        found = check_described_pool(name, args["pool"], software, mig_mixed=bool(args.get("mig_mixed")))
        refuse(f"node pool {name}", found)
        super().__init__(name, args, opts)
        handle, labels, taints = plan_pool(name, args["pool"], ClusterKind.EXISTING, software)
        self.handle: PoolHandle = handle
        self.capacity = Output.from_input(handle["capacity"])
        identity = handle["placement"]["node_selector"]
        self.node_labels = Output.from_input(identity)
        self.sharing_labels = Output.from_input(
            {key: value for key, value in labels.items() if key.startswith("nvidia.com/") and key not in identity}
        )
        self.node_taints = Output.from_input(taints)
        self.register_outputs(
            {
                "capacity": self.capacity,
                "nodeLabels": self.node_labels,
                "sharingLabels": self.sharing_labels,
                "nodeTaints": self.node_taints,
            }
        )
