"""What a plan holds, as rules see it: Kubernetes objects and their pods, in plain data.

Values that are not known before `up` are the `UNKNOWN` object; a rule that needs one says that it cannot decide.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple


class Unknown:
    """A value that is not known before `up`."""

    def __repr__(self) -> str:
        return "(not known before up)"


UNKNOWN = Unknown()


@dataclass(frozen=True)
class PlannedObject:
    """One resource of the plan. `body` is plain data: dicts, lists, scalars and `UNKNOWN`."""

    urn: str
    type: str
    """Pulumi type token."""
    name: str
    """Pulumi name."""
    body: Mapping[str, Any]

    @property
    def is_kubernetes(self) -> bool:
        """Whether it is one Kubernetes object (charts and groups are not)."""
        return self.type.startswith("kubernetes:") and "kind" in self.body

    @property
    def kind(self) -> str:
        """Kubernetes kind; empty for anything else."""
        return str(self.body.get("kind", "")) if self.is_kubernetes else ""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Its metadata."""
        found = self.body.get("metadata")
        return found if isinstance(found, Mapping) else {}

    @property
    def namespace(self) -> str:
        """Its namespace; empty when it has none or it is not known."""
        found = self.metadata.get("namespace", "")
        return found if isinstance(found, str) else ""

    @property
    def object_name(self) -> str:
        """Its `metadata.name`, or the Pulumi name where that is not known."""
        found = self.metadata.get("name")
        return found if isinstance(found, str) else self.name

    @property
    def title(self) -> str:
        """`Kind namespace/name`, for messages."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind or self.type} {place}{self.object_name}"

    def at(self, path: str, default: Any = None) -> Any:
        """The value at a dotted path of the body; `UNKNOWN` as soon as the path meets one."""
        return at(self.body, path, default)


def at(value: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path; the default where it is missing, `UNKNOWN` where the path meets an unknown."""
    for key in path.split("."):
        if value is UNKNOWN:
            return UNKNOWN
        if not isinstance(value, Mapping) or key not in value:
            return default
        value = value[key]
    return value


@dataclass(frozen=True)
class Pods:
    """The pods that one object asks for."""

    owner: PlannedObject
    spec: Mapping[str, Any]
    """Their pod spec."""
    count: int | None
    """How many run at once at most; None where it is not known."""
    on_each_node: bool = False
    """Whether `count` of them run on every node that the pod spec selects."""


class PodSource(NamedTuple):
    """Where the objects of a kind hold a pod spec, and how many such pods they ask for."""

    spec: str
    """Path of the pod spec, from the group where there are groups."""
    counts: tuple[str, ...] = ()
    """Paths of numbers that are multiplied; what is not given is 1. `a|b`: b where there is no a."""
    groups: str = ""
    """Path of a list, or of a map, of groups of pods; empty: the object is the only group."""
    on_each_node: bool = False


def _replicated(groups: str) -> tuple[PodSource, ...]:
    return (PodSource("template.spec", ("replicas",), groups),)


def _ray(cluster: str) -> tuple[PodSource, ...]:
    return (
        PodSource(f"{cluster}.headGroupSpec.template.spec"),
        PodSource("template.spec", ("maxReplicas|replicas", "numOfHosts"), f"{cluster}.workerGroupSpecs"),
    )


_SCALED = (PodSource("spec.template.spec", ("spec.replicas",)),)
POD_SOURCES: dict[str, tuple[PodSource, ...]] = {
    "Pod": (PodSource("spec"),),
    "Deployment": _SCALED,
    "StatefulSet": _SCALED,
    "ReplicaSet": _SCALED,
    "ReplicationController": _SCALED,
    "DaemonSet": (PodSource("spec.template.spec", on_each_node=True),),
    "Job": (PodSource("spec.template.spec", ("spec.parallelism",)),),
    "CronJob": (PodSource("spec.jobTemplate.spec.template.spec", ("spec.jobTemplate.spec.parallelism",)),),
    "JobSet": (
        PodSource("template.spec.template.spec", ("replicas", "template.spec.parallelism"), "spec.replicatedJobs"),
    ),
    "RayCluster": _ray("spec"),
    "RayJob": (*_ray("spec.rayClusterSpec"), PodSource("spec.submitterPodTemplate.spec")),
    "RayService": _ray("spec.rayClusterConfig"),
    "MPIJob": _replicated("spec.mpiReplicaSpecs"),
    "PyTorchJob": _replicated("spec.pytorchReplicaSpecs"),
    "TFJob": _replicated("spec.tfReplicaSpecs"),
    "JAXJob": _replicated("spec.jaxReplicaSpecs"),
}
"""Sources: Kubernetes API reference 1.35; CRDs of JobSet 0.12, KubeRay 1.7, MPI operator 0.8, training operator 1.9."""

