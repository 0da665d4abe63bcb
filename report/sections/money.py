"""Section: monthly list prices before and after, by pool, service and team. What has no price is named, never counted.

Floor: every pool at its fewest nodes. Ceiling: every pool at its most nodes, all month. Spot is a range.
"""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from catalog.prices import HOUR, HOURS_PER_MONTH, Price, item_price, price
from report.blocks import Block, Code, Line, Table
from report.comparison import Comparison
from report.sections.base import Document, Level, Reason, Section, counted
from settings.clouds.billing import BilledItem, BilledPool
from settings.settings import Settings


class Cost(Document):
    """What something costs in a month, in USD."""

    floor: float | None
    """At its smallest; None: it has no price, or is billed by use."""
    ceiling: float | None
    """At its largest, at the highest price of its zones and machines; None as above."""


class CostRow(Document):
    """One thing that is billed. Without `before` it is new, without `after` it is gone."""

    name: str
    """Name of the pool, or the service and what of it is billed."""
    kind: str
    """`pool` or `service`."""
    what: str
    """Machines and how they are paid for; for a service the item."""
    changed: bool
    """Whether machines, their number or costs differ."""
    before: Cost | None
    """None: it is new."""
    after: Cost | None
    """None: it is gone."""
    unpriced: str
    """What has no price, of the change's side; empty: everything has one."""


class TeamCost(Document):
    """What the quota of one team costs at most in a month, in USD: its share of its pools at their largest."""

    team: str
    """Name of the team."""
    before: float | None
    """None: part of it has no price; 0: it had no quota."""
    after: float | None
    """The same after the change."""
    unpriced: tuple[str, ...]
    """Pools without a price."""


class PriceSource(Document):
    """Where prices are from."""

    date: str
    """Of the source: `2026-07-20`."""
    source: str
    """What it is."""


class Money(Section):
    """Monthly list prices."""

    title: ClassVar[str] = "Money"
    region: str
    """Region of the price list; empty: nothing is billed by a cloud."""
    known: bool
    """Whether the settings of the change are valid."""
    rows: tuple[CostRow, ...]
    """Pools by name, then services."""
    teams: tuple[TeamCost, ...]
    """By name."""
    floor_before: float
    """Sum of the floors that have a price."""
    floor_after: float
    """The same after the change."""
    ceiling_before: float
    """Sum of the ceilings that have a price."""
    ceiling_after: float
    """The same after the change."""
    unpriced: tuple[str, ...]
    """By name, what is missing from the sums."""
    sources: tuple[PriceSource, ...]
    """Newest first."""

    def blocks(self) -> Iterator[Block]:
        """Sums with what is missing from them, then the rows."""
        if not self.known:
            yield Line("The settings are not valid: costs are not known.")
            return
        if not self.region:
            yield Line("No cloud bills this cluster.")
            return
        yield Line(self.total())
        rows = tuple((Code(one.name), one.what, *_costs(one), one.unpriced or "") for one in self.rows)
        numeric = frozenset({"floor", "ceiling"})
        yield Table(("pool or service", "what", "floor", "ceiling", "no price"), rows, numeric, limit=30)
        if self.teams:
            teams = tuple((one.team, _team(one), ", ".join(one.unpriced)) for one in self.teams)
            yield Table(("team", "quota at most", "no price"), teams, frozenset({"quota at most"}))
        for source in self.sources:
            yield Line(f"List prices of {self.region}: {source.source} ({source.date}).")
        if not self.sources:
            yield Line(f"There is no price list of {self.region}: python -m tools prices refresh makes one.")

    def total(self) -> str:
        """The sums, with the names of what they leave out; no sum if nothing has a price."""
        missing = f"{counted(len(self.unpriced), 'thing')}: {', '.join(self.unpriced)}"
        if not self.sources and self.unpriced:
            return f"Nothing has a price: {missing}."
        sums = (
            f"Floor {_moved(self.floor_before, self.floor_after)} USD a month, "
            f"ceiling {_moved(self.ceiling_before, self.ceiling_after)} USD"
        )
        return f"{sums}, without what has no price, {missing}." if self.unpriced else f"{sums}."


class _Billed(NamedTuple):
    cost: Cost
    what: str
    missing: tuple[str, ...]
    prices: tuple[Price, ...]


def money(comparison: Comparison) -> Money:
    """The section of a comparison."""
    before, after = comparison.base.settings, comparison.head.settings
    old, new = _billed(before), _billed(after)
    rows = tuple(_rows(old, new))
    billed = [*new.values()]
    sources = {(one.dated.isoformat(), one.source) for found in billed for one in found.prices}
    found = Money(
        region=after.cluster.price_region if after else "",
        known=after is not None,
        rows=rows,
        teams=tuple(_teams(before, old, after, new)),
        floor_before=_sum(found.cost.floor for found in old.values()),
        floor_after=_sum(found.cost.floor for found in billed),
        ceiling_before=_sum(found.cost.ceiling for found in old.values()),
        ceiling_after=_sum(found.cost.ceiling for found in billed),
        unpriced=tuple(sorted({name for found in [*old.values(), *billed] for name in found.missing})),
        sources=tuple(PriceSource(date=date, source=source) for date, source in sorted(sources, reverse=True)),
    )
    known = after is not None and (before is not None or not comparison.base.text)
    return found.model_copy(update={"reasons": tuple(_reasons(comparison, found))}) if known else found


def _billed(settings: Settings | None) -> dict[tuple[str, str], _Billed]:
    """Kind and name -> what it costs; none without a cloud."""
    if settings is None or not settings.cluster.price_region:
        return {}
    cluster, region = settings.cluster, settings.cluster.price_region
    pools = {("pool", pool.name): _pool(pool, region) for pool in sorted(cluster.billed_pools())}
    available = settings.environment.highly_available
    items = cluster.billed_items(settings.mlflow.database, highly_available=available)
    return pools | {("service", f"{item.service}: {item.item}"): _item(item, region) for item in items}


