"""What is said of the network of a cluster that somebody else made.

The facts have the shape that `tools.detect.read_network` reads. Names, images and switches are those of the projects'
manifests; nothing here proves that a release still has them.
"""

from typing import Any

import pytest

from components.clouds.existing.advice import Advice
from components.clouds.existing.inspection import ClusterSnapshot, NodeFacts
from components.clouds.existing.network import NetworkAgentFacts, NetworkFacts, cnis_of, network_advice
from settings.clouds.existing import ExistingSettings
from tools.detect import advice_on_network, read_network


def cluster(version: str = "v1.35.2", **labels: str) -> ClusterSnapshot:
    return ClusterSnapshot(version=version, nodes=[NodeFacts(name="n", labels=labels, taints=[], allocatable={})])


def agent(name: str, *images: str, arguments: tuple[str, ...] = (), host_network: bool = True) -> NetworkAgentFacts:
    return NetworkAgentFacts(name=name, images=[*images], arguments=[*arguments], host_network=host_network)


def network(*agents: NetworkAgentFacts, dns: str = "10.96.0.10", api_port: int = 6443, **cilium: str) -> NetworkFacts:
    written = {key.replace("_", "-"): value for key, value in cilium.items()}
    return NetworkFacts(
        agents=[*agents],
        cilium=written,
        dns_service=dns,
        api_server_ports=[api_port],
        api_server_addresses=["172.16.0.2"],
        node_addresses=["10.128.0.7"],
    )


CILIUM = agent("cilium", "quay.io/cilium/cilium:v1.18.3")
CALICO = agent("calico-node", "docker.io/calico/node:v3.31.0")
FLANNEL = agent("kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.27.0")
CACHE = agent("node-local-dns", "registry.k8s.io/dns/k8s-dns-node-cache:1.26.0")
AGENT = "602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon/aws-network-policy-agent:v1.2.0"


def told(facts: NetworkFacts, snapshot: ClusterSnapshot | None = None, **declared: Any) -> list[Advice]:
    return [*network_advice(snapshot or cluster(), facts, **declared)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("GKE Dataplane V2", agent("anetd", "gke.gcr.io/cilium/cilium:v1.16.5-gke.11")),
        ("Cilium", CILIUM),
        ("Cilium", agent("cilium", "mcr.microsoft.com/oss/cilium/cilium:1.17.4")),
        ("Calico", CALICO),
        ("Calico", agent("rke2-canal", "rancher/hardened-calico:v3.31.0", "rancher/hardened-flannel:v0.27.0")),
        ("Antrea", agent("antrea-agent", "antrea/antrea-agent-ubuntu:v2.4.0")),
        ("kube-router", agent("kube-router", "docker.io/cloudnativelabs/kube-router:v2.6.0")),
        ("kube-network-policies", agent("policies", "registry.k8s.io/networking/kube-network-policies:v1.0.0")),
        ("kindnet", agent("kindnet", "docker.io/kindest/kindnetd:v20250512-df8de77b")),
        ("AWS VPC CNI", agent("aws-node", AGENT, arguments=("--enable-network-policy=true",))),
    ],
)
def test_a_cni_that_evaluates_policies_is_recognised_and_is_no_worry(name: str, found: NetworkAgentFacts) -> None:
    assert name in [cni.name for cni in cnis_of(network(found))]
    rows = told(network(found, policy_cidr_match_mode="nodes"))
    assert rows == []


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (network(FLANNEL), "install a CNI"),
        (network(agent("aws-node", AGENT)), "enable it"),
        (network(agent("kindnet", "docker.io/kindest/kindnetd:v20240513-cbf3ea7a")), "upgrade the CNI"),
        (network(CILIUM, enable_policy="never"), "enable it"),
    ],
)
def test_a_cluster_that_enforces_no_policies_is_reported_and_not_blocked(facts: NetworkFacts, remedy: str) -> None:
    """The API server accepts a default deny, whether or not a CNI enforces it."""
    (row,) = told(facts)
    assert (row.path, row.blocks) == ("cluster.networkPolicies", False)
    assert "nothing enforces NetworkPolicies" in row.found
    assert remedy in row.advice
    assert "teams are not isolated" in row.advice


