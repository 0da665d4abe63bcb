"""`python -m tools prices`: the age of the price tables and what is unknown; `refresh` writes them again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.console import Console

import catalog.prices
from catalog.accelerators import Purchase
from catalog.prices import CLOUDS, PriceTable, Source, file_of, parse, render, tables
from tools.errors import ToolError
from tools.prices import aws, google
from tools.prices.changes import Answer, Asked, empty_table, implausible, refreshed
from tools.progress import LiveTable, plain_lines

OLD_DAYS = 90
"""Tables older than this are reported as old: list prices of accelerators changed within a quarter in 2025."""
Tell = Callable[[str], None]


@click.group(invoke_without_command=True)
@click.pass_context
def prices(ctx: click.Context) -> None:
    """List prices: their age, and what is unknown; `refresh` queries the clouds."""
    if ctx.invoked_subcommand is None:
        for line in status(today()):
            click.echo(line)


def status(now: date) -> Iterator[str]:
    """One line for each table and its sources, and what is unknown."""
    for table in tables():
        age = table.age_days(now)
        old = "  (old: python -m tools prices refresh)" if age > OLD_DAYS else ""
        yield f"{table.cloud} {table.region}: {len(table.rows)} prices, the oldest {age} days old{old}"
        for source in sorted(table.sources.values(), key=lambda source: source.dated):
            count = sum(row.source == source.key for row in table.rows)
            yield f"  {source.dated}  {count:>3}  {source.what}"
        if savings := [
            saving for row in table.rows if row.purchase is Purchase.SPOT if (saving := table.spot_saving(row.name))
        ]:
            ranges = sum(row.low is not None for row in table.rows)
            least, most = min(low for low, _ in savings), max(high for _, high in savings)
            yield f"  spot saves {least:.0%} to {most:.0%}, by machine; the range over the zones is known of {ranges}"
    for cloud in CLOUDS:
        for purchase, names in catalog.prices.unknown(cloud).items():
            what = "on spot" if purchase is Purchase.SPOT else "price"
            yield f"{cloud}, unknown {what}: {', '.join(names) or 'none'}"


@prices.command()
@click.option("--cloud", type=click.Choice(list(CLOUDS)), help="Only this cloud.")
@click.option("--region", help="This region; without it every region that has a table. Needs --cloud.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.option(
    "--accept", is_flag=True, help="Also write implausible changes: prices that vanished or changed fivefold."
)
def refresh(cloud: str | None, region: str | None, dry_run: bool, accept: bool) -> None:
    """Query the clouds' price APIs and write the tables."""
    if region and not cloud:
        raise click.UsageError("--region needs --cloud: name the cloud of the region")
    for table in chosen(cloud, region):
        refresh_table(table, catalog.prices.DIRECTORY, today(), dry_run=dry_run, accept=accept)


def chosen(cloud: str | None, region: str | None) -> list[PriceTable]:
    """The selected tables; a region without a table gets an empty one."""
    found = [t for t in tables() if cloud in (None, t.cloud) and region in (None, t.region)]
    return found or [empty_table(cloud or "", region or "")]


def refresh_table(table: PriceTable, directory: Path, now: date, *, dry_run: bool, accept: bool) -> None:
    """One table: queried, compared, shown, written. ToolError: nothing was written."""
    try:
        with telling(f"{table.cloud} {table.region}") as tell:
            answer, asked, source = ask(table, now, tell)
    except (KeyError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise ToolError(f"{table.cloud} answered in an unknown format ({what}); nothing was written") from error
    try:
        after, changes = refreshed(table, answer, asked, source)
        text = render(after)
        parse(text)
    except ValueError as error:
        raise ToolError(f"{error}; nothing was written") from error
    click.echo(f"{table.cloud} {table.region}: {len(answer.usd)} prices answered, {len(changes)} changed")
    for change in changes:
        click.echo(f"  {change}")
    doubts = implausible(changes)
    if doubts and not accept:
        listed = "\n  ".join(doubts)
        raise ToolError(f"implausible, nothing was written (--accept writes it):\n  {listed}")
    if dry_run:
        click.echo("  (dry run: nothing was written)")
        return
    write(file_of(table.cloud, table.region, directory), text)
    tables.cache_clear()


def ask(table: PriceTable, now: date, tell: Tell) -> tuple[Answer, set[Asked], Source]:
    """The cloud's answer, the queries, and the new source."""
    if table.cloud == "aws":
        pricing, ec2 = aws.clients(table.region)
        return aws.ask(pricing, ec2, table.region, tell), aws.asked(), Source("aws-api", now, aws.WHAT)
    answer = Answer(google.ask(google.client(), table.region, tell))
    return answer, google.asked(), Source("google-api", now, google.WHAT)


def write(path: Path, text: str) -> None:
    """Writes atomically: a full disk or a killed run leaves the old file."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


@contextmanager
def telling(subject: str) -> Iterator[Tell]:
    """Progress on standard error: a live line on a terminal, plain lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        lines = plain_lines()
        yield lambda text: lines.update(subject, text)
        return
    with LiveTable(console) as live:
        yield lambda text: live.update(subject, text)


def today() -> date:
    """In UTC, as price lists are dated."""
    return datetime.now(UTC).date()
