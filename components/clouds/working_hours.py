"""Working hours of pools: outside of them a pool has no nodes. The same for every cloud. Pure."""

from typing import Required, TypedDict


class WorkingHoursSpec(TypedDict, total=False):
    """The hours in which a pool may have nodes. Pods that run on it at the end are ended."""

    start: Required[str]
    """Cron expression of five fields: when the pool may have nodes again, `0 7 * * 1-5`."""
    end: Required[str]
    """Cron expression of five fields: when the pool is scaled to zero, `0 20 * * 1-5`."""
    time_zone: str
    """Time zone of the IANA database, `Europe/Paris`. Default: Etc/UTC."""


DEFAULT_TIME_ZONE = "Etc/UTC"
