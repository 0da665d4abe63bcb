"""List prices of clouds, each with its date and its source. Facts; each file is read on first use.

Each cloud and region has one data file in this directory; `python -m tools prices refresh` writes it from the cloud's
price API. A price that no source lists is unknown: None, never an estimate. Negotiated prices (reservations at a
discount, Capacity Blocks, commitments) are in no list, so they are unknown too.
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
"""Cloud, as the data files name it -> the kind of cluster that runs on its machines."""
HOURS_PER_MONTH = 730
"""Hours in a month, as both clouds compute it."""
HOUR = "hour"
DIRECTORY = Path(__file__).parent
HEADER = "# List prices. Written by `python -m tools prices refresh`; rows by hand are welcome, each with its source.\n"


@dataclass(frozen=True)
class Source:
    """Where prices come from."""

    key: str
    """Its name in the rows of its file."""
    dated: date
    """Date of the source: when it was made, or when the price API was queried."""
    what: str


@dataclass(frozen=True)
class PriceRow:
    """One line of a data file: an amount, or the saving of spot compared with on demand."""

    name: str
    """A key of MACHINES or of ITEMS."""
    purchase: Purchase
    source: str
    usd: float | None = None
    """For one unit: an hour of a machine, or the unit of the item."""
    saving: float | None = None
    """Relative to the on-demand price: 0.64 is 64 % less. An average where its source lists one."""
    low: float | None = None
    """The lowest `usd` of any zone when the zones were queried, and `high` the highest; both or neither, for spot."""
    high: float | None = None


@dataclass(frozen=True)
class Price:
    """An amount with its unit, date and source."""

    usd: float
    unit: str
    """Unit: `hour`, `GB-month`, `GB`."""
    region: str
    purchase: Purchase
    dated: date
    source: str
    estimated: bool = False
    """Computed from the on-demand price and the average saving that the cloud publishes."""
    low: float | None = None
    """Spot, in the cheapest zone; None: no source lists a range."""
    high: float | None = None
    """Spot, in the most expensive zone."""

    def age_days(self, today: date) -> int:
        """Days since the date of the source."""
        return (today - self.dated).days


@dataclass(frozen=True)
class PriceTable:
    """All prices of one cloud in one region."""

    cloud: str
    region: str
    sources: dict[str, Source]
    rows: tuple[PriceRow, ...]
    currency: str = "USD"

    def row(self, name: str, purchase: Purchase = Purchase.ON_DEMAND) -> PriceRow | None:
        """The line of that name and purchase, or None."""
        return next((row for row in self.rows if (row.name, row.purchase) == (name, purchase)), None)

    def price(self, name: str, purchase: Purchase = Purchase.ON_DEMAND) -> Price | None:
        """Price of a machine or an item. None if unknown."""
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
        """The smallest and the largest saving of spot against on demand; equal where no range is known."""
        spot, full = self.price(name, Purchase.SPOT), self.price(name)
        if spot is None or full is None:
            return None
        return 1 - (spot.high or spot.usd) / full.usd, 1 - (spot.low or spot.usd) / full.usd

    def age_days(self, today: date) -> int:
        """Days since the oldest source that a row uses."""
        return max(((today - self.sources[key].dated).days for key in {row.source for row in self.rows}), default=0)


def file_of(cloud: str, region: str, directory: Path = DIRECTORY) -> Path:
    """The data file of that cloud and region."""
    return directory / f"{cloud}-{region}.yaml"


@cache
def tables(directory: Path = DIRECTORY) -> tuple[PriceTable, ...]:
    """Every table in the directory, by cloud and region."""
    return tuple(parse(path.read_text()) for path in sorted(directory.glob("*.yaml")))


def price(machine: str, region: str, purchase: Purchase = Purchase.ON_DEMAND) -> Price | None:
    """Price of an hour of a machine in that region. None: unknown, or not sold that way."""
    if machine not in MACHINES:
        return None
    return _lookup(MACHINES[machine].kind, machine, region, purchase)


def item_price(item: str, region: str) -> Price | None:
    """Price of one unit of an item of `catalog.prices.items` in that region. None: unknown."""
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
    """Parse a data file. ValueError names the line that is invalid."""
    data: Any = yaml.safe_load(text)
    sources = {key: Source(key, source["date"], source["what"]) for key, source in data["sources"].items()}
    undated = [key for key, source in sources.items() if not isinstance(source.dated, date)]
    if undated:
        raise ValueError(f"a source needs a date, like 2026-11-21: {', '.join(undated)}")
    rows = tuple(_row(line, sources) for line in data["prices"])
    if data["currency"] != "USD" or data["cloud"] not in CLOUDS:
        raise ValueError(f"prices must be in USD and of {' or '.join(CLOUDS)}, not {data['currency']}, {data['cloud']}")
    if len({(row.name, row.purchase) for row in rows}) != len(rows):
        raise ValueError(f"a price occurs twice in {data['cloud']} {data['region']}")
    return PriceTable(data["cloud"], data["region"], sources, rows)


def _row(line: dict[str, Any], sources: dict[str, Source]) -> PriceRow:
    purchase, amounts = Purchase(line.get("purchase", "on-demand")), ("usd", "saving", "low", "high")
    row = PriceRow(line["name"], purchase, line["source"], *(line.get(key) for key in amounts))
    if (row.usd is None) == (row.saving is None) or row.source not in sources:
        raise ValueError(f"a price needs an amount or a saving, and a source of the same file: {line}")
    if not (row.usd is None or row.usd > 0) or not (row.saving is None or 0 <= row.saving < 1):
        raise ValueError(f"an amount must be above 0, a saving at least 0 and below 1: {line}")
    if (row.low, row.high) != (None, None) and not (
        row.purchase is Purchase.SPOT and 0 < (row.low or 0) <= (row.usd or 0) <= (row.high or 0)
    ):
        raise ValueError(f"only an amount of spot may have low and high, with low <= usd <= high: {line}")
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
