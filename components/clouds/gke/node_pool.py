"""A pool of GKE nodes: one node pool of GKE, or one for each slice of a TPU that spans several hosts."""

import base64
from typing import Any, TypedDict

import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.capacity.placement import Capacity, PoolHandle
from components.clouds.gke.handles import GkeHandle
from components.clouds.gke.plan import GkeGroup, GkePoolPlan, bounded, plan_gke_pool
from components.clouds.gke.schedule_plan import ScheduledCall, working_hours_calls
from components.clouds.gke.spec import GkePoolSpec
from components.clouds.gke.tables import MAX_ACCOUNT_ID
from components.clouds.gke.validation import check_gke_pool, check_pool_name
from components.findings import refuse

RESIZE_PERMISSIONS = ["container.clusters.update"]
"""Permissions for setAutoscaling and setSize of a node pool (GKE documentation, IAM)."""


class GkeNodePoolArgs(TypedDict):
    """A pool and its cluster."""

    cluster: GkeHandle
    """A Standard cluster."""
    pool: GkePoolSpec
    """Machine, size and purchase option."""


class GkeNodePool(Component):
    """Nodes of one machine type that GKE scales between minimum and maximum.

    A change of an immutable value changes the name of the node pool, so that the new nodes exist before the old ones
    are drained. Sizes, zones, disk size, labels and taints are changed in place.
    """

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""
    node_pools: Output[list[str]]
    """Names of its node pools in GKE."""

    def __init__(self, name: str, args: GkeNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        cluster, spec = args["cluster"], args["pool"]
        findings = check_gke_pool(name, spec, cluster["mode"], region=cluster["region"], zones=cluster["zones"])
        refuse(f"node pool {name}", [*check_pool_name(name, name), *findings])
        super().__init__(name, args, opts)
        plan = plan_gke_pool(name, spec, cluster["zones"])
        self.handle: PoolHandle = plan.handle
        """Handle for workloads, quotas and the report."""
        placement = self._placement(name, cluster, plan)
        pools = [self._node_pool(name, args, plan, group, placement) for group in plan.groups]
        calls = {group.role: working_hours_calls(spec, group) for group in plan.groups}
        if any(calls.values()):
            self._working_hours(name, cluster, {p: calls[g.role] for g, p in zip(plan.groups, pools, strict=True)})
        self.capacity = Output.from_input(plan.handle["capacity"])
        self.node_pools = Output.all(*(pool.name for pool in pools)).apply(lambda names: [str(n) for n in names])
        self.register_outputs({"capacity": self.capacity, "nodePools": self.node_pools})

    def _placement(self, name: str, cluster: GkeHandle, plan: GkePoolPlan) -> dict[str, Any] | None:
        """Placement policy of its nodes; for newer TPUs a workload policy with the topology of a slice."""
        if plan.placement_policy is None or not plan.workload_topology:
            return plan.placement_policy
        stem = Output.concat(cluster["name"], "-", name, "-", plan.workload_topology)
        policy = gcp.compute.ResourcePolicy(
            f"{name}-slices",
            name=stem.apply(lambda stem: bounded(stem, 63)),
            project=cluster["project"],
            region=cluster["region"],
            workload_policy={"type": "HIGH_THROUGHPUT", "accelerator_topology": plan.workload_topology},
            opts=self.child,
        )
        return {**plan.placement_policy, "policy_name": policy.name}

    def _node_pool(
        self, name: str, args: GkeNodePoolArgs, plan: GkePoolPlan, group: GkeGroup, placement: dict[str, Any] | None
    ) -> gcp.container.NodePool:
        cluster = args["cluster"]
        # The autoscaler changes the counts, and working hours change the autoscaler; new limits apply at their next
        # start.
        ignored = ["initialNodeCount", "nodeCount"] + (["autoscaling"] if args["pool"].get("working_hours") else [])
        settings: dict[str, Any] = {
            "autoscaling": group.autoscaling,
            "node_config": {
                **plan.node_config,
                "labels": group.labels,
                "service_account": cluster["node_service_account"],
            },
            "network_config": {"enable_private_nodes": True},
            "management": plan.management,
            "upgrade_settings": plan.upgrade_settings,
            "placement_policy": placement,
            "queued_provisioning": {"enabled": True} if plan.queued else None,
        }
        return gcp.container.NodePool(
            f"{name}-{group.role}",
            name=group.name,
            project=cluster["project"],
            location=cluster["region"],
            cluster=cluster["name"],
            node_locations=list(plan.node_locations),
            initial_node_count=group.initial_nodes_per_zone,
            **settings,
            opts=ResourceOptions.merge(self.child, ResourceOptions(ignore_changes=ignored)),
        )

    def _working_hours(
        self, name: str, cluster: GkeHandle, calls: dict[gcp.container.NodePool, list[ScheduledCall]]
    ) -> None:
        """Cloud Scheduler calls GKE as a dedicated service account that can only resize clusters."""
        stem = Output.concat(cluster["name"], "-", name, "-hours")
        account = gcp.serviceaccount.Account(
            f"{name}-hours-account",
            account_id=stem.apply(lambda stem: bounded(stem, MAX_ACCOUNT_ID)),
            project=cluster["project"],
            display_name=f"Working hours of pool {name}",
            opts=self.child,
        )
        role = gcp.projects.IAMCustomRole(
            f"{name}-hours-role",
            role_id=stem.apply(lambda stem: bounded(stem, 60).replace("-", "_")),
            project=cluster["project"],
            title=f"Sizes pool {name}",
            permissions=RESIZE_PERMISSIONS,
            opts=self.child,
        )
        grant = gcp.projects.IAMMember(
            f"{name}-hours-grant",
            project=cluster["project"],
            role=role.name,
            member=account.member,
            opts=self.child,
        )
        after = ResourceOptions.merge(self.child, ResourceOptions(depends_on=[grant]))
        for index, (pool, pool_calls) in enumerate(calls.items()):
            for call in pool_calls:
                part = call.role if len(calls) == 1 else f"{index}-{call.role}"
                self._job(f"{name}-hours-{part}", Output.concat(stem, "-", part), cluster, pool, account, call, after)

    def _job(
        self,
        resource_name: str,
        job_name: Output[str],
        cluster: GkeHandle,
        pool: gcp.container.NodePool,
        account: gcp.serviceaccount.Account,
        call: ScheduledCall,
        opts: ResourceOptions,
    ) -> None:
        where = f"https://container.googleapis.com/v1/projects/{cluster['project']}/locations/{cluster['region']}"
        gcp.cloudscheduler.Job(
            resource_name,
            name=job_name,
            project=cluster["project"],
            region=cluster["region"],
            schedule=call.schedule,
            time_zone=call.time_zone,
            # GKE runs one operation at a time in a cluster and refuses others: retry for half an hour.
            retry_config={
                "retry_count": 5,
                "min_backoff_duration": "60s",
                "max_backoff_duration": "600s",
                "max_doublings": 3,
            },
            attempt_deadline="60s",
            http_target={
                "uri": Output.concat(where, "/clusters/", cluster["name"], "/nodePools/", pool.name, ":", call.method),
                "http_method": "POST",
                "headers": {"Content-Type": "application/json"},
                "body": base64.b64encode(call.body.encode()).decode(),
                "oauth_token": {
                    "service_account_email": account.email,
                    "scope": "https://www.googleapis.com/auth/cloud-platform",
                },
            },
            opts=opts,
        )
