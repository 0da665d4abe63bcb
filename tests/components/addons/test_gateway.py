"""What Gateway registers, what it hands out, and what may reach it. Not proved here: that traffic flows."""

from typing import Any

import pytest

from components.addons.cert_manager import IssuersHandle
from components.addons.gateway import Gateway, GatewayArgs, gateway_handle
from components.addons.gateway_spec import (
    CertificateSource,
    DomainArgs,
    GatewayHandle,
    GatewayImplementation,
    is_public,
)
from components.findings import Refused
from policies.objects import PlannedObject
from policies.rules.network.network_policies import network_policy_is_restricted
from tests.components.addons.pools import STUB
from tests.recorder import Recording, record

ISSUERS = IssuersHandle(self_signed="self-signed", internal="internal", acme="acme", namespace="cert-manager")
INTERNAL = DomainArgs(name="internal", domain="ml.corp.example", certificate=CertificateSource.INTERNAL)
PUBLIC = DomainArgs(name="public", domain="ml.example.com", certificate=CertificateSource.ACME, hosts=["api", "mlflow"])
BOUGHT = DomainArgs(
    name="bought", domain="ai.example.com", certificate=CertificateSource.SECRET, secret_name="wildcard-ai"
)
ISTIO: dict[str, Any] = {"implementation": GatewayImplementation.EXISTING, "class_name": "istio"}


def arguments(**changes: object) -> GatewayArgs:
    args: GatewayArgs = {"domains": [INTERNAL], "issuers": ISSUERS, "source": STUB, **changes}  # type: ignore[typeddict-item]
    return args


def gateway(**changes: object) -> Recording:
    return record(lambda: Gateway("edge", arguments(**changes)) and None)


def traffic(recording: Recording) -> dict[str, dict[str, Any]]:
    policies = recording.of("NetworkPolicy")
    return {policy.inputs["metadata"]["name"]: policy.inputs["spec"] for policy in policies}


def test_with_envoy_it_is_the_implementation_the_gateway_its_certificate_and_the_redirect() -> None:
    recording = gateway()
    own = [kind for kind in recording.kinds() if "edge-envoy" not in kind and "NetworkPolicy" not in kind]
    assert own == [
        "Certificate edge-certificate-internal",
        "Gateway edge",
        "Gateway edge-gateway",
        "HTTPRoute edge-redirect",
        "IsolatedNamespace edge-namespace",
        "Namespace edge-namespace-namespace",
    ]
    assert recording.one("EnvoyGateway").inputs["class_name"] == "edge"
    labels = recording.one("Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert gateway(namespace="front").one("Namespace").inputs["metadata"]["name"] == "front"


def test_an_existing_implementation_installs_no_chart() -> None:
    recording = gateway(**ISTIO, service_annotations={"lb": "internal"})
    assert recording.of("Chart") == recording.of("EnvoyGateway") == recording.of("GatewayClass") == []
    spec = recording.one("Gateway", "edge-gateway").inputs["spec"]
    assert spec["gatewayClassName"] == "istio"
    assert spec["infrastructure"] == {"annotations": {"lb": "internal"}}


def test_each_domain_is_a_listener_with_tls_for_labelled_namespaces_and_http_is_the_gateways_own() -> None:
    listeners = gateway(domains=[INTERNAL, BOUGHT]).one("Gateway", "edge-gateway").inputs["spec"]["listeners"]
    assert [listener["name"] for listener in listeners] == ["http", "https-internal", "https-bought"]
    assert listeners[0] == {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "Same"}},
    }
    assert listeners[2] == {
        "name": "https-bought",
        "port": 443,
        "protocol": "HTTPS",
        "hostname": "*.ai.example.com",
        "tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": "wildcard-ai"}]},
        "allowedRoutes": {
            "namespaces": {
                "from": "Selector",
                "selector": {"matchLabels": {"mlplatform.dev/gateway-routes": "true"}},
            }
        },
    }


