"""One container: its processes, its log, its end."""

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import IO, Any

from simulator.process_node.container import Specification
from simulator.process_node.enter import Entered

ROOT = Path(__file__).parents[2]
"""The folder of this project: containers start through `simulator.process_node.container`."""
ENVIRONMENT = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
"""Of every process of the node but the runtime, whose own has the settings of pip."""
_CLOCK_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
_LONGEST_LINE = 16384
_CHUNK, _MOST_OUTPUT_BYTES = 65536, 2**20
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


def with_descendants(pid: int) -> Iterator[int]:
    """A process and all below it."""
    left = [pid]
    while left:
        yield (one := left.pop())
        left += children(one)


def kill_all(pid: int) -> None:
    """Kills a process and all below it."""
    for one in list(with_descendants(pid)):
        _send(one, signal.SIGKILL)


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
            env=ENVIRONMENT,
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
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if command and b"simulator.process_node.container" not in command:  # empty: it has ended
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
        for pid in with_descendants(self.first()):
            with contextlib.suppress(OSError):
                yield Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@dataclass(frozen=True)
class Command:
    """A command in a running container, as its user and with its restrictions."""

    first: int
    """Process 1 of the container."""
    entered: Entered

    @contextmanager
    def prepared(self) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """Arguments and options for `subprocess`.

        What the pod declares is in a file in memory, which no other process can read. It is no part of the
        environment: a program that runs outside of the container would load the pod's LD_PRELOAD.
        """
        with os.fdopen(os.memfd_create("command"), "w", encoding="utf-8") as file:
            json.dump(self.entered, file)
            file.flush()
            os.lseek(file.fileno(), 0, os.SEEK_SET)
            arguments = [sys.executable, "-SE", "-m", "simulator.process_node.enter", str(file.fileno())]
            yield [*arguments, str(self.first)], {"pass_fds": (file.fileno(),), "env": ENVIRONMENT, "cwd": ROOT}

    def run(self, seconds: float | None) -> tuple[int, bytes, bytes]:
        """Runs the command; returns its exit code and the ends of its output and of its errors.

        Raises subprocess.TimeoutExpired, once it is killed with all below it.
        """
        deadline = time.monotonic() + seconds if seconds else None
        with self.prepared() as (arguments, options):
            process = subprocess.Popen(
                arguments, **options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        with process, selectors.DefaultSelector() as waiting:
            kept = {stream.fileno(): b"" for stream in (process.stdout, process.stderr) if stream}
            for stream in kept:
                waiting.register(stream, selectors.EVENT_READ)
            while waiting.get_map():
                ready = waiting.select(None if deadline is None else max(0, deadline - time.monotonic()))
                if not ready:
                    kill_all(process.pid)
                    raise subprocess.TimeoutExpired(self.entered["command"], seconds or 0)
                for key, _ in ready:
                    if data := os.read(key.fd, _CHUNK):
                        kept[key.fd] = (kept[key.fd] + data)[-_MOST_OUTPUT_BYTES:]
                    else:
                        waiting.unregister(key.fd)
            out, err = kept.values()
        return process.returncode, out, err
