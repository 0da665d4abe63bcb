"""Containers and the commands in them, on this computer's kernel: in namespaces like the node's, without a cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.process_node import support
from simulator.process_node.container import MOST_PROCESSES
from simulator.process_node.pod_network import hold_namespaces
from simulator.process_node.processes import ROOT, ContainerProcess, Lifetime

pytestmark = pytest.mark.skipif(
    bool(support.obstacle()), reason=f"pods cannot run as processes here: {support.obstacle()}"
)
PLANTED = "planted-by-the-user"
PROGRAM = """
import json, os, subprocess, sys, time
from pathlib import Path
from simulator.process_node.pod_network import hold_namespaces
from simulator.process_node.processes import Command, ContainerProcess, Lifetime

given = json.load(sys.stdin)
folder = Path(given["folder"])
log = folder / "log"
container = ContainerProcess(log, 15, Lifetime(0))
problem = container.start(hold_namespaces("--net", "--ipc", "--uts").pid, given["specification"])
answers = []
try:
    for command, seconds in given["commands"]:
        entered = {"command": command, "environment": given["environment"], "working_directory": "/tmp"}
        try:
            code, out, err = Command(container.first(), entered).run(seconds)
            answers.append([code, out.decode(), err.decode()])
        except subprocess.TimeoutExpired:
            answers.append("late")
    if not given["commands"]:
        container.ended.wait(20)
finally:
    container.stop(0)
