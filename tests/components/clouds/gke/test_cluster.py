"""GKE clusters: the exact children and settings, against the API model; the kubeconfig.

Not proved: that GKE takes the combination; that the agent of the project exists when its key is handed to it.
"""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from pulumi import Output

from components.clouds.gke.cluster import GkeCluster, certificate_authority, dns_name
from components.clouds.gke.cluster_plan import kubeconfig
from components.clouds.gke.spec import ExclusionScope, GkeMode, ReleaseChannel
from components.findings import Refused
from tests.components.clouds.gke.handles import NETWORK
from tests.recorder import Recording, record
from tests.support.google_api import departures, untranslated

ARGS: dict[str, Any] = {
    "network": NETWORK,
    "project": "acme-ml-prod",
    "project_number": "123456789012",
    "region": "europe-west4",
    "zones": ["europe-west4-a", "europe-west4-b"],
}


def declared(spec: dict[str, Any], **over: Any) -> Recording:
    return record(lambda: GkeCluster("ml", {**ARGS, "cluster": spec, **over}) and None)  # type: ignore[typeddict-item]


def settings(spec: dict[str, Any], **over: Any) -> dict[str, Any]:
    inputs = declared(spec, **over).one("Cluster").inputs
    assert departures("container.v1", "Cluster", inputs) == []
    assert untranslated(inputs) == []
    return inputs


def test_a_cluster_has_an_identity_for_its_nodes_and_a_key_for_its_secrets() -> None:
    recording = declared({})
    assert recording.kinds() == [
        "Account ml-node-account",
        "Cluster ml-cluster",
        "CryptoKey ml-key",
        "CryptoKeyIAMMember ml-key-access",
        "GkeCluster ml",
        "IAMMember ml-node-role-images",
        "IAMMember ml-node-role-nodes",
        "KeyRing ml-key-ring",
    ]
    roles = {r.inputs["role"] for r in recording.of("IAMMember")}
    assert roles == {"roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"}
    key = recording.one("CryptoKey")
    assert departures("cloudkms.v1", "CryptoKey", key.inputs) == []
    assert key.inputs["rotationPeriod"] == "7776000s"
    agent = "serviceAccount:service-123456789012@container-engine-robot.iam.gserviceaccount.com"
    assert recording.one("CryptoKeyIAMMember").inputs["member"] == agent
    assert recording.one("Cluster").inputs["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": "ml-key-id"}
    assert recording.one("CryptoKeyIAMMember").urn in recording.one("Cluster").dependencies


def test_a_standard_cluster_is_private_regional_and_without_keys() -> None:
    cluster = settings({})
    assert cluster["location"] == "europe-west4"
    assert cluster["nodeLocations"] == ["europe-west4-a", "europe-west4-b"]
    assert cluster["privateClusterConfig"] == {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] is True
    assert cluster["workloadIdentityConfig"] == {"workloadPool": "acme-ml-prod.svc.id.goog"}
    assert cluster["datapathProvider"] == "ADVANCED_DATAPATH"
    assert cluster["releaseChannel"] == {"channel": "REGULAR"}
    assert cluster["removeDefaultNodePool"] is True
    assert cluster["gatewayApiConfig"] == {"channel": "CHANNEL_DISABLED"}
    assert cluster["clusterAutoscaling"]["enabled"] is False
    assert "minMasterVersion" not in cluster


def test_a_public_control_plane_is_open_to_named_ranges_only() -> None:
    cluster = settings({"public_endpoint": True, "authorized_ranges": ["203.0.113.0/24"], "dns_endpoint": False})
    assert cluster["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert cluster["masterAuthorizedNetworksConfig"] == {
        "gcpPublicCidrsAccessEnabled": False,
        "cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}],
    }
    assert cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"] is False


def test_maintenance_recurs_and_pauses_as_asked_for() -> None:
    cluster = settings(
        {
            "maintenance": {
                "start": "22:30",
                "hours": 6,
                "days": ["SA", "SU"],
                "exclusions": [
                    {
                        "name": "holidays",
                        "start": "2026-12-20T00:00:00Z",
                        "end": "2027-01-03T00:00:00Z",
                        "scope": ExclusionScope.NO_MINOR_OR_NODE_UPGRADES,
                    }
                ],
            }
        }
    )
    assert cluster["maintenancePolicy"] == {
        "recurringWindow": {
            "startTime": "2026-01-03T22:30:00Z",
            "endTime": "2026-01-04T04:30:00Z",
            "recurrence": "FREQ=WEEKLY;BYDAY=SA,SU",
        },
        "maintenanceExclusions": [
            {
                "exclusionName": "holidays",
                "startTime": "2026-12-20T00:00:00Z",
                "endTime": "2027-01-03T00:00:00Z",
                "exclusionOptions": {"scope": "NO_MINOR_OR_NODE_UPGRADES"},
            }
        ],
    }


