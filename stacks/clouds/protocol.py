"""The interface of every kind of cluster: one class for each kind, with the same members."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pulumi

from components.addons.zone_identity import ZoneClusters
from components.base.chart_source import ChartSource
from components.clouds.dns import DnsZoneHandle
from components.storage.plan import ObjectStoreHandle
from components.storage.postgresql import ManagedDatabaseHandle


class Cloud(Protocol):
    """A cluster, and the services of its cloud. `stacks/clouds/<kind>.py` has the class of each kind as `CLOUD`.

    The defaults are those of a cluster without a cloud.
    """

    context: str | None = None
    """Context of the kubeconfig; None: the current one."""
    providers: Sequence[pulumi.ProviderResource] = ()
    """The cloud's provider, for components that declare something in the cloud as well."""
    before_objects: Sequence[pulumi.Resource] = ()
    """Resources that are created before every object of the cluster and deleted after them: nodes, drivers,
    controllers.
    """
    store: ObjectStoreHandle | None = None
    """The bucket that the environment creates; None: it creates none."""
    database: ManagedDatabaseHandle | None = None
    """The database that the environment creates; None: it creates none."""
    zone: DnsZoneHandle | None = None
    """The DNS zone that the environment creates or references; None: it has none."""
    storage_parameters: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None
    """Purpose -> parameters of its storage class that the cloud determines; None: none."""

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """The kubeconfig. A secret."""
        raise NotImplementedError

    @property
    def clusters(self) -> ZoneClusters:
        """The cluster's handle for the zone's writers, external-dns and cert-manager."""
        return {}

    def load_balancer_annotations(self, *, public: bool) -> Mapping[str, str] | None:
        """Annotations of a Service of type LoadBalancer that select the kind of the cloud's load balancer; None: no
        cloud."""
        return None

    def declare_nodes(self, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        """Pools that need the cluster's provider and no CRD."""
        return ()

    def declare_pools(self, opts: pulumi.ResourceOptions, source: ChartSource) -> Sequence[pulumi.Resource]:
        """Pools that are custom resources, and the controllers of their nodes. `opts` have all providers."""
        return ()

    def declare_infrastructure(
        self, options: Callable[..., pulumi.ResourceOptions], source: ChartSource, crds: pulumi.Resource
    ) -> None:
        """Services that other add-ons require: addresses for load balancers, drivers for volumes. `options`: of a
        component on this cluster, declared after the given resources."""

    def grant_store(
        self, name: str, namespace: pulumi.Input[str], account: str, store: ObjectStoreHandle, *, write: bool
    ) -> Sequence[pulumi.Resource]:
        """Grant a service account read (or write) access to the bucket, without keys. Its pods start after these."""
        return ()

    def facts(self) -> Mapping[str, Any]:
        """Outputs for a stack with scope platform. They contain secrets."""
        return {}
