"""An existing cluster: its nodes are described, and services that a cloud would provide are installed."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import cast

import pulumi

from catalog.addons import ExistingAddon
from components.addons.metallb import MetalLb
from components.base.chart_source import ChartSource
from components.clouds.existing.described_pool import DescribedNodePool
from components.storage.local_path_storage import LocalPathStorage, LocalPathStorageArgs
from components.storage.nfs_storage import NfsStorage, NfsStorageArgs
from settings.clouds.existing import ExistingSettings, described_pool
from settings.settings import Settings
from stacks.clouds.kubeconfig import read_kubeconfig
from stacks.clouds.protocol import Cloud


class ExistingCloud(Cloud):
    """An existing cluster: the platform does not manage its cloud."""

    def __init__(self, settings: Settings) -> None:
        assert isinstance(settings.cluster, ExistingSettings)
        self.settings, self.cluster = settings, settings.cluster
        self.context = self.cluster.context

    @cached_property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The kubeconfig."""
        path = Path(self.cluster.kubeconfig).expanduser()
        return read_kubeconfig(path, "write one, or correct cluster.kubeconfig")

    def declare_nodes(self, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        return [DescribedNodePool(name, described_pool(pool), opts) for name, pool in self.cluster.pools.items()]

    def declare_infrastructure(
        self, options: Callable[..., pulumi.ResourceOptions], source: ChartSource, crds: pulumi.Resource
    ) -> None:
        settings, cluster, pools = self.settings, self.cluster, [*self.settings.pools.values()]
        if cluster.metallb:
            MetalLb(
                "metallb",
                {
                    **cluster.metallb,  # type: ignore[typeddict-item]
                    "source": source,
                    "pools": pools,
                    "monitoring_namespace": settings.monitoring_namespace,
                    "network": settings.network,
                },
                options(crds),
            )
        if cluster.nfs and ExistingAddon.CSI_DRIVER_NFS not in cluster.existing_addons:
            available = settings.environment.highly_available
            nfs = cast(NfsStorageArgs, cluster.nfs)
            NfsStorage("nfs-storage", {**nfs, "source": source, "highly_available": available}, options())
        if cluster.local_path:
            paths = cast(LocalPathStorageArgs, cluster.local_path)
            LocalPathStorage("local-path-storage", {**paths, "pools": pools, "network": settings.network}, options())


CLOUD = ExistingCloud
