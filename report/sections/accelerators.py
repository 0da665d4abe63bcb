"""Section: accelerators before and after, by pool; caps; quotas of teams; what becomes idle or no longer fits."""

from collections.abc import Iterator
from typing import Any, ClassVar

from components.capacity.ledger import Ledger, Supply
from report.blocks import Block, Code, Line, Table
from report.comparison import Comparison
from report.sections.base import Document, Level, Reason, Section, counted
from settings.settings import Settings

Rows = tuple[tuple[str, ...], ...]


class PoolCapacity(Document):
    """Devices of one key of the ledger, before and after. 0 before: it is new; 0 after: it is gone."""

    key: str
    """Pool, or `pool/profile` of a pool with several MIG profiles."""
    accelerator: str
    """Name in the catalogue."""
    purchase: str
    """How its nodes are paid for, after the change."""
    devices_min_before: int
    """Physical devices of the fewest nodes."""
    devices_min_after: int
    """The same after the change."""
    devices_max_before: int
    """Physical devices of the most nodes."""
    devices_max_after: int
    """The same after the change."""
    units_before: int
    """Units that containers can request, at the most nodes: devices, shares of a device, partitions."""
    units_after: int
    """The same after the change."""
    requested_after: int
    """Units that workloads request at their largest."""
    promised_after: int
    """Sum of the quotas of teams."""


class Cap(Document):
    """The limit of the environment for one accelerator."""

    accelerator: str
    """Name in the catalogue."""
    cap_before: int | None
    """None: there was no limit."""
    cap_after: int | None
    """None: there is no limit."""
    devices_before: int
    """Physical devices of all pools at their largest."""
    devices_after: int
    """The same after the change."""


class Quota(Document):
    """What one team may use of one key of the ledger."""

    team: str
    """Name of the team."""
    key: str
    """Pool, or `pool/profile`."""
    quota_before: int
    """Units."""
    quota_after: int
    """The same after the change."""
    used_after: int
    """Units that its workloads request at their largest."""
    left_after: int
    """Units of the quota that are free."""


class Accelerators(Section):
    """Accelerators."""

    title: ClassVar[str] = "Accelerators"
    known: bool
    """Whether the settings of the change are valid; without them nothing is known."""
    pools: tuple[PoolCapacity, ...]
    """By accelerator and key."""
    caps: tuple[Cap, ...]
    """By accelerator."""
    quotas: tuple[Quota, ...]
    """By team and key."""

    def blocks(self) -> Iterator[Block]:
        """Capacity as one table; caps and quotas only if they change."""
        if not self.known:
            yield Line("The settings are not valid: capacity is not known.")
            return
        if not self.pools:
            yield Line("No accelerators.")
            return
        pools = tuple(
            (
                one.accelerator,
                Code(one.key),
                one.purchase,
                _range(one.devices_min_before, one.devices_max_before, one.devices_min_after, one.devices_max_after),
                _change(one.units_before, one.units_after),
                str(one.promised_after),
                str(one.requested_after),
            )
            for one in self.pools
        )
        columns: tuple[str, ...] = (*("accelerator", "pool", "purchase", "devices", "units", "quotas", "requested"),)
        yield Table(columns, pools, numeric=frozenset(columns[3:]))
        if caps := tuple(one for one in self.caps if _changed(one)):
            rows: Rows = tuple(
                (
                    one.accelerator,
                    _change(one.cap_before, one.cap_after),
                    _change(one.devices_before, one.devices_after),
                    "no limit" if one.cap_after is None else str(one.cap_after - one.devices_after),
                )
                for one in caps
            )
            columns = ("accelerator", "cap", "devices", "left")
            yield Table(columns, rows, frozenset(columns[1:]), caption="Caps")
        if quotas := tuple(one for one in self.quotas if one.quota_before != one.quota_after):
            rows = tuple(
                (
                    one.team,
                    Code(one.key),
                    _change(one.quota_before, one.quota_after),
                    str(one.used_after),
                    str(one.left_after),
                )
                for one in quotas
            )
            columns = ("team", "pool", "quota", "used", "left")
            yield Table(columns, rows, frozenset(columns[2:]), caption="Quotas")


def accelerators(comparison: Comparison) -> Accelerators:
    """The section of a comparison."""
    before, after = comparison.base.settings, comparison.head.settings
    if after is None:
        return Accelerators(known=False, pools=(), caps=(), quotas=())
    old, new = before.ledger if before else Ledger(), after.ledger
    pools = tuple(_pools(before, after))
    found = Accelerators(known=True, pools=pools, caps=tuple(_caps(old, new)), quotas=tuple(_quotas(old, new)))
    known = not comparison.base.text or before is not None
    return found.model_copy(update={"reasons": tuple(_reasons(comparison, found))}) if known else found


