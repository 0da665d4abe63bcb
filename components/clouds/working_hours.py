"""When expensive pools may run: outside working hours they have no node. Facts for every cloud; pure."""

from typing import Required, TypedDict


class WorkingHoursSpec(TypedDict, total=False):
    """The hours in which a pool may have nodes. Whatever runs on it at the end of them is ended."""

    start: Required[str]
    """Cron expression of five fields at which the pool may grow again: `0 7 * * 1-5`."""
    end: Required[str]
    """Cron expression of five fields at which it goes to zero: `0 20 * * 1-5`."""
    time_zone: str
    """Of the IANA database, `Europe/Paris`. Default: Etc/UTC."""


DEFAULT_TIME_ZONE = "Etc/UTC"
