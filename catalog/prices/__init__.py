"""What clouds ask for what we use: list prices, each with its date and its source. Facts, read when they are asked for.

One data file for each cloud and region stands beside this module; `python -m tools prices refresh` writes it from the
cloud's own price API. A price that no source gives is unknown: None, never a guess. What was agreed on with a cloud
(reservations at a discount, Capacity Blocks, commitments) stands in no list and is unknown here too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from catalog.accelerators import ClusterKind, Purchase
from catalog.machines import MACHINES
from catalog.prices.items import ITEMS

CLOUDS: dict[str, ClusterKind] = {"aws": ClusterKind.EKS, "gcp": ClusterKind.GKE}
"""Cloud, as the data files name it -> the kind of cluster that its machines make."""
HOURS_PER_MONTH = 730
"""What both clouds reckon a month to be."""
HOUR = "hour"
DIRECTORY = Path(__file__).parent
HEADER = "# List prices. Written by `python -m tools prices refresh`; rows by hand are welcome, each with its source.\n"


@dataclass(frozen=True)
class Source:
    """Where prices were read."""

    key: str
    """Its name in the rows of its file."""
    dated: date
    """Of the source: when it was made, or when the price API was asked."""
    what: str


@dataclass(frozen=True)
class Row:
    """One line of a data file: an amount, or how much less than on demand a machine costs (spot)."""

    name: str
    """A key of MACHINES or of ITEMS."""
    purchase: Purchase
    source: str
    usd: float | None = None
    """For one unit: an hour of a machine; what the item says."""
    saving: float | None = None
    """Of the on-demand price: 0.64 is 64 % less. An average where its source gives one."""
    low: float | None = None
    """The least that `usd` was over the zones when they were asked, as `high` is the most; both or none, of spot."""
    high: float | None = None


@dataclass(frozen=True)
class Price:
    """An amount with all that one must know to trust it."""

    usd: float
    unit: str
    """What it buys: `hour`, `GB-month`, `GB`."""
    region: str
    purchase: Purchase
    dated: date
    source: str
    estimated: bool = False
    """Reckoned from the on-demand price and the average saving that the cloud publishes."""
    low: float | None = None
    """On spot, in the cheapest zone; None: no source gives a range."""
    high: float | None = None
    """On spot, in the dearest zone."""

    def age_days(self, today: date) -> int:
        """Days since the source was made."""
        return (today - self.dated).days


@dataclass(frozen=True)
class PriceTable:
    """All prices of one cloud in one region."""

    cloud: str
    region: str
    sources: dict[str, Source]
    rows: tuple[Row, ...]
    currency: str = "USD"

    def row(self, name: str, purchase: Purchase = Purchase.ON_DEMAND) -> Row | None:
        """The line of that name and purchase, or None."""
        return next((row for row in self.rows if (row.name, row.purchase) == (name, purchase)), None)

    def price(self, name: str, purchase: Purchase = Purchase.ON_DEMAND) -> Price | None:
        """Of a machine or an item. None: nobody knows."""
        row = self.row(name, purchase)
        if row is None:
            return None
        source, usd = self.sources[row.source], row.usd
        asked = source.dated
        if usd is None:
            full = self.price(name)
            if full is None or row.saving is None:
                return None
            usd, asked = full.usd * (1 - row.saving), min(full.dated, asked)
        unit = ITEMS[name].unit if name in ITEMS else HOUR
        return Price(usd, unit, self.region, purchase, asked, source.what, row.usd is None, low=row.low, high=row.high)

    def spot_saving(self, name: str) -> tuple[float, float] | None:
        """The least and the most that spot saves of the on-demand price; the same twice where no range is known."""
        spot, full = self.price(name, Purchase.SPOT), self.price(name)
        if spot is None or full is None:
            return None
        return 1 - (spot.high or spot.usd) / full.usd, 1 - (spot.low or spot.usd) / full.usd

    def age_days(self, today: date) -> int:
        """Days since the oldest source that a row still rests on."""
        return max(((today - self.sources[key].dated).days for key in {row.source for row in self.rows}), default=0)


def file_of(cloud: str, region: str, directory: Path = DIRECTORY) -> Path:
    """The data file of that cloud and region."""
    return directory / f"{cloud}-{region}.yaml"


@cache
def tables(directory: Path = DIRECTORY) -> tuple[PriceTable, ...]:
    """Every table that stands in the directory, by cloud and region."""
    return tuple(parse(path.read_text()) for path in sorted(directory.glob("*.yaml")))


def price(machine: str, region: str, purchase: Purchase = Purchase.ON_DEMAND) -> Price | None:
    """An hour of a machine in that region. None: unknown there, or not sold so."""
    if machine not in MACHINES:
        return None
    return _lookup(MACHINES[machine].kind, machine, region, purchase)


def item_price(item: str, region: str) -> Price | None:
    """One unit of an item of `catalog.prices.items` in that region. None: unknown there."""
    return _lookup(CLOUDS[ITEMS[item].cloud], item, region, Purchase.ON_DEMAND) if item in ITEMS else None


def _lookup(kind: ClusterKind, name: str, region: str, purchase: Purchase) -> Price | None:
    found = (table for table in tables() if CLOUDS[table.cloud] is kind and table.region == region)
    return next((table.price(name, purchase) for table in found), None)


def age_days(today: date) -> int:
    """Days since the oldest source of all tables."""
    return max((table.age_days(today) for table in tables()), default=0)


def unknown(cloud: str) -> dict[Purchase, list[str]]:
    """What has no price in any region: machines on demand and items, machines on spot."""
    regions = [table for table in tables() if table.cloud == cloud]
    machines = [machine.name for machine in MACHINES.values() if machine.kind is CLOUDS[cloud]]
    items = [item.name for item in ITEMS.values() if item.cloud == cloud]
    return {
        purchase: [name for name in names if not any(table.price(name, purchase) for table in regions)]
        for purchase, names in ((Purchase.ON_DEMAND, machines + items), (Purchase.SPOT, machines))
    }


def parse(text: str) -> PriceTable:
    """A data file. ValueError: it is not one, with the line that is wrong."""
    data: Any = yaml.safe_load(text)
    sources = {key: Source(key, source["date"], source["what"]) for key, source in data["sources"].items()}
    undated = [key for key, source in sources.items() if not isinstance(source.dated, date)]
    if undated:
        raise ValueError(f"a source has a date, 2026-11-21: {', '.join(undated)}")
    rows = tuple(_row(line, sources) for line in data["prices"])
    if data["currency"] != "USD" or data["cloud"] not in CLOUDS:
        raise ValueError(f"prices are in USD and of {' or '.join(CLOUDS)}, not {data['currency']}, {data['cloud']}")
    if len({(row.name, row.purchase) for row in rows}) != len(rows):
        raise ValueError(f"a price stands twice in {data['cloud']} {data['region']}")
    return PriceTable(data["cloud"], data["region"], sources, rows)


def _row(line: dict[str, Any], sources: dict[str, Source]) -> Row:
    purchase, amounts = Purchase(line.get("purchase", "on-demand")), ("usd", "saving", "low", "high")
    row = Row(line["name"], purchase, line["source"], *(line.get(key) for key in amounts))
    if (row.usd is None) == (row.saving is None) or row.source not in sources:
        raise ValueError(f"a price has an amount or a saving, and a source of its file: {line}")
    if not (row.usd is None or row.usd > 0) or not (row.saving is None or 0 <= row.saving < 1):
        raise ValueError(f"an amount is more than 0, a saving from 0 to less than 1: {line}")
    if (row.low, row.high) != (None, None) and not (
        row.purchase is Purchase.SPOT and 0 < (row.low or 0) <= (row.usd or 0) <= (row.high or 0)
    ):
        raise ValueError(f"an amount of spot may have its low and its high, around it: {line}")
    return row


def render(table: PriceTable) -> str:
    """The data file of a table: one line for each price, sorted, so that a change is one line of a diff."""
    return HEADER + "\n".join(_lines(table)) + "\n"


def _lines(table: PriceTable) -> Iterator[str]:
    used = {row.source for row in table.rows}
    yield from (f"cloud: {table.cloud}", f"region: {table.region}", f"currency: {table.currency}")
    yield "sources:" if used else "sources: {}"
    for key in sorted(used):
        source = table.sources[key]
        yield f"  {key}:"
        yield f"    date: {source.dated.isoformat()}"
        yield f"    what: {yaml.safe_dump(source.what, width=10_000, allow_unicode=True).splitlines()[0]}"
    yield "prices:" if table.rows else "prices: []"
    for row in sorted(table.rows, key=lambda row: (row.name in ITEMS, row.name, row.purchase)):
        purchase = "" if row.purchase is Purchase.ON_DEMAND else f", purchase: {row.purchase}"
        amount = f"saving: {number(row.saving)}" if row.saving is not None else f"usd: {number(row.usd or 0)}"
        if row.low is not None and row.high is not None:
            amount += f", low: {number(row.low)}, high: {number(row.high)}"
        yield f"  - {{name: {row.name}{purchase}, {amount}, source: {row.source}}}"


def number(value: float) -> str:
    """At most nine decimals, without trailing zeros: what price APIs give."""
    text = f"{value:.9f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
