"""Every example previews with policies; the one with components on their own also runs, on nodes that are not ours.

Not proved here: that the examples' images exist.
"""

import json
from typing import Any

import pytest
import yaml

from tests.engine.conftest import REPOSITORY

EXAMPLES = sorted(path.parent for path in (REPOSITORY / "examples").glob("*/Pulumi.yaml"))
NODE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "rented-0",
        "labels": {
            "mlplatform.dev/pool": "h100",
            "nvidia.com/gpu.present": "true",
            "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3",
            "mlplatform.dev/simulated": "true",
            "type": "kwok",
        },
        "annotations": {
            "kwok.x-k8s.io/node": "fake",
            "simulated.mlplatform.dev/capacity": json.dumps(
                {"cpu": "192", "memory": "2048Gi", "ephemeral-storage": "1Ti", "pods": "110", "nvidia.com/gpu": "8"}
            ),
        },
    },
    "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
}


def project_of(workspace: Any, example: Any) -> Any:
    """The example under the engine, with its own settings and the policy pack."""
    name = yaml.safe_load((example / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    config = yaml.safe_load((example / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    return workspace(example, name=name, stack="dev", config=config, policy_pack=REPOSITORY / "policies")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_previews_and_the_policies_have_nothing_to_say(workspace: Any, example: Any) -> None:
    plan = project_of(workspace, example).preview()
    assert (plan.failures, plan.violations) == ((), ())
    assert set(plan.changes) == {"create"}


def test_one_team_trains_on_existing_nodes(workspace: Any, cluster: Any) -> None:
    before = cluster.census()
    engine = project_of(workspace, REPOSITORY / "examples" / "one_team")
    cluster.kubectl("apply", "-f", "-", text=json.dumps(NODE))
    try:
        up = engine.up()
        assert (up.failures, up.violations) == ((), ())
        (pod,) = json.loads(cluster.kubectl("get", "pods", "-n", "vision", "-o", "json"))["items"]
        assert pod["spec"]["nodeName"] == "rented-0"
        needed = engine.outputs()["node_labels"]
        assert needed.items() <= NODE["metadata"]["labels"].items()
        assert engine.up().changes == {}
        assert engine.destroy().failures == ()
    finally:
        cluster.kubectl("delete", "node", "rented-0")
    assert cluster.difference(before) == set()
