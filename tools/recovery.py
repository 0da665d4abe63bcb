"""Recovery after a killed run: what it left, whether it is really dead, and how to clean up.

A killed engine leaves three things: a lock in the backend, running plugins and, if the state is saved only at the end,
objects that no state contains. The journal records this for the next run.
"""

import contextlib
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

import psutil

from tools.backend import write_private
from tools.engine import RUN_VARIABLE
from tools.events import Failure

UNKNOWN = "unknown"
"""Operation of a run that is known only from its lock or from an unreadable entry."""
# After one of these was killed, the state is complete.
_CREATE_NOTHING = frozenset({"refresh", "destroy"})
ENGINE_GRACE_SECONDS = 20.0
PLUGIN_GRACE_SECONDS = 5.0
# A lock is written some moments after its process started; clocks of one machine differ by much less than this.
_CLOCK_SLACK_SECONDS = 2.0


@dataclass(frozen=True)
class Unfinished:
    """The journal's entry: a run with changes, from before its first change until its end is known."""

    operation: str
    """`up`, `destroy`, `refresh` or `UNKNOWN`."""
    run: str
    """The value of MLPLATFORM_RUN in the environment of everything the run started."""
    started: str
    """UTC, ISO 8601."""

    @property
    def creates(self) -> bool:
        """Whether it may have created objects that no state contains."""
        return self.operation not in _CREATE_NOTHING

    @classmethod
    def now(cls, operation: str, run: str) -> "Unfinished":
        """The entry of a run that starts now."""
        return cls(operation, run, datetime.now(timezone.utc).isoformat(timespec="seconds"))


@dataclass(frozen=True)
class Journal:
    """One file for each stack; it exists while a run is unfinished."""

    path: Path

    @classmethod
    def of(cls, state: Path, stack: str) -> "Journal":
        """The journal of a stack in a state directory."""
        return cls(state / "unfinished" / f"{stack}.json")

    def read(self) -> Unfinished | None:
        """The unfinished run, if there is one. An unreadable entry counts as one of unknown kind."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            return Unfinished(**json.loads(text))
        except (ValueError, TypeError):
            return Unfinished(UNKNOWN, "", "")

    def write(self, unfinished: Unfinished) -> None:
        """Writes the entry. Call before any change."""
        write_private(self.path, json.dumps(asdict(unfinished)))

    def end(self) -> None:
        """Removes the entry."""
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Lock:
    """A lock of a self-managed backend, as the engine's message describes it."""

    user: str
    host: str
    pid: int
    since: str
    """RFC 3339."""

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.pid}, since {self.since}"


class Holder(str, Enum):
    """Who holds a lock."""

    __str__ = str.__str__

    DEAD = "dead"
    """A process of this machine that has ended: the lock can be removed."""
    ALIVE = "alive"
    ELSEWHERE = "elsewhere"
    """A process of another machine: its state is unknown."""


_LOCK_LINE = re.compile(r"created by (?P<user>.*)@(?P<host>[^@]*) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


def locks_named_in(failures: Iterable[Failure]) -> tuple[Lock, ...]:
    """The locks that stopped a run; `()` when it was stopped by something else."""
    messages = [failure.message for failure in failures if "currently locked by" in failure.message]
    return tuple(
        Lock(found["user"], found["host"], int(found["pid"]), found["since"])
        for message in messages
        for found in _LOCK_LINE.finditer(message)
    )


def began(pid: int) -> float | None:
    """Start time of a process of this machine (seconds since the epoch); None if there is none, or a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def holder(lock: Lock, host: str, began: Callable[[int], float | None] = began) -> Holder:
    """Whether the owner of a lock runs. A process that started after the lock was taken only reuses its number."""
    if lock.host != host:
        return Holder.ELSEWHERE
    beginning = began(lock.pid)
    if beginning is None:
        return Holder.DEAD
    taken = datetime.fromisoformat(lock.since.replace("Z", "+00:00")).timestamp()
    return Holder.DEAD if beginning > taken + _CLOCK_SLACK_SECONDS else Holder.ALIVE


def this_host() -> str:
    """The host name that the engine writes into its locks."""
    return socket.gethostname()


def end_processes_of(run: str) -> list[str]:
    """Ends the remaining processes of a dead run and returns their names: they would continue to make changes.

    The run's mark in their environment identifies them. The engine itself may be one of them, if only the command that
    started it was killed: it gets a signal first, and time to save its state.
    """
    if not run:
        return []
    found = list(_marked_with(run))
    names = [_name(process) for process in found]
    engines = [process for process in found if _name(process) == "pulumi"]
    for processes, number, grace in (
        (engines, signal.SIGINT, ENGINE_GRACE_SECONDS),
        (found, signal.SIGTERM, PLUGIN_GRACE_SECONDS),
        (found, signal.SIGKILL, PLUGIN_GRACE_SECONDS),
    ):
        alive = [process for process in processes if process.is_running()]
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        psutil.wait_procs(alive, timeout=grace)
    return names


def _marked_with(run: str) -> Iterable[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_VARIABLE) == run:
                yield process


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "gone"


def new_run() -> str:
    """A unique mark for one run."""
    return f"{this_host()}-{os.getpid()}-{time.time_ns()}"
