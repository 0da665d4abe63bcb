"""Karpenter: creates and removes EC2 instances for pending pods, within the limits of its pools.

It runs on the nodes of one managed group. Its role may create and change only resources with the tag
`eks:eks-cluster-name` of this cluster, which Karpenter sets on every resource that it creates. Interruptions (spot,
maintenance, reservations that end) reach it through a dedicated queue.

Pools are declared with `depends_on` this component, so that `destroy` deletes them while Karpenter still runs and can
terminate their instances. Without Karpenter the deletion of a pool never ends.
"""

from collections.abc import Sequence
from typing import Any, Required, TypedDict

import pulumi_aws as aws
from pulumi import CustomResource, Input, Output, ResourceOptions

from catalog.addons import ADDONS
from components.base.chart_source import ChartSource
from components.base.component import Component
from components.base.pods import resources
from components.clouds.eks.cluster import NODE_POLICIES, known_after
from components.clouds.eks.controller_validation import check_controller
from components.clouds.eks.controllers import Controller, declare_controller
from components.clouds.eks.handles import EksHandle, KarpenterHandle, NodeProvisioning
from components.clouds.eks.network import trust_of
from components.clouds.eks.pod_identity import ROLE_NAME_LENGTH, PolicyStatement, policy_json
from components.clouds.names import aws_tags, deterministic_name, partition
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["karpenter"].namespace
SERVICE_ACCOUNT = "karpenter"
METRICS_PORT = ADDONS["karpenter"].metrics_port
EVENTS: dict[str, dict[str, list[str]]] = {
    "health": {"source": ["aws.health"], "detail-type": ["AWS Health Event"]},
    "spot": {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]},
    "rebalance": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance Rebalance Recommendation"]},
    "state": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
    "reservation": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Capacity Reservation Instance Interruption Warning"],
    },
}
"""Events that Karpenter handles (aws/karpenter-provider-aws v1.14.3, getting-started cloudformation.yaml)."""


class KarpenterArgs(TypedDict, total=False):
    """Karpenter in one cluster."""

    cluster: Required[EksHandle]
    """Provisioning `karpenter`."""
    source: Required[ChartSource]
    """Source of the chart; its CRDs are installed beforehand by `Crds`."""
    namespace: str
    """Namespace that is created for it. Default: karpenter."""
    monitoring_namespace: str
    """Namespace of Prometheus; empty or missing: no metrics."""
    highly_available: bool
    """Two replicas with leader election; default true. The managed group then needs two nodes."""


class Karpenter(Component):
    """The controller, its identity, the role of its nodes, and the queue of its interruption events."""

    namespace: Output[str]
    """Namespace in which it runs."""
    queue_name: Output[str]
    """Queue of interruption events."""

    def __init__(self, name: str, args: KarpenterArgs, opts: ResourceOptions | None = None) -> None:
        cluster = args["cluster"]
        refuse(
            f"karpenter {name}",
            check_controller(name, cluster["provisioning"], NodeProvisioning.KARPENTER, args.get("namespace") or ""),
        )
        super().__init__(name, args, opts)
        self.tags = aws_tags(name)
        nodes, needed = self._node_role(name, cluster)
        self.handle = KarpenterHandle(node_role_name=known_after(nodes.name, needed))
        """Handle for its pools."""
        queue = self._queue(name, cluster)
        self.namespace = declare_controller(
            self,
            name,
            args,
            Controller("karpenter", DEFAULT_NAMESPACE, SERVICE_ACCOUNT, METRICS_PORT),
            controller_statements(cluster, nodes.arn, queue.arn),
            karpenter_values(args, queue.name),
        )
        self.queue_name = queue.name
        self.register_outputs({"namespace": self.namespace, "queueName": self.queue_name})

    def _node_role(self, name: str, cluster: EksHandle) -> "tuple[aws.iam.Role, list[CustomResource]]":
        role = aws.iam.Role(
            f"{name}-node-role",
            name=Output.from_input(cluster["name"]).apply(
                lambda of: deterministic_name(ROLE_NAME_LENGTH, of, cluster["region"], "karpenter-node")
            ),
            assume_role_policy=policy_json(trust_of("ec2.amazonaws.com")),
            tags=self.tags,
            opts=self.child,
        )
        needed: list[CustomResource] = [
            aws.iam.RolePolicyAttachment(
                f"{name}-node-{policy}",
                role=role.name,
                policy_arn=f"arn:{partition(cluster['region'])}:iam::aws:policy/{policy}",
                opts=self.child,
            )
            for policy in NODE_POLICIES
        ]
        access = aws.eks.AccessEntry(
            f"{name}-node-access",
            cluster_name=cluster["name"],
            principal_arn=role.arn,
            type="EC2_LINUX",
            tags=self.tags,
            opts=self.child,
        )
        return role, [*needed, access]

    def _queue(self, name: str, cluster: EksHandle) -> "aws.sqs.Queue":
        queue = aws.sqs.Queue(
            f"{name}-interruptions",
            name=Output.concat(cluster["name"], "-karpenter"),
            message_retention_seconds=300,
            sqs_managed_sse_enabled=True,
            tags=self.tags,
            opts=self.child,
        )
        aws.sqs.QueuePolicy(
            f"{name}-interruptions-policy",
            queue_url=queue.id,
            policy=policy_json(queue_policy(cluster, queue.arn)),
            opts=self.child,
        )
        for event, pattern in EVENTS.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-event-{event}",
                name=Output.concat(cluster["name"], "-karpenter-", event),
                description=f"Tells Karpenter: {pattern['detail-type'][0]}",
                event_pattern=Output.json_dumps(pattern),
                tags=self.tags,
                opts=self.child,
            )
            aws.cloudwatch.EventTarget(
                f"{name}-event-{event}-target",
                rule=rule.name,
                target_id="karpenter",
                arn=queue.arn,
                opts=self.child,
            )
        return queue


