"""What Amazon EKS and EC2 offer, as tables with their sources. Pure."""

from datetime import date
from typing import NamedTuple

from components.clouds.eks.spec import EksPurchase


class EksVersion(NamedTuple):
    """Support of one minor version of Kubernetes on EKS; None: not known here."""

    standard_until: date | None
    extended_until: date | None
    source: str


_CALENDAR = "EKS release calendar as in endoflife.date/amazon-eks and aws-samples/sample-apex-skills, April 2026"

EKS_VERSIONS: dict[str, EksVersion] = {
    "1.31": EksVersion(date(2025, 11, 26), date(2026, 11, 26), _CALENDAR),
    "1.32": EksVersion(date(2026, 3, 23), date(2027, 3, 23), _CALENDAR),
    "1.33": EksVersion(date(2026, 7, 29), date(2027, 7, 29), _CALENDAR),
    "1.34": EksVersion(date(2026, 12, 2), date(2027, 12, 2), _CALENDAR),
    "1.35": EksVersion(date(2027, 3, 27), date(2028, 3, 27), _CALENDAR),
    "1.36": EksVersion(None, None, "EKS user guide, kubernetes-versions, 2026: named as available, no date seen"),
}

LOG_RETENTION_DAYS = frozenset(
    int(days)
    for days in """
    1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653
""".split()
)
"""Days that CloudWatch Logs can keep a log (PutRetentionPolicy in botocore 1.44.5, logs/service-2)."""

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

CAPACITY_TYPES: dict[EksPurchase, str] = {
    EksPurchase.ON_DEMAND: "ON_DEMAND",
    EksPurchase.SPOT: "SPOT",
    EksPurchase.RESERVED: "ON_DEMAND",
    EksPurchase.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}
"""`capacityType` of a managed node group, which has one. A reservation is on-demand capacity that the launch template
points to."""

KARPENTER_CAPACITY_TYPES: dict[EksPurchase, tuple[str, ...]] = {
    EksPurchase.ON_DEMAND: ("on-demand",),
    EksPurchase.SPOT: ("spot",),
    EksPurchase.SPOT_OR_ON_DEMAND: ("spot", "on-demand"),
    EksPurchase.RESERVED: ("reserved",),
    EksPurchase.CAPACITY_BLOCK: ("reserved",),
}
"""`karpenter.sh/capacity-type`. Of several it takes spot first; where EC2 has none, or a higher price than on-demand,
on-demand (aws/karpenter-provider-aws v1.14.3, concepts/nodepools)."""

RESERVATION_TYPES: dict[EksPurchase, str] = {
    EksPurchase.RESERVED: "default",
    EksPurchase.CAPACITY_BLOCK: "capacity-block",
}
"""`capacity-reservation-type`, a label of the domain of the node class: karpenter.k8s.aws (Karpenter, tasks/odcrs) or
eks.amazonaws.com (EKS user guide, auto-odcr)."""

WITH_RESERVATION = (EksPurchase.RESERVED, EksPurchase.CAPACITY_BLOCK)

TAINT_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "PreferNoSchedule": "PREFER_NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}
"""Kubernetes' name of a taint effect -> that of the EKS API."""

BOTTLEROCKET_MIG_MODELS: dict[str, str] = {
    "A100-40GB": "a100.40gb",
    "A100-80GB": "a100.80gb",
    "H100": "h100.80gb",
    "H200": "h200.141gb",
    "B200": "b200.180gb",
}
"""Accelerator -> the name by which Bottlerocket's MIG manager knows it (bottlerocket-core-kit, nvidia-migmanager).

It cuts every GPU of the node into as many partitions of one profile as fit, and its device plugin offers them under
the name of the whole device (`migStrategy: single`; mixed: bottlerocket-os/bottlerocket#4483, open).
"""

AUTOSCALER_GPU_LABEL = "k8s.amazonaws.com/accelerator"
"""The Cluster Autoscaler does not call a node with this label ready before it offers `nvidia.com/gpu`; without it, a
node that waits for its device plugin looks useless and a second one is started (kubernetes/autoscaler,
aws_cloud_provider.go GPULabel)."""

INTERFACE_ENDPOINTS = ("ec2", "ecr.api", "ecr.dkr", "logs", "sts")
"""AWS services that nodes reach without the internet; S3 has a gateway endpoint."""

DRA_SINCE = (1, 34)
"""`resource.k8s.io/v1` (Kubernetes 1.34); EKS recommends DRA from that version on (EKS user guide, ml)."""

ADDONS = (
    "vpc-cni",
    "kube-proxy",
    "eks-pod-identity-agent",
    "coredns",
    "aws-ebs-csi-driver",
    "aws-efs-csi-driver",
    "metrics-server",
)
"""Managed add-ons that the platform installs (EKS user guide, workloads-add-ons-available-eks and community-addons)."""

BEFORE_NODES = ADDONS[:3]
"""Those without which no node becomes ready; the others run on nodes, and are not ready before there are some."""

IN_AUTO_MODE = ADDONS[:5]
"""Those that Auto Mode does itself."""

CLUSTER_AUTOSCALER_TAGS: dict[str, str] = {
    "1.31": "v1.31.5",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
    "1.32": "v1.32.7",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
    "1.33": "v1.33.6",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
    "1.34": "v1.34.5",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
    "1.35": "v1.35.2",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
    "1.36": "v1.36.1",  # renovate: datasource=docker depName=registry.k8s.io/autoscaling/cluster-autoscaler
}
"""Kubernetes minor version -> image tag: one autoscaler for each (kubernetes/autoscaler, cluster-autoscaler/README).
Git tags of 2026-07-22 (1.31.5: 2025-10-08, 1.32.7: 2026-02-13); the roles of chart 9.59.0 cover what 1.36 reads."""

AUTO_MODE_NODE_CLASS = "eks.amazonaws.com/v1"
"""API version of Auto Mode's NodeClass (EKS user guide, create-node-class). AWS installs the kind, without
publishing its CRD."""
