"""Faults at chosen moments of a command: engines that are killed (-9), and what is left running of them."""

import contextlib
import itertools
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from tools import run
from tools.backend import state_directory
from tools.engine import RUN_VARIABLE
from tools.errors import ToolError
from tools.events import EventReader
from tools.lifecycle import Lifecycle
from tools.recovery import Journal
from tools.run import CHANGING
from tools.screen import RunWatcher


def _processes(life: Lifecycle) -> Iterator[psutil.Process]:
    """Those that work on the project's state."""
    home = str(state_directory(life.project))
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
            if RUN_VARIABLE in variables and home in variables.get("PULUMI_BACKEND_URL", ""):
                yield process


def names_of_processes(life: Lifecycle) -> list[str]:
    """Engines, providers and programs at work for this project."""
    names = []
    for process in _processes(life):
        with contextlib.suppress(psutil.Error, OSError):
            names.append(process.name())
    return names


def killed(life: Lifecycle, stack: str, command: Callable[[], None], *, when: Callable[[], bool]) -> bool:
    """Runs a command and kills its engine once `when` holds after it began to change things. True if it was hit."""
    journal, hit, over = Journal.of(state_directory(life.project), stack).path, threading.Event(), threading.Event()

    def strike() -> None:
        while not journal.exists() and not over.is_set():
            time.sleep(0.005)
        while not over.is_set() and not when():
            over.wait(0.005)
        if not over.is_set():
            for process in _processes(life):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.name() == "pulumi":
                        process.send_signal(signal.SIGKILL)
                        hit.set()

    thread = threading.Thread(target=strike)
    thread.start()
    try:
        with contextlib.suppress(ToolError):
            command()
    finally:
        over.set()
        thread.join()
    return hit.is_set()


Moment = Callable[[EventReader], bool]
"""Whether it has come, asked at each event of a run that changes things."""


@contextlib.contextmanager
def at(moment: Moment, fault: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EventReader]]:
    """Causes a fault once, when the moment comes, before the next event is read; it is given the engine's process id.

    What is yielded is empty until then. Counted in events, not in seconds: a kill never comes before or after the run.
    """
    hit: list[EventReader] = []
    engines: list[int] = []

    class Striking(RunWatcher):
        def started(self, pid: int) -> None:
            engines.append(pid)

        def progress(self, reader: EventReader) -> None:
            super().progress(reader)
            if not hit and reader.operation in CHANGING and moment(reader):
                hit.append(reader)
                fault(engines[-1])

    with monkeypatch.context() as patched:
        patched.setattr(run, "RunWatcher", Striking)
        yield hit


def after_events(count: int) -> Moment:
    """When that many events of a run have been read."""
    readings = itertools.count(1)
    return lambda _: next(readings) >= count
