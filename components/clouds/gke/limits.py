"""Current quotas of a Google Cloud project."""

from collections.abc import Iterable

import pulumi_gcp
from pulumi import InvokeOptions

from components.clouds.limits import CloudLimits, read_limits
from components.clouds.quotas import QuotaNeed

UNLIMITED = -1
"""Value of a quota without a limit in Google's API."""


def gcp_limits(needs: Iterable[QuotaNeed], project: str, region: str, opts: InvokeOptions | None = None) -> CloudLimits:
    """The project's quotas in that region. Needs `cloudquotas.quotas.get` and the enabled Cloud Quotas API."""

    def limit(need: QuotaNeed) -> float | None:
        info = pulumi_gcp.cloudquota.get_s_quota_info(
            parent=f"projects/{project}", service=need.service, quota_id=need.quota_code, opts=opts
        )
        rows = [
            (dict(row.dimensions or {}), [detail.value for detail in row.details], list(row.applicable_locations or []))
            for row in info.dimensions_infos
        ]
        return limit_in(rows, need, region)

    return read_limits((need for need in needs if need.cloud == "gcp"), limit)


def limit_in(rows: list[tuple[dict[str, str], list[str], list[str]]], need: QuotaNeed, region: str) -> float | None:
    """The limit for that region among a quota's rows (dimensions, values, locations): the most specific one. Pure.

    A row without a dimension applies to every value of that dimension without a row of its own.
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
