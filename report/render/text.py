"""The report on a terminal: as wide as it is, without colours where it is piped."""

import io
from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from report.blocks import Block, Code, Diagram, Line, Listing, Table
from report.document import Report, StackReport
from report.sections.verdict import Decision

STYLES = {
    Decision.NOTHING: "green",
    Decision.LOOK: "yellow",
    Decision.BLOCKED: "bold red",
    Decision.FAILED: "bold red",
}


def as_text(report: Report, *, width: int = 120, colours: bool = False) -> str:
    """The report as lines of at most `width` columns; with escape sequences only for `colours`."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colours,
        color_system="standard" if colours else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    for stack in report.stacks:
        for part in _stack(stack):
            console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _stack(stack: StackReport) -> Iterator[RenderableType]:
    yield Text(f"\n{stack.stack}: {stack.compared()}", style="dim")
    for section in stack.sections():
        blocks = list(section.blocks())
        if not blocks:
            continue
        if section is stack.verdict:
            first, *blocks = blocks
            assert isinstance(first, Line)
            yield Text(first.text, style=STYLES[stack.verdict.decision])
        else:
            yield Text(f"\n{section.title}", style="bold")
        for block in blocks:
            yield from _block(block)


def _block(block: Block) -> Iterator[RenderableType]:
    match block:
        case Line():
            yield Text(block.text, style="bold" if block.strong else "")
        case Listing():
            if block.title:
                yield Text(block.title)
            for line in block.lines[: block.limit]:
                yield Padding(Text(line), (0, 0, 0, 2))
            yield from _more(len(block.lines) - block.limit)
        case Table():
            if block.caption:
                yield Text(block.caption, style="dim")
            yield _table(block)
            yield from _more(len(block.rows) - block.limit)
        case Diagram():
            yield Text("In the Markdown and HTML reports.", style="dim")


def _table(block: Table) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in block.columns:
        table.add_column(column, justify="right" if column in block.numeric else "left", overflow="fold")
    for row in block.rows[: block.limit]:
        table.add_row(*(Text(cell, style="cyan" if isinstance(cell, Code) else "") for cell in row))
    return table


def _more(count: int) -> Iterator[RenderableType]:
    if count > 0:
        yield Text(f"  … and {count} more")
