"""Clusters, networks, pools and controllers of Amazon EKS."""

from typing import Any

from catalog.accelerators import DeviceAllocation, Sharing
from components.clouds.eks.addons import EksAddons
from components.clouds.eks.auto_mode import AutoModeNetworkPolicies, AutoModeNodePool
from components.clouds.eks.cluster import EksCluster
from components.clouds.eks.cluster_autoscaler import ClusterAutoscaler
from components.clouds.eks.handles import EksHandle, EksNetworkHandle, KarpenterHandle, NodeProvisioning
from components.clouds.eks.karpenter import Karpenter
from components.clouds.eks.karpenter_pool import KarpenterNodePool
from components.clouds.eks.network import EksNetwork
from components.clouds.eks.node_pool import EksNodePool
from components.clouds.eks.spec import EksImage, EksPurchase, EksSupport
from tests.components.contract.case import ABSENT, Case
from tests.components.platform_handles import SOURCE

NETWORK = EksNetworkHandle(
    vpc_id="vpc-0123456789abcdef0",
    cidr="10.20.0.0/16",
    private_subnet_ids={"eu-west-1a": "subnet-0123456789abcdefa", "eu-west-1b": "subnet-0123456789abcdefb"},
    public_subnet_ids={},
)
MANAGED = EksHandle(
    name="prod",
    region="eu-west-1",
    account_id="012345678901",
    kubernetes_version="1.35",
    provisioning=NodeProvisioning.MANAGED_GROUPS,
    network=NETWORK,
    security_group_id="sg-0123456789abcdef0",
    node_role_arn="arn:aws:iam::012345678901:role/prod-node",
    key_arn="arn:aws:kms:eu-west-1:012345678901:key/prod",
)
KARPENTER: EksHandle = {**MANAGED, "provisioning": NodeProvisioning.KARPENTER}
AUTO: EksHandle = {**MANAGED, "provisioning": NodeProvisioning.AUTO_MODE}
NODES = KarpenterHandle(node_role_name="prod-karpenter-node")
HOURS = {"start": "0 7 * * 1-5", "end": "0 20 * * 1-5", "time_zone": "Europe/Paris"}
RESERVATION, OTHER_RESERVATION = "cr-0123456789abcdef0", "cr-0fedcba9876543210"
POOL: dict[str, Any] = {
    "machines": ["p5.48xlarge"],
    "nodes_min": 0,
    "nodes_max": 2,
    "purchase": EksPurchase.RESERVED,
    "reservation_id": RESERVATION,
    "image": EksImage.AL2023,
    "sharing": {"strategy": Sharing.EXCLUSIVE},
    "efa": True,
    "zones": ["eu-west-1a"],
    "disk_gib": 300,
    "local_nvme": True,
    "device_allocation": DeviceAllocation.DEVICE_PLUGIN,
    "labels": {"example.com/rack": "a"},
    "taints": [{"key": "example.com/dedicated", "value": "vision", "effect": "NoSchedule"}],
}
POOL_VARIANTS: dict[str, Any] = {
    "pool.machines": ["p5e.48xlarge"],
    "pool.reservation_id": OTHER_RESERVATION,
    "pool.zones": ["eu-west-1b"],
    "pool.taints.0.effect": "NoExecute",
    "pool.sharing.replicas": 4,
    "pool.kubernetes_version": "1.34",
    "pool.sharing.mig_profiles": {"1g.10gb": 7},
    "pool.working_hours.start": "0 8 * * 1-5",
    "pool.working_hours.end": "0 21 * * 1-5",
    "pool.working_hours.time_zone": "Europe/Berlin",
}
ON_DEMAND_ONLY = {
    "pool.nodes_min": "nodes are made when pods ask for them",
    "pool.sharing.strategy": "whole devices only",
    "pool.sharing.replicas": "whole devices only",
    "pool.sharing.mig_profiles": "whole devices only",
    "pool.device_allocation": "no DRA",
    "pool.kubernetes_version": "nodes of the control plane's version",
    "pool.working_hours.start": "the pool is empty by itself",
    "pool.working_hours.end": "the pool is empty by itself",
    "pool.working_hours.time_zone": "the pool is empty by itself",
}
WITH_HOURS = {"pool.working_hours": {"pool.working_hours": HOURS}}
_ONE_CHART = "its chart is installed once in a cluster: objects of a chart are named after it"
_EXISTING = {
    "network": {
        "cidr": "10.20.0.0/16",
        "vpc_id": "vpc-0123456789abcdef0",
        "private_subnet_ids": NETWORK["private_subnet_ids"],
        "public_subnet_ids": {"eu-west-1a": "subnet-0123456789abcdef1"},
    }
}
_STACK = "the cluster, its pools and databases, which stand in it"

