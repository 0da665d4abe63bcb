"""What is seen of a long installation."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from tools.progress import LiveTable, PlainLines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test moves by hand."""
    now = [100.0]
    monkeypatch.setattr("tools.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_the_beginning_each_fifteen_seconds_and_at_the_end(clock: list[float]) -> None:
    stream = io.StringIO()
    plain = PlainLines(stream)

    plain.note("Building.")
    for second in range(40):
        clock[0] = 100.0 + second
        plain.update("pulumi", f"{second} packages")
    plain.done("pulumi", "3.246.0 built")

    assert stream.getvalue().splitlines() == [
        "Building.",
        "  pulumi: 0 packages",
        "  pulumi: 15 packages (0m15s)",
        "  pulumi: 30 packages (0m30s)",
        "  pulumi: 3.246.0 built (0m39s)",
    ]


def test_a_tool_that_was_never_begun_can_be_done(clock: list[float]) -> None:
    stream = io.StringIO()

    PlainLines(stream).done("etcd", "3.6.8 found")

    assert stream.getvalue() == "  etcd: 3.6.8 found\n"


def test_a_terminal_gets_a_live_row_for_each_tool() -> None:
    stream = io.StringIO()

    with LiveTable(Console(file=stream, force_terminal=True, width=100)) as table:
        table.note("Building.")
        table.update("pulumi", "12 packages")
        table.update("etcd", "waiting")
        table.done("pulumi", "3.246.0 built")

    text = stream.getvalue()
    assert "Building." in text
    assert "3.246.0 built" in text
    assert "waiting" in text
    assert text.endswith("\x1b[?25h")  # the cursor is back


def test_the_cursor_comes_back_after_an_interruption() -> None:
    stream = io.StringIO()

    with pytest.raises(KeyboardInterrupt), LiveTable(Console(file=stream, force_terminal=True)):
        raise KeyboardInterrupt

    assert stream.getvalue().endswith("\x1b[?25h")
