"""What the PostgreSQL operator registers. Not proved here: what its chart renders (engine tests)."""

from typing import Any

from catalog.versions import CHARTS, CRDS
from components.addons.cloudnative_pg import CloudNativePg, operator_values
from components.base.chart_source import ChartOrigin, ChartSource
from tests.recorder import Recording, record

SOURCE = ChartSource(origin=ChartOrigin.STUB, location="simulator")


def declared(**over: Any) -> tuple[Recording, CloudNativePg]:
    made: list[CloudNativePg] = []
    return record(lambda: made.append(CloudNativePg("cnpg", {"source": SOURCE, **over}))), made[0]  # type: ignore[typeddict-item]


def policies(recording: Recording) -> list[str]:
    return [policy.inputs["metadata"]["name"] for policy in recording.of("NetworkPolicy")]


def test_the_operator_is_a_chart_in_a_namespace_that_its_webhook_and_databases_open() -> None:
    recording, made = declared(control_plane_ranges=["10.0.0.0/28"])
    assert policies(recording) == [
        "default-deny",
        "allow-dns",
        "allow-api-server",
        "allow-instances",
        "allow-webhook-tunnel",
        "allow-webhook-0",
    ]
    assert recording.one("AddonChart").inputs["chart"] == "cloudnative-pg"
    assert recording.one("Namespace").inputs["metadata"]["name"] == "cnpg-system"
    assert made.operator == {"namespace": "cnpg-system", "pods": {"app.kubernetes.io/name": "cloudnative-pg"}}


def test_an_existing_one_is_only_passed_to_databases() -> None:
    recording, made = declared(found=True, namespace="databases")
    assert recording.kinds() == ["CloudNativePg cnpg"]
    assert made.operator == {"namespace": "databases", "pods": {"app.kubernetes.io/name": "cloudnative-pg"}}


def test_it_reaches_databases_by_the_label_of_their_instances_in_every_namespace() -> None:
    """By a range, as before, Cilium and GKE Dataplane V2 let it reach no instance."""
    recording, _ = declared()
    (rule,) = recording.one("NetworkPolicy", "allow-instances").inputs["spec"]["egress"]
    assert [one["port"] for one in rule["ports"]] == [5432, 8000]
    assert rule["to"] == [
        {"podSelector": {"matchLabels": {"cnpg.io/podRole": "instance"}}, "namespaceSelector": {}},
    ]


def test_metrics_and_replicas_are_opt_in_and_crds_are_never_the_chart_s() -> None:
    assert operator_values({"source": SOURCE})["crds"] == {"create": False}
    assert operator_values({"source": SOURCE})["replicaCount"] == 1
    assert operator_values({"source": SOURCE, "highly_available": True})["replicaCount"] == 2
    recording, _ = declared(monitoring_namespace="monitoring")
    assert "allow-metrics" in policies(recording)
    assert recording.one("AddonChart").inputs["values"]["monitoring"] == {"podMonitorEnabled": True}


def test_operator_and_crds_are_of_one_release_and_of_the_minor_version_of_the_chart() -> None:
    """An operator without the CRDs of its own release ends at start (1.30 without `databaseroles`)."""
    tag = operator_values({"source": SOURCE})["image"]["tag"]
    assert CRDS["cloudnative-pg"].version == f"v{tag}"
    assert CHARTS["cloudnative-pg"].app_version.split(".")[:2] == tag.split(".")[:2]
    assert "postgresql.cnpg.io_databaseroles.yaml" in CRDS["cloudnative-pg"].files


def test_another_namespace_is_handed_to_the_databases() -> None:
    assert declared(namespace="databases")[1].operator["namespace"] == "databases"
