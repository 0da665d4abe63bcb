"""What EnvoyGateway registers. Not proved here: that Envoy runs with it; it does not run on simulated clusters."""

from components.addons.envoy_gateway import EnvoyGateway, EnvoyGatewayArgs, control_plane_certificates
from tests.components.addons.pools import STUB
from tests.recorder import Recording, record

REQUIRED: EnvoyGatewayArgs = {
    "namespace": "gateway",
    "class_name": "edge",
    "source": STUB,
    "self_signed_issuer": "self-signed",
    "client_ranges": ["10.0.0.0/8"],
}


def envoy(**changes: object) -> Recording:
    args: EnvoyGatewayArgs = {**REQUIRED, **changes}  # type: ignore[typeddict-item]
    return record(lambda: EnvoyGateway("envoy", args) and None)


def test_it_is_a_chart_with_its_certificates_its_proxies_and_its_class() -> None:
    assert envoy().kinds() == [
        "AddonChart envoy-chart",
        "Certificate envoy-ca",
        "Certificate envoy-certificate-envoy",
        "Certificate envoy-certificate-envoy-gateway",
        "Certificate envoy-certificate-envoy-rate-limit",
        "Chart envoy-chart-chart",
        "EnvoyGateway envoy",
        "EnvoyProxy envoy-proxy",
        "GatewayClass envoy-class",
        "Issuer envoy-issuer",
    ]


def test_the_certificates_that_the_dropped_hook_would_make_are_ready_before_the_chart() -> None:
    recording = envoy()
    authority, issuer = recording.one("Certificate", "envoy-gateway-ca"), recording.one("Issuer")
    certificates = [recording.one("Certificate", name) for name in ("envoy-gateway", "envoy", "envoy-rate-limit")]
    assert authority.inputs["spec"]["issuerRef"]["name"] == "self-signed"
    assert authority.urn in issuer.dependencies
    assert issuer.inputs["spec"] == {"ca": {"secretName": authority.inputs["spec"]["secretName"]}}
    for certificate in certificates:
        assert issuer.urn in certificate.dependencies
        assert certificate.inputs["spec"]["issuerRef"]["name"] == issuer.inputs["metadata"]["name"]
        assert certificate.inputs["spec"]["secretName"] == certificate.inputs["metadata"]["name"]
        assert certificate.inputs["metadata"]["namespace"] == "gateway"
        assert certificate.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
        assert certificate.urn in recording.one("Chart").dependencies


def test_names_in_certificates_follow_the_namespace() -> None:
    certificates = control_plane_certificates("edge")
    assert certificates["envoy-gateway"]["dnsNames"] == [
        "envoy-gateway",
        "envoy-gateway.edge",
        "envoy-gateway.edge.svc",
        "envoy-gateway.edge.svc.cluster.local",
    ]
    assert certificates["envoy"]["dnsNames"] == certificates["envoy-rate-limit"]["dnsNames"] == ["*.edge"]


def test_the_class_points_to_the_proxies_and_waits_for_the_chart() -> None:
    recording = envoy()
    gateway_class = recording.one("GatewayClass", "edge")
    assert gateway_class.inputs["spec"] == {
        "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
        "parametersRef": {
            "group": "gateway.envoyproxy.io",
            "kind": "EnvoyProxy",
            "name": "edge",
            "namespace": "gateway",
        },
    }
    assert {recording.one("Chart").urn, recording.one("EnvoyProxy", "edge").urn} <= gateway_class.dependencies


def test_nothing_of_the_chart_needs_a_hook() -> None:
    values = envoy().one("Chart").inputs["values"]
    assert values["crds"] == {"enabled": False}
    assert values["topologyInjector"] == {"enabled": False}


def test_the_load_balancer_lets_in_the_named_ranges_with_the_given_annotations() -> None:
    service = envoy(service_annotations={"lb": "internal"}).one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]
    assert service["envoyService"] == {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "loadBalancerSourceRanges": ["10.0.0.0/8"],
        "annotations": {"lb": "internal"},
    }


def test_the_load_balancer_has_the_class_of_what_serves_it() -> None:
    """MetalLB with a class serves no Service without it (metallb/metallb v0.16.2, `--lb-class`)."""
    service = envoy(load_balancer_class="example.com/lan").one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]
    assert service["envoyService"]["loadBalancerClass"] == "example.com/lan"


def test_highly_available_means_two_of_both_apart_and_guarded() -> None:
    recording = envoy(highly_available=True)
    values = recording.one("Chart").inputs["values"]
    proxies = recording.one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]
    assert values["deployment"]["replicas"] == proxies["envoyDeployment"]["replicas"] == 2
    assert values["podDisruptionBudget"] == proxies["envoyPDB"] == {"minAvailable": 1}
    assert len(values["deployment"]["pod"]["topologySpreadConstraints"]) == 1
    assert len(proxies["envoyDeployment"]["pod"]["topologySpreadConstraints"]) == 1
    single = envoy().one("EnvoyProxy").inputs["spec"]["provider"]["kubernetes"]
    assert single["envoyDeployment"]["replicas"] == 1
    assert "envoyPDB" not in single
    assert envoy().one("Chart").inputs["values"]["podDisruptionBudget"] == {"minAvailable": 0}


def test_monitored_means_a_pod_monitor_for_the_control_plane_and_one_for_the_proxies() -> None:
    monitors = envoy(monitored=True).of("PodMonitor")
    assert [(m.name, m.inputs["spec"]["podMetricsEndpoints"][0]["path"]) for m in monitors] == [
        ("envoy-control-plane", "/metrics"),
        ("envoy-proxies", "/stats/prometheus"),
    ]
    assert envoy().of("PodMonitor") == []
