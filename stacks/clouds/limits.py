"""Checks cloud quotas for the largest size of the pools, before anything is created, unless disabled."""

from collections.abc import Callable, Sequence

import pulumi

from components.clouds.limits import CloudLimits, quota_report
from components.clouds.quotas import QuotaNeed, QuotaPool
from components.findings import Refused


def require_quotas(pools: Sequence[QuotaPool], region: str, read: Callable[[list[QuotaNeed]], CloudLimits]) -> None:
    """Raises `Refused` if the pools at their maximum size need more than the account's quotas. Warns of
    unknown limits.
    """
    report = quota_report(pools, region, read)
    for warning in report.warnings:
        pulumi.log.warn(f"cloud quotas: {warning}")
    if report.findings:
        raise Refused("cloud quotas", report.findings)
