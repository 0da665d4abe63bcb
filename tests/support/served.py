"""The objects that KServe gets of us: of the four environments' models and of every contract case, and the runtimes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.addons.kserve import KServeArgs, kserve_values
from components.base.chart_source import ChartOrigin, ChartSource
from components.capacity.placement import PoolHandle
from components.tenants.handles import TeamHandle
from components.tenants.plan import SERVING_ACCOUNT, TRAINING_ACCOUNT
from components.tenants.spec import namespace_of
from components.workloads.serving.inference_service import InferenceService
from components.workloads.serving.runtimes import ServingRuntimes
from components.workloads.serving.spec import RuntimeSpec
from settings.reader import from_file
from settings.settings import Settings
from tests.components.cases import CASES
from tests.components.platform_handles import GATEWAY, PRIORITIES
from tests.components.test_contract import registered
from tests.recorder import Registered, record

REPOSITORY = Path(__file__).parents[2]
STACKS = ("dev", "prod", "gke", "onprem")
INITIALIZER = {
    "image": "kserve/storage-initializer:v0",
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "runAsNonRoot": True,
    },
}
"""Of the ClusterStorageContainer, with the chart's `kserve.storage.containerSecurityContext`; `resources` are ours."""


def stack_settings(name: str) -> Settings:
    """Those of a file of this repository."""
    return from_file((REPOSITORY / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))


def chart_values() -> dict[str, Any]:
    """The values that KServe's chart gets."""
    source = ChartSource(origin=ChartOrigin.UPSTREAM, location="")
    return kserve_values(KServeArgs(source=source, gateway=GATEWAY, domain="public"))


def initializer() -> dict[str, Any]:
    """The container that fetches models, as the chart writes it with our values."""
    return {**INITIALIZER, "resources": chart_values()["kserve"]["storage"]["resources"]}


def as_object(resource: Registered) -> dict[str, Any]:
    """As the API server gets it."""
    return {key: resource.inputs[key] for key in ("apiVersion", "kind", "metadata", "spec")}


def runtime_objects(own: Mapping[str, RuntimeSpec] | None = None) -> list[dict[str, Any]]:
    """Every ClusterServingRuntime, those of the settings among them."""
    recording = record(lambda: ServingRuntimes("serving-runtimes", {"own": dict(own or {})}) and None)
    return [as_object(one) for one in recording.of("ClusterServingRuntime")]


def team_handle(name: str, namespace: str) -> TeamHandle:
    """A team's, as `Team` hands it out."""
    return TeamHandle(
        name=name,
        namespace=namespace,
        training_service_account=TRAINING_ACCOUNT,
        serving_service_account=SERVING_ACCOUNT,
        priorities=PRIORITIES,
    )


def inference_object(service: Mapping[str, Any], pool: PoolHandle, name: str = "model") -> dict[str, Any]:
    """The InferenceService of one model."""
    told: Any = {"service": service, "team": team_handle("vision", "vision"), "pool": pool}
    recording = record(lambda: InferenceService(name, told) and None)
    return as_object(_custom(recording.of("InferenceService"))[0])


def stack_inference(settings: Settings) -> list[dict[str, Any]]:
    """The InferenceServices of an environment."""
    found = []
    for name, one in settings.inference.items():
        team = team_handle(one.team, namespace_of(one.team, settings.teams[one.team]))
        told: Any = {"service": one.service, "team": team, "pool": settings.pools[one.pool]}
        recording = record(lambda name=name, told=told: InferenceService(name, told) and None)  # type: ignore[misc]
        found += [as_object(each) for each in _custom(recording.of("InferenceService"))]
    return found


def case_inference() -> list[dict[str, Any]]:
    """The InferenceServices of the contract cases, whole and in every variant."""
    found = []
    for case in CASES:
        if case.component is InferenceService:
            found += [as_object(one) for one in _custom(registered(case, {}).of("InferenceService"))]
    return found


def _custom(resources: list[Registered]) -> list[Registered]:
    """Without the component of the same name."""
    return [one for one in resources if "apiVersion" in one.inputs]
