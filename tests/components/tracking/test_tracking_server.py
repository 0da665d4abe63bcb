"""What a tracking server registers. Its command, environment and probes run in tests/engine/test_real_data.py."""

from typing import Any

import pytest

from components.addons.gateway_spec import GatewayHandle
from components.findings import Refused
from components.storage.object_store_plan import ObjectStoreArgs, object_store
from components.storage.plan import ObjectStoreKind
from components.tracking.database import cluster_handle
from components.tracking.spec import IngressArgs
from components.tracking.tracking_server import RouteArgs, TrackingServer, TrackingServerArgs
from policies.objects import PlannedObject
from policies.rules.network.network_policies import network_policy_is_restricted
from tests.recorder import Recording, record

STORE = object_store(
    "store",
    ObjectStoreArgs(
        kind=ObjectStoreKind.S3_COMPATIBLE,
        bucket="platform",
        prefix="dev",
        endpoint="http://store.object-store.svc:8333",
        credentials_secret_name="store-keys-1",
    ),
)
GATEWAY = GatewayHandle(
    name="platform",
    namespace="gateway",
    class_name="platform",
    domains={"internal": "ml.example.com"},
    listeners={"internal": "https-internal"},
    route_namespace_labels={"mlplatform.dev/routes": "platform"},
    pods={"app": "envoy"},
    ports=[10443],
    ranges=[],
)
ROUTE = RouteArgs(gateway=GATEWAY, domain="internal", host="mlflow")
INGRESS = IngressArgs(
    hostname="mlflow.example.com",
    class_name="nginx",
    tls_secret_name="mlflow-tls",
    controller_namespace="ingress",
    annotations={"proxy-body-size": "0"},
)
ARGS = TrackingServerArgs(
    namespace="tracking", database=cluster_handle("db", "mlflow"), artifacts=STORE, credentials_fingerprint="0123"
)


def declared(**over: Any) -> tuple[Recording, TrackingServer]:
    made: list[TrackingServer] = []
    return record(lambda: made.append(TrackingServer("mlflow", {**ARGS, **over}))), made[0]  # type: ignore[typeddict-item]


def pod(recording: Recording) -> Any:
    return recording.one("Deployment").inputs["spec"]["template"]


def container(recording: Recording) -> Any:
    return pod(recording)["spec"]["containers"][0]


def test_a_deployment_selects_its_own_pods() -> None:
    recording, _ = declared()
    selected = recording.one("Deployment").inputs["spec"]["selector"]["matchLabels"]
    assert selected
    assert selected.items() <= pod(recording)["metadata"]["labels"].items()
    assert selected == recording.one("Service").inputs["spec"]["selector"]