OPERATED = frozenset(
    {
        ("postgresql.cnpg.io", "Cluster"),
        ("postgresql.cnpg.io", "Pooler"),
        ("monitoring.coreos.com", "Alertmanager"),
        ("monitoring.coreos.com", "Prometheus"),
        ("monitoring.coreos.com", "PrometheusAgent"),
        ("monitoring.coreos.com", "ThanosRuler"),
        ("serving.kserve.io", "InferenceGraph"),
        ("serving.kserve.io", "LLMInferenceService"),
        ("serving.knative.dev", "Service"),
    }
)
"""API group and kind of objects in whose namespace an operator runs pods that the object does not hold."""


def _whole(value: Any, default: int | None) -> int | None:
    if value is UNKNOWN:
        return None
    return default if value is None else int(value)


def _inference_service(owner: PlannedObject) -> Iterator[Pods]:
    for role in ("predictor", "transformer", "explainer"):
        part = owner.at(f"spec.{role}")
        if isinstance(part, Mapping):
            model = part.get("model")
            containers = [*(part.get("containers") or []), *([model] if isinstance(model, Mapping) else [])]
            count = _whole(part.get("maxReplicas", part.get("minReplicas")), 1)
            pods = Pods(owner, {**part, "containers": containers}, count)
            yield pods
            if role == "predictor":
                # A named canary is laid over the predictor: the same pod spec, replicas of its own (KServe 0.20).
                for canary in owner.at("spec.canary") or []:
                    yield replace(pods, count=_whole(at(canary, "predictor.minReplicas"), 1))


def _leader_worker_set(owner: PlannedObject, replicas: int | None) -> Iterator[Pods]:
    """Groups of one size; where the leader has a template of its own, one less of the workers'. Source: LWS 0.10."""
    group = owner.at("spec.leaderWorkerTemplate")
    size, leader, worker = (
        _whole(at(group, "size"), 1),
        at(group, "leaderTemplate.spec"),
        at(group, "workerTemplate.spec"),
    )
    has_leader = isinstance(leader, Mapping)
    if has_leader:
        yield Pods(owner, leader, replicas)
    if isinstance(worker, Mapping):
        count = None if replicas is None or size is None else replicas * (size - has_leader)
        yield Pods(owner, worker, count)


def _train_job(owner: PlannedObject) -> Iterator[Pods]:
    """What it asks of its runtime; without `numNodes` the runtime says how many. Source: Kubeflow Trainer 2.3."""
    selector: dict[str, Any] = {}
    for patch in owner.at("spec.runtimePatches") or []:
        for job in at(patch, "trainingRuntimeSpec.template.spec.replicatedJobs") or []:
            selector |= at(job, "template.spec.template.spec.nodeSelector") or {}
    container = {"name": "trainer", "resources": owner.at("spec.trainer.resourcesPerNode") or {}}
    yield Pods(
        owner, {"nodeSelector": selector, "containers": [container]}, _whole(owner.at("spec.trainer.numNodes"), None)
    )


def pods_of(owner: PlannedObject, autoscaled: Mapping[tuple[str, str, str], int | None]) -> Iterator[Pods]:
    """The pods that one object asks for at its largest. `autoscaled`: (namespace, kind, name) -> maxReplicas."""
    kind = owner.kind
    for source in POD_SOURCES.get(kind, ()):
        for group in _groups(owner, source.groups):
            spec = at(group, source.spec)
            if isinstance(spec, Mapping):
                numbers = [_number_of(owner, group, path, autoscaled) for path in source.counts]
                known = [number for number in numbers if number is not None]
                count = math.prod(known) if len(known) == len(numbers) else None
                yield Pods(owner, spec, count, source.on_each_node)
    match kind:
        case "InferenceService":
            yield from _inference_service(owner)
        case "LeaderWorkerSet":
            yield from _leader_worker_set(owner, _number_of(owner, owner.body, "spec.replicas", autoscaled))
        case "TrainJob":
            yield from _train_job(owner)


