"""Changes of a price table by a new answer, and whether they are plausible. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from catalog.accelerators import Purchase
from catalog.prices import PriceRow, PriceTable, Source

IMPLAUSIBLE_FACTOR = 5.0
"""Cloud prices have halved and doubled; a factor of five is a wrong unit, a wrong product or a broken answer."""

Asked = tuple[str, Purchase]
"""A machine or an item, and its purchase option."""


@dataclass(frozen=True)
class Answer:
    """The answer of a cloud's price API."""

    usd: Mapping[Asked, float]
    ranges: Mapping[Asked, tuple[float, float]] = field(default_factory=dict)
    """The lowest and the highest of the zones, if the API returns them."""


@dataclass(frozen=True)
class PriceChange:
    """One price before and after; None: unknown."""

    name: str
    purchase: Purchase
    before: float | None
    after: float | None

    @property
    def percent(self) -> float | None:
        """Increase in percent; None if one side is unknown."""
        if self.before is None or self.after is None:
            return None
        return (self.after / self.before - 1) * 100

    @property
    def implausible(self) -> str:
        """Why the change is implausible; empty if it is plausible."""
        if self.after is None:
            return "it is no longer sold, or the query is wrong"
        if self.before is None:
            return ""
        times = self.after / self.before
        if 1 / IMPLAUSIBLE_FACTOR < times < IMPLAUSIBLE_FACTOR:
            return ""
        return f"{times:.3g} times the old price"

    def __str__(self) -> str:
        amounts = " -> ".join("unknown" if usd is None else f"{usd:.6g}" for usd in (self.before, self.after))
        change = "" if self.percent is None else f" ({self.percent:+.1f} %)"
        return f"{self.name} {self.purchase}: {amounts}{change}"


def refreshed(
    table: PriceTable, answer: Answer, asked: Collection[Asked], source: Source
) -> tuple[PriceTable, list[PriceChange]]:
    """The table with the new prices. Rows that were queried without a result are removed; other rows stay.

    ValueError: an amount that cannot be a price, or no result at all.
    """
    found = answer.usd
    if not found:
        raise ValueError(f"{source.what} has no price for any of {len(asked)} queries in {table.region}")
    wrong = [f"{name} {purchase}: {usd}" for (name, purchase), usd in found.items() if not 0 < usd < float("inf")]
    if wrong:
        raise ValueError(f"{source.what} returned amounts that are no prices: {', '.join(wrong)}")
    fresh = [
        PriceRow(
            name,
            purchase,
            source.key,
            round(usd, 9),
            None,
            *(round(end, 9) for end in answer.ranges.get((name, purchase), ())),
        )
        for (name, purchase), usd in found.items()
    ]
    kept = [row for row in table.rows if (row.name, row.purchase) not in {*asked, *found}]
    after = replace(table, rows=tuple(kept + fresh), sources={**table.sources, source.key: source})
    return after, list(_changes(table, after))


def _changes(before: PriceTable, after: PriceTable) -> Iterator[PriceChange]:
    names = {(row.name, row.purchase) for row in (*before.rows, *after.rows)}
    for name, purchase in sorted(names):
        was, now = before.price(name, purchase), after.price(name, purchase)
        if (round(was.usd, 9) if was else None) != (round(now.usd, 9) if now else None):
            yield PriceChange(name, purchase, was.usd if was else None, now.usd if now else None)


def empty_table(cloud: str, region: str) -> PriceTable:
    """Table of a region that has no file yet."""
    return PriceTable(cloud, region, {}, ())


def implausible(changes: Iterable[PriceChange]) -> list[str]:
    """Each implausible change, with the reason."""
    return [f"{change}: {change.implausible}" for change in changes if change.implausible]
