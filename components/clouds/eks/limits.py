"""Current quotas of an AWS account."""

from collections.abc import Iterable

import pulumi_aws
from pulumi import InvokeOptions

from components.clouds.limits import CloudLimits, read_limits
from components.clouds.quotas import QuotaNeed


def aws_limits(needs: Iterable[QuotaNeed], region: str, opts: InvokeOptions | None = None) -> CloudLimits:
    """The account's quotas in that region. Needs `servicequotas:GetServiceQuota`."""

    def limit(need: QuotaNeed) -> float | None:
        found = pulumi_aws.servicequotas.get_service_quota(
            service_code=need.service, quota_code=need.quota_code, region=region, opts=opts
        )
        return found.value if found.value is not None else found.default_value

    return read_limits((need for need in needs if need.cloud == "aws"), limit)
