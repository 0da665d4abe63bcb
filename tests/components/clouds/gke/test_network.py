"""GKE networks: the exact children, against the API model. Not proved: that Google's addresses are free."""

from typing import Any

import pytest

from components.clouds.gke.cluster import GkeCluster
from components.clouds.gke.network import GkeNetwork
from components.findings import Refused
from tests.components.clouds.gke.handles import NETWORK
from tests.recorder import Recording, record
from tests.support.google_api import departures

PLACE = {"project": "acme-ml-prod", "region": "europe-west4"}


def declared(spec: dict[str, Any], **over: Any) -> Recording:
    return record(lambda: GkeNetwork("ml", {"network": spec, **PLACE, **over}) and None)  # type: ignore[typeddict-item]


def test_a_made_network_has_private_nodes_a_way_out_and_addresses_for_databases() -> None:
    recording = declared({})
    assert recording.kinds() == [
        "Connection ml-connection",
        "GkeNetwork ml",
        "GlobalAddress ml-private-services",
        "Network ml-network",
        "Router ml-router",
        "RouterNat ml-nat",
        "Subnetwork ml-subnetwork",
    ]
    subnetwork = recording.one("Subnetwork").inputs
    assert subnetwork["privateIpGoogleAccess"] is True
    assert subnetwork["logConfig"]["flowSampling"] == 0.5
    assert subnetwork["secondaryIpRanges"] == [
        {"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"},
        {"rangeName": "services", "ipCidrRange": "10.8.0.0/20"},
    ]
    assert recording.one("Network").inputs["autoCreateSubnetworks"] is False
    assert recording.one("Connection").inputs["deletionPolicy"] == "ABANDON"
    for kind, schema in {
        "Network": "Network",
        "Subnetwork": "Subnetwork",
        "Router": "Router",
        "RouterNat": "RouterNat",
        "GlobalAddress": "Address",
    }.items():
        assert departures("compute.v1", schema, recording.one(kind).inputs) == []


def test_a_cluster_in_it_waits_for_the_way_out_and_for_the_addresses() -> None:
    def program() -> None:
        network = GkeNetwork("ml", {"network": {}, **PLACE})  # type: ignore[typeddict-item]
        place = {**PLACE, "project_number": "1", "zones": ["europe-west4-a"]}
        GkeCluster("ml", {"cluster": {}, "network": network.handle, **place})  # type: ignore[typeddict-item]

    recording = record(program)
    waits_for = recording.one("Cluster").dependencies
    assert {recording.one(kind).urn for kind in ("Network", "Subnetwork", "RouterNat", "Connection")} <= waits_for


def test_no_flow_logs_where_they_are_disabled() -> None:
    assert "logConfig" not in declared({"flow_log_percent": 0}).one("Subnetwork").inputs


def test_an_existing_network_is_handed_on_and_nothing_is_declared_for_it() -> None:
    found: list[Any] = []
    recording = record(lambda: found.append(GkeNetwork("ml", {"network": {**NETWORK}, **PLACE})))  # type: ignore[typeddict-item]
    assert recording.kinds() == ["GkeNetwork ml"]
    assert found[0].handle["pods_range_name"] == "pods"


def test_half_an_existing_network_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        declared({"network_id": NETWORK["network_id"], "nodes_cidr": "10.0.0.0/20"})
    assert [finding.path for finding in refused.value.findings] == [
        "ml.network.subnetworkId",
        "ml.network.podsRangeName",
        "ml.network.servicesRangeName",
        "ml.network.nodesCidr",
    ]
