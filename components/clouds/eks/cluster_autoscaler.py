"""The Cluster Autoscaler: sizes managed node groups between the limits of their pools.

It finds the groups by the tags that EKS puts on them, and changes none that lacks the tag of this cluster.
"""

from typing import Any, Required, TypedDict

from pulumi import Input, Output, ResourceOptions

from catalog.addons import ADDONS
from components.base.chart_source import ChartSource
from components.base.component import Component
from components.base.pods import resources
from components.clouds.eks.controller_validation import check_autoscaler_version, check_controller
from components.clouds.eks.controllers import Controller, declare_controller
from components.clouds.eks.handles import EksHandle, NodeProvisioning
from components.clouds.eks.pod_identity import PolicyStatement
from components.clouds.eks.tables import CLUSTER_AUTOSCALER_TAGS
from components.clouds.names import partition
from components.findings import refuse

DEFAULT_NAMESPACE = ADDONS["cluster-autoscaler"].namespace
SERVICE_ACCOUNT = "cluster-autoscaler"
METRICS_PORT = ADDONS["cluster-autoscaler"].metrics_port


class ClusterAutoscalerArgs(TypedDict, total=False):
    """The Cluster Autoscaler in one cluster."""

    cluster: Required[EksHandle]
    """Provisioning `managed-groups`."""
    source: Required[ChartSource]
    """Source of the chart."""
    namespace: str
    """Namespace that is created for it. Default: cluster-autoscaler."""
    monitoring_namespace: str
    """Namespace of Prometheus; empty or missing: no metrics."""
    highly_available: bool
    """Two replicas with leader election; default true."""
    idle_minutes: int
    """Minutes that a node must be idle before it is removed; default 10. An idle H100 machine costs about a dollar and
    a half a minute; a new one is ready after ten minutes."""


class ClusterAutoscaler(Component):
    """The autoscaler of the cluster's minor version, and its identity."""

    namespace: Output[str]
    """Namespace in which it runs."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: ResourceOptions | None = None) -> None:
        cluster = args["cluster"]
        refuse(
            f"cluster autoscaler {name}",
            [
                *check_controller(
                    name, cluster["provisioning"], NodeProvisioning.MANAGED_GROUPS, args.get("namespace") or ""
                ),
                *check_autoscaler_version(name, cluster["kubernetes_version"], args.get("idle_minutes", 10)),
            ],
        )
        super().__init__(name, args, opts)
        self.namespace = declare_controller(
            self,
            name,
            args,
            Controller("cluster-autoscaler", DEFAULT_NAMESPACE, SERVICE_ACCOUNT, METRICS_PORT),
            autoscaler_statements(cluster),
            autoscaler_values(args),
        )
        self.register_outputs({"namespace": self.namespace})


def autoscaler_values(args: ClusterAutoscalerArgs) -> dict[str, Any]:
    """Values of the chart that differ from its defaults. Pure."""
    cluster = args["cluster"]
    return {
        "cloudProvider": "aws",
        "awsRegion": cluster["region"],
        "autoDiscovery": {"clusterName": cluster["name"]},
        "image": {"tag": CLUSTER_AUTOSCALER_TAGS[cluster["kubernetes_version"]]},
        "replicaCount": 2 if args.get("highly_available", True) else 1,
        "fullnameOverride": SERVICE_ACCOUNT,
        "rbac": {"serviceAccount": {"create": True, "name": SERVICE_ACCOUNT}},
        "extraArgs": {
            # Of the groups that fit, the one that leaves least unused; similar groups in several zones grow together.
            "expander": "least-waste",
            "balance-similar-node-groups": True,
            # Pods of the platform have an emptyDir too: trainings and model servers all use one.
            "skip-nodes-with-local-storage": False,
            "skip-nodes-with-system-pods": False,
            "scale-down-unneeded-time": f"{int(args.get('idle_minutes', 10))}m",
            # A node with eight GPUs needs up to 15 minutes for its images and drivers.
            "max-node-provision-time": "30m",
        },
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "fsGroup": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "resources": resources(cpu_millis=100, memory_mib=512),
        "serviceMonitor": {
            "enabled": bool(args.get("monitoring_namespace")),
            # The chart's default is a namespace `monitoring`, which may have another name or come later.
            "namespace": args.get("namespace") or DEFAULT_NAMESPACE,
        },
    }


def autoscaler_statements(cluster: EksHandle) -> list[PolicyStatement]:
    """IAM permissions of the autoscaler. Pure. (kubernetes/autoscaler, cloudprovider/aws/README)

    EKS tags the Auto Scaling group of a managed node group with `eks:cluster-name`.
    """
    region, account = cluster["region"], cluster["account_id"]
    groups = f"arn:{partition(region)}:autoscaling:{region}:{account}:autoScalingGroup:*"
    node_groups: Input[str] = Output.concat(
        f"arn:{partition(region)}:eks:{region}:{account}:nodegroup/", cluster["name"], "/*"
    )
    return [
        PolicyStatement(
            actions=["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            resources=[groups],
            condition={"StringEquals": {"aws:ResourceTag/eks:cluster-name": cluster["name"]}},
            any_because="EKS creates the groups and their names; the tag of the cluster restricts the statement",
        ),
        PolicyStatement(actions=["eks:DescribeNodegroup"], resources=[node_groups]),
        PolicyStatement(
            actions=[
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            resources=["*"],
            any_because="Describe actions support no resource",
        ),
    ]
