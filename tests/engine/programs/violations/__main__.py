"""What the policy pack forbids, written by hand: beside a team with a quota, for the test of the pack.

Settings: `database`, an address range that is not known in a preview, like that of a database which is still to be
made; with it nothing else is declared but a namespace and a policy in it.
"""

import pulumi
import pulumi_kubernetes as kubernetes

from components.capacity.placement import PoolArgs
from components.clouds.simulated.pool import SimulatedNodePool
from components.tenants.priority_classes import PriorityClasses
from components.tenants.team import Team

ENFORCED = {"pod-security.kubernetes.io/enforce": "baseline"}
config = pulumi.Config("violations")


def network_policy(
    space: pulumi.Input[str], name: str, spec: dict[str, object]
) -> kubernetes.networking.v1.NetworkPolicy:
    return kubernetes.networking.v1.NetworkPolicy(name, metadata={"name": name, "namespace": space}, spec=spec)


if config.get("database"):
    home = kubernetes.core.v1.Namespace("violations", metadata={"name": "violations", "labels": ENFORCED})
    address = pulumi.UNKNOWN if pulumi.runtime.is_dry_run() else config.require("database")
    block = {"to": [{"ipBlock": {"cidr": address}}], "ports": [{"port": 5432}]}
    network_policy(
        home.metadata.name, "to-database", {"pod_selector": {}, "policy_types": ["Egress"], "egress": [block]}
    )
else:
    pool = SimulatedNodePool("rules-h100", PoolArgs(accelerator="H100", nodes_max=2))
    order = PriorityClasses("rules-order", {"prefix": "rules"})
    spec = {"owner": "vision-leads", "cost_center": "4711", "quota": {"rules-h100": 4}}
    team = Team(
        "rules-vision", {"name": "rules-vision", "team": spec, "pools": [pool.handle], "priorities": order.handle}
    )
    pod = {
        "restart_policy": "Never",
        "node_selector": {"mlplatform.dev/pool": "rules-h100"},
        "containers": [
            {"name": "main", "image": "registry.example.com/p:1", "resources": {"limits": {"nvidia.com/gpu": "8"}}}
        ],
    }
    kubernetes.batch.v1.Job(
        "greedy", metadata={"name": "greedy", "namespace": team.namespace}, spec={"template": {"spec": pod}}
    )
    everybody = {"from": [{"namespace_selector": {"match_expressions": []}}]}
    network_policy(team.namespace, "open", {"pod_selector": {}, "policy_types": ["Ingress"], "ingress": [everybody]})
    kubernetes.core.v1.ConfigMap("nameless", metadata={"namespace": team.namespace}, data={"a": "b"})
    pulumi.export("deviceCaps", {"H100": {"cap": 12, "devices": 16}})
