"""A pool of an EKS Auto Mode cluster: AWS runs Karpenter, the image, the device plugin and the storage driver.

Settings that Auto Mode does not support are refused with an alternative (`check_eks_pool`): shares and partitions of
devices, DRA, EFA, custom images and local disks, working hours. A node is replaced after three weeks at the latest,
whatever it runs.
"""

from typing import Any, TypedDict

from pulumi import Output, ResourceOptions
from pulumi_kubernetes import core, meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.base.labels import LABELS
from components.base.webhooks import until_webhook_answers
from components.capacity.placement import Capacity, PoolHandle
from components.clouds.eks.controller_validation import check_controller
from components.clouds.eks.handles import EksHandle, NodeProvisioning
from components.clouds.eks.karpenter_pool import check_karpenter_pool
from components.clouds.eks.plan import EksPoolPlan, node_pool_spec, plan_eks_pool
from components.clouds.eks.spec import EksPoolSpec
from components.clouds.eks.tables import AUTO_MODE_NODE_CLASS, WITH_RESERVATION
from components.findings import refuse

LONGEST_LIFE = "504h"
"""Longest life of a node: 21 days, the maximum of Auto Mode (EKS user guide, automode)."""
NETWORK_POLICY_CONFIG = "amazon-vpc-cni"
"""ConfigMap of kube-system that makes Auto Mode enforce NetworkPolicies (EKS user guide, auto-net-pol)."""


class AutoModeNodePoolArgs(TypedDict):
    """A pool of a cluster in Auto Mode."""

    cluster: EksHandle
    """Cluster that its nodes join: `EksCluster.handle`."""
    pool: EksPoolSpec
    """Settings of the pool."""


class AutoModeNodePool(Component):
    """Nodes of one shape that Auto Mode creates within limits."""

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""

    def __init__(self, name: str, args: AutoModeNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        cluster, spec = args["cluster"], args["pool"]
        refuse(f"node pool {name}", check_karpenter_pool(name, cluster, spec, NodeProvisioning.AUTO_MODE))
        super().__init__(name, args, opts)
        zones = list(cluster["network"]["private_subnet_ids"])
        plan = plan_eks_pool(name, spec, NodeProvisioning.AUTO_MODE, zones)
        self.handle: PoolHandle = plan.handle
        # AWS installs this kind and publishes no CRD, so the object cannot be validated against one.
        node_class = CustomResource(
            f"{name}-node-class",
            api_version=AUTO_MODE_NODE_CLASS,
            kind="NodeClass",
            metadata=meta.v1.ObjectMetaArgs(name=name, labels=LABELS),
            spec=auto_node_class_spec(cluster, spec, plan),
            opts=until_webhook_answers(self.child),
        )
        reference = {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": name}
        custom_resource(
            f"{name}-node-pool",
            "NodePool",
            name,
            node_pool_spec(plan, reference, oldest=LONGEST_LIFE),
            ResourceOptions.merge(self.child, ResourceOptions(depends_on=[node_class])),
        )
        self.capacity = Output.from_input(plan.handle["capacity"])
        self.register_outputs({"capacity": self.capacity})


def auto_node_class_spec(cluster: EksHandle, spec: EksPoolSpec, plan: EksPoolPlan) -> dict[str, Any]:
    """The `spec` of the NodeClass. Pure. No tags: Auto Mode's role may set only its own tags."""
    node_class: dict[str, Any] = {
        "role": Output.from_input(cluster["node_role_arn"]).apply(role_name),
        "subnetSelectorTerms": [{"id": cluster["network"]["private_subnet_ids"][zone]} for zone in plan.zones],
        "securityGroupSelectorTerms": [{"id": cluster["security_group_id"]}],
        "networkPolicy": "DefaultAllow",
        "networkPolicyEventLogs": "Enabled",
        "ephemeralStorage": {"size": f"{plan.disk_gib}Gi"},
    }
    if plan.purchase in WITH_RESERVATION:
        node_class["capacityReservationSelectorTerms"] = [{"id": spec["reservation_id"]}]
    return node_class


def role_name(arn: str) -> str:
    """Name of a role from its ARN. Pure."""
    return arn.rsplit("/", 1)[-1]


class AutoModeNetworkPoliciesArgs(TypedDict):
    """The cluster that enforces NetworkPolicies."""

    cluster: EksHandle
    """Provisioning `auto-mode`."""


class AutoModeNetworkPolicies(Component):
    """Makes Auto Mode enforce NetworkPolicies: until this exists they are accepted and do nothing.

    Declared before everything that relies on them. Other kinds of cluster enable them in their network add-on.
    """

    def __init__(self, name: str, args: AutoModeNetworkPoliciesArgs, opts: ResourceOptions | None = None) -> None:
        cluster = args["cluster"]
        refuse(f"network policies {name}", check_controller(name, cluster["provisioning"], NodeProvisioning.AUTO_MODE))
        super().__init__(name, args, opts)
        core.v1.ConfigMap(
            f"{name}-config",
            metadata=meta.v1.ObjectMetaArgs(name=NETWORK_POLICY_CONFIG, namespace="kube-system", labels=LABELS),
            data={"enable-network-policy-controller": "true"},
            opts=self.child,
        )
        self.register_outputs({})
