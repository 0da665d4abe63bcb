"""SeaweedFS in the cluster. Not proved here: that SeaweedFS runs (no package registry has it), and that generated keys
stay what they are; tests/engine/test_data.py proves the latter on the real engine."""

import json
from base64 import b64decode
from typing import Any

import pytest

from components.findings import Refused
from components.storage.object_store_server import ObjectStoreServer, ObjectStoreServerArgs, drawn_keys
from components.storage.plan import StorageHandle, StoragePurpose
from tests.recorder import Recording, record

DISK = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="storage-standard", access_modes=["ReadWriteOnce"])
ARGS = ObjectStoreServerArgs(
    namespace="object-store", bucket="platform", storage=DISK, storage_gib=100, client_namespaces=["mlflow", "vision"]
)


def declared(**over: Any) -> tuple[Recording, ObjectStoreServer]:
    made: list[ObjectStoreServer] = []
    return record(lambda: made.append(ObjectStoreServer("store", {**ARGS, **over}))), made[0]  # type: ignore[typeddict-item]


def test_a_server_is_a_closed_namespace_keys_a_volume_and_one_pod_behind_a_service() -> None:
    recording, made = declared()
    assert recording.kinds() == [
        "Deployment store-server",
        "IsolatedNamespace store-home",
        "Job store-bucket",
        "Namespace store-home-namespace",
        "NetworkPolicy store-home-allow-dns",
        "NetworkPolicy store-home-allow-from-mlflow",
        "NetworkPolicy store-home-allow-from-vision",
        "NetworkPolicy store-home-allow-within-egress",
        "NetworkPolicy store-home-allow-within-ingress",
        "NetworkPolicy store-home-default-deny",
        "ObjectStoreServer store",
        "PersistentVolumeClaim store-volume",
        "Secret store-keys-1",
        "Service store-service",
        "ServiceAccount store-account",
    ]
    assert made.handle["endpoint"] == "http://store.object-store.svc.cluster.local:8333"
    assert made.handle["credentials_secret_name"] == "store-keys-1"


def test_only_named_namespaces_come_in_and_only_on_the_s3_port() -> None:
    recording, _ = declared()
    spec = recording.one("NetworkPolicy", "store-home-allow-from-mlflow").inputs["spec"]
    (rule,) = spec["ingress"]
    assert rule["from"][0]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "mlflow"}}
    assert rule["ports"] == [{"protocol": "TCP", "port": 8333}]


def test_two_servers_never_share_the_volume() -> None:
    recording, _ = declared()
    spec = recording.one("Deployment").inputs["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    (server,) = spec["template"]["spec"]["containers"]
    assert not any("keys" in argument or "Key" in argument for argument in server["args"])
    assert spec["template"]["metadata"]["annotations"]["mlplatform.dev/credentials"]


def test_generated_keys_are_long_enough_and_new_each_time_and_the_server_gets_them() -> None:
    first, second = drawn_keys(), drawn_keys()
    assert first != second
    plain = {key: b64decode(value).decode() for key, value in first.items()}
    (identity,) = json.loads(plain["s3.json"])["identities"]
    assert identity["credentials"] == [
        {"accessKey": plain["AWS_ACCESS_KEY_ID"], "secretKey": plain["AWS_SECRET_ACCESS_KEY"]}
    ]
    assert len(plain["AWS_ACCESS_KEY_ID"]) == 20
    assert len(plain["AWS_SECRET_ACCESS_KEY"]) == 40


def test_another_generation_is_another_secret_under_another_name() -> None:
    recording, made = declared(key_generation=2)
    assert recording.one("Secret").name == "store-keys-2"
    assert made.handle["credentials_secret_name"] == "store-keys-2"
    volumes = recording.one("Deployment").inputs["spec"]["template"]["spec"]["volumes"]
    assert [v["secret"]["secretName"] for v in volumes if "secret" in v] == ["store-keys-2"]


def test_data_is_protected_where_it_is_kept() -> None:
    assert declared(keep_data=True)[0].one("PersistentVolumeClaim").protect
    assert declared(keep_data=True)[0].one("PersistentVolumeClaim").retain_on_delete
    assert not declared()[0].one("PersistentVolumeClaim").protect


def test_the_bucket_is_made_once_the_server_answers() -> None:
    recording, _ = declared()
    job, service = recording.one("Job"), recording.one("Service")
    assert service.urn in job.dependencies
    assert recording.one("Deployment").urn in service.dependencies
    pod = job.inputs["spec"]["template"]
    assert pod["spec"]["containers"][0]["args"][-1] == "store:platform"
    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "make-bucket", "the Service selects no pod of the Job"
    assert job.inputs["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true", "a failed Job stays for ever"


def test_sizes_and_requests_reach_the_pod_and_the_volume() -> None:
    recording, _ = declared(storage_gib=7, cpu_millis=2000, memory_mib=4096)
    assert recording.one("PersistentVolumeClaim").inputs["spec"]["resources"]["requests"]["storage"] == "7Gi"
    (server,) = recording.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert server["resources"]["requests"]["cpu"] == "2"
    assert server["resources"]["limits"]["memory"] == "4Gi"


def test_a_bucket_that_cannot_be_one_registers_nothing() -> None:
    def program() -> None:
        with pytest.raises(Refused, match="3 to 63"):
            ObjectStoreServer("store", {**ARGS, "bucket": "A"})

    assert record(program).resources == []
