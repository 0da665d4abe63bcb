"""Models served by images of the teams' own."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated

from components.capacity.ledger import Demand, Holding
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.workloads.demand import model_server_demand, model_server_holding
from components.workloads.serving.spec import ModelServerSpec, replicas_of
from components.workloads.serving.validation import check_model_server
from settings.kinds.base import Platform, PublicName, Replicas, SettingsView, WorkloadKind
from settings.models.shape import Shape
from settings.models.workloads import Workload


class ModelServerEntry(Workload):
    """A model server in an image of the team's own."""

    server: Annotated[ModelServerSpec, Shape(ModelServerSpec)]
    """The image, the model and what they need."""


class ModelServerKind(WorkloadKind[ModelServerEntry]):
    """One Deployment with its Service, and a route where it has a hostname."""

    section = "modelServers"
    model = ModelServerEntry
    description = "Models served by images of the teams' own."
    device_keys = frozenset({"minReplicas", "maxReplicas"})
    size_keys = frozenset({"modelSizeGib"})

    def findings(
        self, path: str, name: str, workload: ModelServerEntry, pool: PoolHandle, settings: SettingsView
    ) -> Iterator[Finding]:
        domains = {domain["name"]: domain["domain"] for domain in settings.domains}
        yield from check_model_server(f"{path}.server", workload.server, pool, domains, entry=path)

    def replicas(self, path: str, workload: ModelServerEntry) -> Replicas | None:
        return Replicas(f"{path}.server", *replicas_of(workload.server))

    def public_names(self, settings: SettingsView) -> Iterable[PublicName]:
        for name, one in self.workloads(settings).items():
            if one.server.get("hostname"):
                yield PublicName(f"modelServers.{name}.server.hostname", one.server["hostname"], chosen=True)

    def endpoints(self, settings: SettingsView) -> Mapping[str, str]:
        servers = self.workloads(settings)
        return {name: one.server["hostname"] for name, one in servers.items() if "hostname" in one.server}

    def demand(self, path: str, name: str, workload: ModelServerEntry, pool: PoolHandle) -> Iterable[Demand]:
        return model_server_demand(path, name, workload.team, workload.server, pool)

    def holdings(self, path: str, name: str, workload: ModelServerEntry) -> Iterable[Holding]:
        return [model_server_holding(path, name, workload.team, workload.server)]

    def row(self, name: str, workload: ModelServerEntry) -> Mapping[str, str]:
        return {"kind": "model server"}

    def declare(self, platform: Platform) -> None:
        from components.workloads.serving.model_server import ModelServer  # noqa: PLC0415

        for name, served in self.workloads(platform.settings).items():
            ModelServer(
                name,
                {
                    "server": served.server,
                    "team": platform.teams[served.team],
                    "pool": platform.pools[served.pool],
                    "artifacts": platform.artifacts,
                    "gateway": platform.gateway,
                    "tracking": platform.tracking,
                    "monitoring": platform.monitoring,
                },
                platform.after_team(served.team, platform.crds),
            )


KIND = ModelServerKind()
