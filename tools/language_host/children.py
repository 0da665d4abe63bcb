"""The processes that the host has started: programs and plugins."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BOOTSTRAP = Path(__file__).with_name("child.py")

GRACE_SECONDS = 2.0
"""Time for a process to end by itself. The engine gives its plugins, and so this host, 5 s in total."""


class Children:
    """Starts processes, and ends all of them when the host ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ending = False

    def start(
        self, python: Path, task: Mapping[str, Any], directory: str, environment: Mapping[str, str], *, piped: bool
    ) -> subprocess.Popen[bytes]:
        """Runs `child.py` with a task, passed on standard input: it may contain secrets, and arguments are public.

        Args:
            piped: whether the caller reads the output; else it is the host's, which the engine shows.
        """
        output = subprocess.PIPE if piped else None
        with self._lock:
            if self._ending:
                raise ChildRefused("the language host is ending")
            child = subprocess.Popen(
                [str(python), "-u", str(BOOTSTRAP)],
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
            self._running.add(child)
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(dict(task)).encode())
            child.stdin.close()
        except BrokenPipeError:
            pass  # it ended already: its exit code tells more
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """The exit code, once the child has ended; negative for a signal."""
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Asks a process to end, and kills it after the time limit."""
        child.terminate()
        try:
            child.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()

    def interrupt_all(self) -> None:
        """Asks every process to end, without waiting."""
        with self._lock:
            running = list(self._running)
        for child in running:
            child.terminate()

    def end_all(self) -> None:
        """Ends every process; no other can be started afterwards."""
        with self._lock:
            self._ending = True
            running = list(self._running)
        for child in running:
            child.terminate()
        for child in running:
            self.end(child)


class ChildRefused(Exception):
    """The host is ending and starts nothing more."""
