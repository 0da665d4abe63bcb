"""The variable MLPLATFORM_PROCESSES, and the images that are installed before the cluster starts."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from rich.console import Console

from catalog.versions import IMAGES as DECLARED
from simulator.process_node import support
from simulator.process_node.images import BUILT
from simulator.process_node.member import Processes, ProcessNode
from tools import processes
from tools.errors import ToolError
from tools.processes import PORTS, choose, installing_images, possible, running, with_programs
from tools.screen import Screen

REFUSES = "this computer refuses user namespaces (x). Allow them: y"


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "obstacle", lambda: REFUSES)


@pytest.fixture
def allowing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "obstacle", lambda: "")
    large(monkeypatch)


def large(monkeypatch: pytest.MonkeyPatch, memory: float = 64e9, disk: float = 64e9) -> None:
    """A computer with so much free memory and disk space."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=memory))
    monkeypatch.setattr(processes.shutil, "disk_usage", lambda _: SimpleNamespace(free=disk))


def environment(cache: Path, **more: str) -> dict[str, str]:
    return {"MLPLATFORM_CACHE": str(cache), **more}


@pytest.mark.usefixtures("allowing")
@pytest.mark.parametrize("value", ["", "auto", "on"])
def test_pods_run_as_processes_where_they_can_with_images_below_the_cache(tmp_path: Path, value: str) -> None:
    images = {"registry.example.com/own:1": tmp_path}
    chosen = choose(environment(tmp_path, MLPLATFORM_PROCESSES=value), local_images=images)
    assert chosen.processes is not None
    assert chosen.processes.local_images == images
    assert chosen.processes.cache == tmp_path / "processes"
    assert possible(environment(tmp_path)) == "possible; on request, built in minutes: MLPLATFORM_REAL=prometheus"


@pytest.mark.usefixtures("allowing")
def test_every_pod_is_simulated_if_the_variable_says_so(tmp_path: Path) -> None:
    refused = environment(tmp_path, MLPLATFORM_PROCESSES="off")
    assert choose(refused) == (None, "", ())
    assert possible(refused) == "refused by MLPLATFORM_PROCESSES=off"


@pytest.mark.usefixtures("refusing")
def test_a_computer_that_refuses_is_a_reason_and_an_error_only_if_processes_are_demanded(tmp_path: Path) -> None:
    assert choose(environment(tmp_path)) == (None, REFUSES, ())
    assert possible(environment(tmp_path)) == f"not here: {REFUSES}"
    with pytest.raises(ToolError) as refused:
        choose(environment(tmp_path, MLPLATFORM_PROCESSES="on"))
    assert str(refused.value) == (
        f"MLPLATFORM_PROCESSES=on: {REFUSES}. Or set MLPLATFORM_PROCESSES=off: every pod is then simulated."
    )


@pytest.mark.usefixtures("allowing")
@pytest.mark.parametrize(
    ("memory", "disk", "reason"),
    [(2e9, 64e9, "2.0 GB of memory are free, of 5 GB"), (64e9, 1e9, "has 1.0 GB free, of 5 GB that their images need")],
)
def test_a_small_computer_simulates_unless_processes_are_demanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: float, disk: float, reason: str
) -> None:
    large(monkeypatch, memory, disk)
    chosen = choose(environment(tmp_path))
    assert chosen.processes is None
    assert reason in chosen.reason
    assert choose(environment(tmp_path, MLPLATFORM_PROCESSES="on")).processes is not None


@pytest.mark.usefixtures("allowing")
def test_a_node_that_is_there_stays_although_its_pods_use_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large(monkeypatch, memory=2e9)
    node = ProcessNode(Path("/tmp/h"), "dev")
    assert choose(environment(tmp_path), node).processes is None
    monkeypatch.setattr(node, "state", tmp_path)
    assert choose(environment(tmp_path), node).processes is not None


