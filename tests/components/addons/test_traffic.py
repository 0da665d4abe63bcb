"""The named traffic of add-ons."""

from components.addons.traffic import PRIVATE_RANGES, scraped, to_api_server, webhook_from_api_server
from components.namespaces import policy_spec
from policies.rules.network import network_policy_opens_no_door_to_the_world
from policies.rules.objects import PlannedObject


def judged(spec: dict[str, object]) -> list[str]:
    body = {"kind": "NetworkPolicy", "metadata": {"name": "x", "namespace": "y"}, "spec": spec}
    return [str(f) for f in network_policy_opens_no_door_to_the_world(PlannedObject("", "kubernetes:x", "x", body))]


def test_nothing_of_it_is_open_to_the_world_in_the_eyes_of_the_law() -> None:
    rules = [to_api_server(), *webhook_from_api_server({"a": "b"}, 9443, PRIVATE_RANGES), *scraped("monitoring", [1])]
    assert [finding for rule in rules for finding in judged(policy_spec(rule))] == []


def test_a_webhook_is_called_from_each_range_and_through_the_tunnel_on_its_port_alone() -> None:
    rules = webhook_from_api_server({"app": "w"}, 10250, ["10.0.0.0/8", "172.20.0.0/16"])
    assert [rule["name"] for rule in rules] == ["webhook-tunnel", "webhook-0", "webhook-1"]
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


def test_nobody_scrapes_where_there_is_no_monitoring() -> None:
    assert scraped("", [9400]) == []
    assert [rule["peer_namespace"] for rule in scraped("monitoring", [9400])] == ["monitoring"]


def test_a_rule_for_labelled_namespaces_selects_them_by_label() -> None:
    spec = policy_spec({"name": "x", "direction": "Egress", "peer_namespace_labels": {"team": "yes"}})  # type: ignore[typeddict-item]
    assert spec["egress"] == [{"to": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"team": "yes"}}}]}]