print(json.dumps({"problem": problem, "log": log.read_text(), "answers": answers}))
"""
SYSTEM_PATH = {"PATH": "/usr/bin:/bin"}


def run(
    folder: Path,
    main: str = "sleep 60",
    *commands: str,
    seconds: float = 20,
    environment: dict[str, str] | None = None,
    **specification: Any,
) -> dict[str, Any]:
    """Runs a container and, one after the other, commands in it; without commands, waits for its end."""
    (folder / "root").mkdir()
    wanted = {
        "root": str(folder / "root"),
        "files": {},
        "host_name": "test",
        "volumes": [],
        "image": [],
        "read_only_root": False,
        "user": 10001,
        "group": 10001,
        "working_directory": "/",
        "command": ["sh", "-c", main],
        "environment": SYSTEM_PATH,
        "memory_score": 0,
        **specification,
    }
    given = {
        "folder": str(folder),
        "specification": wanted,
        "commands": [[["sh", "-c", one], seconds] for one in commands],
        "environment": {**SYSTEM_PATH, **(environment or {})},
    }
    namespaces = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    done = subprocess.run(
        ["unshare", *namespaces, sys.executable, "-c", PROGRAM],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "AWS_SECRET_ACCESS_KEY": PLANTED, "PIP_INDEX_URL": f"https://user:{PLANTED}@example.com"},
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


EVERYTHING = "for one in /proc/[0-9]*; do cat $one/environ | tr '\\0' '\\n'; done"


def test_no_process_that_a_container_sees_has_a_variable_of_the_user(tmp_path: Path) -> None:
    found = run(tmp_path, f"{EVERYTHING}; echo seen; sleep 60", EVERYTHING)
    assert "seen" in found["log"]
    assert "PATH=/usr/bin:/bin" in found["answers"][0][1]
    assert PLANTED not in json.dumps(found)


STATUS = (
    "grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/self/status; grep 'Max processes' /proc/self/limits; unshare -U true"
)


def test_a_further_command_has_the_restrictions_of_the_container(tmp_path: Path) -> None:
    found = run(tmp_path, f"exec 2>&1; {STATUS}; sleep 60", f"exec 2>&1; {STATUS}; pwd")
    limit = f"Max processes             {MOST_PROCESSES}                 {MOST_PROCESSES}"
    refused = "unshare: unshare failed: Operation not permitted"
    expected = ["CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", limit, refused]
    for said in (found["log"], found["answers"][0][1]):
        assert [line for line in expected if line not in said] == []
    assert found["answers"][0][1].endswith("\n/tmp\n")


@pytest.mark.parametrize(("score", "expected"), [(900, "900"), (-997, "0")])
def test_a_container_goes_first_when_memory_is_short_as_its_pod_says(tmp_path: Path, score: int, expected: str) -> None:
    assert run(tmp_path, "cat /proc/self/oom_score_adj", memory_score=score)["log"].endswith(f" {expected}\n")


def test_a_further_command_has_the_exit_code_of_shells(tmp_path: Path) -> None:
    codes = [code for code, _, _ in run(tmp_path, "sleep 60", "exit 7", "kill -9 $$", "exec /etc", "exec x")["answers"]]
    assert codes == [7, 137, 126, 127]


def test_a_library_that_the_pod_preloads_is_loaded_in_the_container_alone(tmp_path: Path) -> None:
    """The loader complains in each program that it starts: outside there must be none."""
    found = run(tmp_path, "sleep 60", "echo said", environment={"LD_PRELOAD": "/nowhere.so"})
    assert found["answers"] == [[0, "said\n", found["answers"][0][2]]]
    assert found["answers"][0][2].count("/nowhere.so") == 1


def test_a_command_that_is_late_is_killed_with_all_below_it(tmp_path: Path) -> None:
    late = "sleep 31 & sh -c 'sleep 32; true'; true"
    count = "n=$(cat /proc/[0-9]*/comm | grep -c sleep); [ $n = 1 ] && break; sleep 0.1"
    count = f"for i in $(seq 50); do {count}; done; echo $n"
    assert run(tmp_path, "sleep 60", late, count, seconds=2)["answers"] == ["late", [0, "1\n", ""]]


def test_of_much_output_the_end_is_kept(tmp_path: Path) -> None:
    """A probe that says too much must not fill the memory of the runtime."""
    code, out, _ = run(tmp_path, "sleep 60", "yes 0123456 | head -n 1000000; echo end")["answers"][0]
    assert (code, len(out), out[-4:]) == (0, 2**20, "end\n")


def test_a_pipe_that_nobody_reads_ends_its_writer(tmp_path: Path) -> None:
    """Python ignores SIGPIPE, and what it runs would too."""
    assert "Broken pipe" not in run(tmp_path, "yes | head -n 1; exec yes | head -n 1")["log"]


@pytest.mark.parametrize("target", ["{}/made/inside", "/data/to-root{}/made/inside", "/../..{}/made/inside"])
def test_a_volume_is_mounted_within_the_container_whatever_its_target_says(tmp_path: Path, target: str) -> None:
    """Nothing appears at that path of this computer."""
    outside, data, more = (tmp_path / name for name in ("outside", "data", "more"))
    for folder in (outside, data, more):
        folder.mkdir()
    (data / "to-root").symlink_to("/")
    (more / "file").write_text("there")
    volumes = [
        {"source": str(more), "target": target.format(outside), "read_only": True},
        {"source": str(data), "target": "/data", "read_only": False},
    ]
    found = run(tmp_path, f"cat {outside}/made/inside/file", volumes=volumes)
    assert found["log"].endswith(" there\n")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("target", ["/", "/proc", "/proc/self", "/data/..", "/tmp/../proc"])
def test_a_volume_cannot_replace_the_root_or_the_processes(tmp_path: Path, target: str) -> None:
    volume = {"source": str(tmp_path), "target": target, "read_only": False}
    assert f"no volume can be mounted at {target}" in run(tmp_path, "echo ran", volumes=[volume])["problem"]


def test_namespaces_that_cannot_be_made_are_an_error() -> None:
    with pytest.raises(OSError, match="unshare --nothing sleep infinity ended with"):
        hold_namespaces("--nothing")


def test_a_concealed_process_shows_others_nothing() -> None:
    program = (
        "import ctypes; from simulator.process_node import kernel\n"
        "kernel.conceal(); print(ctypes.CDLL(None).prctl(3))"  # PR_GET_DUMPABLE
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stdout == "0\n", run.stderr


def test_a_command_that_could_not_be_run_has_its_reason_although_its_process_has_ended_first(tmp_path: Path) -> None:
    # Seen on a busy computer: an ended process has an empty command line, which was taken for one that had started.
    program = """
import os, sys, time
if not os.fork():
    os._exit(1)
time.sleep(0.3)
os.write(int(sys.argv[2]), b"no")
time.sleep(0.3)
"""
    reader, writer = os.pipe()
    container = ContainerProcess(tmp_path / "log", 15, Lifetime(0))
    command = [sys.executable, "-c", program, "simulator.process_node.container", str(writer)]
    with subprocess.Popen(command, pass_fds=[writer]) as container._process:
        os.close(writer)
        with os.fdopen(reader, "rb") as failure:
            assert container._await_command(failure) == "no"
