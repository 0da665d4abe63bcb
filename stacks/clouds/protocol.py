"""What an environment has of a cloud: one class for each cloud, one shape for what stands on them."""

from typing import Any, Protocol

import pulumi

from components.addons.zone_identity import Clusters
from components.base.chart_source import ChartSource
from components.capacity.placement import PoolHandle
from components.clouds.dns import DnsZoneHandle
from components.storage.plan import ObjectStoreHandle
from components.storage.postgresql import ManagedDatabaseHandle


class Cloud(Protocol):
    """A cluster in a cloud, and the services beside it."""

    kubeconfig: pulumi.Output[str]
    """How to reach the cluster. A secret."""
    providers: list[pulumi.ProviderResource]
    """The cloud's provider, for components that declare something in the cloud as well."""
    before_objects: list[pulumi.Resource]
    """What is there before any object of the cluster, and goes after all of them: nodes, drivers, controllers."""
    pools: dict[str, PoolHandle]
    """Node pools by name, those too that are made by objects of the cluster."""
    store: ObjectStoreHandle | None
    """The bucket that the environment makes; None: it makes none."""
    database: ManagedDatabaseHandle | None
    """The database that the environment makes; None: it makes none."""
    zone: DnsZoneHandle | None
    """The DNS zone that the environment makes or takes; None: it has none."""
    storage_parameters: dict[str, dict[str, pulumi.Input[str]]]
    """Purpose -> parameters of its storage class that the cloud knows."""

    @property
    def clusters(self) -> Clusters:
        """The cluster as the zone's writers need it: external-dns, cert-manager."""

    def load_balancer_annotations(self, *, public: bool) -> dict[str, str]:
        """Annotations of a Service of type LoadBalancer, with which the cloud makes the right kind of one."""

    def declare_pools(self, opts: pulumi.ResourceOptions, source: ChartSource) -> list[pulumi.Resource]:
        """Pools that are objects of the cluster, and what makes their nodes. `opts` have both providers."""

    def let_in(
        self, name: str, namespace: pulumi.Input[str], account: str, store: ObjectStoreHandle, *, write: bool
    ) -> pulumi.Resource:
        """Let a service account read (or write) the bucket, without keys. Its pods start after this."""

    def facts(self) -> dict[str, Any]:
        """What a stack with scope platform reads of this one. Holds secrets."""
