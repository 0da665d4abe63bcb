"""What a kind of cluster is to the rest of the settings, and the answers of a cluster that has nothing of its own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, get_args

from catalog.addons import ExistingAddon
from catalog.machines import Machine
from components.base.cluster_network import NODE_LOCAL_DNS, USUAL_API_SERVER_PORTS, ClusterNetworkHandle, PolicyEngine
from components.base.grammar import DNS_NAME
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.storage.plan import DeclaredClassArgs, ObjectStoreKind, StoragePurpose
from settings.clouds.billing import BilledItem, BilledPool
from settings.models.base import Model
from settings.models.environment import Environment
from settings.models.platform import ExistingStore, ObjectStore

C = TypeVar("C", bound="ClusterSettings")


class ClusterSettings(Model):
    """Base of the settings of every kind of cluster: `settings/clouds/<kind>.py`.

    The rest of the settings, their validation and the stack ask these members and know no kind
    (`tests/settings/test_clouds.py`). A field that is wrong is unknown: a rule that reads it ends there.
    """

    in_parts = True
    is_simulated: ClassVar[bool] = False
    """Whether its nodes and pods run nothing."""
    is_made: ClassVar[bool] = False
    """Whether the stack makes the cluster itself, in a cloud."""
    bucket_kind: ClassVar[ObjectStoreKind | None] = None
    """The object store of its cloud, to which the platform can grant service accounts access."""
    services: ClassVar[Mapping[type[Model], str]] = {}
    """Models of the managed services of its cloud -> what to use instead on another kind of cluster."""
    pool_sections: ClassVar[tuple[str, ...]] = ("pools",)
    """The fields whose entries workloads can name as their pool."""

    @classmethod
    def kind_name(cls) -> str:
        """As `cluster.kind` says it."""
        (name,) = get_args(cls.model_fields["kind"].annotation)
        return str(name)

    def pool_handles(self) -> dict[str, PoolHandle]:
        """Pool name -> what it will hand out. The components hand out the same; here it is known before them."""
        raise NotImplementedError

    def billed_pools(self) -> Sequence[BilledPool]:
        """Pools whose machines its cloud bills; none where there is no cloud."""
        return ()

    def billed_items(self, database: Any, *, highly_available: bool) -> Iterator[BilledItem]:
        """Services that its cloud bills besides machines. `database`: the settings of MLflow's."""
        yield from ()

    @property
    def price_region(self) -> str:
        """The region whose price list applies; empty: nothing is billed by a cloud."""
        return ""

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        """Pool name, and everything that is wrong with it by itself."""
        raise NotImplementedError

    def without_pools(self: C, names: set[str]) -> C:
        """The cluster without these pools."""
        kept = {
            section: {name: pool for name, pool in getattr(self, section).items() if name not in names}
            for section in self.pool_sections
        }
        return self.model_copy(update=kept)

    def findings(self, *, keep_data: bool) -> Iterator[Finding]:
        """Everything that is wrong with the cluster but for its pools."""
        yield from ()

    def findings_of_pools_together(self, own: Sequence[Finding]) -> Iterator[Finding]:
        """What is wrong with all pools together, each of them right by itself. `own`: the findings of the cluster."""
        yield from ()

    def check_pool_name(self, path: str, name: str) -> Iterator[Finding]:
        """Whether what is made of a pool can have its name."""
        yield from ()

    def check_group(self, path: str, group: str) -> Iterator[Finding]:
        """Whether logins carry a group of people. On a cluster that exists, its owner has set up the logins."""
        yield from ()

    def check_service(self, path: str, service: Any, environment: Environment, *, keep_data: bool) -> Iterator[Finding]:
        """One of its `services`."""
        yield from ()

    def check_gateway_annotations(self, path: str, annotations: Mapping[str, str]) -> Iterator[Finding]:
        """Whether the gateway's Service gets an address with these annotations."""
        yield from ()

    def binds_accounts(self, store: ObjectStore) -> bool:
        """Whether the platform grants service accounts access to the object store: a bucket of the cluster's cloud."""
        keys = isinstance(store, ExistingStore) and store.access_key_id
        return type(store) in self.services or (store.kind == self.bucket_kind and not keys)

    @property
    def needs_plain_pool(self) -> bool:
        """Whether the platform itself needs a pool that is there before it and takes any pod."""
        return False

    @property
    def has_closed_nodes(self) -> bool:
        """Whether nodes are the cloud's alone: it brings their software, and no pod of ours sees the node."""
        return False

    @property
    def has_pod_metrics(self) -> bool:
        """Whether `metrics.k8s.io` is served, without which no replicas follow their load."""
        return True

    @property
    def accelerators_max(self) -> dict[str, int]:
        """Accelerator -> devices of the whole cluster up to which its cloud makes nodes by itself; empty: it makes
        none."""
        return {}

    @property
    def disk_machines(self) -> Mapping[str, Machine]:
        """Pool -> its machine, where machines of the cloud differ in the disks that they attach; else empty."""
        return {}

    @property
    def dns_ranges(self) -> Sequence[str]:
        """Where names are resolved besides cluster DNS and NodeLocal DNSCache."""
        return ()

    @property
    def cluster_network(self) -> ClusterNetworkHandle:
        """How the cluster resolves names, evaluates policies and reaches its API server."""
        return ClusterNetworkHandle(
            policies=PolicyEngine.KUBERNETES,
            dns_addresses=[NODE_LOCAL_DNS, *self.dns_ranges],
            api_server_ports=[*USUAL_API_SERVER_PORTS],
        )

    @property
    def charts(self) -> Sequence[str]:
        """Charts that are installed only on this kind of cluster, in addition to those of its pools' devices."""
        return ()

    def chart_arguments(self, chart: str) -> Mapping[str, Any]:
        """What the cluster decides of an add-on, as its component takes it."""
        return {}

    @property
    def namespaces(self) -> Iterator[tuple[str, str]]:
        """Namespaces that are made on this kind of cluster alone, each with what runs there."""
        yield from ()

    @property
    def load_balancer_class(self) -> str | None:
        """Class of the gateway's Service; empty: the default one; None: nothing is said of it."""
        return None

    @property
    def present_addons(self) -> Mapping[ExistingAddon, str]:
        """Add-on that the cluster has already -> its namespace."""
        return {}

    @property
    def present_crds(self) -> Sequence[str]:
        """CRD sets that the cluster has already, without their add-ons."""
        return ()

    @property
    def storage_classes(self) -> Sequence[DeclaredClassArgs]:
        """Classes for purposes for which the settings declare none."""
        return ()

    @property
    def storage_parameters(self) -> Mapping[StoragePurpose, Mapping[str, str]]:
        """Parameters that the cluster brings, for those that the settings do not write."""
        return {}


def zone_holds(path: str, zone: str, environment: Environment) -> Iterator[Finding]:
    """Whether the environment's domain lies in a DNS zone."""
    if DNS_NAME.accepts(zone) and not f".{environment.domain}".endswith(f".{zone}"):
        yield Finding(
            path,
            zone,
            f"the environment's domain, {environment.domain}, lies in the zone",
            "name the zone that holds it, or leave dns out",
        )
