"""What the quotas of an account or a project are now: the only place that asks a cloud while a program runs.

A missing answer is a warning, never a refusal, and the check continues without it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from components.clouds.quotas import QuotaNeed, QuotaPool, check_quotas, quota_needs, quota_warnings, unmetered
from components.findings import Finding

DENIED = ("AccessDenied", "not authorized", "PERMISSION_DENIED", "Error 403", "has not been used in project")
"""How clouds say no, as their providers pass it on. The last: the Cloud Quotas API is off in the project."""


@dataclass
class CloudLimits:
    """Limits by `QuotaNeed.key`, and what could not be read."""

    limits: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class QuotaReport:
    """What a check of quotas found."""

    findings: tuple[Finding, ...]
    """Quotas that are too small: reasons not to go on."""
    warnings: tuple[str, ...]
    """What was not checked, and why."""


def quota_report(
    pools: Sequence[QuotaPool], region: str, read: Callable[[list[QuotaNeed]], CloudLimits]
) -> QuotaReport:
    """The pools of one cluster at their largest against the limits that `read` brings.

    What could not be read is said once, by its reason: not again for each quota that is unknown because of it.
    """
    needs = quota_needs(pools)
    found = read(needs)
    readable = [need for need in needs if need.key in found.limits] if found.warnings else needs
    warnings = (*unmetered(pools), *found.warnings, *quota_warnings(readable, found.limits, region))
    return QuotaReport(tuple(check_quotas(needs, found.limits, region)), warnings)


def read_limits(needs: Iterable[QuotaNeed], limit: Callable[[QuotaNeed], float | None]) -> CloudLimits:
    """Each limit once; what could not be read is a warning. `limit`: asks the cloud for one."""
    found = CloudLimits()
    for need in needs:
        if need.key in found.limits:
            continue
        try:
            value = limit(need)
        except Exception as error:  # the engine raises a plain one, with the provider's text
            text = " ".join(str(error).split()) or type(error).__name__
            if any(sign in text for sign in DENIED):
                found.warnings.append(f"not allowed to read quotas: {text}")
                break
            found.warnings.append(f"quota {need.quota_code} could not be read: {text}")
            continue
        if value is not None:
            found.limits[need.key] = value
    return found
