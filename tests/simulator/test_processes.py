"""Finding and ending programs, with a shell in the place of etcd."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from simulator import processes

SHELL = shutil.which("sh") or "/bin/sh"
OBEDIENT = "while :; do sleep 0.05; done"
STUBBORN = f"trap '' TERM; {OBEDIENT}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for component in ("etcd", "kwok-controller", "kubectl"):
        (tmp_path / "bin" / component).symlink_to(SHELL)
    return tmp_path


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    programs: list[subprocess.Popen[bytes]] = []
    yield programs
    for program in programs:
        program.kill()
        program.wait()


def launch(started: list[subprocess.Popen[bytes]], path: Path, script: str = OBEDIENT) -> int:
    started.append(subprocess.Popen([str(path), "-c", script]))
    return started[-1].pid


def test_only_the_components_started_from_the_clusters_own_folder_are_its_programs(
    directory: Path, started: list[subprocess.Popen[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "bin"
    other.mkdir()
    (other / "etcd").symlink_to(SHELL)
    mine = launch(started, directory / "bin" / "etcd")
    launch(started, other / "etcd")
    launch(started, directory / "bin" / "kubectl")
    assert {name: process.pid for name, process in processes.running(directory).items()} == {"etcd": mine}


def test_a_number_in_a_file_that_belongs_to_another_process_is_dropped(
    directory: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    mine = launch(started, directory / "bin" / "etcd")
    (directory / "pids").mkdir()
    (directory / "pids" / "kwok-controller.pid").write_text(str(os.getpid()))
    processes.write_process_ids(directory, processes.running(directory))
    assert {path.name: path.read_text() for path in (directory / "pids").iterdir()} == {"etcd.pid": str(mine)}


def test_stopping_ends_all_its_programs_and_no_other(directory: Path, started: list[subprocess.Popen[bytes]]) -> None:
    launch(started, directory / "bin" / "etcd")
    launch(started, directory / "bin" / "kwok-controller")
    bystander = launch(started, Path(SHELL))
    assert sorted(processes.stop(directory)) == ["etcd", "kwok-controller"]
    assert processes.running(directory) == {}
    assert psutil.Process(bystander).status() != psutil.STATUS_ZOMBIE
    assert list((directory / "pids").iterdir()) == []


def test_a_program_that_does_not_end_when_asked_is_killed(
    directory: Path, started: list[subprocess.Popen[bytes]]
) -> None:
    launch(started, directory / "bin" / "kwok-controller", STUBBORN)
    assert processes.stop(directory) == ["kwok-controller"]
    assert processes.running(directory) == {}


def test_stopping_what_does_not_run_is_no_error(directory: Path) -> None:
    assert processes.stop(directory) == []