CASES = [
    Case(
        EksNetwork,
        {
            "network": {
                "cidr": "10.20.0.0/16",
                "zones": ["eu-west-1a", "eu-west-1b"],
                "single_nat_gateway": True,
                "flow_log_days": 30,
            }
        },
        contexts={
            "network.vpc_id": _EXISTING,
            "network.private_subnet_ids": _EXISTING,
            "network.public_subnet_ids": _EXISTING,
        },
        variants={
            "network.zones": ["eu-west-1b", "eu-west-1c"],
            "network.flow_log_days": 60,
            "network.vpc_id": "vpc-0fedcba9876543210",
            "network.private_subnet_ids": {"eu-west-1a": "subnet-0fedcba98765432aa", "eu-west-1b": "subnet-0fedcba9b"},
            "network.public_subnet_ids": {},
        },
        handed={
            "network.vpc_id": _STACK,
            "network.private_subnet_ids": _STACK,
            "network.public_subnet_ids": _STACK,
        },
        refused={"network.cidr": "8.8.0.0/16"},
    ),
    Case(
        EksCluster,
        {
            "region": "eu-west-1",
            "account_id": "012345678901",
            "network": NETWORK,
            "cluster": {
                "kubernetes_version": "1.35",
                "provisioning": NodeProvisioning.MANAGED_GROUPS,
                "public_endpoint": True,
                "public_ranges": ["203.0.113.0/24"],
                "admin_role_arns": ["arn:aws:iam::012345678901:role/deploy"],
                "group_role_arns": {"vision": ["arn:aws:iam::012345678901:role/vision"]},
                "identity_provider": {
                    "issuer_url": "https://login.example.com",
                    "client_id": "kubernetes",
                    "groups_claim": "groups",
                    "groups_prefix": "oidc:",
                    "username_claim": "email",
                    "username_prefix": "oidc:",
                    "required_claims": {"hd": "example.com"},
                },
                "log_days": 90,
                "support": EksSupport.STANDARD,
                "addon_versions": {"vpc-cni": "v1.20.4-eksbuild.2"},
            },
            "keep_data": True,
        },
        variants={
            "region": "us-west-2",
            "account_id": "109876543210",
            "network": {**NETWORK, "private_subnet_ids": {"eu-west-1a": "subnet-a", "eu-west-1c": "subnet-c"}},
            "cluster.kubernetes_version": "1.34",
            "cluster.log_days": 60,
            "cluster.group_role_arns": {"vision": ["arn:aws:iam::012345678901:role/other"]},
            "cluster.identity_provider.issuer_url": "https://login.example.org",
            "cluster.addon_versions": {"vpc-cni": "v1.20.5-eksbuild.1"},
        },
        handed={
            "cluster.provisioning": "for every maker of nodes: Karpenter and managed groups have one control plane"
        },
        rules_only={"cluster.public_endpoint": "a private cluster with ranges that reach it contradicts itself"},
        refused={"cluster.public_ranges": ["0.0.0.0/0"]},
    ),
    Case(
        EksAddons,
        {"cluster": MANAGED, "efs": True, "versions": {"coredns": "v1.12.4-eksbuild.1"}},
        variants={
            "cluster": {**MANAGED, "name": "staging"},
            "versions": {"coredns": "v1.12.5-eksbuild.1"},
        },
        refused={"versions": {"coredns": "latest"}},
    ),
    Case(
        Karpenter,
        {
            "cluster": KARPENTER,
            "source": SOURCE,
            "namespace": "nodes",
            "monitoring_namespace": "monitoring",
            "highly_available": True,
        },
        variants={"cluster": {**KARPENTER, "name": "staging"}},
        refused={"cluster": MANAGED},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        ClusterAutoscaler,
        {
            "cluster": MANAGED,
            "source": SOURCE,
            "namespace": "nodes",
            "monitoring_namespace": "monitoring",
            "highly_available": True,
            "idle_minutes": 20,
        },
        variants={"cluster": {**MANAGED, "kubernetes_version": "1.34"}},
        refused={"cluster": AUTO},
        second={"namespace": "other"},
        single=_ONE_CHART,
    ),
    Case(
        EksNodePool,
        {"cluster": MANAGED, "pool": {**POOL, "working_hours": HOURS}},
        contexts={
            "pool.nodes_min": {"pool.working_hours": ABSENT},
            "pool.device_allocation": {"pool.working_hours": ABSENT, "pool.nodes_min": 1},
            "pool.sharing.strategy": {"pool.sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 4}},
            "pool.sharing.replicas": {"pool.sharing": {"strategy": Sharing.TIME_SLICING, "replicas": 3}},
            "pool.sharing.mig_profiles": {
                "pool.sharing": {"strategy": Sharing.MIG, "mig_profiles": {"1g.10gb": 6}},
            },
        },
        variants={**POOL_VARIANTS, "cluster": {**MANAGED, "kubernetes_version": "1.34"}},
        refused={"pool.machines": ["p5.48xlarg"]},
    ),
    Case(
        KarpenterNodePool,
        {"cluster": KARPENTER, "karpenter": NODES, "pool": POOL},
        contexts=WITH_HOURS,
        variants={
            **POOL_VARIANTS,
            "cluster": {**KARPENTER, "security_group_id": "sg-0fedcba9876543210"},
            "karpenter": KarpenterHandle(node_role_name="staging-karpenter-node"),
        },
        rules_only=ON_DEMAND_ONLY,
        refused={"pool.nodes_min": 1},
    ),
    Case(
        AutoModeNodePool,
        {
            "cluster": AUTO,
            "pool": {
                **{key: value for key, value in POOL.items() if key != "image"},
                "efa": False,
                "local_nvme": False,
            },
        },
        contexts=WITH_HOURS,
        variants={
            **POOL_VARIANTS,
            "cluster": {**AUTO, "security_group_id": "sg-0fedcba9876543210"},
            "pool.image": EksImage.BOTTLEROCKET,
        },
        rules_only={
            **ON_DEMAND_ONLY,
            "pool.image": "Auto Mode chooses it",
            "pool.efa": "a NodeClass declares no interfaces",
            "pool.local_nvme": "Auto Mode decides",
        },
        refused={"pool.nodes_min": 1},
    ),
    Case(
        AutoModeNetworkPolicies,
        {"cluster": AUTO},
        variants={"cluster": MANAGED},
        rules_only={"cluster": "it is for clusters in Auto Mode"},
        refused={"cluster": MANAGED},
        single="one ConfigMap of kube-system, whose name Auto Mode knows",
    ),
]
