"""Calls of the GKE API that empty a pool outside working hours. Pure."""

import json
from dataclasses import dataclass

from components.clouds.gke.plan import GkeGroup
from components.clouds.gke.spec import GkePoolSpec
from components.clouds.working_hours import DEFAULT_TIME_ZONE
from components.findings import camel


@dataclass(frozen=True)
class ScheduledCall:
    """One scheduled call of the GKE API."""

    role: str
    """Last part of the job's name."""
    schedule: str
    time_zone: str
    method: str
    """`setAutoscaling` or `setSize`."""
    body: str
    """JSON."""


def working_hours_calls(spec: GkePoolSpec, group: GkeGroup) -> list[ScheduledCall]:
    """Calls at the start and at the end of working hours; empty if the pool has none.

    GKE has no schedule for pools. Autoscaling is turned off first, because it would change the size again. The pool is
    resized to zero minutes later, twice: GKE runs one operation at a time in a cluster, and calls may be late.
    """
    hours = spec.get("working_hours")
    if not hours or group.autoscaling is None:
        return []
    zone = hours.get("time_zone") or DEFAULT_TIME_ZONE
    opened = {"autoscaling": {"enabled": True, **{camel(k): v for k, v in group.autoscaling.items()}}}
    closed = {"autoscaling": {"enabled": False}}
    return [
        ScheduledCall("start", hours["start"], zone, "setAutoscaling", json.dumps(opened, sort_keys=True)),
        ScheduledCall("end", hours["end"], zone, "setAutoscaling", json.dumps(closed, sort_keys=True)),
        ScheduledCall("empty", minutes_later(hours["end"]), zone, "setSize", json.dumps({"nodeCount": 0})),
    ]


EMPTY_AFTER_MINUTES = (3, 9)
LAST_END_MINUTE = 59 - EMPTY_AFTER_MINUTES[-1]


def minutes_later(cron: str) -> str:
    """The schedule that empties a pool, a few minutes after the given end of its hours and in the same hour."""
    minute, rest = cron.split(" ", 1)
    return f"{','.join(str(int(minute) + later) for later in EMPTY_AFTER_MINUTES)} {rest}"
