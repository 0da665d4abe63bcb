"""The configuration of a control plane. That it takes effect is shown in test_cluster.py."""

import json
import re
import socket
from pathlib import Path

from simulator.configuration import (
    ADDRESS,
    COMPONENTS,
    PORT_OPTIONS,
    PORT_RANGE,
    choose_ports,
    control_plane,
    is_free,
    ports_of,
)

PORTS = {option: 21000 + index for index, option in enumerate(PORT_OPTIONS)}
DIRECTORY = Path("/home/somebody/clusters/dev")


def arguments(component: str) -> dict[str, str]:
    patches = control_plane(DIRECTORY, PORTS)["componentsPatches"]
    (patch,) = [patch for patch in patches if patch["name"] == component]
    return {argument["key"]: argument["value"] for argument in patch["extraArgs"]}


def test_every_port_is_chosen_once_outside_of_what_others_keep() -> None:
    taken = set(PORT_RANGE) - set(range(20000, 20006))
    chosen = choose_ports(taken, is_free=lambda _: True)
    assert chosen.keys() == PORT_OPTIONS.keys()
    assert sorted(chosen.values()) == [20000, 20001, 20002, 20003, 20004, 20005]


def test_a_port_in_use_is_not_chosen() -> None:
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_no_port_lies_where_systems_choose_ports_for_outgoing_connections() -> None:
    assert max(PORT_RANGE) < 32768


def test_everything_listens_on_the_loopback_address_only() -> None:
    document = control_plane(DIRECTORY, PORTS)
    assert document["options"]["bindAddress"] == ADDRESS == "127.0.0.1"
    urls = re.findall(r"https?://[^\",]*", json.dumps(document))
    assert urls
    assert {url.rpartition(":")[0] for url in urls} == {"https://127.0.0.1"}


def test_etcd_admits_only_holders_of_the_clusters_keys_on_both_ports() -> None:
    etcd = arguments("etcd")
    assert etcd["client-cert-auth"] == etcd["peer-client-cert-auth"] == "true"
    assert etcd["trusted-ca-file"] == etcd["peer-trusted-ca-file"] == f"{DIRECTORY}/pki/ca.crt"
    assert arguments("kube-apiserver")["etcd-certfile"] == f"{DIRECTORY}/pki/admin.crt"


def test_authorization_and_admission_are_those_of_a_real_cluster() -> None:
    options = control_plane(DIRECTORY, PORTS)["options"]
    assert [options[name] for name in ("securePort", "kubeAuthorization", "kubeAdmission")] == [True, True, True]
    assert arguments("kube-controller-manager")["use-service-account-credentials"] == "true"


def test_a_killed_controller_is_replaced_without_waiting_for_its_lease() -> None:
    assert arguments("kube-controller-manager")["leader-elect"] == "false"
    assert arguments("kube-scheduler")["leader-elect"] == "false"


def test_the_programs_are_the_links_of_the_cluster_itself() -> None:
    options = control_plane(DIRECTORY, PORTS)["options"]
    binaries = {value for name, value in options.items() if name.endswith("Binary")}
    assert binaries == {f"{DIRECTORY}/bin/{name}" for name in [*COMPONENTS, "kubectl"]}


def test_the_ports_of_a_configuration_can_be_asked_for_by_component() -> None:
    document = control_plane(DIRECTORY, PORTS)
    assert ports_of(document) == PORTS
    assert ports_of(document, ["etcd"]) == {"etcdPort": 21000, "etcdPeerPort": 21001}
    assert ports_of({}) == {}
