"""A pool of an EKS cluster whose nodes Karpenter creates for pending pods and removes when they are empty.

Limits apply to nodes, devices, vCPUs and memory. Settings that Karpenter does not support are refused
(`check_eks_pool`). Karpenter replaces nodes: a changed node class causes drift, and nodes are replaced when they are
empty.
"""

from typing import Any, TypedDict

from pulumi import Output, ResourceOptions

from components.base.component import Component
from components.base.custom_resources import custom_resource
from components.capacity.placement import Capacity, PoolHandle
from components.clouds.eks.controller_validation import check_controller
from components.clouds.eks.handles import EksHandle, KarpenterHandle, NodeProvisioning
from components.clouds.eks.node_pool import efa_security_group, placement_group
from components.clouds.eks.plan import EksPoolPlan, karpenter_interfaces, node_pool_spec, plan_eks_pool
from components.clouds.eks.spec import EksImage, EksPoolSpec
from components.clouds.eks.tables import WITH_RESERVATION
from components.clouds.eks.validation import check_eks_pool, check_pool_name
from components.clouds.names import aws_tags
from components.findings import refuse

FOREVER, MONTH = "Never", "720h"


class KarpenterNodePoolArgs(TypedDict):
    """A pool of a cluster that Karpenter provisions."""

    cluster: EksHandle
    """Cluster that its nodes join: `EksCluster.handle`."""
    karpenter: KarpenterHandle
    """`Karpenter.handle`."""
    pool: EksPoolSpec
    """Settings of the pool."""


class KarpenterNodePool(Component):
    """Nodes of one shape that Karpenter creates within limits."""

    capacity: Output[Capacity]
    """What the pool holds: a fact for policies and the report."""

    def __init__(self, name: str, args: KarpenterNodePoolArgs, opts: ResourceOptions | None = None) -> None:
        cluster, spec = args["cluster"], args["pool"]
        zones = list(cluster["network"]["private_subnet_ids"])
        refuse(f"node pool {name}", check_karpenter_pool(name, cluster, spec, NodeProvisioning.KARPENTER))
        super().__init__(name, args, opts)
        plan = plan_eks_pool(name, spec, NodeProvisioning.KARPENTER, zones)
        self.handle: PoolHandle = plan.handle
        node_class = custom_resource(
            f"{name}-node-class",
            "EC2NodeClass",
            name,
            {**node_class_spec(name, args, plan), **self._fabric(name, cluster, plan)},
            self.child,
        )
        reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": name}
        # An accelerated node never expires; other nodes are replaced every month.
        custom_resource(
            f"{name}-node-pool",
            "NodePool",
            name,
            node_pool_spec(plan, reference, oldest=FOREVER if plan.accelerator else MONTH),
            ResourceOptions.merge(self.child, ResourceOptions(depends_on=[node_class])),
        )
        self.capacity = Output.from_input(plan.handle["capacity"])
        self.register_outputs({"capacity": self.capacity})

    def _fabric(self, name: str, cluster: EksHandle, plan: EksPoolPlan) -> dict[str, Any]:
        """The resources that nodes with EFA need, and the resulting fields of the node class."""
        if not plan.efa_interfaces:
            return {}
        groups = [cluster["security_group_id"], efa_security_group(self, name, cluster).id]
        fields: dict[str, Any] = {
            "securityGroupSelectorTerms": [{"id": group} for group in groups],
            "networkInterfaces": [
                {
                    "networkCardIndex": each.network_card_index,
                    "deviceIndex": each.device_index,
                    "interfaceType": each.interface_type,
                }
                for each in karpenter_interfaces(plan.efa_interfaces)
            ],
        }
        if plan.placed_together:
            fields["placementGroupSelector"] = {"name": placement_group(self, name, cluster, plan.zones[0]).name}
        return fields


def check_karpenter_pool(name: str, cluster: EksHandle, spec: EksPoolSpec, provisioning: NodeProvisioning) -> list[Any]:
    """Findings for a pool of that provisioning."""
    return [
        *check_controller(name, cluster["provisioning"], provisioning),
        *check_pool_name(name, name),
        *check_eks_pool(
            name,
            spec,
            provisioning,
            zones=list(cluster["network"]["private_subnet_ids"]),
            kubernetes_version=cluster["kubernetes_version"],
        ),
    ]


def node_class_spec(name: str, args: KarpenterNodePoolArgs, plan: EksPoolPlan) -> dict[str, Any]:
    """The `spec` of the EC2NodeClass, without EFA. Pure."""
    cluster, spec = args["cluster"], args["pool"]
    family = "bottlerocket" if plan.image is EksImage.BOTTLEROCKET else "al2023"
    volume = {"volumeType": "gp3", "encrypted": True, "deleteOnTermination": True}
    system = [{"deviceName": "/dev/xvda", "ebs": volume}] if plan.image is EksImage.BOTTLEROCKET else []
    node_class: dict[str, Any] = {
        # The newest image of the cluster's version; running nodes are replaced when they are empty.
        "amiSelectorTerms": [{"alias": f"{family}@latest"}],
        "role": args["karpenter"]["node_role_name"],
        "subnetSelectorTerms": [{"id": cluster["network"]["private_subnet_ids"][zone]} for zone in plan.zones],
        "securityGroupSelectorTerms": [{"id": cluster["security_group_id"]}],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [
            *system,
            {"deviceName": plan.root_device, "ebs": {**volume, "volumeSize": f"{plan.disk_gib}Gi"}},
        ],
        "tags": aws_tags(name),
    }
    if spec.get("local_nvme"):
        node_class["instanceStorePolicy"] = "RAID0"
    if plan.purchase in WITH_RESERVATION:
        node_class["capacityReservationSelectorTerms"] = [{"id": spec["reservation_id"]}]
    return node_class
