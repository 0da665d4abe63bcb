"""Where clusters live."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.errors import SimulatorError
from simulator.home import cluster_directory, home_directory, kubeconfig_path


def test_the_home_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path))
    assert home_directory() == tmp_path
    assert kubeconfig_path("team") == tmp_path / "clusters" / "team" / "kubeconfig.yaml"


def test_the_home_is_in_the_users_state_directory_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLPLATFORM_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert home_directory() == tmp_path / "mlplatform"


def test_a_relative_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPLATFORM_HOME", "here")
    assert home_directory() == tmp_path / "here"


@pytest.mark.parametrize("name", ["", "Dev", "../x", "a/b", "-a", "a-", "a" * 41, ".lock", "a b"])
def test_a_name_that_could_leave_the_folder_or_break_a_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="at most 40 lower-case letters"):
        cluster_directory(name, tmp_path)


def test_asking_for_the_path_loads_nothing_heavy_and_starts_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from simulator.home import kubeconfig_path; kubeconfig_path(); "
        "print(sorted({'psutil', 'yaml', 'pulumi', 'subprocess', 'click'} & sys.modules.keys()))"
    )
    environment = {"MLPLATFORM_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert run.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
