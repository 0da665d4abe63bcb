"""The commands, on a computer without a simulated cluster. With one: tests/simulator/test_cluster.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def simulator(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MLPLATFORM_HOME": str(home)}
    command = [sys.executable, "-m", "tools", "cluster", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(
    ("arguments", "answer", "following"),
    [
        ("list", "there is no simulated cluster", "start"),
        ("stop", "cluster dev: was not running", "start to start it again, or delete to remove it"),
        ("delete --name x", "cluster x: there is none", "start --name x for a new one"),
    ],
)
def test_every_command_ends_with_the_next_step(tmp_path: Path, arguments: str, answer: str, following: str) -> None:
    run = simulator(tmp_path, *arguments.split())
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [answer, f"Next: python -m tools cluster {following}"]


def test_the_status_of_a_cluster_that_does_not_run_is_a_failure_for_scripts(tmp_path: Path) -> None:
    run = simulator(tmp_path, "status")
    assert run.returncode == 1
    assert "absent" in run.stdout
    assert run.stdout.splitlines()[-1] == "Next: python -m tools cluster start"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "--name", "../etc"], "Error: cluster name '../etc': at most 40 lower-case letters"),
        (["kubectl", "get", "nodes"], "Error: cluster dev: there is none. Next: python -m tools cluster start"),
    ],
)
def test_errors_are_printed_without_a_traceback(tmp_path: Path, arguments: list[str], message: str) -> None:
    run = simulator(tmp_path, *arguments)
    assert run.returncode == 1
    assert run.stderr.startswith(message)
    assert "Traceback" not in run.stderr
