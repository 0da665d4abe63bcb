"""What CertManager registers, and in which order.

Not proved here: that the webhook is trusted before issuers are sent (its await is tried on a real API server, see
tests/engine/test_addons.py), and that cert-manager issues anything: it does not run on simulated clusters.
"""

from typing import Any

import pytest

from components.addons.cert_manager import AcmeArgs, CertManager, CertManagerArgs, cert_manager_values
from components.findings import Refused
from tests.components.addons.pools import STUB
from tests.components.cloud_handles import CLOUD_ZONE, EKS, GKE, ZONE
from tests.recorder import Recording, Registered, record

ACME = AcmeArgs(
    server="https://acme.example.com/directory",
    email="platform@example.com",
    gateway_name="gateway",
    gateway_namespace="gateway",
    gateway_pods={"app.kubernetes.io/component": "proxy"},
    gateway_ports=[10080, 10443],
)


def manager(**changes: object) -> Recording:
    args: CertManagerArgs = {"source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: CertManager("cm", args) and None)


def values(recording: Recording) -> dict[str, Any]:
    found: dict[str, Any] = recording.one("Chart").inputs["values"]
    return found


def issuer(recording: Recording, name: str) -> Registered:
    return recording.one("ClusterIssuer", name)


def test_it_is_a_chart_a_root_and_the_internal_issuer_in_a_restricted_namespace() -> None:
    recording = manager()
    assert recording.kinds() == [
        "AddonChart cm-chart",
        "CertManager cm",
        "Certificate cm-ca",
        "Chart cm-chart-chart",
        "ClusterIssuer cm-internal",
        "ClusterIssuer cm-self-signed",
        "IsolatedNamespace cm-namespace",
        "Namespace cm-namespace-namespace",
        "NetworkPolicy cm-namespace-allow-api-server",
        "NetworkPolicy cm-namespace-allow-dns",
        "NetworkPolicy cm-namespace-allow-webhook-0",
        "NetworkPolicy cm-namespace-allow-webhook-1",
        "NetworkPolicy cm-namespace-allow-webhook-2",
        "NetworkPolicy cm-namespace-allow-webhook-3",
        "NetworkPolicy cm-namespace-allow-webhook-tunnel",
        "NetworkPolicy cm-namespace-default-deny",
    ]
    labels = recording.one("Namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert manager(namespace="certificates").one("Namespace").inputs["metadata"]["name"] == "certificates"


def test_issuers_wait_for_the_chart_and_the_internal_one_for_its_root_which_is_awaited() -> None:
    recording = manager()
    chart = recording.one("Chart").urn
    root, certificate = issuer(recording, "self-signed"), recording.one("Certificate", "internal-ca")
    assert chart in root.dependencies
    assert root.urn in certificate.dependencies
    assert certificate.urn in issuer(recording, "internal").dependencies
    for resource in (root, certificate, issuer(recording, "internal")):
        assert resource.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def test_the_root_signs_itself_keeps_its_key_and_the_issuer_uses_its_secret() -> None:
    recording = manager()
    assert issuer(recording, "self-signed").inputs["spec"] == {"selfSigned": {}}
    spec = recording.one("Certificate").inputs["spec"]
    assert spec["isCA"] is True
    assert spec["issuerRef"] == {"name": "self-signed", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert spec["privateKey"]["rotationPolicy"] == "Never"
    assert issuer(recording, "internal").inputs["spec"] == {"ca": {"secretName": spec["secretName"]}}


def test_the_root_is_protected_where_data_is_kept() -> None:
    kept, not_kept = manager(keep_data=True).one("Certificate"), manager().one("Certificate")
    assert (kept.protect, kept.retain_on_delete) == (True, True)
    assert (not_kept.protect, not_kept.retain_on_delete) == (False, False)


def test_with_an_acme_account_there_is_one_issuer_more_whose_challenges_come_through_the_gateway() -> None:
    recording = manager(acme=ACME)
    assert set(recording.kinds()) - set(manager().kinds()) == {
        "ClusterIssuer cm-acme",
        "NetworkPolicy cm-namespace-allow-acme-self-check",
        "NetworkPolicy cm-namespace-allow-acme-self-check-gateway",
    }
    spec = issuer(recording, "acme").inputs["spec"]["acme"]
    assert (spec["server"], spec["email"]) == (ACME["server"], ACME["email"])
    gateway = {"kind": "Gateway", "name": "gateway", "namespace": "gateway"}
    assert spec["solvers"] == [{"http01": {"gatewayHTTPRoute": {"parentRefs": [gateway]}}}]
    egress = recording.one("NetworkPolicy", "allow-acme-self-check").inputs["spec"]["egress"][0]
    assert egress["ports"] == [{"protocol": "TCP", "port": 80}]


def test_its_own_challenges_are_requested_from_the_gateways_pods_too() -> None:
    """Egress to the address on port 80 alone fails where nodes translate it to a pod before policies see it."""
    policy = manager(acme=ACME).one("NetworkPolicy", "allow-acme-self-check-gateway").inputs["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "controller"
    assert [port["port"] for port in policy["egress"][0]["ports"]] == [10080, 10443]
    (peer,) = policy["egress"][0]["to"]
    assert peer["podSelector"]["matchLabels"] == ACME["gateway_pods"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "gateway"}
    outside = manager(acme=AcmeArgs(**{**ACME, "gateway_pods": {}, "gateway_ports": []}))  # type: ignore[typeddict-item]
    assert "NetworkPolicy cm-namespace-allow-acme-self-check-gateway" not in outside.kinds()


def test_names_in_a_zone_are_proved_by_its_records_written_by_an_identity_that_is_there_before_the_pods() -> None:
    recording = manager(acme=ACME, dns_zone=ZONE, eks=EKS)
    assert set(recording.kinds()) - set(manager(acme=ACME).kinds()) == {
        "NetworkPolicy cm-namespace-allow-identity-0",
        "PodIdentity cm-identity",
        "PodIdentityAssociation cm-identity-association",
        "Role cm-identity-role",
        "RolePolicy cm-identity-policy",
    }
    by_records, through_the_gateway = issuer(recording, "acme").inputs["spec"]["acme"]["solvers"]
    assert by_records == {
        "dns01": {"route53": {"region": "eu-west-1", "hostedZoneID": "Z123"}},
        "selector": {"dnsZones": ["ml.example.com"]},
    }
    assert list(through_the_gateway) == ["http01"]
    assert recording.one("PodIdentityAssociation").urn in recording.one("Chart").dependencies
    assert recording.one("PodIdentityAssociation").inputs["serviceAccount"] == "cert-manager"
    assert values(recording)["dns01RecursiveNameserversOnly"] is True
    assert "dns01RecursiveNameserversOnly" not in values(manager(acme=ACME))


def test_a_zone_of_cloud_dns_is_written_through_workload_identity() -> None:
    recording = manager(acme=ACME, dns_zone=CLOUD_ZONE, gke=GKE)
    solver = issuer(recording, "acme").inputs["spec"]["acme"]["solvers"][0]
    assert solver["dns01"] == {"cloudDNS": {"project": "ml", "hostedZoneName": "ml"}}
    assert recording.one("DnsManagedZoneIamMember").inputs["member"].endswith("/ns/cert-manager/sa/cert-manager")
    assert recording.of("IAMMember") == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"dns_zone": ZONE, "eks": EKS}, "add acme"),
        ({"dns_zone": ZONE, "acme": ACME}, "give the cluster"),
        ({"dns_zone": ZONE, "acme": ACME, "eks": EKS, "gke": GKE}, "remove gke"),
        ({"eks": EKS}, "or add dnsZone"),
    ],
)
def test_a_zone_without_account_or_identity_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        manager(**args)


