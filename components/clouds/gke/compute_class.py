"""Compute classes, whose nodes GKE creates itself: the pools of an Autopilot cluster, and lists of purchase options on
a Standard cluster.
"""

from typing import Required, TypedDict

from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.capacity.placement import Capacity, PoolHandle
from components.clouds.gke.compute_class_plan import plan_compute_class
from components.clouds.gke.compute_class_validation import check_class_name, check_compute_class
from components.clouds.gke.handles import GkeHandle
from components.clouds.gke.spec import ComputeClassSpec, NodeAutoProvisioningSpec
from components.findings import refuse


class ComputeClassArgs(TypedDict, total=False):
    """A compute class and its cluster."""

    cluster: Required[GkeHandle]
    """Cluster of the class: Autopilot, or Standard with limits."""
    nodes: Required[ComputeClassSpec]
    """Machine and purchase options, the preferred one first."""
    limits: NodeAutoProvisioningSpec
    """Limits of auto-provisioning (`cluster.autoProvisioning`). Required on a Standard cluster."""


class ComputeClass(Component):
    """A compute class. Pods select it like a pool: it has the same handle and the same label.

    GKE has no limit for one class (a Standard cluster limits all its classes together). `nodesMax` limits the sum of
    the teams' quotas, which are enforced.
    """

    capacity: Output[Capacity]
    """What the class holds at most: a fact for policies and the report."""

    def __init__(self, name: str, args: ComputeClassArgs, opts: ResourceOptions | None = None) -> None:
        cluster, spec = args["cluster"], args["nodes"]
        findings = check_compute_class(
            name, spec, cluster["mode"], args.get("limits"), region=cluster["region"], zones=cluster["zones"]
        )
        refuse(f"compute class {name}", [*check_class_name(name, name), *findings])
        super().__init__(name, args, opts)
        handle, body = plan_compute_class(name, spec, cluster["zones"])
        self.handle: PoolHandle = handle
        """Handle for workloads, quotas and the report."""
        config = {**body["nodePoolConfig"], "serviceAccount": cluster["node_service_account"]}
        custom_resource(f"{name}-class", "ComputeClass", name, {**body, "nodePoolConfig": config}, self.child)
        self.capacity = Output.from_input(handle["capacity"])
        self.register_outputs({"capacity": self.capacity})
