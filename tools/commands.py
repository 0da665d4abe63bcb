"""The commands that install the toolchain and export it to a shell."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click
from rich.console import Console

from tools.facts import CHECKOUT, plain_environment
from tools.progress import LiveTable, plain_lines
from tools.selection import SelectedTool
from tools.toolchain import Toolchain, ensure

SHELL_VARIABLES = ("PATH", "PULUMI_HOME", "PULUMI_CREDENTIALS_PATH", "PULUMI_SKIP_UPDATE_CHECK")


def ensure_showing_progress() -> Toolchain:
    """The toolchain, with progress on standard error: live on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    with ended_like_ctrl_c():
        if not console.is_terminal:
            return ensure(plain_lines())
        with LiveTable(console) as progress:
            return ensure(progress)


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """SIGHUP and SIGTERM (a closed terminal, a CI timeout) clean up like Ctrl-C: no compiler outlives its caller."""

    def end(number: int, _: FrameType | None) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command()
def install() -> None:
    """Install the tools: from PATH, by download, or by a build."""
    toolchain = ensure_showing_progress()
    for row in toolchain.report():
        click.echo(row_text(row))


def row_text(row: SelectedTool) -> str:
    return f"{row.tool:<34} {row.version:<10} {row.way:<9} {row.program}"


@click.command()
@click.option("--stack", default="dev", show_default=True, help="The stack whose state and cluster to use.")
def env(stack: str) -> None:
    """Print the exports that make plain pulumi and kubectl work: eval "$(python -m tools env)"."""
    if sys.stdout.isatty():
        click.echo('# To use it: eval "$(python -m tools env)"', err=True)
    environment = ensure_showing_progress().environment()
    shell = {name: environment[name] for name in SHELL_VARIABLES if name in environment}
    for name, value in {**shell, **plain_environment(CHECKOUT, stack)}.items():
        click.echo(f"export {name}={shlex.quote(value)}")
