"""How often a cron schedule runs. Pure."""

from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise, takewhile

from cronsim import CronSim

YEARS = 9
"""Years that are looked at: 29 February comes back after eight at the latest, up to 2096."""
_START = datetime(2027, 1, 1, tzinfo=timezone.utc)


@cache
def longest_gap(cron: str) -> timedelta:
    """The longest time between two runs of a schedule of five fields in UTC.

    Days and times of day are looked at apart: a schedule that runs each minute has millions of runs.
    """
    minute, hour, day, month, weekday = cron.split()
    end = _START + timedelta(days=366 * YEARS)
    days = [*takewhile(lambda each: each < end, CronSim(f"0 0 {day} {month} {weekday}", _START))]
    tomorrow = _START + timedelta(days=1)
    times = [*takewhile(lambda each: each < tomorrow, CronSim(f"{minute} {hour} * * *", _START - timedelta(minutes=1)))]
    over_night = max(later - earlier for earlier, later in pairwise(days)) - (times[-1] - times[0])
    return max([over_night, *(later - earlier for earlier, later in pairwise(times))])