@pytest.mark.parametrize("channel", ReleaseChannel)
def test_every_channel_is_one_of_the_api(channel: ReleaseChannel) -> None:
    assert settings({"release_channel": channel})["releaseChannel"] == {"channel": channel.value.upper()}


@pytest.mark.parametrize("scope", ExclusionScope)
def test_every_scope_of_an_exclusion_is_one_of_the_api(scope: ExclusionScope) -> None:
    times = {"start": "2026-12-20T00:00:00Z", "end": "2027-01-03T00:00:00Z"}
    settings({"maintenance": {"exclusions": [{"name": "holidays", **times, "scope": scope}]}})


def test_what_gke_makes_by_itself_is_finite() -> None:
    limits = {"cpu_max": 512, "memory_gib_max": 4096, "accelerators_max": {"L4": 8, "TPU-v5e": 16}}
    autoscaling = settings({"auto_provisioning": limits})["clusterAutoscaling"]
    assert autoscaling["enabled"] is True
    assert {limit["resourceType"]: limit["maximum"] for limit in autoscaling["resourceLimits"]} == {
        "cpu": 512,
        "memory": 4096,
        "nvidia-l4": 8,
        "tpu-v5-lite-podslice": 16,
    }


def test_autopilot_decides_what_autopilot_decides() -> None:
    cluster = settings({"mode": GkeMode.AUTOPILOT})
    assert cluster["enableAutopilot"] is True
    assert "enabled" not in cluster["clusterAutoscaling"]
    own = {"addonsConfig", "datapathProvider", "enableShieldedNodes", "initialNodeCount", "nodeConfig"}
    assert not {*own, "nodeLocations", "removeDefaultNodePool", "workloadIdentityConfig"} & cluster.keys()


def test_kept_data_is_protected_in_three_ways() -> None:
    recording = declared({}, keep_data=True)
    for kind in ("Cluster", "CryptoKey", "KeyRing"):
        resource = recording.one(kind)
        assert (resource.protect, resource.retain_on_delete) == (True, True)
    assert recording.one("Cluster").inputs["deletionProtection"] is True
    free = declared({})
    assert not any(resource.protect for resource in free.resources)
    assert free.one("Cluster").inputs["deletionProtection"] is False


def test_the_default_pool_that_is_gone_is_no_change_of_ours() -> None:
    assert declared({}).one("Cluster").ignore_changes == ("initialNodeCount", "nodeConfig")
    assert declared({"mode": GkeMode.AUTOPILOT}).one("Cluster").ignore_changes == ()


def test_long_names_stay_within_what_iam_takes() -> None:
    recording = record(lambda: GkeCluster("m" * 40, {**ARGS, "cluster": {}}) and None)  # type: ignore[typeddict-item]
    assert len(recording.one("Account").inputs["accountId"]) <= 30


def test_the_kubeconfig_asks_a_plugin_and_holds_no_token() -> None:
    config = json.loads(kubeconfig("ml", "gke-1.europe-west4.gke.goog", ""))
    assert config["clusters"] == [{"name": "ml", "cluster": {"server": "https://gke-1.europe-west4.gke.goog"}}]
    exec_of = config["users"][0]["user"]["exec"]
    assert exec_of["apiVersion"] == "client.authentication.k8s.io/v1beta1"
    assert exec_of["command"] == "gke-gcloud-auth-plugin"
    assert config["users"][0]["user"].keys() == {"exec"}
    by_address = json.loads(kubeconfig("ml", "10.0.0.2", "Q0E="))
    assert by_address["clusters"][0]["cluster"]["certificate-authority-data"] == "Q0E="


def test_the_kubeconfig_is_a_secret() -> None:
    secret: list[bool] = []

    async def look(output: Output[str]) -> None:
        secret.append(await output.is_secret())

    def program() -> None:
        cluster = GkeCluster("ml", {**ARGS, "cluster": {}})  # type: ignore[typeddict-item]
        asyncio.ensure_future(look(cluster.kubeconfig))  # noqa: RUF006 - awaited by the test's loop

    record(program)
    assert secret == [True]


def test_the_name_of_the_control_plane_is_empty_where_it_has_none() -> None:
    endpoints = SimpleNamespace(dns_endpoint_config=SimpleNamespace(endpoint="gke-1.gke.goog"))
    assert dns_name(endpoints) == "gke-1.gke.goog"
    assert dns_name(None) == dns_name(SimpleNamespace(dns_endpoint_config=None)) == ""
    assert certificate_authority(SimpleNamespace(cluster_ca_certificate="Q0E=")) == "Q0E="


def test_a_cluster_open_to_the_internet_is_refused_before_anything_is_registered() -> None:
    with pytest.raises(Refused, match="must not be open to the internet"):
        declared({"public_endpoint": True, "authorized_ranges": ["0.0.0.0/0"]})
