"""The programs of one control plane, identified by their executable and not by a number in a file.

kwokctl stores process ids in files. After a crash or a reboot such a number may belong to another program, which
kwokctl would kill. So the files are rewritten from the running processes before kwokctl reads them.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from simulator.configuration import COMPONENTS

_GRACE_SECONDS: Mapping[str, float] = {"etcd": 5.0}
"""Time for a program to end after SIGTERM. Only etcd has data to write."""
_DEFAULT_GRACE_SECONDS = 2.0
_POLL_SECONDS = 0.02


def running(directory: Path) -> dict[str, psutil.Process]:
    """The live programs of the cluster in `directory`, by component: those started from its own `bin/`."""
    folder = f"{directory / 'bin'}/"
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"]
        if not command or not command[0].startswith(folder) or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        component = command[0].removeprefix(folder)
        if component in COMPONENTS:
            found[component] = process
    return found


def write_process_ids(directory: Path, processes: Mapping[str, psutil.Process]) -> None:
    """Rewrites the files of kwokctl: one for each running program, none for the others."""
    folder = directory / "pids"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for component in COMPONENTS:
        path = folder / f"{component}.pid"
        if component in processes:
            path.write_text(str(processes[component].pid))
        else:
            path.unlink(missing_ok=True)


def stop(directory: Path) -> list[str]:
    """Ends every program of the cluster, clients before servers, and returns the components that were running.

    No program outlives the call: one that does not end within its grace time is killed.
    """
    processes = running(directory)
    for component in reversed(list(COMPONENTS)):
        process = processes.get(component)
        if process is not None:
            _end(process, _GRACE_SECONDS.get(component, _DEFAULT_GRACE_SECONDS))
    write_process_ids(directory, {})
    return list(processes)


def _end(process: psutil.Process, grace_seconds: float) -> None:
    try:
        process.terminate()
        if not _ends_within(process, grace_seconds):
            process.kill()
            _ends_within(process, grace_seconds)
    except psutil.NoSuchProcess:
        return


def _ends_within(process: psutil.Process, seconds: float) -> bool:
    """Waits for the end of a program that is not a child of this process. A zombie has ended: in a container without an
    init process it is never reaped, and `psutil.Process.wait` would wait for ever."""
    deadline = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
