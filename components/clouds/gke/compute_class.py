"""Nodes that GKE makes by itself: the pools of an Autopilot cluster, and chains of ways to buy on a Standard one."""

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
    """A class of nodes and its cluster."""

    cluster: Required[GkeHandle]
    """Where it is: Autopilot, or Standard with limits."""
    nodes: Required[ComputeClassSpec]
    """Machine and ways to buy, the best one first."""
    limits: NodeAutoProvisioningSpec
    """What a Standard cluster may make by itself (`cluster.autoProvisioning`). Required there."""


class ComputeClass(Component):
    """A class of nodes that pods select as they select a pool: the same handle, the same label.

    GKE bounds a class by nothing (a Standard cluster bounds all its classes together): `nodesMax` is what the quotas
    of the teams may promise, and those are enforced.
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
        """For workloads, quotas and the report."""
        config = {**body["nodePoolConfig"], "serviceAccount": cluster["node_service_account"]}
        custom_resource(f"{name}-class", "ComputeClass", name, {**body, "nodePoolConfig": config}, self.child)
        self.capacity = Output.from_input(handle["capacity"])
        self.register_outputs({"capacity": self.capacity})