@pytest.mark.usefixtures("allowing")
def test_a_home_that_is_too_long_for_the_kubelets_sockets_is_a_reason(tmp_path: Path) -> None:
    long = ProcessNode(Path("/tmp") / ("h" * 50), "dev-12345678")
    assert "Choose a shorter MLPLATFORM_HOME" in choose(environment(tmp_path), long).reason


def test_another_value_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ToolError, match="MLPLATFORM_PROCESSES=yes: allowed are auto, on, off"):
        choose({"MLPLATFORM_PROCESSES": "yes"})


@pytest.mark.usefixtures("allowing")
def test_a_part_on_request_brings_its_programs_and_its_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "programs", lambda wanted, *_: {one.name: tmp_path / one.name for one in wanted})
    asked = environment(tmp_path) | {"MLPLATFORM_REAL": "prometheus"}
    found = with_programs(choose(asked), asked, print)
    assert found is not None
    assert set(found.programs) == {image.built for image in BUILT}
    assert found.ports == {**PORTS, 9090: "kube-prometheus-stack-prometheus.monitoring.svc.cluster.local:9090"}


def test_a_part_on_request_without_processes_is_refused() -> None:
    with pytest.raises(ToolError, match="MLPLATFORM_REAL=prometheus: its pods are processes"):
        choose({"MLPLATFORM_PROCESSES": "off", "MLPLATFORM_REAL": "prometheus"})


@pytest.mark.usefixtures("allowing")
def test_a_part_that_is_not_known_is_refused() -> None:
    with pytest.raises(ToolError, match="MLPLATFORM_REAL=grafana: allowed are prometheus"):
        choose({"MLPLATFORM_PROCESSES": "on", "MLPLATFORM_REAL": "grafana"})


@pytest.fixture
def screen() -> Screen:
    return Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8")))


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The program that is run in place of pip; its text is set by the test."""
    program = ["raise SystemExit(0)"]
    really = subprocess.Popen

    def start(_: list[str], **options: object) -> object:
        return really([sys.executable, "-c", program[0]], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(processes.subprocess, "Popen", start)
    monkeypatch.setattr(processes, "_missing", lambda _: [object()])
    return program


def test_images_are_installed_beside_the_tools_and_a_failure_stops_nothing(
    tmp_path: Path, screen: Screen, installer: list[str]
) -> None:
    there = tmp_path / "there"
    installer[0] = f"open({str(there)!r}, 'w'); print('installing a (1 of 2)'); print('image a: no answer'); exit(1)"
    with installing_images(Processes(tmp_path / "cache", {}), screen):
        pass
    assert there.exists()
    said = screen.console.export_text()
    assert "not all installed" in said
    assert "image a: no answer" in said
    assert "installing a (1 of 2)" not in said


def test_an_installation_ends_with_the_command_that_fails(
    tmp_path: Path, screen: Screen, installer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    installer[0] = "import time; time.sleep(600)"
    with pytest.raises(ToolError), installing_images(Processes(tmp_path / "cache", {}), screen):
        raise ToolError("no Go")
    children = psutil.Process().children()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_nothing_is_said_where_no_image_is_missing(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_missing", lambda _: [])
    with installing_images(Processes(tmp_path, {}), screen), installing_images(None, screen):
        pass
    assert screen.console.export_text() == ""


def test_a_port_that_another_program_has_is_not_said_to_be_ours() -> None:
    """Only this finds a summary that sends people to another program's pages."""
    image = DECLARED["mlflow"].reference
    pod = {
        "metadata": {"namespace": "mlflow", "name": "mlflow-5f4-x1", "labels": {"pod-template-hash": "5f4"}},
        "spec": {"containers": [{"image": image}]},
        "status": {"phase": "Running"},
    }
    assert running([pod], [5000]) == [
        "mlflow/mlflow run on this computer",
        f"http://127.0.0.1:5000 is {PORTS[5000]}",
    ]
    assert running([pod], [])[-1] == (
        f"port 5000 of this computer is another program's: end it, and within 30 s it is {PORTS[5000]}"
    )
    assert running([], [5000]) == []
