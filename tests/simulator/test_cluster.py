"""The life of a simulated cluster, with the real programs."""

import concurrent.futures
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from simulator import processes
from simulator.cluster import Cluster, State
from simulator.configuration import COMPONENTS
from simulator.errors import SimulatorError
from tools.toolchain import Toolchain

from .conftest import Client

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def lasting(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster that holds one object, and that every test leaves running."""
    cluster = Cluster("lasting", home=tmp_path_factory.mktemp("home"))
    try:
        cluster.start(toolchain)
        Client(cluster, toolchain)("create", "configmap", "precious", "--from-literal=value=kept")
        yield cluster
    finally:
        cluster.delete()


def holds_its_object(cluster: Cluster, toolchain: Toolchain) -> bool:
    return bool(Client(cluster, toolchain).get("configmap", "precious")["data"] == {"value": "kept"})


def directory(cluster: Cluster) -> Path:
    return cluster.kubeconfig.parent


def kill(cluster: Cluster, *components: str) -> None:
    """Kills (-9) programs of a cluster, and returns when they are gone: on a busy machine that is not at once."""
    programs = processes.running(directory(cluster))
    for component in components:
        programs[component].kill()
    while set(components) & set(processes.running(directory(cluster))):
        time.sleep(0.01)


def test_a_second_start_finds_nothing_to_do(lasting: Cluster, toolchain: Toolchain) -> None:
    before = lasting.status()
    said: list[str] = []
    lasting.start(toolchain, said.append)
    assert said == []
    assert {name: program.process_id for name, program in lasting.status().programs.items()} == {
        name: program.process_id for name, program in before.programs.items()
    }


def test_the_status_tells_the_state_the_programs_and_their_memory(lasting: Cluster) -> None:
    status = lasting.status()
    assert (status.state, status.problem) == (State.RUNNING, "")
    assert set(status.programs) == set(COMPONENTS)
    assert all(program.memory_mebibytes > 10 for program in status.programs.values())
    assert status.server in lasting.kubeconfig.read_text()


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_program_is_started_again_and_nothing_is_lost(
    component: str, lasting: Cluster, toolchain: Toolchain
) -> None:
    kubeconfig = lasting.kubeconfig.read_text()
    victims = processes.running(directory(lasting))
    kill(lasting, component)
    degraded = lasting.status()
    assert (degraded.state, degraded.problem) == (State.DEGRADED, component)
    lasting.start(toolchain)
    assert lasting.status().state is State.RUNNING
    survivors = processes.running(directory(lasting))
    assert survivors[component].pid != victims[component].pid
    assert holds_its_object(lasting, toolchain)
    assert lasting.kubeconfig.read_text() == kubeconfig


def test_all_programs_killed_at_once_are_started_again_and_nothing_is_lost(
    lasting: Cluster, toolchain: Toolchain
) -> None:
    kill(lasting, *COMPONENTS)
    lasting.start(toolchain)
    assert lasting.status().state is State.RUNNING
    assert holds_its_object(lasting, toolchain)


def test_a_stopped_cluster_runs_nothing_and_starts_with_its_objects_at_the_same_address(
    lasting: Cluster, toolchain: Toolchain
) -> None:
    kubeconfig = lasting.kubeconfig.read_text()
    assert lasting.stop() is True
    assert processes.running(directory(lasting)) == {}
    assert lasting.status().state is State.STOPPED
    assert lasting.stop() is False
    lasting.start(toolchain)
    assert lasting.kubeconfig.read_text() == kubeconfig
    assert holds_its_object(lasting, toolchain)


def test_a_port_taken_while_the_cluster_was_stopped_is_reported_and_harms_nothing(
    lasting: Cluster, toolchain: Toolchain
) -> None:
    port = int(lasting.status().server.rpartition(":")[2])
    lasting.stop()
    with socket.socket() as intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.bind(("127.0.0.1", port))
        intruder.listen()
        with pytest.raises(SimulatorError, match=rf"another program listens on {port} \(kubeApiserverPort\)"):
            lasting.start(toolchain)
        assert processes.running(directory(lasting)) == {}
    lasting.start(toolchain)
    assert holds_its_object(lasting, toolchain)


def test_new_arguments_are_taken_up_with_objects_keys_and_ports_kept(lasting: Cluster, toolchain: Toolchain) -> None:
    kubeconfig, key = lasting.kubeconfig.read_text(), (directory(lasting) / "pki" / "ca.key").read_bytes()
    recorded = directory(lasting) / "configuration.json"
    older = json.loads(recorded.read_text())
    older["options"]["etcdQuotaBackendSize"] = "1Gi"
    recorded.write_text(json.dumps(older))
    said: list[str] = []
    lasting.start(toolchain, said.append)
    assert said[0] == "cluster lasting: programs or arguments have changed, restarting; objects are kept"
    assert lasting.kubeconfig.read_text() == kubeconfig
    assert (directory(lasting) / "pki" / "ca.key").read_bytes() == key
    assert holds_its_object(lasting, toolchain)


def test_only_the_owner_can_read_what_is_on_disk_and_no_secret_is_in_an_argument(lasting: Cluster) -> None:
    cache = directory(lasting) / "cache"  # kubectl's own list of the API's kinds, behind the private folder
    everything = [directory(lasting), *(path for path in directory(lasting).rglob("*") if cache not in path.parents)]
    assert [path for path in everything if not path.is_symlink() and path.stat().st_mode & 0o077] == []
    secrets = [line for path in directory(lasting).glob("pki/*.key") for line in path.read_text().splitlines()[1:-1]]
    assert secrets
    arguments = " ".join(" ".join(process.cmdline()) for process in processes.running(directory(lasting)).values())
    assert [secret for secret in secrets if secret in arguments] == []


def test_every_port_is_on_the_loopback_address(lasting: Cluster) -> None:
    addresses = {
        connection.laddr.ip
        for process in processes.running(directory(lasting)).values()
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


def test_two_clusters_run_side_by_side_and_know_nothing_of_each_other(home: Path, toolchain: Toolchain) -> None:
    users = Path.home() / ".kube" / "config"
    before = hashlib.sha256(users.read_bytes()).digest() if users.exists() else None
    first, second = Cluster("first", home), Cluster("second", home)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # Twice each: two people, or two runs, that start the same cluster at once.
        list(pool.map(lambda cluster: cluster.start(toolchain), [first, second, Cluster("first", home), second]))
    assert [cluster.name for cluster in Cluster.clusters(home)] == ["first", "second"]
    Client(first, toolchain)("create", "configmap", "mine")
    assert Client(second, toolchain).run("get", "configmap", "mine").returncode == 1

    assert first.delete() is True
    assert processes.running(directory(first)) == {}
    assert sorted(path.name for path in (home / "clusters").iterdir()) == [".lock", "second"]
    assert first.status().state is State.ABSENT
    assert first.delete() is False
    assert second.status().state is State.RUNNING
    assert (hashlib.sha256(users.read_bytes()).digest() if users.exists() else None) == before


def test_an_interrupted_creation_starts_again(home: Path, toolchain: Toolchain) -> None:
    cluster = Cluster("torn", home)
    program = (
        "import sys; from pathlib import Path; from simulator.cluster import Cluster; "
        "from tools.toolchain import ensure; Cluster('torn', Path(sys.argv[1])).start(ensure())"
    )
    run = subprocess.Popen([sys.executable, "-c", program, str(home)], start_new_session=True)
    while not (directory(cluster) / "etcd" / "member").exists():
        assert run.poll() is None
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    cluster.start(toolchain)
    assert cluster.status().state is State.RUNNING
    assert set(processes.running(directory(cluster))) == set(COMPONENTS)
    of_this_cluster = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"] and process.info["cmdline"][0].startswith(f"{directory(cluster)}/bin/")
    ]
    assert len(of_this_cluster) == len(COMPONENTS)
