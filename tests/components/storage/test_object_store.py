"""Object stores and their keys. That the environment works with an S3 server is proved in
tests/engine/test_real_data.py.
"""

from typing import Any

import pytest

from components.base.traffic_rules import policy_spec
from components.findings import Refused
from components.storage.object_store import ObjectStoreCredentials
from components.storage.object_store_plan import (
    ObjectStoreArgs,
    object_store,
    object_store_environment,
    object_store_traffic,
    rclone_environment,
)
from components.storage.plan import ObjectStoreHandle, ObjectStoreKind
from tests.recorder import Recording, record

SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
INSIDE = ObjectStoreArgs(
    kind=ObjectStoreKind.S3_COMPATIBLE,
    bucket="models",
    prefix="platform/dev",
    endpoint="http://store.object-store.svc.cluster.local:8333/",
    credentials_secret_name="store-keys-1",
)
S3 = ObjectStoreArgs(kind=ObjectStoreKind.S3, bucket="models", region="eu-west-1")
GCS = ObjectStoreArgs(kind=ObjectStoreKind.GCS, bucket="models", prefix="a")


def plain(variables: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in variables if "value" in one}


def referenced(variables: list[dict[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["valueFrom"]["secretKeyRef"]["name"] for one in variables if "valueFrom" in one}


def test_the_handle_of_each_kind_says_how_to_reach_the_bucket() -> None:
    inside, s3, gcs = (object_store("store", args) for args in (INSIDE, S3, GCS))
    assert inside["uri"] == "s3://models/platform/dev"
    assert inside["endpoint"] == "http://store.object-store.svc.cluster.local:8333"
    assert inside["region"] == "us-east-1"
    assert (s3["uri"], s3["endpoint"], s3["region"], s3["credentials_secret_name"]) == (
        "s3://models",
        "",
        "eu-west-1",
        "",
    )
    assert (gcs["uri"], gcs["region"]) == ("gs://models/a", "")


def test_keys_come_by_reference_and_endpoints_by_value() -> None:
    variables = object_store_environment(object_store("store", INSIDE))
    assert referenced(variables) == {"AWS_ACCESS_KEY_ID": "store-keys-1", "AWS_SECRET_ACCESS_KEY": "store-keys-1"}
    assert plain(variables)["AWS_ENDPOINT_URL_S3"] == plain(variables)["MLFLOW_S3_ENDPOINT_URL"]
    assert object_store_environment(object_store("store", GCS)) == []
    assert plain(object_store_environment(object_store("store", S3))) == {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
    }


def test_rclone_is_configured_by_its_environment_alone() -> None:
    inside = rclone_environment(object_store("store", INSIDE))
    assert plain(inside)["RCLONE_CONFIG_STORE_TYPE"] == "s3"
    assert plain(inside)["RCLONE_CONFIG_STORE_PROVIDER"] == "Other"
    assert plain(inside)["RCLONE_CONFIG_STORE_NO_CHECK_BUCKET"] == "true"
    assert set(referenced(inside)) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    making = rclone_environment(object_store("store", INSIDE), create_buckets=True)
    assert plain(making)["RCLONE_CONFIG_STORE_NO_CHECK_BUCKET"] == "false"
    assert plain(rclone_environment(object_store("store", S3)))["RCLONE_CONFIG_STORE_PROVIDER"] == "AWS"
    gcs = rclone_environment(object_store("store", GCS))
    assert plain(gcs)["RCLONE_CONFIG_STORE_TYPE"] == "google cloud storage"
    assert referenced(gcs) == {}


def test_a_store_in_the_cluster_is_reached_by_its_namespace_and_one_outside_by_its_port() -> None:
    (only,) = object_store_traffic(object_store("store", INSIDE), {"app": "mlflow"})
    inside = policy_spec(only)
    assert inside["podSelector"] == {"matchLabels": {"app": "mlflow"}}
    (rule,) = inside["egress"]
    assert rule["to"] == [
        {"podSelector": {}, "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "object-store"}}}
    ]
    assert "ports" not in rule
    for store, port in (
        (object_store("store", S3), 443),
        (object_store("store", {**INSIDE, "endpoint": "https://s3.example.com:9000"}), 9000),
        (object_store("store", {**INSIDE, "endpoint": "http://10.1.2.3"}), 80),
    ):
        (rule,) = policy_spec(object_store_traffic(store)[0])["egress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": port}]
        assert rule["to"][0]["ipBlock"]["except"] == ["169.254.169.254/32"]


def test_without_keys_pods_reach_what_hands_out_their_identity() -> None:
    def ways(args: ObjectStoreArgs) -> list[str]:
        rules = object_store_traffic(object_store("store", args), {"app": "mlflow"})
        assert all(rule["pods"] == {"app": "mlflow"} for rule in rules)
        return [str(rule["cidr"]) for rule in rules if rule["name"] != "object-store"]

    assert ways(INSIDE) == []
    assert ways(S3) == ["169.254.170.23/32"]
    assert ways(GCS) == ["169.254.169.254/32", "169.254.169.252/32"]
    assert all("pods" not in rule for rule in object_store_traffic(object_store("store", S3)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bucket": "s3://models"}, "no slash and no scheme"),
        ({"bucket": "Models"}, "3 to 63 of a-z"),
        ({"prefix": "/a"}, "no slash at either end"),
        ({"endpoint": ""}, "http\\(s\\)://host:port"),
        ({"endpoint": "store:8333"}, "http\\(s\\)://host:port"),
        ({"endpoint": "http://store:8333/bucket"}, "http\\(s\\)://host:port"),
        ({"credentials_secret_name": ""}, "needs keys"),
        ({"kind": ObjectStoreKind.S3, "endpoint": ""}, "signed for a region"),
        ({"kind": ObjectStoreKind.S3, "region": "eu-west-1"}, "s3 has no custom endpoint"),
        ({"kind": ObjectStoreKind.GCS, "endpoint": ""}, "gcs uses workload identity"),
    ],
)
def test_a_store_that_cannot_be_reached_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        object_store("objectStore", {**INSIDE, **wrong})  # type: ignore[typeddict-item]


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(Refused) as refused:
        object_store("objectStore", {**INSIDE, "endpoint": "http://key:hunter2@store:8333"})
    assert "hunter2" not in str(refused.value)


def credentials(store: ObjectStoreHandle) -> tuple[Recording, list[Any]]:
    made: list[Any] = []

    def program() -> Any:
        component = ObjectStoreCredentials(
            "keys",
            {"namespace": "vision", "store": store, "access_key_id": "AKIA", "secret_access_key": "hunter2"},
        )
        return component.fingerprint.apply(made.append)

    return record(program), made


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and SECRET_SIGNATURE in value


def test_the_keys_become_one_secret_of_the_usual_shape_and_stay_secret_in_the_state() -> None:
    recording, _ = credentials(object_store("store", INSIDE))
    assert recording.kinds() == ["ObjectStoreCredentials keys", "Secret keys-secret"]
    secret = recording.one("Secret").inputs
    assert secret["metadata"]["name"] == "store-keys-1"
    assert secret["metadata"]["namespace"] == "vision"
    assert secret["metadata"]["annotations"] == {
        "pulumi.com/patchFieldManager": "mlplatform",
        "serving.kserve.io/s3-endpoint": "store.object-store.svc.cluster.local:8333",
        "serving.kserve.io/s3-usehttps": "0",
        "serving.kserve.io/s3-region": "us-east-1",
        "serving.kserve.io/s3-usevirtualbucket": "0",
    }
    assert is_secret(secret["stringData"])
    itself = recording.one("ObjectStoreCredentials").inputs
    assert is_secret(itself["access_key_id"])
    assert is_secret(itself["secret_access_key"])


def test_the_fingerprint_follows_the_keys_and_tells_nothing_of_them() -> None:
    _, (first,) = credentials(object_store("store", INSIDE))
    assert len(first) == 16
    assert "hunter2" not in first


def test_workload_identity_needs_no_secret() -> None:
    recording, _ = credentials(object_store("store", S3))
    assert recording.kinds() == ["ObjectStoreCredentials keys"]
