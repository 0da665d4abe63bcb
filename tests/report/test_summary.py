"""The screen that `make up` ends with. Not proved here: that the stack's outputs have this shape (tests/stacks)."""

from typing import Any

from rich.console import Console

from report.summary import LEAST_WIDTH, summary


def lines(**outputs: Any) -> list[str]:
    """The screen, each line with single spaces."""
    console = Console(record=True, width=LEAST_WIDTH, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    console.print(summary({"environment": "dev", **outputs}, []))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_a_cap_is_shown_with_the_devices_that_there_are_and_what_is_left() -> None:
    screen = lines(deviceCaps={"H100": {"cap": 24, "devices": 16}, "A100-80GB": {"cap": 8, "devices": 8}})
    heading = screen.index("accelerator cap devices left")
    assert screen[heading + 2 : heading + 4] == ["A100-80GB 8 8 0", "H100 24 16 8"]


def test_without_a_cap_none_is_shown() -> None:
    assert not any("cap" in line.split() for line in lines(capacity=[], teams={}))
