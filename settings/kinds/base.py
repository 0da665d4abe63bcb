"""What a workload kind is: everything that the platform does with one section of the settings, in one module."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar, cast

from pydantic.alias_generators import to_snake

from catalog.addons import ExistingAddon
from components.addons.gateway_spec import DomainArgs, GatewayHandle
from components.base.chart_source import ChartSource
from components.base.cluster_network import ClusterNetworkHandle
from components.capacity.ledger import Demand, Holding
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.monitoring.spec import MonitoringHandle
from components.storage.plan import ObjectStoreHandle, StorageHandle, StoragePurpose
from components.tenants.spec import TeamSpec
from components.workloads.serving.spec import RuntimeSpec
from settings.models.workloads import Workload

if TYPE_CHECKING:
    from pulumi import Resource, ResourceOptions

    from components.tenants.handles import TeamHandle
    from components.tracking.spec import TrackingHandle

W = TypeVar("W", bound=Workload)


class SettingsView(Protocol):
    """Settings that a kind reads in addition to its section. Reading an unknown part ends the rule that reads it."""

    @property
    def pools(self) -> Mapping[str, PoolHandle]: ...
    @property
    def teams(self) -> Mapping[str, TeamSpec]: ...
    @property
    def storage_handles(self) -> Mapping[StoragePurpose, StorageHandle]: ...
    @property
    def domains(self) -> "Sequence[DomainArgs]": ...
    @property
    def serving_runtimes(self) -> Mapping[str, RuntimeSpec]: ...
    @property
    def existing_addons(self) -> Mapping[ExistingAddon, str]: ...
    @property
    def network(self) -> ClusterNetworkHandle: ...
    @property
    def keep_data(self) -> bool: ...


@dataclass(frozen=True)
class Platform:
    """What workloads are declared on: handles of the other components, and what must be there before."""

    settings: SettingsView
    pools: Mapping[str, PoolHandle]
    teams: "Mapping[str, TeamHandle]"
    storage: Mapping[StoragePurpose, StorageHandle]
    artifacts: ObjectStoreHandle
    tracking: "TrackingHandle"
    gateway: "GatewayHandle"
    monitoring: "MonitoringHandle"
    charts: ChartSource
    crds: "Resource"
    """Every CRD set of the environment."""
    cert_manager: "Resource"
    gateway_ready: "Resource"
    nodes: "Sequence[Resource]"
    """What must be there before pods are."""
    team_ready: "Mapping[str, Sequence[Resource]]"
    """Team -> what must be there before its workloads."""
    options: "Callable[..., ResourceOptions]"
    """Options of a component on this cluster, declared after the given resources."""

    def after_team(self, team: str, *others: "Resource") -> "ResourceOptions":
        """Options of a workload: after these, after all that its team needs, and after the nodes."""
        return self.options(*others, *self.team_ready[team], *self.nodes)


class Replicas(NamedTuple):
    """How many pods a workload has at least and at most."""

    path: str
    """Where `minReplicas` and `maxReplicas` stand."""
    fewest: int
    most: int


class Disk(NamedTuple):
    """A volume that is written from one node."""

    path: str
    """Where it is asked for."""
    purpose: StoragePurpose
    setting: str
    """Key of the workload that chooses another purpose."""


class PublicName(NamedTuple):
    """A host name at the gateway."""

    path: str
    hostname: str
    chosen: bool
    """Whether people wrote it; else it follows from the name of the workload."""


class WorkloadKind(ABC, Generic[W]):
    """One section of the settings, and all that follows from its entries.

    A kind is one module that sets `KIND` to an instance of its subclass. Those of the platform are listed in
    `settings.kinds.registry`; those of a company stand in modules of the same checkout, which the setting
    `workloadKinds` names: `workloadKinds: [examples.kinds.batch]`. Both are treated alike: settings read the section,
    refuse unknown keys, and ask the kind in this order.

    1. `findings`, for each entry whose pool exists: what is wrong with it. Paths start with the given one.
    2. `demand` (accelerators of a pool at the most pods) and `holdings` (CPU, memory, disk and volumes of the team's
       quota at the fewest pods), for the capacity ledger and the quotas. Entries with a finding on a key of
       `device_keys` or `size_keys` are left out of these checks, so that one mistake is one finding.
    3. `declare`, once, with all that workloads stand on. Components are imported there and nowhere else in the module:
       settings that are refused must not wait for the clouds' packages.
    4. `row`, for each entry, in the summary of `make up`.

    The other methods have a default: the kind has no such thing. A method that gets the whole settings reads its
    entries with `workloads`.
    """

    section: str
    """Key of its section in the settings, in camelCase: `modelServers`."""
    model: type[W]
    """What an entry of the section may say. A subclass of `Workload`, which has `team` and `pool`."""
    description: str
    """What the entries are, in one sentence; for the JSON schema and the reference."""
    device_keys: frozenset[str] = frozenset()
    """Keys that decide how many accelerators an entry requests, besides `accelerators`, `pool` and `team`."""
    size_keys: frozenset[str] = frozenset()
    """Keys that decide its other requests, besides `cpuMillis`, `memoryGib` and `ephemeralStorageGib`."""

    @cached_property
    def field(self) -> str:
        """Name of the section within Python."""
        return to_snake(self.section)

    def workloads(self, settings: SettingsView) -> Mapping[str, W]:
        """The entries of its section, by name."""
        return cast(Mapping[str, W], getattr(settings, self.field))

    @abstractmethod
    def findings(
        self, path: str, name: str, workload: W, pool: PoolHandle, settings: SettingsView
    ) -> Iterator[Finding]:
        """What is wrong with one entry."""

    @abstractmethod
    def demand(self, path: str, name: str, workload: W, pool: PoolHandle) -> Iterable[Demand]:
        """Accelerators that it takes of its pool at its most pods; nothing on a CPU pool."""

    @abstractmethod
    def holdings(self, path: str, name: str, workload: W) -> Iterable[Holding]:
        """Its requests other than accelerators, with its minimum of pods, for the team's quota."""

    @abstractmethod
    def declare(self, platform: Platform) -> None:
        """Declare every entry of the section, each after what its team needs (`platform.after_team`)."""

    @abstractmethod
    def row(self, name: str, workload: W) -> Mapping[str, str]:
        """Its part of the summary: `kind`; `resource` where no pods but a custom resource shows its state;
        `without_pods` for what to say while it has none. Name, team, namespace and pool are added."""

    def findings_together(self, settings: SettingsView) -> Iterator[Finding]:
        """What is wrong with the entries together, or with the environment because of them."""
        yield from ()

    def replicas(self, path: str, workload: W) -> Replicas | None:
        """How many pods it has; None where no autoscaler changes that."""
        return None

    def disks(self, path: str, workload: W) -> Iterable[Disk]:
        """Volumes of its pods that lie on disks, which not every machine takes."""
        return ()

    def public_names(self, settings: SettingsView) -> Iterable[PublicName]:
        """Names at the gateway: each leads to one place, and the gateway's certificate covers it."""
        return ()

    def endpoints(self, settings: SettingsView) -> Mapping[str, str]:
        """Name of an entry -> host name that people open, for the summary."""
        return {}

    def scraped_ports(self, settings: SettingsView) -> Iterable[int]:
        """Ports that Prometheus reads outside of the namespaces that the platform makes; teams' need none."""
        return ()
