"""Names, endpoints and listeners, from Services and EndpointSlices as the API server has them. No socket is opened."""

import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from simulator.process_node.cluster_network import Cluster, answer, wanted_listeners

DATABASE = ("mlflow", "database-rw")


def service(name: str, address: str, *ports: dict[str, Any], namespace: str = "mlflow") -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {"clusterIP": address, "ports": [*ports]}}


def endpoint_slice(service_name: str, *addresses: tuple[str, str, bool]) -> dict[str, Any]:
    """Addresses with host name and readiness."""
    return {
        "metadata": {
            "namespace": "mlflow",
            "name": f"{service_name}-x",
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "ports": [{"name": "postgres", "port": 5432}],
        "endpoints": [
            {"addresses": [address], "hostname": name, "conditions": {"ready": ready}}
            for address, name, ready in addresses
        ],
    }


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr("ssl.create_default_context", lambda **_: None)
    found = Cluster(1, "token", Path("ca.crt"))
    for one in (
        service("database-rw", "10.96.0.7", {"name": "postgres", "port": 5432}),
        service("workers", "None", {"name": "meet", "port": 29500}),
    ):
        found.services[one["metadata"]["namespace"], one["metadata"]["name"]] = one
    slices = (
        endpoint_slice("database-rw", ("10.64.0.2", "", True), ("10.64.0.3", "", False)),
        endpoint_slice("workers", ("10.64.0.4", "worker-0", True), ("10.64.0.5", "worker-1", True)),
    )
    found.slices.update({("mlflow", one["metadata"]["name"]): one for one in slices})
    return found


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def addresses(reply: bytes) -> list[str]:
    count = struct.unpack(">H", reply[6:8])[0]
    return [socket.inet_ntoa(reply[len(reply) - 16 * (count - at) :][12:16]) for at in range(count)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("database-rw.mlflow.svc.cluster.local", ["10.96.0.7"]),
        ("DATABASE-RW.mlflow.svc.cluster.local", ["10.96.0.7"]),
        ("workers.mlflow.svc.cluster.local", ["10.64.0.4", "10.64.0.5"]),
        ("worker-1.workers.mlflow.svc.cluster.local", ["10.64.0.5"]),
    ],
)
def test_a_service_has_its_address_and_a_headless_one_those_of_its_pods(
    cluster: Cluster, name: str, expected: list[str]
) -> None:
    reply = answer(query(name), cluster)
    assert reply[3] & 0xF == 0
    assert addresses(reply) == expected


@pytest.mark.parametrize(
    "name",
    ["nothing.mlflow.svc.cluster.local", "worker-9.workers.mlflow.svc.cluster.local", "example.com", "mlflow.local"],
)
def test_an_unknown_name_does_not_exist(cluster: Cluster, name: str) -> None:
    assert answer(query(name), cluster)[3] & 0xF == 3


def test_a_name_without_ipv6_address_exists_all_the_same(cluster: Cluster) -> None:
    """NXDOMAIN for AAAA would make resolvers drop the IPv4 address too."""
    reply = answer(query("database-rw.mlflow.svc.cluster.local", kind=28), cluster)
    assert (reply[3] & 0xF, addresses(reply)) == (0, [])


def test_only_ready_endpoints_of_the_port_are_used(cluster: Cluster) -> None:
    assert cluster.endpoints(DATABASE, "postgres") == [("10.64.0.2", 5432, "")]
    assert cluster.endpoints(DATABASE, "metrics") == []


def test_each_tcp_port_of_each_address_is_listened_on(cluster: Cluster) -> None:
    udp = service("dns", "10.96.0.9", {"port": 53, "protocol": "UDP"})
    assert wanted_listeners([*cluster.services.values(), udp]) == {("10.96.0.7", 5432): (DATABASE, "postgres")}
