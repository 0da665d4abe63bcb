"""The cluster of an environment: its cloud, its provider and its node pools, as handles."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import pulumi
import pulumi_kubernetes as kubernetes

from components.base.chart_source import ChartSource
from components.capacity.placement import PoolHandle
from settings.settings import Settings
from stacks.clouds.protocol import Cloud


class DeclaredCluster(NamedTuple):
    """The cluster, for components that are deployed to it."""

    provider: kubernetes.Provider
    pools: dict[str, PoolHandle]
    """Node pools by name, including pools that are custom resources of the cluster."""
    nodes: list[pulumi.Resource]
    """Resources that must exist before pods."""
    cloud: Cloud
    """The environment's cloud."""

    def opts(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options for a component on this cluster, declared after others."""
        return pulumi.ResourceOptions(providers=[self.provider, *self.cloud.providers], depends_on=[*after])


def cloud_of(settings: Settings) -> Cloud:
    """The cloud of the cluster's kind. Imported on use, because the clouds' SDKs take a second to import."""
    cloud: Callable[[Settings], Cloud] = import_module(f"stacks.clouds.{settings.cluster.kind}").CLOUD
    return cloud(settings)


def declare_cluster(settings: Settings) -> DeclaredCluster:
    """The cluster, its provider configured, its pools declared or described."""
    cloud = cloud_of(settings)
    provider = kubernetes.Provider(
        "cluster",
        kubeconfig=cloud.kubeconfig,
        context=cloud.context,
        # The text of a kubeconfig changes (tokens, paths) although the cluster does not; a change must replace nothing.
        cluster_identifier=f"{settings.cluster.kind}-{settings.environment.name}",
        opts=pulumi.ResourceOptions(depends_on=[*cloud.before_objects]),
    )
    nodes = [*cloud.before_objects, *cloud.declare_nodes(pulumi.ResourceOptions(provider=provider))]
    return DeclaredCluster(provider, settings.pools, nodes, cloud)


def with_pools(cluster: DeclaredCluster, source: ChartSource, crds: pulumi.Resource) -> DeclaredCluster:
    """The cluster with the pools that are custom resources, after their CRDs."""
    made = cluster.cloud.declare_pools(cluster.opts(crds), source)
    return cluster._replace(nodes=[*cluster.nodes, *made])
