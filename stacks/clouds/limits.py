"""Whether the cloud gives what the pools can grow to: asked before anything is made, unless nobody wants to know."""

from collections import defaultdict
from collections.abc import Callable, Iterator

import pulumi
import pulumi_aws as aws
import pulumi_gcp as gcp

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES, machines_with
from components.clouds.eks.spec import EksPurchase
from components.clouds.eks.tables import KARPENTER_CAPACITY_TYPES
from components.clouds.limits import CloudLimits, aws_limits, gcp_limits, quota_report
from components.clouds.quotas import QuotaNeed, QuotaPool
from components.findings import Refused
from settings.models.clouds import EksCluster, GkeCluster


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
    most. Pure.

    On GKE also the accelerators that it may make beyond them by itself. Which machines without it makes, nobody says.
    """
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
        return [*pools, *classes, *_made_beyond(cluster)]
    return [
        QuotaPool(
            name, max(pool["machines"], key=lambda machine: MACHINES[machine].cpu), int(pool["nodes_max"]), purchase
        )
        for name, pool in cluster.pools.items()
        for purchase in KARPENTER_CAPACITY_TYPES[EksPurchase(pool.get("purchase") or EksPurchase.ON_DEMAND)]
    ]


def _made_beyond(cluster: GkeCluster) -> Iterator[QuotaPool]:
    """What auto-provisioning's limits leave beside pools and classes: on demand, unless a pod says something else."""
    declared: dict[str, int] = defaultdict(int)
    for spec in (*cluster.pools.values(), *cluster.compute_classes.values()):
        machine = MACHINES[spec["machine"]]
        declared[machine.accelerator] += machine.devices * int(spec["nodes_max"])
    for name, most in cluster.accelerators_max.items():
        smallest = machines_with(name, ClusterKind.GKE)[0]
        nodes = (most - declared[name]) // smallest.devices
        if nodes > 0:
            yield QuotaPool(f"cluster.controlPlane.autoProvisioning.acceleratorsMax.{name}", smallest.name, nodes)
