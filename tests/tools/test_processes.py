"""The variable MLPLATFORM_PROCESSES."""

from pathlib import Path

import pytest

from simulator.process_node import support
from simulator.process_node.images import BUILT
from tools import processes
from tools.errors import ToolError
from tools.processes import PORTS, choose, possible


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "obstacle", lambda: "this computer refuses user namespaces (x). Allow them: y")


@pytest.fixture
def allowing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "obstacle", lambda: "")


@pytest.mark.parametrize("environment", [{}, {"MLPLATFORM_PROCESSES": "off"}])
def test_pods_are_simulated_unless_the_variable_asks_for_processes(environment: dict[str, str], refusing: None) -> None:
    assert choose(environment) is None


@pytest.mark.usefixtures("allowing")
def test_images_are_installed_below_the_cache(tmp_path: Path) -> None:
    images = {"registry.example.com/own:1": tmp_path}
    found = choose({"MLPLATFORM_PROCESSES": "on", "MLPLATFORM_CACHE": str(tmp_path)}, images)
    assert found is not None
    assert found.local_images == images
    assert found.cache == tmp_path / "processes"


@pytest.mark.usefixtures("refusing")
def test_a_computer_that_refuses_is_an_error_with_reason_and_way_out() -> None:
    with pytest.raises(ToolError) as refused:
        choose({"MLPLATFORM_PROCESSES": "on"})
    assert str(refused.value) == (
        "MLPLATFORM_PROCESSES=on: this computer refuses user namespaces (x). Allow them: y. "
        "Or set MLPLATFORM_PROCESSES=off: every pod is then simulated."
    )
    assert possible() == "not here: this computer refuses user namespaces (x). Allow them: y"


def test_another_value_is_refused_with_the_allowed_ones() -> None:
    with pytest.raises(ToolError, match="MLPLATFORM_PROCESSES=yes: allowed are on, off"):
        choose({"MLPLATFORM_PROCESSES": "yes"})


@pytest.mark.usefixtures("allowing")
def test_a_part_on_request_brings_its_programs_and_its_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "programs", lambda wanted, *_: {one.name: tmp_path / one.name for one in wanted})
    found = choose({"MLPLATFORM_PROCESSES": "on", "MLPLATFORM_REAL": "prometheus", "MLPLATFORM_CACHE": str(tmp_path)})
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