def test_the_handle_names_the_issuers_that_there_are() -> None:
    seen = {}

    def program() -> None:
        seen["without"] = CertManager("a", {"source": STUB}).issuers
        seen["with"] = CertManager("b", {"source": STUB, "acme": ACME, "issuer_prefix": "ml-"}).issuers
        in_zone: CertManagerArgs = {"source": STUB, "acme": ACME, "dns_zone": ZONE, "eks": EKS}
        seen["in-zone"] = CertManager("c", in_zone).issuers

    record(program)
    home = {"namespace": "cert-manager", "dns_zone": ""}
    assert seen["without"] == {"self_signed": "self-signed", "internal": "internal", "acme": "", **home}
    with_account = {"self_signed": "ml-self-signed", "internal": "ml-internal", "acme": "ml-acme"}
    assert seen["with"] == {**with_account, **home}
    assert seen["in-zone"].get("dns_zone") == ZONE["domain"]


def test_with_a_prefix_every_issuer_has_it_and_the_root_is_signed_by_that_one() -> None:
    recording = manager(acme=ACME, issuer_prefix="ml-")
    names = [issuer.inputs["metadata"]["name"] for issuer in recording.of("ClusterIssuer")]
    assert sorted(names) == ["ml-acme", "ml-internal", "ml-self-signed"]
    assert recording.one("Certificate").inputs["spec"]["issuerRef"]["name"] == "ml-self-signed"