def _groups(owner: PlannedObject, path: str) -> Iterable[Any]:
    found = owner.at(path) if path else [owner.body]
    return found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()


def _number_of(
    owner: PlannedObject, group: Any, path: str, autoscaled: Mapping[tuple[str, str, str], int | None]
) -> int | None:
    key = (owner.namespace, owner.kind, owner.object_name)
    if path == "spec.replicas" and key in autoscaled:
        return autoscaled[key]
    return _whole(next((n for one in path.split("|") if (n := at(group, one)) is not None), None), 1)


def runs_pods(subject: PlannedObject) -> bool:
    """Whether pods run in its namespace because of it, its own or an operator's."""
    group = str(subject.body.get("apiVersion", "")).partition("/")[0]
    return (group, subject.kind) in OPERATED or any(pods_of(subject, {}))


def max_replicas(objects: list[PlannedObject]) -> dict[tuple[str, str, str], int | None]:
    """(namespace, kind, name) of what is autoscaled -> its largest size."""
    return {
        (o.namespace, str(o.at("spec.scaleTargetRef.kind")), str(o.at("spec.scaleTargetRef.name"))): _whole(
            o.at("spec.maxReplicas"), 1
        )
        for o in objects
        if o.kind == "HorizontalPodAutoscaler"
    }


def all_pods(objects: list[PlannedObject]) -> list[Pods]:
    """The pods of every object of the plan."""
    autoscaled = max_replicas(objects)
    return [pods for owner in objects for pods in pods_of(owner, autoscaled)]


def containers_of(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Containers of a pod spec, init containers first."""
    found = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return [container for container in found if isinstance(container, Mapping)]


def claim_templates(objects: list[PlannedObject]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(namespace, name) -> DeviceClass -> devices, of every ResourceClaimTemplate of the plan."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for template in (o for o in objects if o.kind == "ResourceClaimTemplate"):
        devices: dict[str, Any] = {}
        for request in template.at("spec.spec.devices.requests") or []:
            exactly = at(request, "exactly", {})
            name = at(exactly, "deviceClassName", "")
            count = at(exactly, "count", 1)
            devices[str(name)] = UNKNOWN if count is UNKNOWN else devices.get(str(name), 0) + _number(count)
        found[template.namespace, template.object_name] = devices
    return found


def claimed_by(pods: Pods, templates: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """DeviceClass -> devices that one pod claims through the plan's templates."""
    claimed: dict[str, Any] = {}
    for claim in pods.spec.get("resourceClaims") or []:
        name = at(claim, "resourceClaimTemplateName")
        for device_class, count in templates.get((pods.owner.namespace, str(name)), {}).items():
            claimed[device_class] = UNKNOWN if count is UNKNOWN else claimed.get(device_class, 0) + count
    return claimed


def units_of(spec: Mapping[str, Any], is_unit: Any) -> dict[str, Any]:
    """Extended resource -> units of one pod: the larger of the largest init container and the sum of the others."""
    together: dict[str, Any] = {}
    for container in spec.get("containers") or []:
        for resource, quantity in _limits(container).items():
            if is_unit(resource):
                units = UNKNOWN if quantity is UNKNOWN else _number(quantity)
                known = together.get(resource, 0)
                together[resource] = UNKNOWN if UNKNOWN in (units, known) else known + units
    for container in spec.get("initContainers") or []:
        for resource, quantity in _limits(container).items():
            if is_unit(resource) and together.get(resource) is not UNKNOWN:
                together[resource] = (
                    UNKNOWN if quantity is UNKNOWN else max(together.get(resource, 0), _number(quantity))
                )
    return together


def _limits(container: Any) -> Mapping[str, Any]:
    """What a container gets: an extended resource that is only requested counts as well."""
    found = {**(at(container, "resources.requests") or {}), **(at(container, "resources.limits") or {})}
    return found if isinstance(container, Mapping) else {}


def _number(quantity: Any) -> float:
    try:
        return float(quantity)
    except (TypeError, ValueError):
        return 0.0
