"""Rules on networks, clusters and places of GKE. Not proved: what Google itself refuses."""

from typing import Any

import pytest

from components.clouds.gke.cluster_validation import check_gke_cluster, check_gke_network
from components.clouds.gke.place_validation import check_place, check_zones
from components.clouds.gke.validation import labels_and_taints

TIMES = {"name": "holidays", "start": "2026-12-20T00:00:00Z", "end": "2027-01-03T00:00:00Z", "scope": "no-upgrades"}


GOOD_NETWORKS: list[dict[str, Any]] = [
    {},
    {"nodes_cidr": "10.0.0.0/22", "pods_cidr": "10.16.0.0/14", "services_cidr": "172.16.0.0/20", "mtu": 8896},
    {
        "network_id": "projects/p/global/networks/n",
        "subnetwork_id": "https://www.googleapis.com/compute/v1/projects/p/regions/europe-west4/subnetworks/s",
        "pods_range_name": "pods",
        "services_range_name": "svc",
    },
]
BAD_NETWORKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"nodes_cidr": "10.0.0.1/20"}, ["nodesCidr"]),
    ({"nodes_cidr": "10.0.0.0/30"}, ["nodesCidr"]),
    ({"nodes_cidr": "8.8.8.0/24"}, ["nodesCidr"]),
    ({"pods_cidr": "10.4.0.0/24"}, ["podsCidr"]),
    ({"pods_cidr": "10.0.0.0/14"}, ["podsCidr"]),
    ({"services_cidr": "10.4.0.0/20"}, ["servicesCidr"]),
    ({"mtu": 9000}, ["mtu"]),
    ({"flow_log_percent": 101}, ["flowLogPercent"]),
    ({"private_services_prefix": 29}, ["privateServicesPrefix"]),
    ({"pods_range_name": "services"}, ["servicesRangeName"]),
    ({"pods_range_name": "My Pods"}, ["podsRangeName"]),
    ({"network_id": "default"}, ["subnetworkId", "podsRangeName", "servicesRangeName", "networkId"]),
]


@pytest.mark.parametrize("spec", GOOD_NETWORKS)
def test_a_network_that_can_be_passes(spec: dict[str, Any]) -> None:
    assert list(check_gke_network("network", spec)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("spec", "paths"), BAD_NETWORKS)
def test_a_network_that_cannot_be_is_refused(spec: dict[str, Any], paths: list[str]) -> None:
    found = list(check_gke_network("network", spec))  # type: ignore[arg-type]
    assert [f.path.removeprefix("network.") for f in found] == paths


BAD_CLUSTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"mode": "serverless"}, ["mode"]),
    ({"release_channel": "none"}, ["releaseChannel"]),
    ({"kubernetes_version": "v1.35"}, ["kubernetesVersion"]),
    ({"public_endpoint": True}, ["authorizedRanges"]),
    ({"public_endpoint": True, "authorized_ranges": ["0.0.0.0/0"]}, ["authorizedRanges[0]"]),
    ({"authorized_ranges": ["::/0"]}, ["authorizedRanges[0]"]),
    ({"authorized_ranges": ["203.0.113.5/24"]}, ["authorizedRanges[0]"]),
    ({"maintenance": {"start": "2:00"}}, ["maintenance.start"]),
    ({"maintenance": {"hours": 3}}, ["maintenance.hours", "maintenance.hours"]),
    ({"maintenance": {"hours": 6, "days": ["SA"]}}, ["maintenance.hours"]),
    ({"maintenance": {"days": ["SAT", "SU"]}}, ["maintenance.days[0]"]),
    ({"maintenance": {"days": ["SA", "SA"]}}, ["maintenance.days"]),
    ({"maintenance": {"exclusions": [TIMES, TIMES]}}, ["maintenance.exclusions[1].name"]),
    ({"maintenance": {"exclusions": [{**TIMES, "start": "2026-12-20"}]}}, ["maintenance.exclusions[0].start"]),
    ({"maintenance": {"exclusions": [{**TIMES, "end": TIMES["start"]}]}}, ["maintenance.exclusions[0].end"]),
    (
        {"maintenance": {"exclusions": [{**TIMES, "end": "2027-06-01T00:00:00Z"}]}},
        ["maintenance.exclusions[0].end"],
    ),
    (
        {"auto_provisioning": {"cpu_max": 0, "memory_gib_max": 1, "accelerators_max": {}}},
        ["autoProvisioning.cpuMax"],
    ),
    (
        {"auto_provisioning": {"cpu_max": 8, "memory_gib_max": 1, "accelerators_max": {"A10G": 1}}},
        ["autoProvisioning.acceleratorsMax.A10G"],
    ),
    (
        {"auto_provisioning": {"cpu_max": 8, "memory_gib_max": 1, "accelerators_max": {"L4": float("inf")}}},
        ["autoProvisioning.acceleratorsMax.L4"],
    ),
    (
        {"mode": "autopilot", "auto_provisioning": {"cpu_max": 8, "memory_gib_max": 1, "accelerators_max": {}}},
        ["autoProvisioning"],
    ),
]


@pytest.mark.parametrize(("spec", "paths"), BAD_CLUSTERS)
def test_a_cluster_that_cannot_be_is_refused(spec: dict[str, Any], paths: list[str]) -> None:
    found = list(check_gke_cluster("cluster", spec))  # type: ignore[arg-type]
    assert [f.path.removeprefix("cluster.") for f in found] == paths
    assert all(f.value and f.rule and f.remedy for f in found)


def test_a_cluster_with_nothing_said_passes() -> None:
    assert list(check_gke_cluster("cluster", {})) == []


@pytest.mark.parametrize(
    ("project", "region", "zones", "paths"),
    [
        ("acme-ml-prod", "europe-west4", ["europe-west4-a"], []),
        ("acme.com:ml-prod", "europe-west4", ["europe-west4-a"], []),
        ("Acme ML", "europe-west4", ["europe-west4-a"], ["x.project"]),
        ("123456789012", "europe-west4", ["europe-west4-a"], ["x.project"]),
        ("acme-ml-prod", "europe-west4-a", [], ["x.region", "x.zones"]),
        ("acme-ml-prod", "europe-west4", ["us-central1-a"], ["x.zones[0]"]),
    ],
)
def test_a_place_is_a_project_a_region_and_zones_of_it(
    project: str, region: str, zones: list[str], paths: list[str]
) -> None:
    assert [f.path for f in check_place("x", project, region, zones)] == paths


def test_a_refusal_has_the_value_that_is_wrong_and_the_region_that_zones_belong_to() -> None:
    (network,) = check_gke_network("network", {"nodes_cidr": "10.0.0.0/30"})
    assert network.value == "10.0.0.0/30"
    (zone,) = check_zones("zones", ["us-central1-a"], "europe-west1")
    assert (zone.value, zone.rule) == ("us-central1-a", "a zone of europe-west1")
    (effect,) = labels_and_taints("pool", {}, [{"key": "acme.dev/x", "value": "", "effect": "Never"}])  # type: ignore[typeddict-item]
    assert effect.value == "Never"
