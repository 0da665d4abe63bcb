"""The cluster of an environment: its provider and its node pools, as handles."""

import os
from pathlib import Path
from typing import NamedTuple

import pulumi
import pulumi_kubernetes as kubernetes

from components.catalog import ClusterKind
from components.node_pools.described import DescribedNodePool
from components.node_pools.simulated import SimulatedNodePool
from components.placement import PoolHandle
from policies.rules.finding import Finding, Refused
from simulator.home import kubeconfig_path
from stacks.models.cluster import ExistingCluster, SimulatedCluster
from stacks.settings import Settings


class Cluster(NamedTuple):
    """What stands on a cluster takes this."""

    provider: kubernetes.Provider
    pools: dict[str, PoolHandle]
    nodes: list[pulumi.Resource]
    """What must be there before pods are."""

    def opts(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options for a component on this cluster, declared after others."""
        return pulumi.ResourceOptions(provider=self.provider, depends_on=[*after])


def declare_cluster(settings: Settings) -> Cluster:
    """The cluster, its provider configured, its pools declared or described."""
    kubeconfig = kubeconfig_of(settings.cluster)
    provider = kubernetes.Provider(
        "cluster",
        kubeconfig=pulumi.Output.secret(kubeconfig.read_text()),
        context=settings.cluster.context if isinstance(settings.cluster, ExistingCluster) else None,
        # The text of a kubeconfig changes (tokens, paths); the cluster does not, and nothing is replaced for it.
        cluster_identifier=f"{settings.cluster.kind}-{settings.environment.name}",
    )
    simulated = settings.cluster.kind == ClusterKind.SIMULATED
    opts = pulumi.ResourceOptions(provider=provider)
    pools = {
        name: SimulatedNodePool(name, pool, opts) if simulated else DescribedNodePool(name, {"pool": pool}, opts)
        for name, pool in settings.cluster.pools.items()
    }
    return Cluster(provider, {name: pool.handle for name, pool in pools.items()}, [*pools.values()])


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