def karpenter_values(args: KarpenterArgs, queue_name: Input[str]) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    monitored = bool(args.get("monitoring_namespace"))
    return {
        "replicas": 2 if args.get("highly_available", True) else 1,
        "serviceAccount": {"create": True, "name": SERVICE_ACCOUNT},
        "controller": {"resources": resources(cpu_millis=500, memory_mib=1024)},
        "serviceMonitor": {"enabled": monitored},
        "settings": {
            "clusterName": args["cluster"]["name"],
            "eksControlPlane": True,
            "interruptionQueue": queue_name,
        },
    }


def queue_policy(cluster: EksHandle, queue_arn: Input[str]) -> dict[str, Any]:
    """Allows EventBridge of this account to send, and denies access without TLS. Pure."""
    place = f"{cluster['region']}:{cluster['account_id']}"
    rules = f"arn:{partition(cluster['region'])}:events:{place}:rule/*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnLike": {"aws:SourceArn": rules}},
            },
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def controller_statements(
    cluster: EksHandle, node_role_arn: Input[str], queue_arn: Input[str]
) -> list[PolicyStatement]:
    """IAM permissions of Karpenter. Pure.

    The actions of v1.14.3's own policy, restricted by the tag `eks:eks-cluster-name`: resources that it creates must
    get the tag, and resources that it changes or removes must have it.
    """
    region, account = cluster["region"], cluster["account_id"]
    ec2 = f"arn:{partition(region)}:ec2:{region}"
    profiles = f"arn:{partition(region)}:iam::{account}:instance-profile/*"
    tag = "eks:eks-cluster-name"
    asked = {"StringEquals": {f"aws:RequestTag/{tag}": cluster["name"]}}
    owned = {"StringEquals": {f"aws:ResourceTag/{tag}": cluster["name"]}}
    started = [
        f"{ec2}:{account}:{kind}/*"
        for kind in ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
    ]
    used = [
        f"{ec2}:{account}:{kind}/*" for kind in ("security-group", "subnet", "capacity-reservation", "placement-group")
    ]
    creating = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    renaming = {"ForAllValues:StringEquals": {"aws:TagKeys": [tag, "karpenter.sh/nodeclaim", "Name"]}}
    cluster_arn = Output.concat(f"arn:{partition(region)}:eks:{region}:{account}:cluster/", cluster["name"])
    return [
        # Another account may share a reservation with this account.
        _may(
            ["ec2:RunInstances", "ec2:CreateFleet"],
            [f"{ec2}::image/*", f"{ec2}::snapshot/*", f"{ec2}:*:capacity-reservation/*", *used],
        ),
        _may(["ec2:RunInstances", "ec2:CreateFleet"], [f"{ec2}:{account}:launch-template/*"], owned),
        _may(["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"], started, asked),
        _may(["ec2:CreateTags"], started, {"StringEquals": {**asked["StringEquals"], **creating}}),
        _may(["ec2:CreateTags"], [f"{ec2}:{account}:instance/*"], {**owned, **renaming}),
        _may(
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [f"{ec2}:{account}:instance/*", f"{ec2}:{account}:launch-template/*"],
            owned,
        ),
        _may(
            ["iam:PassRole"],
            [node_role_arn],
            {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}},
        ),
        _may(["iam:CreateInstanceProfile", "iam:TagInstanceProfile"], [profiles], asked),
        _may(
            ["iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteInstanceProfile"],
            [profiles],
            owned,
        ),
        _may(["iam:GetInstanceProfile"], [profiles]),
        _may(["eks:DescribeCluster"], [cluster_arn]),
        _may(["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], [queue_arn]),
        _may(["ssm:GetParameter"], [f"arn:{partition(region)}:ssm:{region}::parameter/aws/service/*"]),
        PolicyStatement(
            actions=[f"ec2:Describe{what}" for what in _DESCRIBED],
            resources=["*"],
            condition={"StringEquals": {"aws:RequestedRegion": region}},
            any_because="EC2's Describe actions support no resource",
        ),
        PolicyStatement(
            actions=["pricing:GetProducts", "iam:ListInstanceProfiles"],
            resources=["*"],
            any_because="neither action supports a resource",
        ),
    ]


_DESCRIBED = (
    "CapacityReservations",
    "Images",
    "Instances",
    "InstanceStatus",
    "InstanceTypeOfferings",
    "InstanceTypes",
    "LaunchTemplates",
    "PlacementGroups",
    "SecurityGroups",
    "SpotPriceHistory",
    "Subnets",
)


def _may(
    actions: list[str], arns: Sequence[Input[str]], condition: dict[str, dict[str, Any]] | None = None
) -> PolicyStatement:
    statement = PolicyStatement(actions=actions, resources=list(arns))
    return {**statement, "condition": condition} if condition else statement
