"""A pool of an EKS cluster: a managed node group that the Cluster Autoscaler scales within its limits.

Replacement: machines, image type, capacity type and zones of a group are immutable. Its name ends in a digest of these
(`components.clouds.eks.plan.group_name`), so that the new group is created before EKS drains and deletes the old one.
Every other change (user data, disk, EFA, reservation, version) is a new version of the launch template, which EKS rolls
out node by node within disruption budgets.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.capacity.placement import Capacity, PoolHandle
from components.clouds.eks.handles import EksHandle, NodeProvisioning
from components.clouds.eks.plan import (
    EksPoolPlan,
    ami_type,
    api_taints,
    autoscaler_tags,
    efa_interfaces,
    group_name,
    plan_eks_pool,
)
from components.clouds.eks.spec import EksImage, EksPoolSpec, EksPurchase
from components.clouds.eks.tables import CAPACITY_TYPES
from components.clouds.eks.validation import check_eks_pool, check_pool_name
from components.clouds.names import aws_tags
from components.clouds.working_hours import DEFAULT_TIME_ZONE, WorkingHoursSpec
from components.findings import refuse


class EksNodePoolArgs(TypedDict):
    """A pool of a cluster."""

    cluster: EksHandle
    """Cluster that its nodes join: `EksCluster.handle`."""
    pool: EksPoolSpec
    """Settings of the pool."""


class EksNodePool(Component):
    """Nodes of one shape in one managed group."""

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""
    group_name: Output[str]
    """Name of its managed node group in EKS."""

    def __init__(self, name: str, args: EksNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        cluster, spec = args["cluster"], args["pool"]
        zones = list(cluster["network"]["private_subnet_ids"])
        refuse(
            f"node pool {name}",
            [
                *check_pool_name(name, name),
                *check_eks_pool(
                    name,
                    spec,
                    NodeProvisioning.MANAGED_GROUPS,
                    zones=zones,
                    kubernetes_version=cluster["kubernetes_version"],
                ),
            ],
        )
        super().__init__(name, args, opts)
        self.tags = aws_tags(name)
        plan = plan_eks_pool(name, spec, NodeProvisioning.MANAGED_GROUPS, zones)
        self.handle: PoolHandle = plan.handle
        version = spec.get("kubernetes_version") or cluster["kubernetes_version"]
        group = self._group(name, cluster, plan, version, self._launch_template(name, cluster, plan, spec))
        scaled = group.resources.apply(scaling_group)
        for key, value in autoscaler_tags(plan).items():
            aws.autoscaling.Tag(
                f"{name}-tag-{key.split('node-template/')[1]}",
                autoscaling_group_name=scaled,
                tag={"key": key, "value": value, "propagate_at_launch": False},
                opts=self.child,
            )
        if spec.get("working_hours"):
            self._keep_hours(name, scaled, plan, spec["working_hours"])
        self.capacity = Output.from_input(plan.handle["capacity"])
        self.group_name = group.node_group_name
        self.register_outputs({"capacity": self.capacity, "groupName": self.group_name})

    def _launch_template(
        self, name: str, cluster: EksHandle, plan: EksPoolPlan, spec: EksPoolSpec
    ) -> "aws.ec2.LaunchTemplate":
        return aws.ec2.LaunchTemplate(
            f"{name}-template",
            name=Output.concat(cluster["name"], "-", name),
            description=f"Nodes of pool {name}",
            update_default_version=True,
            tags=self.tags,
            **launch_template(name, plan, spec, self.tags),
            **efa_fabric(self, name, cluster, plan),
            opts=self.child,
        )

    def _group(
        self, name: str, cluster: EksHandle, plan: EksPoolPlan, version: str, template: "aws.ec2.LaunchTemplate"
    ) -> "aws.eks.NodeGroup":
        return aws.eks.NodeGroup(
            f"{name}-group",
            cluster_name=cluster["name"],
            node_group_name=group_name(name, plan),
            node_role_arn=cluster["node_role_arn"],
            version=version,
            subnet_ids=[cluster["network"]["private_subnet_ids"][zone] for zone in plan.zones],
            **node_group(plan),
            # By number, so that a new version causes a rolling update of the nodes.
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            tags=self.tags,
            # The autoscaler sets the number of nodes.
            opts=ResourceOptions.merge(self.child, ResourceOptions(ignore_changes=["scalingConfig.desiredSize"])),
        )

    def _keep_hours(self, name: str, scaled: Output[str], plan: EksPoolPlan, hours: WorkingHoursSpec) -> None:
        for role, sizes in working_hours_sizes(plan.handle["capacity"]).items():
            aws.autoscaling.Schedule(
                f"{name}-hours-{role}",
                autoscaling_group_name=scaled,
                scheduled_action_name=f"mlplatform-{role}",
                recurrence=hours["start"] if role == "start" else hours["end"],
                time_zone=hours.get("time_zone") or DEFAULT_TIME_ZONE,
                **sizes,
                opts=self.child,
            )


def working_hours_sizes(capacity: Capacity) -> dict[str, dict[str, Any]]:
    """Sizes of the Auto Scaling group at the end and at the start of working hours. Pure.

    A maximum of 0 keeps the Cluster Autoscaler, which reads it, from starting nodes outside the hours.
    """
    least, most = capacity["nodes_min"], capacity["nodes_max"]
    return {
        "end": {"min_size": 0, "max_size": 0, "desired_capacity": 0},
        "start": {"min_size": least, "max_size": most, "desired_capacity": least},
    }


def node_group(plan: EksPoolPlan) -> dict[str, Any]:
    """The inputs of a managed node group from the plan. Pure."""
    capacity = plan.handle["capacity"]
    # With a Capacity Block the launch template must name the instance type, and the group must not.
    named = {} if plan.purchase is EksPurchase.CAPACITY_BLOCK else {"instance_types": plan.machines}
    return {
        **named,
        "ami_type": ami_type(plan),
        "capacity_type": CAPACITY_TYPES[plan.purchase],
        "scaling_config": {
            "min_size": capacity["nodes_min"],
            "max_size": capacity["nodes_max"],
            "desired_size": capacity["nodes_min"],
        },
        # A reservation has no spare machine for a node that is created before the old one is deleted.
        "update_config": {"max_unavailable": 1, "update_strategy": "MINIMAL" if plan.reserved else "DEFAULT"},
        "node_repair_config": {"enabled": True},
        "labels": plan.labels,
        "taints": api_taints(plan.taints),
    }


def scaling_group(resources: Sequence[Any]) -> str:
    """Name of the Auto Scaling group that EKS made for a managed group."""
    return str(resources[0].autoscaling_groups[0].name)


def launch_template(name: str, plan: EksPoolPlan, spec: EksPoolSpec, tags: Mapping[str, str]) -> dict[str, Any]:
    """The inputs of a launch template from the plan. No image: EKS uses the newest of the image type. Pure."""
    named = {**tags, "Name": name}
    inputs: dict[str, Any] = {
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            # One hop: pods outside the host network cannot reach the node's credentials.
            "http_put_response_hop_limit": 1,
        },
        "block_device_mappings": disks(plan),
        "tag_specifications": [
            {"resource_type": kind, "tags": named} for kind in ("instance", "volume", "network-interface")
        ],
    }
    if plan.user_data:
        inputs["user_data"] = base64.b64encode(plan.user_data.encode()).decode()
    if plan.reserved:
        inputs["capacity_reservation_specification"] = {
            "capacity_reservation_preference": "capacity-reservations-only",
            "capacity_reservation_target": {"capacity_reservation_id": spec["reservation_id"]},
        }
    if plan.purchase is EksPurchase.CAPACITY_BLOCK:
        inputs["instance_type"] = plan.machines[0]
        inputs["instance_market_options"] = {"market_type": "capacity-block"}
    return inputs


def disks(plan: EksPoolPlan) -> list[dict[str, Any]]:
    """Encrypted gp3 volumes; the volume of images and pods has the configured size. Pure."""
    volume = {"volume_type": "gp3", "encrypted": "true", "delete_on_termination": "true"}
    system = [{"device_name": "/dev/xvda", "ebs": volume}] if plan.image is EksImage.BOTTLEROCKET else []
    return [*system, {"device_name": plan.root_device, "ebs": {**volume, "volume_size": plan.disk_gib}}]


def efa_fabric(component: Component, name: str, cluster: EksHandle, plan: EksPoolPlan) -> dict[str, Any]:
    """Declare the resources that nodes with EFA need; returns the resulting inputs of the launch template. Nothing
    without EFA.
    """
    if not plan.efa_interfaces:
        return {}
    groups = [cluster["security_group_id"], efa_security_group(component, name, cluster).id]
    interfaces = [
        {
            "network_card_index": each.network_card_index,
            "device_index": each.device_index,
            "interface_type": each.interface_type,
            "delete_on_termination": "true",
            "security_groups": groups,
        }
        for each in efa_interfaces(plan.efa_interfaces)
    ]
    if not plan.placed_together:
        return {"network_interfaces": interfaces}
    together = placement_group(component, name, cluster, plan.zones[0])
    return {"network_interfaces": interfaces, "placement": {"group_name": together.name}}


def placement_group(component: Component, name: str, cluster: EksHandle, zone: str) -> "aws.ec2.PlacementGroup":
    """A cluster placement group. It is bound to the zone of its first machine, so each zone has its own group."""
    return aws.ec2.PlacementGroup(
        f"{name}-placement",
        name=Output.concat(cluster["name"], "-", name, "-", zone),
        strategy="cluster",
        tags=aws_tags(name),
        opts=component.child,
    )


def efa_security_group(component: Component, name: str, cluster: EksHandle) -> "aws.ec2.SecurityGroup":
    """Allows all traffic among the nodes of the pool, which EFA requires in both directions (EC2 user guide,
    efa-start).
    """
    group = aws.ec2.SecurityGroup(
        f"{name}-fabric",
        name=Output.concat(cluster["name"], "-", name, "-fabric"),
        description=f"EFA traffic among the nodes of pool {name}",
        vpc_id=cluster["network"]["vpc_id"],
        tags=aws_tags(name),
        opts=component.child,
    )
    for role, rule in (("in", aws.vpc.SecurityGroupIngressRule), ("out", aws.vpc.SecurityGroupEgressRule)):
        rule(
            f"{name}-fabric-{role}",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            description="EFA traffic within the pool",
            ip_protocol="-1",
            tags=aws_tags(name),
            opts=component.child,
        )
    return group
