"""What ExternalDns registers for a zone of each cloud.

Not proved here: that a record is written; that upstream's chart takes what the stand-in's schema takes.
"""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator
from pulumi import Output

from components.addons.external_dns import SERVICE_ACCOUNT, ExternalDns, external_dns_namespace, external_dns_values
from components.base.cluster_network import USUAL_NETWORK, ClusterNetworkHandle
from simulator.charts import values_schema
from tests.components.addons.pools import STUB
from tests.components.cloud_handles import CLOUD_ZONE, EKS, GKE, ZONE
from tests.recorder import Recording, record

ON: dict[str, dict[str, Any]] = {"aws": {"zone": ZONE, "eks": EKS}, "google": {"zone": CLOUD_ZONE, "gke": GKE}}


def args(cloud: str, **over: Any) -> Any:
    return {"source": STUB, "owner": "prod", **ON[cloud], **over}


def declared(cloud: str, **over: Any) -> Recording:
    return record(lambda: ExternalDns("dns", args(cloud, **over)) and None)


def test_on_aws_it_is_a_chart_in_its_namespace_after_an_identity_for_the_zone() -> None:
    recording = declared("aws")
    assert recording.kinds() == [
        "AddonChart dns-chart",
        "Chart dns-chart-chart",
        "ExternalDns dns",
        "IsolatedNamespace dns-home",
        "Namespace dns-home-namespace",
        "NetworkPolicy dns-home-allow-api-server",
        "NetworkPolicy dns-home-allow-dns",
        "NetworkPolicy dns-home-allow-identity-0",
        "NetworkPolicy dns-home-default-deny",
        "PodIdentity dns-identity",
        "PodIdentityAssociation dns-identity-association",
        "Role dns-identity-role",
        "RolePolicy dns-identity-policy",
    ]
    chart = recording.one("Chart")
    assert {r.urn for r in recording.of("PodIdentityAssociation")} <= chart.dependencies
    writes, lists = json.loads(recording.one("RolePolicy").inputs["policy"])["Statement"]
    assert writes["Resource"] == ["arn:aws:route53:::hostedzone/Z123"]
    assert lists["Action"] == ["route53:ListHostedZones"]


def test_on_google_cloud_it_may_write_one_zone_and_list_the_others() -> None:
    recording = declared("google")
    zone, project = recording.one("DnsManagedZoneIamMember").inputs, recording.one("IAMMember").inputs
    assert (zone["managedZone"], zone["role"]) == ("ml", "roles/dns.admin")
    assert project["role"] == "roles/dns.reader"
    assert zone["member"].endswith("/subject/ns/external-dns/sa/external-dns")
    assert "Role dns-identity-role" not in recording.kinds()


def test_its_namespace_has_the_network_of_the_cluster() -> None:
    network = ClusterNetworkHandle(**{**USUAL_NETWORK, "api_server_ports": [6443]})
    assert external_dns_namespace(args("aws", network=network))["network"] == network
    assert external_dns_namespace(args("aws"))["network"] == USUAL_NETWORK


@pytest.mark.parametrize("cloud", ON)
def test_the_chart_takes_every_value(cloud: str) -> None:
    values = external_dns_values(args(cloud, monitoring_namespace="monitoring"))
    assert list(Draft7Validator(values_schema("external-dns")).iter_errors(values)) == []
    assert values["provider"] == {"name": cloud}
    assert values["serviceAccount"] == {"name": SERVICE_ACCOUNT}


def test_records_are_those_of_one_owner_in_one_domain() -> None:
    values = external_dns_values(args("aws"))
    assert (values["policy"], values["registry"], values["txtOwnerId"]) == ("sync", "txt", "prod")
    assert values["domainFilters"] == ["ml.example.com"]
    assert values["extraArgs"]["zone-id-filter"] == "Z123"


def test_an_id_that_is_not_known_yet_does_not_keep_the_chart_out_of_the_preview() -> None:
    zone = {**ZONE, "zone": Output.from_input("Z123")}
    assert "zone-id-filter" not in external_dns_values(args("aws", zone=zone))["extraArgs"]


@pytest.mark.parametrize(
    ("cloud", "ways"),
    [
        ("aws", [("169.254.170.23/32", [80])]),
        ("google", [("169.254.169.254/32", [80]), ("169.254.169.252/32", [988])]),
    ],
)
def test_it_reaches_what_hands_out_its_identity(cloud: str, ways: list[tuple[str, list[int]]]) -> None:
    rules = external_dns_namespace(args(cloud))["exceptions"]
    assert [(rule["cidr"], rule["ports"]) for rule in rules if rule["name"].startswith("identity")] == ways