def _pools(before: Settings | None, after: Settings) -> Iterator[PoolCapacity]:
    old = {one.key: one for one in before.ledger.supplies} if before else {}
    new = {one.key: one for one in after.ledger.supplies}
    for key in sorted({*old, *new}, key=lambda key: ((new.get(key) or old[key]).accelerator, key)):
        one, other = old.get(key), new.get(key)
        named = other or old[key]
        settings = after if other or before is None else before
        yield PoolCapacity(
            key=key,
            accelerator=named.accelerator,
            purchase=str(settings.pools[named.pool]["placement"]["purchase"]),
            devices_min_before=_least(one, before),
            devices_min_after=_least(other, after),
            devices_max_before=one.devices if one else 0,
            devices_max_after=other.devices if other else 0,
            units_before=one.units if one else 0,
            units_after=other.units if other else 0,
            requested_after=after.ledger.used(key),
            promised_after=after.ledger.promised(key),
        )


def _least(supply: Supply | None, settings: Settings | None) -> int:
    if supply is None or settings is None:
        return 0
    capacity = settings.pools[supply.pool]["capacity"]
    return int(capacity["nodes_min"]) * int(capacity["devices_per_node"])


def _caps(old: Ledger, new: Ledger) -> Iterator[Cap]:
    before, after = old.devices_by_accelerator(), new.devices_by_accelerator()
    for name in sorted({*before, *after, *old.device_caps, *new.device_caps}):
        yield Cap(
            accelerator=name,
            cap_before=old.device_caps.get(name),
            cap_after=new.device_caps.get(name),
            devices_before=before.get(name, 0),
            devices_after=after.get(name, 0),
        )


def _quotas(old: Ledger, new: Ledger) -> Iterator[Quota]:
    keys = {(team, key) for ledger in (old, new) for team, quotas in ledger.team_quotas.items() for key in quotas}
    for team, key in sorted(keys):
        yield Quota(
            team=team,
            key=key,
            quota_before=old.team_quotas.get(team, {}).get(key, 0),
            quota_after=new.team_quotas.get(team, {}).get(key, 0),
            used_after=new.used(key, team),
            left_after=new.left(team, key),
        )


def _reasons(comparison: Comparison, found: Accelerators) -> Iterator[Reason]:
    def reason(rule: str, text: str, *paths: str, level: Level = Level.LOOK) -> Reason:
        cause = comparison.cause(*paths)
        place: dict[str, Any] = {"file": comparison.file, "line": cause.line} if cause else {}
        return Reason(level=level, rule=f"accelerators/{rule}", text=text, **place)

    for cap in found.caps:
        if cap.devices_before != cap.devices_after:
            change = _change(cap.devices_before, cap.devices_after)
            yield reason("capacity", f"{cap.accelerator}: {change} devices at most.", *_paths(found, cap.accelerator))
        elif cap.cap_before != cap.cap_after:
            text = f"The cap of {cap.accelerator} changes: {_change(cap.cap_before, cap.cap_after)} devices."
            yield reason("cap", text, f"environment.deviceCaps.{cap.accelerator}")
    for pool in found.pools:
        name = pool.key.partition("/")[0]
        idle = pool.units_after - pool.promised_after
        if pool.units_after != pool.units_before and pool.units_after and idle > 0:
            text = f"{counted(idle, 'unit')} of pool {pool.key} are in no team's quota and stay idle."
            yield reason("idle", text, f"cluster.pools.{name}")
        if pool.devices_min_after != pool.devices_min_before and pool.devices_max_after == pool.devices_max_before:
            change = _change(pool.devices_min_before, pool.devices_min_after)
            yield reason("floor", f"Pool {pool.key} keeps {change} devices running.", f"cluster.pools.{name}")
    for quota in found.quotas:
        if quota.quota_after < quota.quota_before:
            change = _change(quota.quota_before, quota.quota_after)
            text = f"Team {quota.team} loses quota of {quota.key}: {change} units, {quota.used_after} requested."
            yield reason("quota", text, f"teams.{quota.team}.quota.{quota.key}", f"teams.{quota.team}")


def _paths(found: Accelerators, accelerator: str) -> tuple[str, ...]:
    changed = (
        one for one in found.pools if one.accelerator == accelerator and one.devices_max_before != one.devices_max_after
    )
    names = dict.fromkeys(one.key.partition("/")[0] for one in changed)
    return tuple(f"cluster.pools.{name}" for name in names)


def _changed(cap: Cap) -> bool:
    return (cap.cap_before, cap.devices_before) != (cap.cap_after, cap.devices_after)


def _change(before: int | None, after: int | None) -> str:
    one, other = ("none" if value is None else str(value) for value in (before, after))
    return one if one == other else f"{one} → {other}"


def _range(least_before: int, most_before: int, least: int, most: int) -> str:
    before, after = f"{least_before} to {most_before}", f"{least} to {most}"
    return before if before == after else f"{before} → {after}"
