"""What a plan holds, as rules see it: Kubernetes objects and their pods, in plain data.

Values that are not known before `up` are the `UNKNOWN` object; a rule that needs one says that it cannot decide.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any


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
    labels: Mapping[str, Any]
    count: int | None
    """How many run at once at most; None where it is not known."""
    path: str
    """Where the pod spec stands in the owner."""


def _whole(value: Any, default: int) -> int | None:
    if value is UNKNOWN:
        return None
    return default if value is None else int(value)


def _template(owner: PlannedObject, path: str, count: int | None) -> Iterator[Pods]:
    template = owner.at(path)
    if isinstance(template, Mapping):
        spec, labels = template.get("spec"), at(template, "metadata.labels", {})
        if isinstance(spec, Mapping):
            yield Pods(owner, spec, labels if isinstance(labels, Mapping) else {}, count, f"{path}.spec")


def _inference_service(owner: PlannedObject) -> Iterator[Pods]:
    for role in ("predictor", "transformer", "explainer"):
        part = owner.at(f"spec.{role}")
        if isinstance(part, Mapping):
            model = part.get("model")
            containers = [*(part.get("containers") or []), *([model] if isinstance(model, Mapping) else [])]
            count = _whole(part.get("maxReplicas", part.get("minReplicas")), 1)
            pods = Pods(owner, {**part, "containers": containers}, part.get("labels") or {}, count, f"spec.{role}")
            yield pods
            if role == "predictor":
                # A named canary is laid over the predictor: the same pod spec, replicas of its own (KServe 0.20).
                for index, canary in enumerate(owner.at("spec.canary") or []):
                    replicas = _whole(at(canary, "predictor.minReplicas"), 1)
                    yield replace(pods, count=replicas, path=f"spec.canary[{index}]")


def pods_of(owner: PlannedObject, autoscaled: Mapping[tuple[str, str, str], int | None]) -> Iterator[Pods]:
    """The pods that one object asks for at its largest. `autoscaled`: (namespace, kind, name) -> maxReplicas."""
    match owner.kind:
        case "Pod":
            spec = owner.at("spec")
            if isinstance(spec, Mapping):
                yield Pods(owner, spec, owner.metadata.get("labels") or {}, 1, "spec")
        case "Deployment" | "StatefulSet" | "ReplicaSet":
            key = (owner.namespace, owner.kind, owner.object_name)
            yield from _template(owner, "spec.template", autoscaled.get(key, _whole(owner.at("spec.replicas"), 1)))
        case "DaemonSet":
            yield from _template(owner, "spec.template", 1)
        case "Job":
            yield from _template(owner, "spec.template", _whole(owner.at("spec.parallelism"), 1))
        case "CronJob":
            count = _whole(owner.at("spec.jobTemplate.spec.parallelism"), 1)
            yield from _template(owner, "spec.jobTemplate.spec.template", count)
        case "InferenceService":
            yield from _inference_service(owner)


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
