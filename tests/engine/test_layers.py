"""One environment in two stacks: the cluster, and the platform that reads it by a StackReference."""

import json
from pathlib import Path

import pytest

from policies.rules.quota import POOL_TYPES
from tests.engine.layers import of_layer
from tools.rehearsal import Rehearsal


def test_a_platform_stands_on_the_cluster_of_another_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    rehearsal = Rehearsal("gke")
    with rehearsal._cloud() as (run, cloud):
        below = of_layer(run, "gke-cluster", "cluster")
        below.create()
        assert below.up().failures == ()
        assert not [r for r in below.resources() if r["type"].startswith("kubernetes:")], "no object of the cluster"
        assert below.outputs()["kubeconfig"] == "[secret]"

        above = of_layer(run, "gke-platform", "platform", "organization/mlplatform/gke-cluster")
        above.create()
        # The cluster is there: the first preview renders the charts, and the policies judge all of them.
        assert above.preview().violations == ()
        assert above.up().failures == ()
        made = above.resources()
        assert not [r for r in made if r["type"].startswith(("gcp:container", "gcp:compute", "gcp:sql"))]
        pools = [r for r in made if r["type"] in POOL_TYPES]
        assert {r["type"].rsplit(":", 1)[-1] for r in pools} == {"ReferencedNodePool"}
        assert above.preview().changes == {}
        assert "BEGIN" not in json.dumps(above.export())

        assert above.destroy().failures == ()
        assert below.destroy().failures == ()
        assert cloud.resources("gcp") == []
    rehearsal.end()
