"""Node Feature Discovery: its master takes the configuration that upstream's chart renders with our values."""

import json

import pytest

from tests.controllers.conftest import free_port, platform, until

NAMESPACE, NODE = "node-feature-discovery", "fitting-0"
LABEL = "feature.node.kubernetes.io/pci-10de.present"


@pytest.fixture(scope="module")
def master(home):
    home.install("node-feature-discovery")
    home.apply(platform("dev").of("Namespace"))
    home.nodes_for([{}])
    chart = home.module / "deployment" / "helm" / "node-feature-discovery"
    rendered = home.rendered(chart, NAMESPACE, platform("dev").values["node-feature-discovery"])
    (config,) = [one["data"]["nfd-master.conf"] for one in rendered if "nfd-master.conf" in one.get("data", {})]
    file = home.folder / "nfd-master.conf"
    file.write_text(config, encoding="utf-8")
    return home.run(
        f"-kubeconfig={home.cluster.kubeconfig}",
        f"-config={file}",
        f"-port={free_port()}",
        environment={"NODE_NAME": NODE, "KUBERNETES_NAMESPACE": NAMESPACE},
    )


def feature(namespace: str) -> dict[str, object]:
    """What a worker writes of a node with a card of NVIDIA."""
    metadata = {"name": NODE, "namespace": namespace, "labels": {"nfd.node.kubernetes.io/node-name": NODE}}
    spec = {"labels": {LABEL: "true"}}
    return {"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": metadata, "spec": spec}


def labels(home) -> dict[str, str]:
    return dict(json.loads(home.kubectl("get", "node", NODE, "-o", "json"))["metadata"]["labels"])


def test_a_feature_of_its_own_namespace_becomes_the_label_that_device_plugins_select(master, home):
    home.apply([feature(NAMESPACE)])
    until(lambda: labels(home).get(LABEL) == "true", 60, lambda: master.said[-3000:])
    assert not master.ended


def test_a_feature_of_another_namespace_is_not_taken(master, home):
    """Our values restrict it: a team that writes NodeFeatures would label nodes otherwise."""
    home.kubectl("delete", "nodefeatures", "--all", "-n", NAMESPACE)
    until(lambda: LABEL not in labels(home), 60, lambda: master.said[-3000:])
    home.apply([feature("vision")])
    with pytest.raises(AssertionError):
        until(lambda: LABEL in labels(home), 5)
