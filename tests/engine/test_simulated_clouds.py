"""The simulated clouds under the real engine: up, no-op, refresh, refused, replaced, protected, gone.

Kubernetes is real below them: a Deployment is scheduled to the nodes that a node group or node pool stands for, through
a kubeconfig with the exec plugin of real code. Nothing here proves that a real cloud would do the same.
"""

import pytest

from tests.engine.conftest import LiveCluster

SETTINGS = {
    "aws": {"aws:region": "eu-central-1"},
    "gcp": {"gcp:project": "simulated-project", "gcp:region": "europe-west4"},
}


@pytest.fixture
def settle(simulated_cloud, workspace, toolchain):
    """Makes the engine of a program, and gives it other settings for its next run."""

    def make(name: str):
        engine = workspace(
            f"simulated_{name}", config=SETTINGS[name], environment=simulated_cloud.environment(toolchain)
        )

        def settings(**more: str) -> None:
            lines = {**SETTINGS[name], **{f"simulated:{key}": value for key, value in more.items()}}
            text = "config:\n" + "".join(f"  {key}: '{value}'\n" for key, value in lines.items())
            (engine.project / "Pulumi.test.yaml").write_text(text, encoding="utf-8")

        return engine, settings

    return make


def said(outcome) -> str:
    return "\n".join(failure.message for failure in outcome.failures)


@pytest.mark.parametrize(("name", "resources", "machine"), [("aws", 14, "g6.48xlarge"), ("gcp", 11, "g2-standard-48")])
def test_a_platform_comes_up_on_a_simulated_cloud_and_goes_without_a_trace(
    settle, simulated_cloud, toolchain, name, resources, machine
):
    engine, settings, cloud = *settle(name), simulated_cloud
    seen = engine.preview()
    assert seen.succeeded, said(seen)
    assert cloud.resources(name) == []

    first = engine.up()
    assert first.succeeded, said(first)
    assert first.changes == {"create": resources}
    (cluster,) = cloud.clusters()
    outputs = engine.outputs()
    assert outputs["endpoint"].removeprefix("https://") == cluster.status().server.removeprefix("https://")

    brought = LiveCluster(cluster.kubeconfig, toolchain).kubectl("get", "crds", "--output=name")
    assert ("provisioningrequests.autoscaling.x-k8s.io" in brought) == (name == "gcp")

    second = engine.up()
    assert (second.changes, second.same) == ({}, resources)
    assert engine.refresh().changes == {}

    settings(version="1.37")
    refused = engine.preview()
    assert "from 1.34 to 1.37: one at a time" in said(refused)

    settings(version="1.35", machine=machine, nodes="1", protect="true")
    changed = engine.up()
    assert changed.succeeded, said(changed)
    # An EKS node group cannot change its machines, a GKE node pool can.
    assert changed.changes.get("replace", 0) == (2 if name == "aws" else 0)
    assert engine.refresh().changes == {}

    kept = engine.destroy()
    assert "deletion" in said(kept)
    assert "protection" in said(kept).lower()
    assert [token for token, _ in cloud.resources(name) if "Cluster" in token]

    settings(version="1.35", machine=machine, nodes="1")
    assert engine.up().succeeded
    gone = engine.destroy()
    assert gone.succeeded, said(gone)
    assert cloud.resources(name) == []
    assert cloud.clusters() == []
    assert engine.resources() == []
