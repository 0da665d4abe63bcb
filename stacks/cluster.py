"""The cluster of an environment: its provider and its node pools, as handles."""

import os
from pathlib import Path
from typing import NamedTuple

import pulumi
import pulumi_kubernetes as kubernetes

from components.base.chart_source import ChartSource
from components.capacity.placement import PoolHandle
from components.clouds.existing.described_pool import DescribedNodePool
from components.clouds.simulated.pool import SimulatedNodePool
from components.findings import Finding, Refused
from settings.models.clouds import EksCluster, GkeCluster
from settings.models.cluster import ExistingCluster, SimulatedCluster
from settings.pools import described_pool
from settings.settings import Settings
from simulator.home import kubeconfig_path
from stacks.clouds.protocol import Cloud


class Cluster(NamedTuple):
    """What stands on a cluster takes this."""

    provider: kubernetes.Provider
    pools: dict[str, PoolHandle]
    nodes: list[pulumi.Resource]
    """What must be there before pods are."""
    cloud: Cloud | None = None
    """What the environment has of a cloud; None: nothing."""

    def opts(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options for a component on this cluster, declared after others."""
        cloud = self.cloud.providers if self.cloud else []
        return pulumi.ResourceOptions(providers=[self.provider, *cloud], depends_on=[*after])


def declare_cluster(settings: Settings) -> Cluster:
    """The cluster, its provider configured, its pools declared or described."""
    cloud = _declare_cloud(settings)
    if cloud is not None:
        after = pulumi.ResourceOptions(depends_on=cloud.before_objects)
        return Cluster(_provider(settings, cloud.kubeconfig, after), cloud.pools, cloud.before_objects, cloud)
    cluster = settings.cluster
    assert isinstance(cluster, SimulatedCluster | ExistingCluster)
    kubeconfig = pulumi.Output.secret(kubeconfig_of(cluster).read_text())
    provider = _provider(settings, kubeconfig, pulumi.ResourceOptions())
    opts = pulumi.ResourceOptions(provider=provider)
    pools: dict[str, SimulatedNodePool | DescribedNodePool] = {}
    if isinstance(cluster, ExistingCluster):
        pools = {name: DescribedNodePool(name, described_pool(pool), opts) for name, pool in cluster.pools.items()}
    else:
        pools = {name: SimulatedNodePool(name, pool, opts) for name, pool in cluster.pools.items()}
    return Cluster(provider, {name: pool.handle for name, pool in pools.items()}, [*pools.values()])


def with_pools(cluster: Cluster, source: ChartSource, crds: pulumi.Resource) -> Cluster:
    """The cluster with those pools that are objects of it, once it knows their kinds."""
    if cluster.cloud is None:
        return cluster
    made = cluster.cloud.declare_pools(cluster.opts(crds), source)
    return cluster._replace(nodes=[*cluster.nodes, *made])


def _declare_cloud(settings: Settings) -> Cloud | None:
    # The clouds' SDKs take a second to import: only who has a cloud pays for it.
    match settings.cluster:
        case EksCluster() as cluster:
            from stacks.clouds.eks import EksCloud  # noqa: PLC0415

            return EksCloud(settings, cluster)
        case GkeCluster() as cluster:
            from stacks.clouds.gke import GkeCloud  # noqa: PLC0415

            return GkeCloud(settings, cluster)
    return None


def _provider(settings: Settings, kubeconfig: pulumi.Output[str], opts: pulumi.ResourceOptions) -> kubernetes.Provider:
    return kubernetes.Provider(
        "cluster",
        kubeconfig=kubeconfig,
        context=settings.cluster.context if isinstance(settings.cluster, ExistingCluster) else None,
        # The text of a kubeconfig changes (tokens, paths); the cluster does not, and nothing is replaced for it.
        cluster_identifier=f"{settings.cluster.kind}-{settings.environment.name}",
        opts=opts,
    )


def kubeconfig_of(cluster: SimulatedCluster | ExistingCluster) -> Path:
    """Where the kubeconfig of that cluster is. Raises `Refused` when there is none, with what to do about it."""
    if isinstance(cluster, ExistingCluster):
        path, remedy = Path(cluster.kubeconfig).expanduser(), "write one, or correct cluster.kubeconfig"
    else:
        path = kubeconfig_path(os.environ.get("MLPLATFORM_CLUSTER") or cluster.name)
        remedy = 'start it with `make up`; for plain pulumi first: eval "$(.venv/bin/python -m tools env)"'
    if not path.exists():
        raise Refused("cluster", [Finding("cluster", str(path), "the kubeconfig of the cluster is there", remedy)])
    return path
