"""Keeps the node running: starts it again as a whole when it ends. One process for each cluster, `start`ed detached.

python -m simulator.process_node.supervisor SETTINGS
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from simulator.files import PRIVATE_FILE, write_private
from simulator.process_node.processes import ROOT
from simulator.process_node.settings import NodeSettings

SETTINGS = "settings.json"
_LOCK, _PROCESS_ID, _LOG = "supervisor.lock", "supervisor.pid", "node.log"
_END_SECONDS = 10.0
_START_SECONDS = 10.0
_PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_STEADY_SECONDS = 60.0
"""A node that ran for so long is started again at once."""

_VARIABLES = frozenset(
    (
        *("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    )
)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the node needs of the user's variables: where programs are and how images are downloaded. No keys."""
    return {key: one for key, one in ours.items() if key in _VARIABLES or key.startswith("PIP_")}


def running(folder: Path) -> psutil.Process | None:
    """The supervisor of the node in `folder`. It holds a lock, which the kernel frees when it ends."""
    if not (folder / _LOCK).exists():
        return None
    lock = FileLock(folder / _LOCK, mode=PRIVATE_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            return psutil.Process(int((folder / _PROCESS_ID).read_text()))
        except (OSError, ValueError, psutil.NoSuchProcess):
            return None
    lock.release()
    return None


def start(folder: Path) -> None:
    """Starts the node of `folder`, detached from this process. Returns once it is supervised."""
    with (folder / _LOG).open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "simulator.process_node.supervisor", str(folder / SETTINGS)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
            env={**environment(os.environ), "PYTHONDONTWRITEBYTECODE": "1"},
        )
    deadline = time.monotonic() + _START_SECONDS
    while running(folder) is None and time.monotonic() < deadline:
        time.sleep(0.02)


def stop(folder: Path) -> bool:
    """Ends the node with all its processes. False if none ran."""
    process = running(folder)
    if process is None:
        return False
    for end in (process.terminate, process.kill):
        try:
            end()
        except psutil.NoSuchProcess:
            break
        deadline = time.monotonic() + _END_SECONDS
        while running(folder) is not None and time.monotonic() < deadline:
            time.sleep(0.02)
    return True


def _supervise(settings: Path) -> None:
    folder = settings.parent
    child: subprocess.Popen[bytes] | None = None

    def end(*_: object) -> None:
        if child is not None:
            child.kill()  # the kernel ends the node's process namespace with it
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child.pid, 0)  # not child.wait(): the interrupted one holds its lock
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    write_private(folder / _PROCESS_ID, str(os.getpid()))
    failures = 0
    while settings.exists():
        began = time.monotonic()
        child = subprocess.Popen([sys.executable, "-m", "simulator.process_node.node", "outside", str(settings)])
        code = child.wait()
        failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures + 1
        pause = _PAUSES_SECONDS[min(failures, len(_PAUSES_SECONDS)) - 1] if failures else 0.0
        logging.warning("the node ended with %s; it is started again in %s s", code, pause)
        time.sleep(pause)


def main() -> None:
    """Supervises the node until SIGTERM, or until its folder is gone. Only one at a time for a folder."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    settings = Path(sys.argv[1])
    NodeSettings.read(settings)
    try:
        with FileLock(settings.parent / _LOCK, timeout=2, mode=PRIVATE_FILE):
            _supervise(settings)
    except Timeout:
        sys.exit("already supervised")


if __name__ == "__main__":
    main()
