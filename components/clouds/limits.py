"""What the quotas of an account or a project are now: the only place that asks a cloud while a program runs.

Nobody is refused for what could not be read: an answer that is missing is a warning, and the check goes on without it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pulumi_aws
import pulumi_gcp
from pulumi import InvokeOptions

from components.clouds.quotas import QuotaNeed, QuotaPool, judge_quotas, quota_needs, quota_warnings, unmetered
from components.findings import Finding

DENIED = ("AccessDenied", "not authorized", "PERMISSION_DENIED", "Error 403", "has not been used in project")
"""How clouds say no, as their providers pass it on. The last: the Cloud Quotas API is off in the project."""
UNLIMITED = -1
"""What Google writes for a quota without a limit."""


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
    judged = [need for need in needs if need.key in found.limits] if found.warnings else needs
    warnings = (*unmetered(pools), *found.warnings, *quota_warnings(judged, found.limits, region))
    return QuotaReport(tuple(judge_quotas(needs, found.limits, region)), warnings)


def aws_limits(needs: Iterable[QuotaNeed], region: str, opts: InvokeOptions | None = None) -> CloudLimits:
    """The account's quotas in that region. Needs `servicequotas:GetServiceQuota`."""

    def limit(need: QuotaNeed) -> float | None:
        found = pulumi_aws.servicequotas.get_service_quota(
            service_code=need.service, quota_code=need.quota_code, region=region, opts=opts
        )
        return found.value if found.value is not None else found.default_value

    return _read((need for need in needs if need.cloud == "aws"), limit)


def gcp_limits(needs: Iterable[QuotaNeed], project: str, region: str, opts: InvokeOptions | None = None) -> CloudLimits:
    """The project's quotas in that region. Needs `cloudquotas.quotas.get` and the Cloud Quotas API switched on."""

    def limit(need: QuotaNeed) -> float | None:
        info = pulumi_gcp.cloudquota.get_s_quota_info(
            parent=f"projects/{project}", service=need.service, quota_id=need.quota_code, opts=opts
        )
        rows = [
            (dict(row.dimensions or {}), [detail.value for detail in row.details], list(row.applicable_locations or []))
            for row in info.dimensions_infos
        ]
        return limit_in(rows, need, region)

    return _read((need for need in needs if need.cloud == "gcp"), limit)


def limit_in(rows: list[tuple[dict[str, str], list[str], list[str]]], need: QuotaNeed, region: str) -> float | None:
    """The limit for that region among a quota's rows (dimensions, values, locations): the most particular one. Pure.

    A row without a dimension holds for every value of it that has no row of its own.
    """
    wanted = {name: value.lower() for name, value in (*need.dimensions, ("region", region))}
    place = "global" if need.everywhere else region
    fitting = [
        (len(dimensions), values)
        for dimensions, values, locations in rows
        if all(wanted.get(name) == value.lower() for name, value in dimensions.items())
        and (not locations or place in locations)
    ]
    _, values = max(fitting, default=(0, []))
    if not values or not values[0]:
        return None
    return float("inf") if float(values[0]) == UNLIMITED else float(values[0])


def _read(needs: Iterable[QuotaNeed], limit: Callable[[QuotaNeed], float | None]) -> CloudLimits:
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
