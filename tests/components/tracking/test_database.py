"""The tracking server's database. Not proved here: that CloudNativePG runs it; its spec is held to the schema."""

from typing import Any

import pytest
from pulumi import Output
from pulumi.runtime.rpc import UNKNOWN

from components.base.traffic_rules import policy_spec
from components.findings import Refused
from components.storage.plan import StorageHandle, StoragePurpose
from components.storage.postgresql import ca_mounts, libpq_environment, sqlalchemy_uri
from components.tracking.database import Database, DatabaseArgs, ExternalDatabase, ExternalDatabaseArgs
from tests.recorder import Recording, record

DISK = StorageHandle(purpose=StoragePurpose.STANDARD, class_name="storage-standard", access_modes=["ReadWriteOnce"])
ARGS = DatabaseArgs(
    namespace="mlflow",
    storage=DISK,
    storage_gib=20,
    operator_namespace="cnpg-system",
    operator_pods={"app.kubernetes.io/name": "cloudnative-pg"},
)
EXTERNAL = ExternalDatabaseArgs(
    namespace="mlflow", host="db.example.com", database="mlflow", username="ml", password="hunter2"
)
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"


def declared(**over: Any) -> tuple[Recording, Database]:
    made: list[Database] = []
    return record(lambda: made.append(Database("db", {**ARGS, **over}))), made[0]  # type: ignore[typeddict-item]


def external(**over: Any) -> tuple[Recording, ExternalDatabase]:
    made: list[ExternalDatabase] = []
    return record(lambda: made.append(ExternalDatabase("db", {**EXTERNAL, **over}))), made[0]  # type: ignore[typeddict-item]


def test_a_database_is_a_cluster_and_the_traffic_that_it_needs_and_no_secret() -> None:
    recording, made = declared()
    assert recording.kinds() == [
        "Cluster db-cluster",
        "Database db",
        "NetworkPolicy db-api-server",
        "NetworkPolicy db-clients",
        "NetworkPolicy db-operator",
        "NetworkPolicy db-replicas-in",
        "NetworkPolicy db-replicas-out",
    ]
    assert made.handle["host"] == "db-rw"
    assert made.handle["secret_name"] == "db-app"
    assert made.handle["ssl_mode"] == "verify-full"
    assert made.handle["client_label"] == {"mlplatform.dev/database-client": "db"}


def test_policies_stand_before_the_pods_that_they_are_about() -> None:
    recording, _ = declared()
    cluster = recording.one("Cluster")
    assert {policy.urn for policy in recording.of("NetworkPolicy")} <= cluster.dependencies


def test_one_instance_has_no_budget_and_three_confirm_each_commit() -> None:
    one = declared()[0].one("Cluster").inputs["spec"]
    assert (one["instances"], one["enablePDB"], one["primaryUpdateMethod"]) == (1, False, "restart")
    assert "synchronous" not in one["postgresql"]
    three = declared(highly_available=True)[0].one("Cluster").inputs["spec"]
    assert (three["instances"], three["enablePDB"], three["primaryUpdateMethod"]) == (3, True, "switchover")
    assert three["affinity"]["podAntiAffinityType"] == "required"
    assert three["postgresql"]["synchronous"]["number"] == 1


def test_sizes_reach_the_cluster() -> None:
    spec = declared(storage_gib=2048, cpu_millis=4000, memory_mib=8192, database="ml")[0].one("Cluster").inputs["spec"]
    assert spec["storage"] == {"size": "2Ti", "storageClass": "storage-standard", "resizeInUseVolumes": True}
    assert spec["resources"]["requests"]["cpu"] == "4"
    assert spec["resources"]["limits"]["memory"] == "8Gi"
    assert spec["postgresql"]["parameters"]["shared_buffers"] == "2048MB"
    assert spec["bootstrap"]["initdb"]["database"] == "ml"
    assert ":" in spec["imageName"]


def test_clients_come_in_by_their_label_and_the_operator_by_its_namespace() -> None:
    recording, _ = declared()
    clients = recording.one("NetworkPolicy", "db-clients").inputs["spec"]["ingress"][0]
    assert clients["from"] == [{"podSelector": {"matchLabels": {"mlplatform.dev/database-client": "db"}}}]
    assert clients["ports"] == [{"protocol": "TCP", "port": 5432}]
    (operator,) = recording.one("NetworkPolicy", "db-operator").inputs["spec"]["ingress"][0]["from"]
    assert operator["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "cnpg-system"}}
    assert operator["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "cloudnative-pg"}}


def test_metrics_are_a_monitor_and_a_way_in_for_prometheus() -> None:
    recording, _ = declared(monitoring_namespace="monitoring")
    assert recording.one("PodMonitor").inputs["spec"]["selector"] == {"matchLabels": {"cnpg.io/cluster": "db"}}
    policy = recording.one("NetworkPolicy", "db-metrics").inputs["spec"]["ingress"][0]
    assert policy["ports"] == [{"protocol": "TCP", "port": 9187}]


def test_data_is_protected_where_it_is_kept() -> None:
    cluster = declared(keep_data=True)[0].one("Cluster")
    assert cluster.protect
    assert cluster.retain_on_delete
    assert not declared()[0].one("Cluster").protect


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"database": "My-DB"}, "a-z, 0-9 and _"),
        ({"storage_gib": 0}, "1 or more"),
        ({"storage": {**DISK, "access_modes": ["ReadOnlyMany"]}}, "ReadWriteOnce on storage class"),
    ],
)
def test_a_database_that_cannot_be_registers_nothing(wrong: dict[str, Any], message: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=message):
            Database("db", {**ARGS, **wrong})  # type: ignore[typeddict-item]

    assert record(program).resources == []


