"""Current quotas of an account or a project. Only this module queries a cloud while a program runs.

A missing answer is a warning, never a refusal, and the check continues without it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from components.clouds.quotas import QuotaNeed, QuotaPool, check_quotas, quota_needs, quota_warnings, unmetered
from components.findings import Finding

DENIED = ("AccessDenied", "not authorized", "PERMISSION_DENIED", "Error 403", "has not been used in project")
"""Error texts of denied requests, as the providers report them. The last: the Cloud Quotas API is disabled."""


@dataclass
class CloudLimits:
    """Limits by `QuotaNeed.key`, and what could not be read."""

    limits: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class QuotaReport:
    """Result of a check of quotas."""

    findings: tuple[Finding, ...]
    """Quotas that are too small; they refuse the deployment."""
    warnings: tuple[str, ...]
    """Quotas that were not checked, with the reason."""


def quota_report(
    pools: Sequence[QuotaPool], region: str, read: Callable[[list[QuotaNeed]], CloudLimits]
) -> QuotaReport:
    """Compare the pools of one cluster at their maximum size with the limits that `read` returns.

    A failed read is reported once by its reason, not once for each quota that is unknown because of it.
    """
    needs = quota_needs(pools)
    found = read(needs)
    readable = [need for need in needs if need.key in found.limits] if found.warnings else needs
    warnings = (*unmetered(pools), *found.warnings, *quota_warnings(readable, found.limits, region))
    return QuotaReport(tuple(check_quotas(needs, found.limits, region)), warnings)


def read_limits(needs: Iterable[QuotaNeed], limit: Callable[[QuotaNeed], float | None]) -> CloudLimits:
    """Read each limit once; a failed read is a warning. `limit`: queries the cloud for one limit."""
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
