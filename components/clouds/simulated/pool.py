"""A pool of simulated nodes: real Node objects for the real scheduler; kubelets and devices are simulated."""

import json
from typing import Any

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta
from pulumi_kubernetes.apiextensions import CustomResource

from catalog.accelerators import ClusterKind, DeviceAllocation
from catalog.versions import API_VERSIONS
from components.base.component import Component
from components.base.labels import LABELS
from components.capacity.placement import SIMULATED_LABEL, SLICE_LABEL, Capacity, PoolArgs, PoolHandle, plan_pool
from components.clouds.pool_validation import check_pool
from components.findings import refuse

CAPACITY_ANNOTATION = "simulated.mlplatform.dev/capacity"
"""The simulator sets `status.capacity` from it: a JSON object of resource name -> quantity."""


SCALING_LABEL = "mlplatform.dev/scaling"
"""`fixed`: a node of the pool's minimum; `elastic`: an autoscaler would add and remove it."""


class SimulatedNodePool(Component):
    """Nodes of one shape at the pool's maximum size, which quotas assume: no autoscaler runs in a simulated cluster."""

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""

    def __init__(self, name: str, args: PoolArgs, opts: ResourceOptions | None = None) -> None:
        refuse(f"node pool {name}", check_pool(name, args))
        super().__init__(name, args, opts)
        handle, labels, taints = plan_pool(name, args, ClusterKind.SIMULATED)
        self.handle: PoolHandle = handle
        annotations = {
            "kwok.x-k8s.io/node": "fake",
            CAPACITY_ANNOTATION: json.dumps(node_capacity(handle["capacity"]), sort_keys=True),
        }
        hosts_per_slice = handle["placement"]["hosts_per_slice"]
        for index in range(handle["capacity"]["nodes_max"]):
            scaling = {SCALING_LABEL: "fixed" if index < handle["capacity"]["nodes_min"] else "elastic"}
            slice_label = {SLICE_LABEL: f"{name}-{index // hosts_per_slice}"} if hosts_per_slice > 1 else {}
            core.v1.Node(
                f"{name}-node-{index}",
                metadata=meta.v1.ObjectMetaArgs(
                    name=f"{name}-{index}",
                    labels={**LABELS, **labels, **slice_label, **scaling, SIMULATED_LABEL: "true", "type": "kwok"},
                    annotations=annotations,
                ),
                spec=core.v1.NodeSpecArgs(taints=[core.v1.TaintArgs(**taint) for taint in taints] or None),
                opts=self.child,
            )
            if handle["software"]["device_allocation"] == DeviceAllocation.DRA:
                self._publish_devices(f"{name}-node-{index}", f"{name}-{index}", handle["capacity"])
        self.capacity = Output.from_input(handle["capacity"])
        self.register_outputs({"capacity": self.capacity})

    def _publish_devices(self, resource: str, node: str, capacity: Capacity) -> None:
        """The ResourceSlice that a real node's DRA driver would publish; the scheduler allocates from it."""
        CustomResource(
            f"{resource}-devices",
            api_version=API_VERSIONS["ResourceSlice"],
            kind="ResourceSlice",
            metadata=meta.v1.ObjectMetaArgs(name=f"{node}-devices", labels={**LABELS, SIMULATED_LABEL: "true"}),
            spec=device_slice(node, capacity),
            opts=self.child,
        )


def device_slice(node: str, capacity: Capacity) -> dict[str, Any]:
    """The `spec` of a ResourceSlice: the devices of one node, simulated. Pure."""
    (driver,) = capacity["units_per_node"]
    devices = [
        {
            "name": f"gpu-{index}",
            "attributes": {"type": {"string": "gpu"}, "productName": {"string": capacity["accelerator"]}},
        }
        for index in range(int(capacity["devices_per_node"]))
    ]
    return {
        "driver": driver,
        "nodeName": node,
        "pool": {"name": node, "generation": 1, "resourceSliceCount": 1},
        "devices": devices,
    }


def node_capacity(capacity: Capacity) -> dict[str, str]:
    """Resource name -> quantity of one node, as the Node's status shows it. Pure."""
    return {
        "cpu": str(capacity["cpu_per_node"]),
        "memory": f"{capacity['memory_gib_per_node']}Gi",
        "ephemeral-storage": "1Ti",
        "pods": "110",
        # A DeviceClass has no slash in its name, and is not counted by the kubelet.
        **{name: str(units) for name, units in capacity["units_per_node"].items() if "/" in name},
    }
