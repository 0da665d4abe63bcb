"""Models that KServe serves."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated

from catalog.addons import ExistingAddon
from components.base.grammar import LABEL
from components.capacity.ledger import Demand, Holding
from components.capacity.placement import PoolHandle
from components.findings import Finding
from components.tenants.spec import namespace_of
from components.workloads.demand import inference_demand, inference_holdings
from components.workloads.serving.hosts import inference_host, published_labels
from components.workloads.serving.runtime_table import known_runtimes
from components.workloads.serving.spec import InferenceSpec, replicas_of
from components.workloads.serving.validation import check_inference, check_inference_name
from settings.kinds.base import Platform, PublicName, Replicas, SettingsView, WorkloadKind
from settings.models.shape import Shape
from settings.models.workloads import Workload

if TYPE_CHECKING:
    from pulumi import Resource


class Inference(Workload):
    """A model served by KServe."""

    service: Annotated[InferenceSpec, Shape(InferenceSpec)]
    """The model and what it needs."""


class InferenceKind(WorkloadKind[Inference]):
    """One InferenceService. KServe and its runtimes are declared with the section, unless the cluster has a KServe."""

    section = "inference"
    model = Inference
    description = "Models served by KServe."
    device_keys = frozenset({"canary", "minReplicas", "maxReplicas"})

    def findings(
        self, path: str, name: str, workload: Inference, pool: PoolHandle, settings: SettingsView
    ) -> Iterator[Finding]:
        runtimes = known_runtimes(settings.serving_runtimes)
        yield from check_inference_name(path, name, workload.service)
        pools = [*settings.pools.values()]
        yield from check_inference(f"{path}.service", workload.service, pool, runtimes, pools, entry=path)

    def findings_together(self, settings: SettingsView) -> Iterator[Finding]:
        models = self.workloads(settings)
        if ExistingAddon.KSERVE in settings.existing_addons and models:
            yield Finding(
                f"cluster.existingAddons.{ExistingAddon.KSERVE}",
                settings.existing_addons[ExistingAddon.KSERVE],
                f"models under inference ({', '.join(models)}) need a KServe that serves through the "
                "platform's gateway and knows its runtimes; this one is set up by its owner",
                "serve them with modelServers, or uninstall that KServe and remove it here",
            )

    def replicas(self, path: str, workload: Inference) -> Replicas | None:
        return Replicas(f"{path}.service", *replicas_of(workload.service))

    def public_names(self, settings: SettingsView) -> Iterable[PublicName]:
        for name, model, namespace in self._served(settings):
            canary = model.service.get("canary")
            versions = (model.service.get("version"), canary.get("version") if canary else None)
            if not all(LABEL.accepts(part) for part in (namespace, *versions) if part):
                continue  # it is a finding of its own
            for label in published_labels(name, namespace, model.service):
                yield PublicName(f"inference.{name}", f"{label}.{settings.domains[0]['domain']}", chosen=False)

    def endpoints(self, settings: SettingsView) -> Mapping[str, str]:
        domain = settings.domains[0]["domain"]
        return {name: inference_host(name, namespace, domain) for name, _, namespace in self._served(settings)}

    def _served(self, settings: SettingsView) -> Iterator[tuple[str, Inference, str]]:
        """Models with the namespace of their team. Names at a KServe that the cluster had follow from its own
        configuration."""
        if ExistingAddon.KSERVE in settings.existing_addons:
            return
        for name, model in self.workloads(settings).items():
            team = settings.teams.get(model.team)
            if team:
                yield name, model, namespace_of(model.team, team)

    def demand(self, path: str, name: str, workload: Inference, pool: PoolHandle) -> Iterable[Demand]:
        return inference_demand(path, name, workload.team, workload.service, pool)

    def holdings(self, path: str, name: str, workload: Inference) -> Iterable[Holding]:
        return inference_holdings(path, name, workload.team, workload.service)

    def row(self, name: str, workload: Inference) -> Mapping[str, str]:
        return {"kind": "KServe model", "resource": "InferenceService"}

    def declare(self, platform: Platform) -> None:
        from components.workloads.serving.inference_service import InferenceService  # noqa: PLC0415

        settings = platform.settings
        serving = [] if ExistingAddon.KSERVE in settings.existing_addons else [_declare_kserve(platform)]
        for name, inference in self.workloads(settings).items():
            InferenceService(
                name,
                {
                    "service": inference.service,
                    "team": platform.teams[inference.team],
                    "pool": platform.pools[inference.pool],
                    "runtimes": dict(settings.serving_runtimes),
                    "tracking": platform.tracking,
                    "monitoring": platform.monitoring,
                },
                platform.after_team(inference.team, *serving, platform.gateway_ready),
            )


def _declare_kserve(platform: Platform) -> "Resource":
    from components.addons.kserve import KServe  # noqa: PLC0415
    from components.workloads.serving.runtimes import ServingRuntimes  # noqa: PLC0415

    settings = platform.settings
    kserve = KServe(
        "kserve",
        {
            "source": platform.charts,
            "gateway": platform.gateway,
            "domain": settings.domains[0]["name"],
            "store": platform.artifacts,
            "monitoring_namespace": platform.monitoring["namespace"],
            "network": settings.network,
        },
        platform.options(platform.cert_manager),
    )
    return ServingRuntimes("serving-runtimes", {"own": dict(settings.serving_runtimes)}, platform.options(kserve))


KIND = InferenceKind()
