"""The named traffic of add-ons."""

from catalog.addresses import PRIVATE_RANGES
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle, PolicyEngine
from components.base.namespaces import IsolatedNamespace, IsolatedNamespaceArgs, PodSecurity
from components.base.traffic import scraped, to_api_server, webhook_from_api_server
from components.base.traffic_rules import policy_spec
from policies.objects import PlannedObject
from policies.rules.network.network_policies import network_policy_is_restricted
from tests.recorder import Recording, record


def judged(spec: dict[str, object]) -> list[str]:
    body = {"kind": "NetworkPolicy", "metadata": {"name": "x", "namespace": "y"}, "spec": spec}
    return [str(f) for f in network_policy_is_restricted(PlannedObject("", "kubernetes:x", "x", body))]


def test_the_policies_find_no_unrestricted_rule() -> None:
    rules = [to_api_server(), *webhook_from_api_server({"a": "b"}, 9443, PRIVATE_RANGES), *scraped("monitoring", [1])]
    assert [finding for rule in rules for finding in judged(policy_spec(rule))] == []


def test_a_webhook_is_called_from_each_range_and_through_the_tunnel_on_its_port_alone() -> None:
    rules = webhook_from_api_server({"app": "w"}, 10250, ["10.0.0.0/8", "172.20.0.0/16"])
    assert [rule["name"] for rule in rules] == ["webhook-tunnel", "webhook-0", "webhook-1", "webhook-nodes"]
    assert policy_spec(rules[0])["ingress"] == [
        {
            "from": [
                {
                    "podSelector": {},
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                }
            ],
            "ports": [{"protocol": "TCP", "port": 10250}],
        }
    ]
    assert policy_spec(rules[2]) == {
        "podSelector": {"matchLabels": {"app": "w"}},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"ipBlock": {"cidr": "172.20.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 10250}]}],
    }


def test_the_api_server_is_reached_by_its_ports_wherever_it_is() -> None:
    """With `ipBlock`, as before, Cilium selects no API server that is a node of the cluster."""
    assert policy_spec(to_api_server({"app": "x"})) == {
        "podSelector": {"matchLabels": {"app": "x"}},
        "policyTypes": ["Egress"],
        "egress": [{"ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]}],
    }
    assert policy_spec(to_api_server())["podSelector"] == {}


def isolated(network: ClusterNetworkHandle) -> Recording:
    args = IsolatedNamespaceArgs(
        namespace="x",
        pod_security=PodSecurity.RESTRICTED,
        exceptions=webhook_from_api_server({"app": "w"}, 9443, ["10.0.0.0/8"]),
        network=network,
    )
    return record(lambda: IsolatedNamespace("home", args) and None)


def test_cilium_gets_a_policy_of_its_own_for_webhooks_and_nothing_else_of_its_kind() -> None:
    plain, cilium = isolated(USUAL_NETWORK), isolated({**USUAL_NETWORK, "policies": PolicyEngine.CILIUM})
    assert set(cilium.kinds()) - set(plain.kinds()) == {"CiliumNetworkPolicy home-allow-webhook-nodes"}
    assert set(plain.kinds()) < set(cilium.kinds())
    policy = cilium.one("CiliumNetworkPolicy").inputs
    assert policy["metadata"]["namespace"] == "x"
    assert policy["spec"] == {
        "endpointSelector": {"matchLabels": {"app": "w"}},
        "ingress": [
            {
                "fromEntities": ["kube-apiserver", "remote-node", "host"],
                "toPorts": [{"ports": [{"port": "9443", "protocol": "TCP"}]}],
            }
        ],
    }


def test_names_are_resolved_by_both_kinds_of_dns_pods_and_at_the_addresses_of_the_cluster() -> None:
    """Pods of NodeLocal DNSCache were missing: on GKE Dataplane V2 no name was resolved."""
    policy = isolated({**USUAL_NETWORK, "dns_addresses": ["10.96.0.10/32"]}).one("NetworkPolicy", "allow-dns")
    (rule,) = policy.inputs["spec"]["egress"]
    pods = [peer["podSelector"]["matchLabels"] for peer in rule["to"] if "podSelector" in peer]
    assert pods == [{"k8s-app": "kube-dns"}, {"k8s-app": "node-local-dns"}]
    assert [peer["ipBlock"]["cidr"] for peer in rule["to"] if "ipBlock" in peer] == ["10.96.0.10/32"]
    assert [(port["protocol"], port["port"]) for port in rule["ports"]] == [("TCP", 53), ("UDP", 53)]


def test_nothing_is_scraped_without_monitoring() -> None:
    assert scraped("", [9400]) == []
    assert [rule["peer_namespace"] for rule in scraped("monitoring", [9400])] == ["monitoring"]


def test_a_rule_for_labelled_namespaces_selects_them_by_label() -> None:
    spec = policy_spec({"name": "x", "direction": "Egress", "peer_namespace_labels": {"team": "yes"}})  # type: ignore[typeddict-item]
    assert spec["egress"] == [{"to": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"team": "yes"}}}]}]