def test_a_network_without_any_sign_is_not_called_open() -> None:
    assert "no known CNI" in told(network())[0].found
    assert told(network(), cluster("v1.33.4+k3s1"))[0].found == "K3s"


def test_flannel_with_a_policy_agent_is_accepted() -> None:
    assert told(network(FLANNEL, CALICO)) == []


def test_cilium_needs_its_own_policies_unless_its_ranges_select_nodes() -> None:
    """Without them the API server on a node calls no webhook, and the first `up` fails."""
    (row,) = told(network(CILIUM))
    assert (row.path, row.blocks) == ("cluster.networkPolicies", True)
    assert "`networkPolicies: cilium`" in row.advice
    assert told(network(CILIUM), declared="cilium") == []
    assert told(network(CILIUM, policy_cidr_match_mode="nodes")) == []


def test_ciliums_policies_on_another_cni_are_a_clash() -> None:
    (row,) = told(network(CALICO), declared="cilium")
    assert (row.path, row.found, row.blocks) == ("cluster.networkPolicies", "Calico", True)


def test_dns_that_no_selector_of_pods_allows_is_named_with_its_address() -> None:
    calico = network(CALICO, CACHE)
    (row,) = told(calico)
    assert (row.path, row.blocks) == ("cluster.dnsAddresses", True)
    assert "`- 10.96.0.10/32`" in row.advice
    assert told(calico, dns_addresses=["10.96.0.10/32"]) == []
    assert told(network(CALICO, agent("node-local-dns", "x", host_network=False))) == []
    assert told(network(CILIUM, CACHE, policy_cidr_match_mode="nodes")) == []


def test_clouds_that_answer_for_dns_on_their_nodes_are_recognised_by_labels_of_nodes() -> None:
    dataplane = network(agent("anetd", "gke.gcr.io/cilium/cilium:v1"))
    (row,) = told(dataplane, cluster(**{"cloud.google.com/gke-nodepool": "cpu"}))
    assert "`- 169.254.169.254/32`" in row.advice
    assert not row.blocks
    auto = cluster(**{"eks.amazonaws.com/compute-type": "auto"})
    (row,) = told(
        network(agent("aws-node", AGENT, arguments=("--enable-network-policy=true",)), dns="172.20.0.10"), auto
    )
    assert "`- 172.20.0.10/32`" in row.advice
    assert row.blocks


def test_a_port_of_api_servers_that_policies_close_is_named_with_the_line_that_opens_it() -> None:
    """On MicroK8s no controller of the platform reached the API server, and nothing said why."""
    (row,) = told(network(CALICO, api_port=16443))
    assert (row.path, row.blocks) == ("cluster.apiServerPorts", True)
    assert "16443" in row.found
    assert "`apiServerPorts: [443, 16443]`" in row.advice
    assert told(network(CALICO, api_port=16443), api_server_ports=[443, 16443]) == []
    assert [one.path for one in told(network(CALICO), api_server_ports=[443, 16443])] == ["cluster.apiServerPorts"]
    unread = {**network(CALICO), "api_server_ports": list[int]()}
    assert told(unread) == []  # type: ignore[arg-type]


def lab(**declared: Any) -> ExistingSettings:
    """The settings of such a cluster."""
    return ExistingSettings.model_validate({"kind": "existing", "pools": {}, **declared})


def advice_on_webhooks(facts: NetworkFacts, version: str = "v1.35.1-gke.1200000", **declared: Any) -> list[Advice]:
    written = {"dnsAddresses": ["169.254.169.254/32"], "apiServerPorts": [443, 6443], **declared}
    return advice_on_network(cluster(version), facts, lab(**written))


DATAPLANE = agent("anetd", "gke.gcr.io/cilium/cilium:v1")


def test_a_gke_control_plane_that_may_be_peered_is_reported_with_ports_and_command() -> None:
    """`up` failed after five minutes with "context deadline exceeded": only docs/networking.md knew of the firewall."""
    (row,) = advice_on_webhooks(network(DATAPLANE))
    assert (row.path, row.blocks) == ("cluster (webhooks)", False)
    assert "172.16.0.2: kubectl does not show whether its control plane is peered" in row.found
    assert "9443 (cloudnative-pg, kserve)" in row.advice
    (brought,) = advice_on_webhooks(network(DATAPLANE), metallb={"addresses": ["192.0.2.0/28"]})
    assert "9443 (cloudnative-pg, kserve, metallb)" in brought.advice
    assert "privateClusterConfig.peeringName" in row.advice
    assert "--rules=tcp:9443 --source-ranges=172.16.0.0/28" in row.advice


