"""The longest gap of a schedule against the runs themselves, one after the other, as cronsim counts them.

Not proved: that Kubernetes counts as cronsim does (policies refuse what only one of them understands).
"""

from datetime import datetime, timedelta, timezone
from itertools import islice, pairwise

import pytest
from cronsim import CronSim

from components.base.schedules import longest_gap


@pytest.mark.parametrize(
    ("cron", "hours"),
    [
        ("17 2 * * *", 24),
        ("0 0 * * 0", 7 * 24),
        ("0 */6 * * *", 6),
        ("30 9 * * 1-5", 72),
        ("0 8,20 * * 1-5", 60),
        ("0 3 1 * *", 31 * 24),
        ("0 3 1 */3 *", 92 * 24),
        ("0 0 29 2 *", 24 * (366 + 3 * 365)),
    ],
)
def test_the_longest_gap_of_usual_schedules(cron: str, hours: int) -> None:
    assert longest_gap(cron) == timedelta(hours=hours)


@pytest.mark.parametrize("cron", ["*/20 1-3 * * *", "5 4 * * 2,5", "0 22 1-7 * *", "59 23 L * *", "0 0 1,15 * *"])
def test_no_run_of_two_years_comes_later_than_the_longest_gap(cron: str) -> None:
    runs = islice(CronSim(cron, datetime(2027, 1, 1, tzinfo=timezone.utc)), 8000)
    gaps = [later - earlier for earlier, later in pairwise(runs) if later.year < 2029]
    assert longest_gap(cron) == max(gaps)