def _pool(pool: BilledPool, region: str) -> _Billed:
    asked = [(machine, purchase) for machine in pool.machines for purchase in dict.fromkeys(pool.purchases)]
    prices = [price(machine, region, purchase) if purchase else None for machine, purchase in asked]
    known = [one for one in prices if one is not None]
    complete = len(known) == len(prices)
    low = min((one.low or one.usd for one in known), default=0.0) * HOURS_PER_MONTH
    high = max((one.high or one.usd for one in known), default=0.0) * HOURS_PER_MONTH
    floor = 0.0 if pool.nodes_min == 0 else pool.nodes_min * low if complete else None
    missing = [machine for (machine, _), one in zip(asked, prices, strict=True) if one is None]
    names = tuple(f"{machine} {pool.purchase} of pool {pool.name}" for machine in dict.fromkeys(missing))
    what = f"{pool.nodes_min} to {pool.nodes_max} {' or '.join(pool.machines)}, {pool.purchase}"
    return _Billed(Cost(floor=floor, ceiling=pool.nodes_max * high if complete else None), what, names, tuple(known))


def _item(item: BilledItem, region: str) -> _Billed:
    found = item_price(item.item, region)
    what = "by use" if item.least is None else _units(item)
    if found is None:
        return _Billed(Cost(floor=None, ceiling=None), what, (item.item,), ())
    month = found.usd * (HOURS_PER_MONTH if found.unit == HOUR else 1)
    floor, ceiling = (None if units is None else units * month for units in (item.least, item.most))
    missing = (f"{item.item} (by use)",) if ceiling is None else ()
    return _Billed(Cost(floor=floor, ceiling=ceiling), what, missing, (found,))


def _units(item: BilledItem) -> str:
    return f"{item.least:g}" if item.most in (None, item.least) else f"{item.least:g} to {item.most:g}"


def _rows(old: dict[tuple[str, str], _Billed], new: dict[tuple[str, str], _Billed]) -> Iterator[CostRow]:
    for kind, name in sorted({*old, *new}):
        before, after = old.get((kind, name)), new.get((kind, name))
        missing = (after or before or _NOTHING).missing
        yield CostRow(
            name=name,
            kind=kind,
            what=(after or before or _NOTHING).what,
            changed=before is None or after is None or (before.cost, before.what) != (after.cost, after.what),
            before=before.cost if before else None,
            after=after.cost if after else None,
            unpriced=", ".join(missing),
        )


_NOTHING = _Billed(Cost(floor=0, ceiling=0), "", (), ())


def _teams(
    before: Settings | None,
    old: dict[tuple[str, str], _Billed],
    after: Settings | None,
    new: dict[tuple[str, str], _Billed],
) -> Iterator[TeamCost]:
    shares = [(_shares(settings, billed)) for settings, billed in ((before, old), (after, new))]
    for team in sorted({*shares[0], *shares[1]}):
        one, other = (share.get(team, {}) for share in shares)
        missing = tuple(sorted(pool for pool, usd in {**one, **other}.items() if usd is None))
        yield TeamCost(team=team, before=_all(one), after=_all(other), unpriced=missing)


def _shares(settings: Settings | None, billed: dict[tuple[str, str], _Billed]) -> dict[str, dict[str, float | None]]:
    """Team -> key of the ledger -> its share of the pool's ceiling."""
    if settings is None or not billed:
        return {}
    supplies = {one.key: one for one in settings.ledger.supplies}
    found: dict[str, dict[str, float | None]] = {}
    for team, quotas in settings.ledger.team_quotas.items():
        for key, units in quotas.items():
            supply = supplies.get(key)
            ceiling = billed[("pool", supply.pool)].cost.ceiling if supply else None
            whole = sum(one.units for one in supplies.values() if supply and one.pool == supply.pool) or 1
            found.setdefault(team, {})[key] = None if ceiling is None else ceiling * units / whole
    return found


def _all(parts: dict[str, float | None]) -> float | None:
    known = [usd for usd in parts.values() if usd is not None]
    return sum(known) if len(known) == len(parts) else None


def _sum(amounts: Iterator[float | None]) -> float:
    return sum(usd for usd in amounts if usd is not None)


def _reasons(comparison: Comparison, found: Money) -> Iterator[Reason]:
    unknown = [one for one in found.rows if one.changed and one.unpriced]
    if (found.floor_before, found.ceiling_before) != (found.floor_after, found.ceiling_after):
        text = (
            f"Monthly list price: floor {_moved(found.floor_before, found.floor_after)} USD, "
            f"ceiling {_moved(found.ceiling_before, found.ceiling_after)} USD"
        )
        more = f", without {counted(len(found.unpriced), 'thing')} that have no price" if found.unpriced else ""
        yield Reason(level=Level.LOOK, rule="money/changed", text=f"{text}{more}.")
    elif unknown and comparison.base.text:
        names = ", ".join(one.name for one in unknown)
        yield Reason(level=Level.LOOK, rule="money/unknown", text=f"The cost of {names} changes and has no price.")


def _costs(row: CostRow) -> tuple[str, str]:
    absent = Cost(floor=0, ceiling=0)
    before, after = row.before or absent, row.after or absent
    return _moved(before.floor, after.floor), _moved(before.ceiling, after.ceiling)


def _team(team: TeamCost) -> str:
    return _moved(team.before, team.after)


def _moved(before: float | None, after: float | None) -> str:
    one, other = ("unknown" if usd is None else f"{usd:,.0f}" for usd in (before, after))
    return one if one == other else f"{one} → {other}"
