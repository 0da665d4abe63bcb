"""One container: its processes, its log, its end."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import IO

from simulator.process_node.container import Specification

ROOT = Path(__file__).parents[2]
"""The folder of this project: containers start through `simulator.process_node.container`."""
_CLOCK_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
_LONGEST_LINE = 16384
_END_SECONDS = 10.0
KILLED = 128 + signal.SIGKILL


class ContainerState(IntEnum):
    """States of a container, with the numbers of the container runtime interface."""

    CREATED = 0
    RUNNING = 1
    EXITED = 2


def children(pid: int) -> list[int]:
    """The children of every thread of a process."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    except OSError:
        pass
    return found


@dataclass
class Lifetime:
    """What is kept of a container when the node ends: `kubectl logs` and restart counts need it. Times in ns."""

    created: int
    started: int = 0
    finished: int = 0
    exit_code: int = 0
    message: str = ""
    state: ContainerState = ContainerState.CREATED


@dataclass
class ContainerProcess:
    """The processes of one container. Create it, `start` it once, `stop` it."""

    log_path: Path
    stop_signal: int
    lifetime: Lifetime
    ended: threading.Event = field(default_factory=threading.Event)
    _process: "subprocess.Popen[bytes] | None" = None
    _log: IO[bytes] | None = None
    _log_lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, pod: int, specification: Specification) -> str:
        """Starts the command in the namespaces of the process `pod`. Returns why it could not be run, or ""."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("ab", buffering=0)
        source, writer = os.pipe()
        reader, failure = os.pipe()
        namespaces = ("--net", "--ipc", "--uts", "unshare", "--mount", "--pid", "--fork", "--kill-child")
        first = (sys.executable, "-SE", "-m", "simulator.process_node.container", str(source), str(failure))
        self._process = subprocess.Popen(
            ["nsenter", "-t", str(pod), *namespaces, *first],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(source, failure),
            start_new_session=True,
            cwd=ROOT,
        )
        os.close(source)
        os.close(failure)
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(json.dumps(specification).encode())
        with os.fdopen(reader, "rb") as pipe:
            problem = self._await_command(pipe)
        life = self.lifetime
        life.state, life.started, life.message = ContainerState.RUNNING, time.time_ns(), problem
        pumps = [
            threading.Thread(target=self._copy_log, args=(stream, name), daemon=True)
            for stream, name in ((self._process.stdout, b"stdout"), (self._process.stderr, b"stderr"))
        ]
        for pump in pumps:
            pump.start()
        threading.Thread(target=self._await_end, args=(pumps,), daemon=True).start()
        return problem

    def _await_command(self, failure: IO[bytes]) -> str:
        """Waits until the command runs, or until it cannot: returns the reason.

        The end of the pipe does not show it: `unshare` keeps the pipe open as well.
        """
        assert self._process is not None
        while self._process.poll() is None:
            if select.select([failure], [], [], 0.005)[0]:
                break
            for pid in children(self._process.pid):
                try:
                    started = b"simulator.process_node.container" not in Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if started:
                    return ""
        return os.read(failure.fileno(), 65536).decode() if select.select([failure], [], [], 0)[0] else ""

    def _copy_log(self, stream: IO[bytes], name: bytes) -> None:
        """Writes lines as the kubelet reads them: time, stream, F for a whole line or P for a part, text."""
        for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
            seconds, nanoseconds = divmod(time.time_ns(), 10**9)
            stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{nanoseconds:09}Z".encode()
            whole = b"F" if line.endswith(b"\n") else b"P"
            with self._log_lock:
                if self._log is not None:
                    self._log.write(b"%s %s %s %s\n" % (stamp, name, whole, line.removesuffix(b"\n")))

    def _await_end(self, pumps: list[threading.Thread]) -> None:
        assert self._process is not None
        code = self._process.wait()
        for pump in pumps:
            pump.join(2)
        life = self.lifetime
        life.exit_code = code if code >= 0 else 128 - code
        life.finished, life.state = time.time_ns(), ContainerState.EXITED
        self.ended.set()

    def when_ended(self, act: Callable[[], None]) -> None:
        """Calls `act` once the container has ended."""

        def wait() -> None:
            self.ended.wait()
            act()

        threading.Thread(target=wait, daemon=True).start()

    def first(self) -> int:
        """Process 1 of the container, by its number outside; 0 if it does not run."""
        running = self._process is not None and self.lifetime.state is ContainerState.RUNNING
        found = children(self._process.pid) if running and self._process else []
        return found[0] if found else 0

    def stop(self, grace_seconds: float) -> None:
        """Ends the container: its stop signal, then, after the grace time, SIGKILL."""
        if first := self.first():
            if grace_seconds > 0:
                _send(first, self.stop_signal)
                self.ended.wait(grace_seconds)
            if not self.ended.is_set():
                _send(first, signal.SIGKILL)
        if self._process is not None and not self.ended.wait(_END_SECONDS if first else 0.1):
            _send(self._process.pid, signal.SIGKILL)
            self.ended.wait(_END_SECONDS)

    def reopen_log(self) -> None:
        """Continues in a new file: the kubelet has renamed the old one."""
        with self._log_lock:
            self.close_log()
            self._log = self.log_path.open("ab", buffering=0)

    def close_log(self) -> None:
        """Closes the file of the log."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def usage(self) -> tuple[int, int]:
        """Processor time in ns and resident memory in bytes of all processes of the container."""
        processor = memory = 0
        for fields in self._statistics():
            processor += sum(map(int, fields[11:15])) * (10**9 // _CLOCK_TICKS)
            memory += int(fields[21]) * _PAGE
        return processor, memory

    def _statistics(self) -> Iterator[list[str]]:
        left = [self.first()]
        while left:
            pid = left.pop()
            try:
                yield Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            left += children(pid)


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@dataclass(frozen=True)
class Command:
    """A command in all namespaces of a container, as its user."""

    arguments: list[str]
    environment: Mapping[str, str]
    """Not among the arguments, which every process can read: it has the pod's Secrets."""


def entered(first: int, environment: Mapping[str, str], command: list[str]) -> Command:
    """A command in the container whose process 1 is `first`."""
    nsenter = shutil.which("nsenter") or "nsenter"  # by its path: PATH of the environment is the container's
    namespaces = ("--user", "--preserve-credentials", "--mount", "--net", "--ipc", "--uts", "--pid", "--wdns=/")
    return Command([nsenter, "-t", str(first), *namespaces, *command], environment)
