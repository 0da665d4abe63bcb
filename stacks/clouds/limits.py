"""Whether the cloud gives what the pools can grow to: asked before anything is made, unless nobody wants to know."""

from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from components.cloud_limits import CloudLimits, aws_limits, gcp_limits, quota_report
from components.eks.facts import KARPENTER_CAPACITY_TYPES
from components.eks.spec import EksPurchase
from components.machines import MACHINES
from components.quotas import QuotaNeed, QuotaPool
from policies.rules.finding import Refused
from stacks.models.clouds import EksCluster, GkeCluster


def require_quotas(cluster: EksCluster | GkeCluster, provider: aws.Provider | gcp.Provider) -> None:
    """Raises `Refused` where the pools at their largest need more than the account may have. Warns of what nobody
    could say."""
    if not cluster.check_quotas:
        return
    report = quota_report(
        quota_pools(cluster), cluster.region, _reader(cluster, pulumi.InvokeOptions(provider=provider))
    )
    for warning in report.warnings:
        pulumi.log.warn(f"cloud quotas: {warning}")
    if report.findings:
        raise Refused("cloud quotas", report.findings)


def _reader(
    cluster: EksCluster | GkeCluster, options: pulumi.InvokeOptions
) -> Callable[[list[QuotaNeed]], CloudLimits]:
    if isinstance(cluster, EksCluster):
        return lambda needs: aws_limits(needs, cluster.region, options)
    return lambda needs: gcp_limits(needs, cluster.project, cluster.region, options)


def quota_pools(cluster: EksCluster | GkeCluster) -> list[QuotaPool]:
    """The pools as quotas see them: once for each way their nodes are bought, of several machines the one that counts
    most. Pure."""
    if isinstance(cluster, GkeCluster):
        pools = [
            QuotaPool(name, pool["machine"], int(pool["nodes_max"]), str(pool.get("purchase") or "on-demand"))
            for name, pool in cluster.pools.items()
        ]
        classes = [
            QuotaPool(name, one["machine"], int(one["nodes_max"]), str(purchase))
            for name, one in cluster.compute_classes.items()
            for purchase in one["purchases"]
        ]
        return pools + classes
    return [
        QuotaPool(
            name, max(pool["machines"], key=lambda machine: MACHINES[machine].cpu), int(pool["nodes_max"]), purchase
        )
        for name, pool in cluster.pools.items()
        for purchase in KARPENTER_CAPACITY_TYPES[EksPurchase(pool.get("purchase") or EksPurchase.ON_DEMAND)]
    ]
