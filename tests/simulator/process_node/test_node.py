"""Parts of the node that need no cluster."""

import subprocess
import sys
from pathlib import Path

import pytest

from simulator.process_node import support
from simulator.process_node.node import shorten
from simulator.process_node.processes import ROOT


@pytest.mark.skipif(bool(support.obstacle()), reason="user namespaces are needed")
def test_the_node_writes_in_its_own_folders_alone(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from simulator.process_node.node import protect\n"
        "own, other = map(Path, sys.argv[1:])\n"
        "protect([Path('/dev'), Path('/proc'), own])\n"
        "(own / 'file').touch(); Path('/dev/null').write_text('x')\n"
        "try: (other / 'file').touch()\n"
        "except OSError as error: print(error.strerror)"
    )
    own, other = tmp_path / "own folder", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    namespaces = ("--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc")
    command = ["unshare", *namespaces, sys.executable, "-c", program, str(own), str(other)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("Read-only file system\n", "")
    assert [one.name for one in own.iterdir()] == ["file"]


def test_a_long_log_is_shortened_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "kubelet.log"
    with log.open("ab", buffering=0) as writer:
        for number in range(9 * 2**20 // 8):
            writer.write(b"%07d\n" % number)
        shorten(log)
        writer.write(b"after\n")
    text = log.read_bytes()
    assert len(text) == 2**20 + len("after\n")
    assert text.endswith(b"1179647\nafter\n")
    shorten(log)
    assert log.read_bytes() == text
