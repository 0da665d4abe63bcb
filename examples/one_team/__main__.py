"""One team that trains on H100 nodes of an existing cluster: components without a settings file.

KUBECONFIG names the cluster; the outputs say which labels and taints its nodes need. In this directory:
`pulumi preview --stack dev --policy-pack ../../policies`, then `pulumi up` with the same.
"""

import os
import sys
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the checkout: components are imported from it

from components.clouds.existing.described_pool import DescribedNodePool
from components.tenants.priority_classes import PriorityClasses
from components.tenants.team import Team
from components.workloads.training.fixed_runs import FixedRuns
from components.workloads.training.job import TrainingJob

config = pulumi.Config("one-team")
kubeconfig = Path(os.environ["KUBECONFIG"]).expanduser().read_text(encoding="utf-8")
provider = kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret(kubeconfig), cluster_identifier="one-team")


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options: on the cluster, after these resources."""
    return pulumi.ResourceOptions(provider=provider, depends_on=[*resources])


h100 = DescribedNodePool("h100", {"pool": {"accelerator": "H100", "nodes_max": 4}}, after())
priorities = PriorityClasses("priorities", {}, after())
guard = FixedRuns("fixed-runs", {}, after())
vision = Team(
    "vision",
    {
        "name": "vision",
        "team": {
            "owner": "vision-leads",
            "cost_center": "cc-1001",
            "quota": {"h100": 16},
            "editors": ["vision-engineers"],
        },
        "pools": [h100.handle],
        "priorities": priorities.handle,
    },
    after(priorities),
)
TrainingJob(
    "resnet",
    {
        "job": {
            "run": config.require("run"),
            "image": "ghcr.io/example/resnet:1.0.0",
            "accelerators": {"count": 8},
            "cpu_millis": 64_000,
            "memory_gib": 512,
            "deadline_minutes": 720,
        },
        "team": vision.handle,
        "pool": h100.handle,
    },
    after(vision, guard),
)
pulumi.export("namespace", vision.namespace)
pulumi.export("node_labels", h100.node_labels)
pulumi.export("node_taints", h100.node_taints)
