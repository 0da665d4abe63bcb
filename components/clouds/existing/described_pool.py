"""A pool of existing nodes: registers facts, and no resources."""

from pulumi import Output, ResourceOptions

from catalog.accelerators import ClusterKind
from components.base.component import Component
from components.capacity.placement import Capacity, PoolHandle, Taint, plan_pool
from components.clouds.pool_spec import DescribedNodePoolArgs, described_software
from components.clouds.pool_validation import check_described_pool
from components.findings import refuse


class DescribedNodePool(Component):
    """Existing nodes, described for quotas, policies and reports. It has no child resources.

    Its outputs are the labels and taints that you set on the nodes; `python -m tools detect` prints the commands.
    Feature discovery sets the labels of an accelerator's model.
    """

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""
    node_labels: Output[dict[str, str]]
    """Labels that its nodes must have; no pod is scheduled to nodes without them."""
    sharing_labels: Output[dict[str, str]]
    """Labels that configure device sharing for NVIDIA's software on its nodes; without them nothing is shared."""
    node_taints: Output[list[Taint]]
    """Taints that its nodes should have, to keep other pods off them."""

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