def test_one_that_is_there_gets_our_issuers_and_our_ca_and_nothing_else() -> None:
    recording = manager(found=True, namespace="security", issuer_prefix="ml-", acme=ACME, monitoring_namespace="watch")
    assert recording.kinds() == [
        "CertManager cm",
        "Certificate cm-ca",
        "ClusterIssuer cm-acme",
        "ClusterIssuer cm-internal",
        "ClusterIssuer cm-self-signed",
    ]
    ca = recording.one("Certificate").inputs
    assert ca["metadata"]["namespace"] == "security"
    assert ca["metadata"]["name"] == ca["spec"]["secretName"] == "ml-internal-ca"
    assert issuer(recording, "ml-internal").inputs["spec"] == {"ca": {"secretName": "ml-internal-ca"}}


def test_crds_and_hooks_are_off_and_the_gateway_api_is_on() -> None:
    chosen = values(manager())
    assert chosen["crds"] == {"enabled": False}
    assert chosen["startupapicheck"] == {"enabled": False}
    assert chosen["config"] == {"gatewayAPI": {"enabled": True}}
    assert values(manager(namespace="cm"))["global"] == {"leaderElection": {"namespace": "cm"}}


@pytest.mark.parametrize(("available", "replicas"), [(False, [1, 1, 1]), (True, [2, 3, 2])])
def test_highly_available_means_more_of_each_apart_and_guarded(available: bool, replicas: list[int]) -> None:
    chosen = values(manager(highly_available=available))
    parts = [chosen, chosen["webhook"], chosen["cainjector"]]
    assert [part["replicaCount"] for part in parts] == replicas
    assert {part["podDisruptionBudget"]["enabled"] for part in parts} == {available}
    components = [
        part["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]["app.kubernetes.io/component"]
        for part in parts
        if part["topologySpreadConstraints"]
    ]
    assert components == (["controller", "webhook", "cainjector"] if available else [])


def test_the_webhook_is_reachable_only_from_the_control_plane_on_its_port() -> None:
    recording = manager(control_plane_ranges=["172.16.0.0/28"])
    policies = [p for p in recording.of("NetworkPolicy") if "webhook" in p.name]
    assert [policy.name.removeprefix("cm-namespace-allow-") for policy in policies] == ["webhook-tunnel", "webhook-0"]
    spec = policies[1].inputs["spec"]
    assert spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "webhook"
    assert spec["ingress"][0]["from"] == [{"ipBlock": {"cidr": "172.16.0.0/28"}}]
    assert spec["ingress"][0]["ports"] == [{"protocol": "TCP", "port": values(recording)["webhook"]["securePort"]}]


def test_monitoring_scrapes_by_a_service_monitor_through_an_opening_of_its_own() -> None:
    recording = manager(monitoring_namespace="monitoring")
    assert values(recording)["prometheus"]["servicemonitor"] == {"enabled": True}
    policy = recording.one("NetworkPolicy", "allow-metrics").inputs["spec"]["ingress"][0]
    assert policy["ports"] == [{"protocol": "TCP", "port": 9402}]
    assert cert_manager_values("x", highly_available=False, monitored=False)["prometheus"]["servicemonitor"] == {
        "enabled": False
    }


def test_a_bad_acme_account_is_refused_with_both_of_its_faults() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="2 problems"):
            CertManager("cm", {"source": STUB, "acme": {**ACME, "email": "nobody", "server": "http://acme"}})

    assert record(program).resources == []
