"""The recorded streams of the pinned engine (`record.py`), and comparisons made of them."""

import datetime
import lzma
from functools import cache
from pathlib import Path

from report.comparison import Comparison, Side
from report.plan import Plan
from report.stream import read_plan
from settings.reader import from_file

STREAMS = Path(__file__).parent / "streams"
REPOSITORY = Path(__file__).parents[2]
NO_SETTINGS = Side()
TODAY = datetime.date(2026, 12, 1)


def lines(name: str) -> list[str]:
    """The lines of a stream."""
    return lzma.decompress((STREAMS / f"{name}.jsonl.xz").read_bytes()).decode().splitlines()


@cache
def plan(name: str) -> Plan:
    """The plan of a stream."""
    return read_plan(lines(name), name.partition("-")[0])


def side(text: str, label: str = "") -> Side:
    """Settings that are valid."""
    return Side(text, from_file(text), label=label)


def stack_text(stack: str) -> str:
    """The settings of a stack of this checkout."""
    return (REPOSITORY / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")


def compared(name: str, base: Side = NO_SETTINGS, head: Side = NO_SETTINGS, today: datetime.date = TODAY) -> Comparison:
    """The comparison of a stream with these settings."""
    stack = name.partition("-")[0]
    return Comparison(stack, plan(name), base, head, f"the state of stack {stack}", today)
