"""What every kind of cluster is to the stack: one class for each, one shape for what stands on them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pulumi

from components.addons.zone_identity import Clusters
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
    """What is there before any object of the cluster, and goes after all of them: nodes, drivers, controllers."""
    store: ObjectStoreHandle | None = None
    """The bucket that the environment makes; None: it makes none."""
    database: ManagedDatabaseHandle | None = None
    """The database that the environment makes; None: it makes none."""
    zone: DnsZoneHandle | None = None
    """The DNS zone that the environment makes or takes; None: it has none."""
    storage_parameters: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None
    """Purpose -> parameters of its storage class that the cloud knows; None: none are known."""

    @property
    def kubeconfig(self) -> pulumi.Output[str]:
        """How to reach the cluster. A secret."""
        raise NotImplementedError

    @property
    def clusters(self) -> Clusters:
        """The cluster as the zone's writers need it: external-dns, cert-manager."""
        return {}

    def load_balancer_annotations(self, *, public: bool) -> Mapping[str, str] | None:
        """Annotations of a Service of type LoadBalancer, with which the cloud makes the right kind of one; None: there
        is no cloud."""
        return None

    def declare_nodes(self, opts: pulumi.ResourceOptions) -> Sequence[pulumi.Resource]:
        """Pools that need the cluster's provider and no CRD."""
        return ()

    def declare_pools(self, opts: pulumi.ResourceOptions, source: ChartSource) -> Sequence[pulumi.Resource]:
        """Pools that are custom resources, and what makes their nodes. `opts` have all providers."""
        return ()

    def declare_infrastructure(
        self, options: Callable[..., pulumi.ResourceOptions], source: ChartSource, crds: pulumi.Resource
    ) -> None:
        """What other add-ons take for granted: addresses for load balancers, drivers for volumes. `options`: of a
        component on this cluster, declared after the given resources."""

    def grant_store(
        self, name: str, namespace: pulumi.Input[str], account: str, store: ObjectStoreHandle, *, write: bool
    ) -> Sequence[pulumi.Resource]:
        """Grant a service account read (or write) access to the bucket, without keys. Its pods start after these."""
        return ()

    def facts(self) -> Mapping[str, Any]:
        """What a stack with scope platform reads of this one. Holds secrets."""
        return {}
