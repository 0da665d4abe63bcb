"""The `existing` kind on the embedded cluster: a cluster that somebody else made, reached by its kubeconfig.

Its nodes are made by the test, as an installer would make them; charts are the bundled stand-ins. Not proved here: what
the charts of upstream do, and addresses and volumes of a real network.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from components.node_pools.simulated import CAPACITY_ANNOTATION, node_capacity
from components.placement import plan_pool
from stacks.pools import described_pool
from stacks.settings import ClusterKind
from tests.engine.conftest import REPOSITORY

POOLS: dict[str, Any] = {
    "cpu": {"nodesMin": 1, "nodesMax": 2},
    "l4": {"accelerator": "L4", "devicesPerNode": 2, "nodesMax": 1},
}


def settings(kubeconfig: Path) -> dict[str, Any]:
    """An environment on that cluster, without a cloud: its own addresses, file server and disks."""
    return {
        "environment": {
            "name": "onprem",
            "owner": "ml-platform",
            "domain": "ml.example.com",
            "rehearsal": True,
        },
        "cluster": {
            "kind": "existing",
            "kubeconfig": str(kubeconfig),
            "metallb": {"addresses": ["198.18.7.0/24"]},
            "nfs": {"server": "filer.example.com", "share": "/exports/ml", "encryption": "the filer, AES-256"},
            "localPath": {"paths": ["/var/lib/local-volumes"], "encryption": "LUKS, by the installer"},
            "pools": POOLS,
        },
        "charts": {"origin": "upstream"},
        "teams": {"vision": {"owner": "vision-leads", "costCenter": "cc-1", "quota": {"l4": 2}}},
        "training": {
            "resnet": {
                "team": "vision",
                "pool": "l4",
                "job": {
                    "run": "1",
                    "image": "ghcr.io/example/resnet:1.4.0",
                    "accelerators": {"count": 1},
                    "cpuMillis": 1000,
                    "memoryGib": 8,
                    "deadlineMinutes": 60,
                    "annotations": {"simulated.mlplatform.dev/duration-seconds": "3600"},
                },
            }
        },
    }


def node(name: str, pool: str) -> dict[str, Any]:
    """A node as its owner labels and taints it, after `python -m tools detect` said how."""
    snake = {"nodesMin": "nodes_min", "nodesMax": "nodes_max", "devicesPerNode": "devices_per_node"}
    args = described_pool({snake.get(key, key): value for key, value in POOLS[pool].items()})
    handle, labels, taints = plan_pool(pool, args["pool"], ClusterKind.EXISTING)
    capacity = json.dumps(node_capacity(handle["capacity"]), sort_keys=True)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**labels, "type": "kwok"},
            "annotations": {"kwok.x-k8s.io/node": "fake", CAPACITY_ANNOTATION: capacity},
        },
        "spec": {"taints": taints},
    }


def test_a_platform_comes_up_on_a_cluster_that_is_there_and_leaves_it_as_it_was(workspace: Any, cluster: Any) -> None:
    nodes = [node("rack-1", "cpu"), node("rack-2", "cpu"), node("rack-3", "l4")]
    cluster.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(nodes))
    before = cluster.census()
    config = {f"mlplatform:{key}": value for key, value in settings(cluster.kubeconfig).items()}
    engine = workspace(REPOSITORY / "stacks", config=config, environment={"MLPLATFORM_REHEARSAL": "1"})
    up = engine.up()
    assert up.failures == ()
    assert engine.up().changes == {}
    assert engine.refresh().changes == {}
    (pod,) = json.loads(cluster.kubectl("get", "pods", "-n", "vision", "-o", "json"))["items"]
    assert pod["spec"]["nodeName"] == "rack-3"
    made = json.loads(cluster.kubectl("get", "storageclasses", "-o", "json"))["items"]
    assert {one["metadata"]["name"]: one["provisioner"] for one in made} == {
        "mlplatform-fast": "rancher.io/local-path",
        "mlplatform-standard": "rancher.io/local-path",
        "mlplatform-shared": "nfs.csi.k8s.io",
        "mlplatform-dataset": "nfs.csi.k8s.io",
    }
    assert "metallb" in cluster.kubectl("get", "deployments", "-n", "metallb-system", "-o", "name")
    assert engine.destroy().failures == ()
    assert engine.resources() == []
    assert cluster.difference(before) == set()
    cluster.kubectl("delete", "nodes", "rack-1", "rack-2", "rack-3")
