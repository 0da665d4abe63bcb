"""One environment in two stacks: the cluster, and the platform that reads it by a StackReference.

What takes nothing from the cluster's stack, monitoring and trainings, is left out; test_rehearsals.py has all of it.
"""

import json
from pathlib import Path

import pytest

from policies.rules.capacity.quota import POOL_TYPES
from tests.engine.layers import of_layer
from tools.rehearsal import Rehearsal


@pytest.mark.parametrize(
    ("stack", "cloud_package", "of_cluster", "made_above", "balancer"),
    [
        (
            "prod",
            "aws",
            ("aws:ec2", "aws:eks/cluster", "aws:eks/nodeGroup", "aws:eks/addon", "aws:rds", "aws:s3", "aws:efs"),
            {"ClusterAutoscaler", "PodIdentity", "ReferencedNodePool"},
            {
                "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
                "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
            },
        ),
        (
            "gke",
            "gcp",
            ("gcp:container", "gcp:compute", "gcp:sql"),
            {"ReferencedNodePool"},
            {"networking.gke.io/load-balancer-type": "Internal"},
        ),
    ],
    ids=["eks", "gke"],
)
def test_a_platform_stands_on_the_cluster_of_another_stack(
    stack: str,
    cloud_package: str,
    of_cluster: tuple[str, ...],
    made_above: set[str],
    balancer: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    rehearsal = Rehearsal(stack)
    with rehearsal._cloud() as (run, cloud):
        below = of_layer(run, f"{stack}-cluster", "cluster")
        below.create()
        assert below.up().failures == ()
        assert not [r for r in below.resources() if r["type"].startswith("kubernetes:")], "no object of the cluster"
        assert below.outputs()["kubeconfig"] == "[secret]"

        reference = f"organization/mlplatform/{stack}-cluster"
        above = of_layer(run, f"{stack}-platform", "platform", reference, without=("monitoring", "training"))
        above.create()
        # The cluster is there: the charts are rendered, and the policies judge all of them.
        up = above.up()
        assert (up.failures, up.violations) == ((), ())
        made = above.resources()
        assert not [r["urn"] for r in made if r["type"].startswith(of_cluster)]
        assert made_above <= {r["type"].rsplit(":", 1)[-1] for r in made}
        pools = [r for r in made if r["type"] in POOL_TYPES]
        assert {r["type"].rsplit(":", 1)[-1] for r in pools} == {"ReferencedNodePool"}
        (proxy,) = [r for r in made if r["type"].endswith(":EnvoyProxy")]
        assert proxy["inputs"]["spec"]["provider"]["kubernetes"]["envoyService"]["annotations"] == balancer
        assert above.preview().changes == {}
        assert "BEGIN" not in json.dumps(above.export())

        assert above.destroy().failures == ()
        assert below.destroy().failures == ()
        assert cloud.resources(cloud_package) == []
    rehearsal.end()