def test_a_server_without_a_way_in_is_migrated_pods_behind_a_service() -> None:
    recording, made = declared()
    assert recording.kinds() == [
        "Deployment mlflow-server",
        "Job mlflow-migrate",
        "NetworkPolicy mlflow-clients",
        "NetworkPolicy mlflow-database",
        "NetworkPolicy mlflow-migration-database",
        "NetworkPolicy mlflow-object-store",
        "PodDisruptionBudget mlflow-budget",
        "Service mlflow-service",
        "ServiceAccount mlflow-account",
        "TrackingServer mlflow",
    ]
    assert made.handle == {
        "uri": "http://mlflow.tracking.svc.cluster.local:5000",
        "environment": {"MLFLOW_TRACKING_URI": "http://mlflow.tracking.svc.cluster.local:5000"},
        "namespace": "tracking",
        "pods": {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/instance": "mlflow"},
        "port": 5000,
        "client_label": {"mlplatform.dev/client-of-mlflow": "true"},
    }


def test_policies_then_migration_then_replicas_then_the_service() -> None:
    recording, _ = declared()
    migration, server = recording.one("Job"), recording.one("Deployment")
    assert {policy.urn for policy in recording.of("NetworkPolicy")} <= migration.dependencies
    assert migration.urn in server.dependencies
    assert server.urn in recording.one("Service").dependencies


def test_the_migration_is_one_pod_that_the_service_does_not_select() -> None:
    recording, _ = declared()
    job = recording.one("Job").inputs["spec"]
    assert (job["parallelism"], job["podReplacementPolicy"]) == (1, "Failed")
    selector = recording.one("Service").inputs["spec"]["selector"]
    labels = job["template"]["metadata"]["labels"]
    assert not selector.items() <= labels.items()
    assert labels["mlplatform.dev/database-client"] == "db"
    assert job["template"]["spec"]["containers"][0]["args"] == ["$(MLFLOW_BACKEND_STORE_URI)"]
    annotations = recording.one("Job").inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/replaceUnready"] == "true", "a failed Job stays for ever"


def test_nothing_secret_is_written_into_a_pod() -> None:
    recording, _ = declared()
    for spec in (pod(recording)["spec"], recording.one("Job").inputs["spec"]["template"]["spec"]):
        for variable in spec["containers"][0]["env"]:
            if any(word in variable["name"] for word in ("PASSWORD", "KEY", "USER")) and variable["name"] != "USER":
                assert set(variable) == {"name", "valueFrom"}, variable


def test_a_pod_is_restricted_and_may_write_to_scratch_only() -> None:
    recording, _ = declared()
    spec = pod(recording)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert container(recording)["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {v["name"] for v in spec["volumes"] if "emptyDir" in v}
    assert writable == {"tmp"}


def test_new_keys_restart_the_pods() -> None:
    assert pod(declared()[0])["metadata"]["annotations"] == {"mlplatform.dev/credentials": "0123"}
    assert "annotations" not in pod(declared(credentials_fingerprint="")[0])["metadata"]


def test_high_availability_is_two_replicas_apart_and_updates_take_none_away() -> None:
    spec = declared(highly_available=True)[0].one("Deployment").inputs["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    keys = [one["topologyKey"] for one in spec["template"]["spec"]["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    assert declared()[0].one("Deployment").inputs["spec"]["replicas"] == 1


def test_workers_and_sizes_reach_the_container() -> None:
    one = container(declared(workers=4, cpu_millis=3000, upload_gib=1)[0])
    assert "--workers=4" in one["args"]
    assert one["resources"]["limits"]["memory"] == "4Gi"
    assert one["resources"]["requests"]["cpu"] == "3"
    assert one["resources"]["limits"]["ephemeral-storage"] == "1536Mi"
    assert container(declared(memory_mib=512)[0])["resources"]["limits"]["memory"] == "512Mi"


def test_clients_come_in_by_the_label_of_their_namespace() -> None:
    recording, made = declared()
    (rule,) = recording.one("NetworkPolicy", "mlflow-clients").inputs["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": made.handle["client_label"]}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5000}]


def test_no_network_policy_is_unrestricted() -> None:
    recording, _ = declared(route=ROUTE, monitoring_namespace="monitoring")
    for policy in recording.of("NetworkPolicy"):
        body = {"kind": "NetworkPolicy", **policy.inputs}
        planned = PlannedObject(policy.urn, policy.type, policy.name, body)
        assert list(network_policy_is_restricted(planned)) == []


def test_a_route_takes_the_gateway_s_listener_lets_its_proxies_in_and_answers_its_name() -> None:
    recording, _ = declared(route=ROUTE)
    spec = recording.one("HTTPRoute").inputs["spec"]
    assert spec["parentRefs"] == [{"name": "platform", "namespace": "gateway", "sectionName": "https-internal"}]
    assert spec["hostnames"] == ["mlflow.ml.example.com"]
    assert spec["rules"][0]["timeouts"]["request"] == "3600s"
    (peer,) = recording.one("NetworkPolicy", "mlflow-gateway").inputs["spec"]["ingress"][0]["from"]
    assert peer["podSelector"] == {"matchLabels": {"app": "envoy"}}
    arguments = container(recording)["args"]
    assert "--cors-allowed-origins=https://mlflow.ml.example.com" in arguments
    assert any(one.startswith("--allowed-hosts=") and one.endswith(",mlflow.ml.example.com") for one in arguments)
    assert recording.of("Ingress") == []


def test_the_login_is_on_the_route_before_the_route_is() -> None:
    """Held to Envoy Gateway's own CRD in tests/engine/test_strict_validation.py, here to the stand-in.

    Not proved: that Envoy asks; that its controller keeps the route closed until the Secret is there.
    """
    recording, _ = declared(route=ROUTE, login={"users_secret_name": "mlflow-users"})
    policy, route = recording.one("SecurityPolicy"), recording.one("HTTPRoute")
    (target,) = policy.inputs["spec"]["targetRefs"]
    assert (target["kind"], target["name"]) == ("HTTPRoute", route.inputs["metadata"]["name"])
    assert policy.inputs["metadata"]["namespace"] == route.inputs["metadata"]["namespace"] == "tracking"
    assert policy.inputs["spec"]["basicAuth"]["users"]["name"] == "mlflow-users"
    assert policy.urn in route.dependencies
    assert declared(route=ROUTE)[0].of("SecurityPolicy") == []


def test_an_ingress_has_tls_and_lets_its_controller_in() -> None:
    recording, _ = declared(ingress=INGRESS)
    ingress = recording.one("Ingress").inputs
    assert ingress["spec"]["tls"] == [{"hosts": ["mlflow.example.com"], "secretName": "mlflow-tls"}]
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["metadata"]["annotations"] == {"proxy-body-size": "0"}
    (peer,) = recording.one("NetworkPolicy", "mlflow-ingress").inputs["spec"]["ingress"][0]["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress"}
    assert recording.of("HTTPRoute") == []


def test_metrics_are_a_monitor_and_a_way_in_for_prometheus() -> None:
    recording, _ = declared(monitoring_namespace="monitoring")
    assert recording.one("ServiceMonitor").inputs["spec"]["endpoints"][0]["path"] == "/metrics"
    assert recording.one("NetworkPolicy", "mlflow-scrape")


def test_workload_identity_is_an_annotation_of_the_account() -> None:
    recording, _ = declared(service_account_annotations={"eks.amazonaws.com/role-arn": "arn:x"})
    metadata = recording.one("ServiceAccount").inputs["metadata"]
    assert metadata["annotations"] == {"eks.amazonaws.com/role-arn": "arn:x"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"route": {**ROUTE, "domain": "public"}}, "a domain of the gateway: internal"),
        ({"route": {**ROUTE, "host": "*"}}, "no wildcard"),
        ({"ingress": {**INGRESS, "hostname": "https://mlflow"}}, "no scheme"),
        ({"ingress": INGRESS, "route": ROUTE}, "only one of route and ingress"),
        ({"ingress": INGRESS, "login": {"users_secret_name": "users"}}, "a login needs a route of the gateway"),
        ({"route": ROUTE, "login": {"users_secret_name": "Users!"}}, "usersSecretName"),
        ({"workers": 0}, "1 or more"),
        ({"upload_gib": 0}, "1 or more"),
    ],
)
def test_a_server_that_cannot_be_reached_registers_nothing(wrong: dict[str, Any], message: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=message):
            TrackingServer("mlflow", {**ARGS, **wrong})  # type: ignore[typeddict-item]

    assert record(program).resources == []
