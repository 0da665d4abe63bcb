"""KServe: its namespace, what goes to the chart, what waits for its webhooks.

Not proved here: what the chart makes of the values (upstream's chart at v0.20.0 was rendered with them by hand).
"""

from typing import Any

import pytest

from components.addons.gateway_spec import GatewayHandle
from components.addons.kserve import KServe, KServeArgs, kserve_namespace, kserve_values
from components.base.chart_source import ChartOrigin, ChartSource
from components.findings import Refused
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind
from simulator.charts import values_of
from tests.recorder import Recording, record

GATEWAY = GatewayHandle(
    name="platform",
    namespace="gateway",
    class_name="platform",
    domains={"internal": "ml.example.com"},
    listeners={"internal": "https-internal"},
    route_namespace_labels={},
    pods={},
    ports=[],
    ranges=[],
)


def arguments(**more: Any) -> KServeArgs:
    given: Any = {
        "source": ChartSource(origin=ChartOrigin.UPSTREAM, location=""),
        "gateway": GATEWAY,
        "domain": "internal",
        **more,
    }
    return given


def recorded(**more: Any) -> Recording:
    return record(lambda: KServe("kserve", arguments(**more)) and None)


def store(kind: ObjectStoreKind, endpoint: str, region: str) -> ObjectStoreHandle:
    return ObjectStoreHandle(
        kind=kind, bucket="b", prefix="", endpoint=endpoint, region=region, credentials_secret_name="", uri="s3://b"
    )


def test_kserve_is_a_closed_namespace_and_a_chart_and_nothing_else() -> None:
    kinds = [f"{r.kind} {r.name}" for r in recorded().resources if r.kind != "NetworkPolicy"]
    assert sorted(kinds) == [
        "AddonChart kserve-controller",
        "Chart kserve-controller-chart",
        "IsolatedNamespace kserve-home",
        "KServe kserve",
        "Namespace kserve-home-namespace",
    ]
    assert recorded().one("Chart").inputs["chart"] == "oci://ghcr.io/kserve/charts/kserve-resources"


def test_the_mode_is_standard_and_requests_come_through_the_platforms_gateway() -> None:
    controller = kserve_values(arguments())["kserve"]["controller"]
    assert controller["deploymentMode"] == "Standard"
    assert controller["gateway"] == {
        "domain": "ml.example.com",
        "urlScheme": "https",
        "disableIstioVirtualHost": True,
        "ingressGateway": {
            "enableGatewayApi": True,
            "createGateway": False,
            "kserveGateway": "gateway/platform",
        },
    }


def test_model_servers_get_no_token_of_the_api_server() -> None:
    assert kserve_values(arguments())["kserve"]["security"] == {"autoMountServiceAccountToken": False}


def test_pods_are_not_annotated_with_the_port_of_a_queue_proxy_that_they_lack() -> None:
    """With scraping on KServe writes prometheus.io/port 9091 (v0.20.0 metrics_aggregate_injector.go)."""
    defaults = values_of("kserve-resources")["kserve"]
    assert (defaults | kserve_values(arguments())["kserve"])["metricsaggregator"]["enablePrometheusScraping"] == "false"


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        (None, {}),
        (store(ObjectStoreKind.GCS, "", ""), {}),
        (store(ObjectStoreKind.S3, "", "eu-west-1"), {"region": "eu-west-1"}),
        (
            store(ObjectStoreKind.S3_COMPATIBLE, "http://seaweedfs.storage.svc:8333", "us-east-1"),
            {"endpoint": "seaweedfs.storage.svc:8333", "useHttps": "0", "region": "us-east-1", "useVirtualBucket": "0"},
        ),
        (
            store(ObjectStoreKind.S3_COMPATIBLE, "https://s3.example.com", "here"),
            {"endpoint": "s3.example.com", "useHttps": "1", "region": "here", "useVirtualBucket": "0"},
        ),
    ],
)
def test_models_are_looked_for_in_the_platforms_store_unless_a_secret_says_otherwise(
    handle: ObjectStoreHandle | None, expected: dict[str, str]
) -> None:
    args = arguments(store=handle) if handle else arguments()
    assert kserve_values(args)["kserve"]["storage"]["s3"] == expected


def test_the_container_that_fetches_models_has_the_memory_that_is_asked_for_and_no_limit_on_disk() -> None:
    limits = kserve_values(arguments(storage_initializer_memory_gib=6))["kserve"]["storage"]["resources"]["limits"]
    assert limits == {"cpu": "2", "memory": "6Gi"}
    assert kserve_values(arguments())["kserve"]["storage"]["resources"]["limits"]["memory"] == "2Gi"


def test_only_the_api_server_and_prometheus_come_in() -> None:
    args = arguments(control_plane_ranges=["10.1.0.0/28"], monitoring_namespace="monitoring", namespace="serve")
    home = kserve_namespace(args)
    assert home["namespace"] == "serve"
    inside = {rule["name"]: rule for rule in home["exceptions"] if rule["direction"] == "Ingress"}
    assert set(inside) == {"webhook-tunnel", "webhook-0", "webhook-nodes", "metrics"}
    assert inside["webhook-0"]["cidr"] == "10.1.0.0/28"
    assert inside["webhook-0"]["pods"] == {"control-plane": "kserve-controller-manager"}
    assert inside["metrics"]["peer_namespace"] == "monitoring"
    assert "metrics" not in {rule["name"] for rule in kserve_namespace(arguments())["exceptions"]}


def test_the_controller_is_scraped_where_there_is_monitoring() -> None:
    monitor = recorded(monitoring_namespace="monitoring").one("ServiceMonitor").inputs
    assert monitor["metadata"]["namespace"] == "kserve"
    assert monitor["spec"]["endpoints"][0]["scheme"] == "https"
    assert recorded().of("ServiceMonitor") == []


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"domain": "public"}, "a domain that the gateway serves: internal"),
        ({"storage_initializer_memory_gib": -1}, "at least 1 GiB"),
    ],
)
def test_what_cannot_work_is_refused_and_registers_nothing(wrong: dict[str, Any], rule: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=rule):
            KServe("kserve", arguments(**wrong))

    assert record(program).resources == []
