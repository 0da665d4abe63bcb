"""Objects of clusters without a cloud on a real API server, and what `detect` reads of one.

Not proved here: upstream's own charts; anything that a real node or a real network does with these objects.
"""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from components.base.charts import values_of as without_none
from components.clouds.existing.cluster_advice import advice
from components.clouds.existing.inspection import ClusterSnapshot
from components.clouds.existing.suggestions import suggested_pools
from tests.simulator.conftest import Client
from tests.simulator.test_charts import Render, rendered
from tests.simulator.test_component_values import SET
from tests.support.definitions import established, whole_crds
from tools.detect import Kubectl, detect, facts_text, read_snapshot

pytestmark = pytest.mark.engine
__all__ = ["rendered"]
OTHERS: Mapping[str, dict[str, Any]] = {
    "karpenter": {"settings": {"clusterName": "a-cluster"}},
    "cluster-autoscaler": {"autoDiscovery": {"clusterName": "a-cluster"}},
}


@pytest.fixture(scope="module")
def with_crds(simulated: Client) -> Client:
    sets = ("gpu-operator", "dra-driver-nvidia-gpu", "karpenter", "metallb", "prometheus-operator")
    simulated("apply", "--server-side", "--filename", "-", text=whole_crds(*sets))
    established(simulated, "crd", "--all")
    return simulated


@pytest.mark.parametrize("chart", [*SET, *OTHERS])
def test_the_api_server_takes_every_object_of_a_chart(chart: str, rendered: Render, with_crds: Client) -> None:
    with_crds.run("create", "namespace", "test")
    text = rendered(chart, without_none(SET.get(chart) or OTHERS[chart]))
    assert not text.startswith("REFUSED"), text
    kubectl = [str(with_crds.toolchain.path("kubectl")), f"--kubeconfig={with_crds.cluster.kubeconfig}"]
    run = subprocess.run(  # without a namespace: a chart has objects in several
        [*kubectl, "apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename", "-"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr


def test_a_cluster_is_read_and_described(with_crds: Client) -> None:
    kubectl = Kubectl(with_crds.toolchain.path("kubectl"), with_crds.cluster.kubeconfig, "")
    snapshot = read_snapshot(kubectl.version(), kubectl.ask)
    assert snapshot["version"].startswith("v1.")
    assert {"gpu", "plain", "tpu"} <= {node["name"] for node in snapshot["nodes"]}
    assert "nodepools.karpenter.sh" in [crd["name"] for crd in snapshot["crds"]]
    assert "node gpu: 8 nvidia.com/gpu; accelerator:NoSchedule" in facts_text(snapshot)
    assert [pool.name for pool in suggested_pools(snapshot)]
    # Nothing serves the metrics API in an embedded cluster.
    advised = [row.path for row in advice(snapshot, crd_sets=["karpenter"])]
    assert advised == ["cluster.existingCrds", "cluster.metricsServer"]
    assert kubectl.ask("unicorns.example.com") == []


def test_the_command_tells_it_and_changes_nothing(with_crds: Client) -> None:
    def labels() -> list[dict[str, str]]:
        return [node["metadata"]["labels"] for node in with_crds.items("nodes")]

    before = labels()
    answer = CliRunner().invoke(detect, ["--kubeconfig", str(with_crds.cluster.kubeconfig), "--snapshot"])
    assert answer.exit_code == 0, answer.output
    recorded: ClusterSnapshot = json.loads(answer.stdout)
    assert len(recorded["nodes"]) >= 3
    told = CliRunner().invoke(detect, ["--kubeconfig", str(with_crds.cluster.kubeconfig)])
    assert "mlplatform:cluster" in told.output
    assert "# kubectl label node gpu mlplatform.dev/pool=devices" in told.output
    assert labels() == before
