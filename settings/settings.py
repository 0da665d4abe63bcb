"""What an environment is: one frozen model of the settings in `Pulumi.<stack>.yaml`.

Keys are camelCase in YAML; units stand in the names (`memoryGib`, `deadlineMinutes`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar, NamedTuple, TypeVar, cast

from pydantic import Field, StringConstraints, create_model

from catalog.addons import ExistingAddon
from catalog.versions import crd_sets
from components.addons.accelerator_nodes import accelerator_charts
from components.addons.gateway_spec import DEFAULT_NAMESPACE as GATEWAY_NAMESPACE
from components.addons.gateway_spec import CertificateSource, DomainArgs
from components.base.chart_source import ChartOrigin
from components.base.cluster_network import (
    ClusterNetworkHandle,
)
from components.capacity.ledger import Demand, Holding, Ledger, Supply, supplies_of
from components.capacity.placement import PoolHandle
from components.monitoring.spec import DEFAULT_NAMESPACE as MONITORING_NAMESPACE
from components.monitoring.spec import DEFAULT_STORAGE_GIB, AlertRulesSpec
from components.storage.plan import (
    StorageClassesArgs,
    StorageClassesSpec,
    StorageHandle,
    StoragePurpose,
    plan_storage_classes,
)
from settings.clouds.registry import AnyCluster
from settings.kinds.base import WorkloadKind
from settings.kinds.registry import KINDS
from settings.models.base import MODULE_PATTERN, Model, Name
from settings.models.environment import Acme, Charts, Environment, Scope
from settings.models.platform import (
    DEFAULT_STORE,
    Alerts,
    Dns,
    ExistingStore,
    Gateway,
    Mlflow,
    Monitoring,
    Nvidia,
    ObjectStore,
    Plugin,
    Route53,
    Storage,
)
from settings.models.workloads import ServingRuntime, Team, Workload

PROJECT = "mlplatform"
MLFLOW_NAMESPACE = "mlflow"
STORE_NAMESPACE = "object-store"


class AccountAnnotations(NamedTuple):
    """Of service accounts, by what they do with the object store."""

    writers: Mapping[str, str]
    readers: Mapping[str, str]


M = TypeVar("M", bound="Settings")


def with_sections(kinds: Sequence[WorkloadKind[Any]]) -> Callable[[type[M]], type[M]]:
    """Decorates settings: each kind of workload has a section of its own, after the other keys."""
    sections: dict[str, Any] = {
        kind.field: (dict[Name, kind.model], Field(default={}, description=kind.description))  # type: ignore[name-defined]
        for kind in kinds
    }

    def extended(settings: type[M]) -> type[M]:
        model = create_model(
            settings.__name__, __base__=settings, __module__=settings.__module__, __doc__=settings.__doc__, **sections
        )
        model.kinds = (*settings.kinds, *kinds)
        return model

    return extended


@with_sections(KINDS)
class Settings(Model):
    """One environment, whole."""

    kinds: ClassVar[tuple[WorkloadKind[Any], ...]] = ()
    """The kinds of workloads that have a section, in the order in which they are declared."""

    environment: Environment
    """Facts about the environment and its limits."""
    cluster: AnyCluster
    """The cluster."""
    device_plugins: dict[Name, Plugin] = {}
    """Device plugins for accelerators that are not in the catalogue: each runs on the pools whose
    `customAccelerator` has its resource name."""
    nvidia: Nvidia = Nvidia()
    """Software for NVIDIA devices that the platform installs."""
    scope: Scope = Scope.ALL
    """The part of the environment that this stack contains."""
    cluster_stack_reference: str = ""
    """scope platform only: the stack that holds the cluster, `organization/mlplatform/prod-cluster`."""
    charts: Charts = Charts()
    """Where charts and CRDs come from."""
    storage: Storage = cast(StorageClassesSpec, {})
    """Storage classes, by purpose."""
    object_store: ObjectStore = DEFAULT_STORE
    """Object store of artifacts, models and backups."""
    dns: Dns | None = None
    """The DNS zone of the environment's domain; default: records are managed outside."""
    acme: Acme | None = None
    """ACME account for public certificates; default: none, certificates of the platform's CA."""
    gateway: Gateway | None = None
    """The gateway; default: the environment's domain, certificates of the platform's CA."""
    monitoring: Monitoring | None = None
    """Prometheus, Alertmanager and Grafana."""
    alerts: Alerts = cast(AlertRulesSpec, {})
    """Objectives and runbooks of alerts."""
    mlflow: Mlflow = Mlflow()
    """The tracking server."""
    teams: dict[Name, Team] = {}
    """Team name -> its quota, members and allowed traffic."""
    workload_kinds: list[Annotated[str, StringConstraints(pattern=MODULE_PATTERN)]] = []
    """Workload kinds of your own: Python modules of this checkout, each of which brings one more section of settings
    (`settings/kinds/base.py` says how, `examples/kinds/batch.py` is one)."""
    serving_runtimes: dict[Name, ServingRuntime] = {}
    """Model servers for KServe in addition to the platform's: name -> image and the formats that it loads."""

    @property
    def keep_data(self) -> bool:
        """Whether data outlives the stack: not in a simulation, a rehearsal or a disposable environment."""
        thrown_away = self.environment.rehearsal or self.environment.disposable
        return not self.cluster.is_simulated and not thrown_away

    @property
    def binds_accounts(self) -> bool:
        """Whether the platform lets service accounts into the object store: a bucket of the cluster's own cloud."""
        return self.cluster.binds_accounts(self.object_store)

    @property
    def account_annotations(self) -> AccountAnnotations:
        """Annotations of the service accounts that reach the object store without keys."""
        identity = self.object_store.identity if isinstance(self.object_store, ExistingStore) else None
        return AccountAnnotations(identity.writers, identity.readers) if identity else AccountAnnotations({}, {})

    @property
    def chart_origin(self) -> ChartOrigin:
        """Where charts come from; stand-ins in a rehearsal, whatever the settings say."""
        return ChartOrigin.STUB if self.environment.rehearsal else self.charts.origin

    @property
    def cluster_name(self) -> str:
        """How a cluster that we make is called in its cloud."""
        return f"{PROJECT}-{self.environment.name}"

    @property
    def existing_addons(self) -> Mapping[ExistingAddon, str]:
        """Add-on that the cluster has already -> its namespace."""
        return self.cluster.present_addons

    @property
    def network(self) -> ClusterNetworkHandle:
        """How the cluster resolves names, evaluates policies and reaches its API server: known of clouds, written of an
        existing cluster."""
        return self.cluster.cluster_network

    @property
    def needed_crds(self) -> frozenset[str]:
        """Required CRD sets, installed by the platform or not: those of every platform, and those of its own charts."""
        return frozenset(crd_sets([*accelerator_charts([*self.pools.values()]), *self.cluster.charts]))

    @cached_property
    def pools(self) -> dict[str, PoolHandle]:
        """Pool name -> what it will hand out."""
        return self.cluster.pool_handles()

    @property
    def storage_args(self) -> StorageClassesArgs:
        """As the component takes them; what the cloud knows of them is added when it is there."""
        given: dict[str, dict[str, Any]] = {
            purpose: {**parameters} for purpose, parameters in (self.storage.get("parameters") or {}).items()
        }
        for purpose, parameters in self.cluster.storage_parameters.items():
            given[purpose] = {**parameters, **given.get(purpose, {})}
        args = StorageClassesArgs(**self.storage, cluster_kind=self.cluster.kind, keep_data=self.keep_data)
        if classes := self.cluster.storage_classes:
            written = args.get("declared") or []
            purposes = {one["purpose"] for one in written}
            args["declared"] = [*written, *(one for one in classes if one["purpose"] not in purposes)]
        return {**args, "parameters": given} if given else args

    @cached_property
    def storage_handles(self) -> dict[StoragePurpose, StorageHandle]:
        """Purpose -> storage class, as the component will hand them out."""
        return {plan.purpose: plan.handle for plan in plan_storage_classes(PROJECT, self.storage_args)}

    @property
    def domains(self) -> list[DomainArgs]:
        """What the gateway serves: as written, else the environment's domain with certificates of our own CA."""
        written = self.gateway.get("domains") if self.gateway else None
        default = DomainArgs(name="platform", domain=self.environment.domain, certificate=CertificateSource.INTERNAL)
        return written or [default]

    @property
    def proved_zone(self) -> str:
        """The DNS zone whose names are proved to the ACME authority by records in it; empty: there is none."""
        if self.dns is None or self.acme is None:
            return ""
        return (self.dns.route53 if isinstance(self.dns, Route53) else self.dns.cloud_dns)["domain"]

    @property
    def monitoring_args(self) -> dict[str, Any]:
        """The part of what monitoring takes that people write, with the size that it has by default."""
        return {"storage_gib": DEFAULT_STORAGE_GIB, **(self.monitoring or {})}

    @property
    def monitoring_namespace(self) -> str:
        """Where Prometheus runs."""
        return self.monitoring_args.get("namespace") or MONITORING_NAMESPACE

    @property
    def gateway_namespace(self) -> str:
        """Where the gateway is."""
        return (self.gateway.get("namespace") if self.gateway else None) or GATEWAY_NAMESPACE

    def plugin_namespace(self, name: str) -> str:
        """Where a declared device plugin runs."""
        return self.device_plugins[name].get("namespace") or f"{name}-device-plugin"

    def workloads(self) -> Iterator[tuple[str, str, Workload]]:
        """Path, name and settings of every workload."""
        for kind in self.kinds:
            for name, workload in kind.workloads(self).items():
                yield f"{kind.section}.{name}", name, workload

    def kind_of(self, workload: Workload) -> WorkloadKind[Any]:
        """The kind of a workload."""
        return next(kind for kind in self.kinds if kind.model is type(workload))

    def supplies(self) -> tuple[Supply, ...]:
        """What the pools offer together."""
        return tuple(row for pool in self.pools.values() for row in supplies_of(pool["capacity"]))

    def demands(self) -> Iterator[Demand]:
        """What workloads take at their largest, of pools that exist."""
        for path, name, workload in self.workloads():
            pool = self.pools.get(workload.pool)
            if pool is not None:
                yield from self.kind_of(workload).demand(path, name, workload, pool)

    def holdings(self) -> Iterator[Holding]:
        """Requests of workloads other than accelerators, on all pools, for the teams' quotas."""
        for path, name, workload in self.workloads():
            yield from self.kind_of(workload).holdings(path, name, workload)

    @cached_property
    def ledger(self) -> Ledger:
        """Supply, caps, quotas and demand of the whole environment."""
        return Ledger(
            supplies=self.supplies(),
            device_caps=dict(self.environment.device_caps),
            team_quotas={name: dict(team.get("quota") or {}) for name, team in self.teams.items()},
            demands=tuple(self.demands()),
            auto_provisioned=self.cluster.accelerators_max,
        )
