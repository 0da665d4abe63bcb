"""Rules on the hours in which a pool may have nodes."""

from collections.abc import Iterator
from zoneinfo import available_timezones

from components.base.schedules import cron_problem
from components.clouds.working_hours import WorkingHoursSpec
from components.findings import Finding


def check_working_hours(path: str, hours: WorkingHoursSpec, nodes_min: int) -> Iterator[Finding]:
    """Two valid schedules, in an existing time zone, on a pool with nodesMin 0."""
    for key, example in (("start", "0 7 * * 1-5"), ("end", "0 20 * * 1-5")):
        cron = str(hours.get(key) or "")
        problem = cron_problem(cron)
        if problem:
            yield Finding(
                f"{path}.{key}",
                cron or "(missing)",
                f"minute, hour, day of month, month, day of week (0 to 6, Sunday is 0): {problem}",
                f"write it like `{example}`",
            )
    if hours.get("start") and hours.get("start") == hours.get("end"):
        yield Finding(f"{path}.end", hours["end"], "start and end must be different", "correct one")
    zone, known = hours.get("time_zone"), available_timezones()
    if zone is not None and known and zone not in known:
        rule = "a time zone of the IANA database"
        yield Finding(f"{path}.timeZone", zone or "(empty)", rule, "write it like Europe/Paris")
    if nodes_min > 0:
        yield Finding(
            f"{path}",
            f"nodesMin {nodes_min}",
            "a pool with working hours is scaled to zero, and pods determine its size within them",
            "set nodesMin to 0, or remove workingHours",
        )
