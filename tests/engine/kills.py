"""Engines that are killed (-9) while they change a stack, and what is left running of a command."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator

import psutil

from tools.backend import state_directory
from tools.engine import RUN_VARIABLE
from tools.errors import ToolError
from tools.lifecycle import Lifecycle
from tools.recovery import Journal


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


def after(seconds: float) -> Callable[[], bool]:
    """A moment that many seconds after it is first asked for."""
    moment: float | None = None

    def has_come() -> bool:
        nonlocal moment
        moment = moment or time.monotonic() + seconds
        return time.monotonic() >= moment

    return has_come
