"""Rules on the capacity ledger: supply, caps, quotas and demand must be consistent. For settings and quota policies."""

from collections.abc import Iterator

from components.capacity.ledger import Demand, Ledger, Supply
from components.findings import Finding


def check_ledger(ledger: Ledger) -> Iterator[Finding]:
    """Every inconsistency of supply, caps, quotas and demand."""
    yield from devices_within_cap(ledger)
    yield from quotas_within_supply(ledger)
    yield from demands_within_supply(ledger)
    yield from demands_within_quota(ledger)


def devices_within_cap(ledger: Ledger) -> Iterator[Finding]:
    """Physical devices of all pools at their largest, and of node auto-provisioning, stay within the cap."""
    for accelerator, devices in sorted(ledger.devices_by_accelerator().items()):
        cap = ledger.device_caps.get(accelerator)
        if cap is not None and devices > cap:
            made = devices == ledger.auto_provisioned.get(accelerator)
            where = "through node auto-provisioning" if made else "in pools at their largest"
            lower = f"autoProvisioning.acceleratorsMax.{accelerator}" if made else "nodesMax of a pool"
            yield Finding(
                f"environment.deviceCaps.{accelerator}",
                f"{devices} devices {where}",
                f"this environment may own {cap} {accelerator}",
                f"lower {lower}, or raise the cap on purpose",
            )


def _missing(path: str, value: str, ledger: Ledger) -> Finding:
    keys = ", ".join(sorted({supply.key for supply in ledger.supplies})) or "(none has any)"
    return Finding(path, value, f"a pool that offers accelerators: {keys}", "correct the name, or declare the pool")


def quotas_within_supply(ledger: Ledger) -> Iterator[Finding]:
    """Quotas name existing supply, and their sum does not exceed it."""
    for team, quota in ledger.team_quotas.items():
        for key in quota:
            if ledger.supply(key) is None:
                yield _missing(f"teams.{team}.quota.{key}", f"{quota[key]}", ledger)
    for supply in ledger.supplies:
        promised = ledger.promised(supply.key)
        if promised > supply.units:
            owners = ", ".join(f"{t} {q[supply.key]}" for t, q in ledger.team_quotas.items() if q.get(supply.key))
            yield Finding(
                f"teams.*.quota.{supply.key}",
                f"{promised} promised ({owners})",
                f"pool {supply.pool} holds {supply.units} {supply.resource} at its largest",
                "lower a quota, or raise nodesMax of the pool",
            )
    for supply in ledger.supplies:
        nominal = {queue: quota[supply.key] for queue, quota in ledger.queue_quotas.items() if quota.get(supply.key)}
        if sum(nominal.values()) > supply.units:
            owners = ", ".join(f"{queue} {units}" for queue, units in nominal.items())
            yield Finding(
                f"ClusterQueue {next(iter(nominal))}",
                f"{sum(nominal.values())} {supply.resource} of nominal quota in all queues ({owners})",
                f"pool {supply.pool} holds {supply.units} at its largest",
                "lower a nominalQuota, or raise nodesMax of the pool",
            )


def demands_within_supply(ledger: Ledger) -> Iterator[Finding]:
    """Each pod fits a node, each workload fits its pool, and all workloads of a pool fit it together."""
    for demand in ledger.demands:
        supply = ledger.supply(demand.key)
        if supply is None:
            yield _missing(demand.path, demand.key, ledger)
        elif demand.units_per_pod > supply.units_per_node:
            yield Finding(
                demand.path,
                f"{demand.units_per_pod} {supply.resource} in one pod",
                f"a node of pool {supply.pool} offers {supply.units_per_node}",
                "spread the workload over more pods, or choose a pool with larger nodes",
            )
    for supply in ledger.supplies:
        takers = [demand for demand in ledger.demands if demand.key == supply.key]
        units = sum(demand.units for demand in takers)
        if units > supply.units or _pods_that_fit(supply, takers) < sum(demand.pods for demand in takers):
            names = ", ".join(f"{demand.name} {demand.units}" for demand in takers)
            yield Finding(
                takers[-1].path,
                f"{units} {supply.resource} on pool {supply.pool} ({names})",
                f"pool {supply.pool} holds {supply.units} at its largest ({supply.nodes_max} nodes of "
                f"{supply.units_per_node})",
                "lower the workloads, or raise nodesMax of the pool",
            )


def _pods_that_fit(supply: Supply, takers: list[Demand]) -> int:
    """Number of pods that fit, largest first into the fullest node with space (the scheduler's best case)."""
    free = [supply.units_per_node] * supply.nodes_max
    placed = 0
    for units in sorted((d.units_per_pod for d in takers for _ in range(d.pods)), reverse=True):
        candidates = [index for index, room in enumerate(free) if room >= units]
        if candidates:
            tightest = min(candidates, key=lambda index: free[index])
            free[tightest] -= units
            placed += 1
    return placed


def demands_within_quota(ledger: Ledger) -> Iterator[Finding]:
    """The requests of a team's workloads at their largest stay within its quota."""
    for team, quota in ledger.team_quotas.items():
        for key in sorted({demand.key for demand in ledger.demands if demand.team == team}):
            used = ledger.used(key, team)
            if ledger.supply(key) and used > quota.get(key, 0) >= 0:
                first = next(d for d in ledger.demands if d.team == team and d.key == key)
                yield Finding(
                    first.path,
                    f"team {team} requests {used} of {key}",
                    f"its quota is {quota.get(key, 0)}",
                    f"lower its workloads on that pool, or raise teams.{team}.quota.{key}",
                )
