"""A cluster that does not run: nothing is started, nothing is written."""

from pathlib import Path

import pytest

from simulator.cluster import Cluster, State
from simulator.errors import SimulatorError


def test_a_cluster_that_does_not_exist_can_be_asked_stopped_and_deleted(tmp_path: Path) -> None:
    cluster = Cluster("dev", tmp_path)
    assert cluster.status().state is State.ABSENT
    assert (cluster.stop(), cluster.delete(), Cluster.clusters(tmp_path)) == (False, False, [])
    assert list(tmp_path.iterdir()) == []


def test_a_broken_configuration_is_reported_with_the_remedy_and_does_not_hinder_it(tmp_path: Path) -> None:
    cluster = Cluster("dev", tmp_path)
    cluster.kubeconfig.parent.mkdir(parents=True)
    (cluster.kubeconfig.parent / "configuration.json").write_text("{")
    with pytest.raises(SimulatorError, match=r"configuration\.json is not valid JSON.*Delete the cluster"):
        cluster.status()
    assert cluster.delete() is True
    assert Cluster.clusters(tmp_path) == []
