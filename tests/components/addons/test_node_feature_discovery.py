"""What NodeFeatureDiscovery registers. Not proved here: what the chart makes of its values (engine)."""

from components.addons.node_feature_discovery import (
    NodeFeatureDiscovery,
    NodeFeatureDiscoveryArgs,
    node_feature_discovery_values,
)
from components.capacity.placement import tolerations_of_all
from tests.components.addons.pools import ALL, STUB
from tests.recorder import Recording, record


def discovery(**changes: object) -> Recording:
    args: NodeFeatureDiscoveryArgs = {"pools": ALL, "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: NodeFeatureDiscovery("nfd", args) and None)


def test_it_is_a_chart_in_a_namespace_that_reaches_the_api_server_and_nothing_else() -> None:
    recording = discovery()
    assert recording.kinds() == [
        "AddonChart nfd-chart",
        "Chart nfd-chart-chart",
        "IsolatedNamespace nfd-namespace",
        "Namespace nfd-namespace-namespace",
        "NetworkPolicy nfd-namespace-allow-api-server",
        "NetworkPolicy nfd-namespace-allow-dns",
        "NetworkPolicy nfd-namespace-default-deny",
        "NodeFeatureDiscovery nfd",
    ]
    namespace = recording.one("Namespace").inputs["metadata"]
    assert namespace["name"] == "node-feature-discovery"
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    chart = recording.one("Chart").inputs
    assert chart["chart"] == "/mirror/charts/node-feature-discovery"
    assert chart["namespace"] == "node-feature-discovery"
    assert chart["skipCrds"] is True


def test_workers_tolerate_every_taint_of_every_pool() -> None:
    tolerations = discovery().one("Chart").inputs["values"]["worker"]["tolerations"]
    assert tolerations == tolerations_of_all(ALL)
    assert {toleration["key"] for toleration in tolerations} == {
        "nvidia.com/gpu",
        "google.com/tpu",
        "xilinx.com/fpga",
        "mlplatform.dev/spot",
    }


def test_gpus_network_cards_and_accelerators_are_labelled_by_vendor_as_nvidias_charts_look_for_them() -> None:
    pci = discovery().one("Chart").inputs["values"]["worker"]["config"]["sources"]["pci"]
    assert pci == {"deviceClassWhitelist": ["02", "03", "12"], "deviceLabelFields": ["vendor"]}


def test_only_its_own_namespace_may_say_what_nodes_are() -> None:
    recording = discovery(namespace="features")
    restrictions = recording.one("Chart").inputs["values"]["master"]["config"]["restrictions"]
    assert restrictions["nodeFeatureNamespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "features"}
    assert recording.one("Namespace").inputs["metadata"]["name"] == "features"


def test_with_monitoring_its_namespace_alone_may_scrape() -> None:
    recording = discovery(monitoring_namespace="monitoring")
    policy = recording.one("NetworkPolicy", "allow-metrics").inputs["spec"]["ingress"][0]
    assert policy["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}
    assert policy["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert recording.one("Chart").inputs["values"]["prometheus"] == {"enable": True}
    assert discovery().one("Chart").inputs["values"]["prometheus"] == {"enable": False}


def test_highly_available_means_two_masters_and_a_disruption_budget() -> None:
    master = node_feature_discovery_values(ALL, "nfd", highly_available=True, monitored=False)["master"]
    assert (master["replicaCount"], master["podDisruptionBudget"]) == (2, {"enable": True})
    assert discovery(highly_available=True).one("Chart").inputs["values"]["master"]["replicaCount"] == 2
    assert discovery().one("Chart").inputs["values"]["master"]["replicaCount"] == 1


def test_memory_requests_equal_limits_in_every_part() -> None:
    values = discovery().one("Chart").inputs["values"]
    for part in ("master", "worker", "gc"):
        resources = values[part]["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]
