"""Intervals of cron schedules. Pure."""

import re
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise, takewhile

from cronsim import CronSim, CronSimError

YEARS = 9
"""Number of years that are examined: 29 February recurs after at most eight, up to 2096."""
_START = datetime(2027, 1, 1, tzinfo=timezone.utc)


@cache
def longest_gap(cron: str) -> timedelta:
    """The longest time between two runs of a schedule of five fields in UTC.

    Days and times of day are examined separately: a schedule with a run each minute has millions of runs.
    """
    minute, hour, day, month, weekday = cron.split()
    every_day = day == month == weekday == "*"
    end = _START + timedelta(days=3 if every_day else 366 * YEARS)
    days = [*takewhile(lambda each: each < end, CronSim(f"0 0 {day} {month} {weekday}", _START))]
    tomorrow = _START + timedelta(days=1)
    times = [*takewhile(lambda each: each < tomorrow, CronSim(f"{minute} {hour} * * *", _START - timedelta(minutes=1)))]
    over_night = max(later - earlier for earlier, later in pairwise(days)) - (times[-1] - times[0])
    return max([over_night, *(later - earlier for earlier, later in pairwise(times))])


def cron_problem(cron: str) -> str:
    """The error in a cron expression; empty if there is none. Only expressions that Kubernetes supports are
    accepted."""
    fields = cron.split()
    if cron.startswith(("TZ=", "CRON_TZ=")):
        return "set the time zone in timeZone"
    if len(fields) != 5:
        return f"{len(fields)} fields instead of five"
    if not cron.isprintable():
        return "on one line, with blanks between the fields"
    # cronsim also accepts Sunday as 7, the last day (L), weekday names with an ordinal (#): robfig/cron does not.
    if re.search(r"[L#W]", re.sub(r"[A-Za-z]{3}", "", cron)) or re.search(r"(?<!\d)7(?!\d)", fields[4]):
        return "L, W, # and day 7 are not supported"
    try:
        CronSim(cron, datetime(2026, 1, 1, tzinfo=timezone.utc))
    except CronSimError as error:
        return str(error).lower()
    return ""