def test_plain_http_is_sent_to_https() -> None:
    route = gateway().one("HTTPRoute").inputs["spec"]
    assert route["parentRefs"] == [{"name": "edge", "sectionName": "http"}]
    assert route["rules"] == [
        {"filters": [{"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}]}
    ]


def test_the_internal_certificate_is_a_wildcard_and_there_before_the_gateway() -> None:
    recording = gateway()
    certificate = recording.one("Certificate", "internal-tls")
    assert certificate.inputs["spec"]["dnsNames"] == ["*.ml.corp.example", "ml.corp.example"]
    assert certificate.inputs["spec"]["issuerRef"]["name"] == "internal"
    assert certificate.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Ready"}
    main = recording.one("Gateway", "edge-gateway")
    assert certificate.urn in main.dependencies
    assert recording.one("GatewayClass").urn in main.dependencies
    assert main.inputs["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Programmed"}
    assert main.urn in recording.one("HTTPRoute").dependencies


def test_an_acme_certificate_comes_after_the_gateway_host_by_host_and_is_not_waited_for() -> None:
    recording = gateway(domains=[PUBLIC])
    certificate = recording.one("Certificate", "public-tls")
    assert certificate.inputs["spec"]["dnsNames"] == ["api.ml.example.com", "mlflow.ml.example.com"]
    assert certificate.inputs["spec"]["issuerRef"]["name"] == "acme"
    assert certificate.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    assert recording.one("Gateway", "edge-gateway").urn in certificate.dependencies


def test_an_existing_certificate_is_not_declared() -> None:
    recording = gateway(domains=[BOUGHT])
    assert [c.name for c in recording.of("Certificate") if not c.name.startswith("edge-envoy")] == []


def test_proxies_take_clients_from_the_named_ranges_and_reach_labelled_namespaces_alone() -> None:
    policies = traffic(gateway(client_ranges=["192.0.2.0/24"]))
    assert sorted(policies) == [
        "allow-api-server",
        "allow-back-ends",
        "allow-clients-0",
        "allow-configure",
        "allow-configure-in",
        "allow-dns",
        "default-deny",
    ]
    clients = policies["allow-clients-0"]
    assert clients["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "proxy"
    assert clients["ingress"] == [
        {
            "from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
            "ports": [{"protocol": "TCP", "port": 10080}, {"protocol": "TCP", "port": 10443}],
        }
    ]
    labelled = {"podSelector": {}, "namespaceSelector": {"matchLabels": {"mlplatform.dev/gateway-routes": "true"}}}
    assert policies["allow-back-ends"]["egress"] == [{"to": [labelled]}]
    assert policies["allow-api-server"]["podSelector"] == {"matchLabels": {"control-plane": "envoy-gateway"}}
    ranges = gateway(client_ranges=["192.0.2.0/24"]).one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]
    assert ranges["envoyService"]["loadBalancerSourceRanges"] == ["192.0.2.0/24"]


def test_acme_challenges_and_monitoring_open_what_they_need() -> None:
    opened = set(traffic(gateway(domains=[PUBLIC], monitoring_namespace="monitoring"))) - set(traffic(gateway()))
    assert opened == {
        *("allow-challenge", "allow-challenge-in", "allow-challenge-self-check"),
        *("allow-metrics", "allow-metrics-proxies"),
    }
    assert len(gateway(monitoring_namespace="monitoring").of("PodMonitor")) == 2
    assert gateway().of("PodMonitor") == []


def test_the_policies_find_no_unrestricted_rule() -> None:
    for spec in traffic(gateway(domains=[PUBLIC], monitoring_namespace="monitoring")).values():
        body = {"kind": "NetworkPolicy", "metadata": {"name": "x", "namespace": "y"}, "spec": spec}
        assert list(network_policy_is_restricted(PlannedObject("", "kubernetes:x", "x", body))) == []


def test_proxies_outside_the_cluster_need_no_opening_and_back_ends_know_their_addresses() -> None:
    outside = {"implementation": GatewayImplementation.EXISTING, "class_name": "gke-l7-rilb"}
    recording = gateway(**outside, proxy_ranges=["35.191.0.0/16"])
    assert sorted(traffic(recording)) == ["allow-dns", "default-deny"]
    handle = gateway_handle("edge", arguments(**outside, proxy_ranges=["35.191.0.0/16"]))
    assert (handle["pods"], handle["ports"], handle["ranges"]) == ({}, [], ["35.191.0.0/16"])


def test_an_existing_implementation_in_the_cluster_gets_the_traffic_it_asks_for() -> None:
    to_istiod = {"name": "istiod", "direction": "Egress", "peer_namespace": "istio-system", "ports": [15012]}
    policies = traffic(gateway(**ISTIO, exceptions=[to_istiod]))
    assert "allow-istiod" in policies
    pods = policies["allow-back-ends"]["podSelector"]["matchLabels"]
    assert pods == {"gateway.networking.k8s.io/gateway-name": "edge"}


def test_the_handle_says_what_a_route_and_a_back_end_must_know() -> None:
    handle = gateway_handle("edge", arguments(domains=[INTERNAL, PUBLIC]))
    assert handle == GatewayHandle(
        name="edge",
        namespace="gateway",
        class_name="edge",
        domains={"internal": "ml.corp.example", "public": "ml.example.com"},
        listeners={"internal": "https-internal", "public": "https-public"},
        route_namespace_labels={"mlplatform.dev/gateway-routes": "true"},
        pods={"app.kubernetes.io/component": "proxy", "app.kubernetes.io/managed-by": "envoy-gateway"},
        ports=[10080, 10443],
        ranges=[],
    )


def test_in_a_dns_zone_of_ours_an_acme_certificate_is_for_every_name() -> None:
    everything = {key: value for key, value in PUBLIC.items() if key != "hosts"}
    recording = gateway(domains=[everything], issuers={**ISSUERS, "dns_zone": "example.com"})
    spec = recording.one("Certificate", "public-tls").inputs["spec"]
    assert (spec["dnsNames"], spec["issuerRef"]["name"]) == (["*.ml.example.com", "ml.example.com"], "acme")


def test_highly_available_and_annotations_reach_envoy() -> None:
    inputs = gateway(highly_available=True, service_annotations={"lb": "internal"}).one("EnvoyGateway").inputs
    assert inputs["highly_available"] is True
    assert inputs["service_annotations"] == {"lb": "internal"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"domains": []}, "at least one domain"),
        ({"domains": [INTERNAL, INTERNAL]}, "name internal 2 times"),
        ({"domains": [{**INTERNAL, "domain": "*.ml.corp.example"}]}, "no wildcard"),
        ({"domains": [{**INTERNAL, "name": "In House"}]}, "lower-case letters"),
        ({"domains": [{**INTERNAL, "secret_name": "mine"}]}, "remove secretName"),
        ({"domains": [{**PUBLIC, "hosts": []}]}, "issues no wildcard certificates"),
        (
            {"domains": [{**PUBLIC, "hosts": []}], "issuers": {**ISSUERS, "dns_zone": "l.example.com"}},
            "issues no wildcard certificates",
        ),
        ({"domains": [{**PUBLIC, "hosts": [f"a{index}" for index in range(101)]}]}, "at most 100"),
        ({"domains": [{**PUBLIC, "hosts": ["api.v1"]}]}, "one label directly below"),
        ({"domains": [PUBLIC], "issuers": {**ISSUERS, "acme": ""}}, "configure acme with server and email"),
        ({"domains": [{**BOUGHT, "secret_name": ""}]}, "names a TLS Secret"),
        ({"domains": [{**BOUGHT, "hosts": ["api"]}]}, "remove hosts"),
        ({"implementation": GatewayImplementation.EXISTING}, "kubectl get gatewayclass"),
        ({"client_ranges": ["10.0.0.0/8", "office"]}, r"edge.clientRanges\[1\]: office"),
        ({"proxy_ranges": ["35.191.0.0"], "client_ranges": ["10.1.0.0/8"]}, "has host bits set"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_registered(changes: dict[str, Any], message: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=message):
            Gateway("edge", arguments(**changes))

    assert record(program).resources == []


@pytest.mark.parametrize(
    ("ranges", "public"),
    [
        ([], False),
        (["10.20.0.0/16", "100.64.0.0/12"], False),
        (["10.20.0.0/16", "203.0.113.0/24"], True),
        (["10.0.0.0/7"], True),
        (["0.0.0.0/0"], True),
        (["2001:db8::/32"], True),
    ],
)
def test_a_gateway_is_public_where_anybody_outside_of_private_networks_may_come_in(
    ranges: list[str], public: bool
) -> None:
    args: Any = {"client_ranges": ranges} if ranges else {}
    assert is_public(args) is public