def test_only_webhooks_that_the_settings_install_are_reported() -> None:
    found = {"cloudnative-pg": "cnpg-system", "kserve": "kserve"}
    assert advice_on_webhooks(network(DATAPLANE), existingAddons=found) == []
    (row,) = advice_on_webhooks(network(DATAPLANE), existingAddons=found, metallb={"addresses": ["10.0.0.0/24"]})
    assert "9443 (metallb)" in row.advice


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({"api_server_addresses": ["34.90.1.2"]}, "v1.35.1-gke.1200000"),
        ({"api_server_addresses": ["10.128.0.2"]}, "v1.35.1-gke.1200000"),
        ({}, "v1.35.1-eks-abc"),
    ],
    ids=["a public address", "in the subnet of the nodes", "another cloud"],
)
def test_a_control_plane_that_is_not_peered_is_no_worry(change: dict[str, Any], version: str) -> None:
    assert advice_on_webhooks({**network(DATAPLANE), **change}, version) == []  # type: ignore[typeddict-item]


def test_that_the_address_may_not_be_read_is_said() -> None:
    facts = {**network(DATAPLANE), "api_server_addresses": list[str]()}
    (row,) = advice_on_webhooks(facts)  # type: ignore[arg-type]
    assert "whose address may not be read" in row.found
    assert "--source-ranges=CONTROL_PLANE_RANGE" in row.advice


def test_facts_are_read_from_daemon_sets_and_from_two_objects_of_kube_system() -> None:
    def pod(*containers: dict[str, Any], host: bool = True) -> dict[str, Any]:
        return {"template": {"spec": {"hostNetwork": host, "containers": [*containers]}}}

    answers = {
        "daemonsets.apps": [
            {"metadata": {"name": "cilium"}, "spec": pod({"image": "quay.io/cilium/cilium:v1.18.3", "args": ["--x"]})},
            {"metadata": {"name": "node-local-dns"}, "spec": pod({"image": "dns"})},
            {"metadata": {"name": "web"}, "spec": pod({"image": "nginx"}, host=False)},
        ],
        "configmaps/kube-system": [
            {"metadata": {"name": "cilium-config"}, "data": {"policy-cidr-match-mode": "", "debug": "false"}}
        ],
        "services/kube-system": [{"metadata": {"name": "kube-dns"}, "spec": {"clusterIP": "10.43.0.10"}}],
        "endpointslices.discovery.k8s.io/default": [
            {
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
                "ports": [{"port": port}],
                "endpoints": [{"addresses": [address]}],
            }
            for name, port, address in (("kubernetes", 16443, "10.1.0.5"), ("web", 8080, "10.1.0.6"))
        ],
        "nodes": [
            {
                "status": {
                    "addresses": [
                        {"type": "Hostname", "address": "n"},
                        {"type": "InternalIP", "address": "10.1.0.7"},
                    ]
                }
            }
        ],
    }
    facts = read_network(lambda kind: answers.get(kind, []))
    assert facts == {
        "agents": [
            agent("cilium", "quay.io/cilium/cilium:v1.18.3"),
            agent("node-local-dns", "dns"),
        ],
        "cilium": {"policy-cidr-match-mode": ""},
        "dns_service": "10.43.0.10",
        "api_server_ports": [16443],
        "api_server_addresses": ["10.1.0.5"],
        "node_addresses": ["10.1.0.7"],
    }
    assert [row.path for row in advice_on_network(cluster(), facts, lab())] == [
        "cluster.networkPolicies",
        "cluster.apiServerPorts",
    ]
    declared = {"networkPolicies": "cilium", "apiServerPorts": [443, 16443]}
    assert advice_on_network(cluster(), facts, lab(**declared)) == []
    nothing = read_network(lambda _: [])
    assert [key for key, value in nothing.items() if value] == []
