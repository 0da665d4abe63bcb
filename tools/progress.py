"""Progress of a long installation: a live table on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

HEARTBEAT_SECONDS = 15.0
"""In a log: often enough that no CI system assumes a hang, seldom enough to stay readable."""


class Progress(Protocol):
    """One line for each tool in progress, and notes between them."""

    def note(self, text: str) -> None:
        """Prints a note once."""

    def update(self, tool: str, doing: str) -> None:
        """Updates the current step of a tool; called often."""

    def done(self, tool: str, result: str) -> None:
        """Closes the tool's line."""


class Silent:
    """Prints nothing."""

    def note(self, text: str) -> None: ...

    def update(self, tool: str, doing: str) -> None: ...

    def done(self, tool: str, result: str) -> None: ...


class PlainLines:
    """A line when a tool begins and ends, and at most one every `HEARTBEAT_SECONDS` between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began: dict[str, float] = {}
        self._last_line = 0.0

    def note(self, text: str) -> None:
        self._print(text)

    def update(self, tool: str, doing: str) -> None:
        now = time.monotonic()
        if tool not in self._began:
            self._began[tool] = now
        elif now - self._last_line < HEARTBEAT_SECONDS:
            return
        self._print(f"  {tool}: {doing}{_elapsed(now - self._began[tool])}")

    def done(self, tool: str, result: str) -> None:
        began = self._began.pop(tool, time.monotonic())
        self._print(f"  {tool}: {result}{_elapsed(time.monotonic() - began)}")

    def _print(self, line: str) -> None:
        self._last_line = time.monotonic()
        print(line, file=self._stream, flush=True)


class LiveTable:
    """Spinners and elapsed times of rich. A context manager: the cursor is restored in every case."""

    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.fields[tool]:<28}"),
            TimeElapsedColumn(),
            TextColumn("{task.description}", style="dim"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveTable:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        self._bars.console.print(text, highlight=False, markup=False)

    def update(self, tool: str, doing: str) -> None:
        self._bars.update(self._task(tool), description=doing)

    def done(self, tool: str, result: str) -> None:
        self._bars.update(self._task(tool), description=result, total=1, completed=1)

    def _task(self, tool: str) -> TaskID:
        if tool not in self._tasks:
            self._tasks[tool] = self._bars.add_task("", total=None, tool=tool)
        return self._tasks[tool]


def _elapsed(seconds: float) -> str:
    return f" ({int(seconds) // 60}m{int(seconds) % 60:02d}s)" if seconds >= 1 else ""


def plain_lines() -> PlainLines:
    """Progress on standard error; standard output is for scripts."""
    return PlainLines(sys.stderr)