def test_an_external_database_is_its_credentials_and_they_stay_secret() -> None:
    recording, made = external()
    assert recording.kinds() == ["ExternalDatabase db", "Secret db-credentials"]
    secret = recording.one("Secret").inputs
    assert secret["metadata"]["name"] == made.handle["secret_name"]
    assert SECRET_SIGNATURE in secret["stringData"]
    assert secret["stringData"]["value"] == {
        "username": "ml",
        "password": "hunter2",
        "host": "db.example.com",
        "port": "5432",
        "dbname": "mlflow",
        "sslmode": "verify-full",
    }
    for key in ("username", "password"):
        assert SECRET_SIGNATURE in recording.one("ExternalDatabase").inputs[key]


def test_the_authority_of_an_external_database_is_mounted_where_libpq_looks() -> None:
    recording, made = external(ca_certificate=PEM)
    assert recording.one("Secret", "db-ca").inputs["stringData"]["value"] == {
        "ca.crt": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    }
    variables = {one["name"]: one.get("value") for one in libpq_environment(made.handle)}
    (mounted,) = ca_mounts(made.handle)
    assert variables["PGSSLROOTCERT"] == f"{mounted.mount['mountPath']}/ca.crt"
    assert mounted.volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}], "never the authority's key"


def test_without_an_authority_the_system_s_are_trusted_or_none_is_asked_for() -> None:
    def root(**over: Any) -> Any:
        return {one["name"]: one.get("value") for one in libpq_environment(external(**over)[1].handle)}.get(
            "PGSSLROOTCERT"
        )

    assert root() == "system"
    assert root(ssl_mode="require") is None
    assert ca_mounts(external()[1].handle) == []


def test_no_address_holds_a_password_or_a_user() -> None:
    _, made = external(port=6432)
    assert sqlalchemy_uri(made.handle) == "postgresql+psycopg2://db.example.com:6432/mlflow"
    values = {one["name"]: one.get("value") for one in libpq_environment(made.handle)}
    assert values["PGPASSWORD"] is None
    assert values["PGUSER"] is None
    assert made.handle["egress"]["ports"] == [6432]


def unknown() -> Output[str]:
    """What another resource of the same stack will tell."""

    async def soon(value: Any) -> Any:
        return value

    return Output(soon(set()), soon(UNKNOWN), soon(False))


def test_a_host_that_is_not_known_yet_is_accepted_and_reaches_every_client() -> None:
    seen: list[Any] = []

    def program() -> None:
        made = ExternalDatabase("db", {**EXTERNAL, "host": unknown(), "ca_certificate": unknown()})
        seen.extend([made.handle["ca_secret_name"], sqlalchemy_uri(made.handle)])

    recording = record(program, preview=True)
    assert recording.kinds() == ["ExternalDatabase db", "Secret db-ca", "Secret db-credentials"]
    assert seen[0] == "db-ca"
    assert isinstance(seen[1], Output)


def test_a_known_host_that_comes_as_an_output_is_part_of_the_address() -> None:
    seen: list[str] = []

    def program() -> None:
        made = ExternalDatabase("db", {**EXTERNAL, "host": Output.from_input("10.1.2.3")})
        Output.from_input(sqlalchemy_uri(made.handle)).apply(seen.append)

    record(program)
    assert seen == ["postgresql+psycopg2://10.1.2.3:5432/mlflow"]


def test_clients_reach_the_range_of_the_database_and_no_other_address() -> None:
    (way,) = policy_spec(external(address_range="10.0.0.0/16")[1].handle["egress"])["egress"]
    assert way == {"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5432}]}
    (anywhere,) = policy_spec(external()[1].handle["egress"])["egress"]
    assert anywhere["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.169.254/32"]}}]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"address_range": "10.0.0.1/16"}, "a CIDR"),
        ({"address_range": "0.0.0.0/0"}, "not the whole internet"),
        ({"host": "postgresql://db"}, "a DNS name"),
        ({"ssl_mode": "disable"}, "the password is sent over the network"),
        ({"port": 70000}, "1 to 65535"),
    ],
)
def test_an_external_database_that_cannot_be_reached_safely_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        ExternalDatabase("db", {**EXTERNAL, **wrong})  # type: ignore[typeddict-item]
    assert "hunter2" not in str(refused.value)
