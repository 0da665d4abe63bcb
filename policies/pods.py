"""The pods of planned objects, at their largest, and the extended resources that those pods request."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.operator_pods import OPERATOR_PODS, whole
from policies.pod_sources import POD_SOURCES
from policies.uncounted import EXPERIMENT, RUN_NOTHING, trial_of


@dataclass(frozen=True)
class Pods:
    """The pods of one object."""

    owner: PlannedObject
    spec: Mapping[str, Any]
    """Their pod spec."""
    count: int | None
    """Maximum number that run at once; None if it is not known."""
    on_each_node: bool = False
    """Whether `count` of them run on every node that the pod spec selects."""
    maximum: str = ""
    """The field that sets a maximum of `count`, if the object omits it."""


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
"""API group and kind of objects in whose namespace an operator runs pods that the object does not contain."""


def pods_of(owner: PlannedObject, autoscaled: Mapping[tuple[str, str, str], int | None]) -> Iterator[Pods]:
    """The pods of one object at its largest. `autoscaled`: (namespace, kind, name) -> maxReplicas."""
    kind = owner.kind
    for source in POD_SOURCES.get((owner.group, kind), ()):
        for role, group in _groups(owner, source.groups):
            spec = at(group, source.spec)
            if isinstance(spec, Mapping):
                numbers = [_number_of(owner, group, path, autoscaled) for path in source.counts]
                if role == "Worker":
                    numbers = [_elastic(owner, number) for number in numbers]
                known = [number for number in numbers if number is not None]
                count = math.prod(known) if len(known) == len(numbers) else None
                yield Pods(owner, spec, count, source.on_each_node)
    if (owner.group, kind) in OPERATOR_PODS:
        replicas = _number_of(owner, owner.body, "spec.replicas", autoscaled)
        for found in OPERATOR_PODS[owner.group, kind](owner, replicas):
            yield Pods(owner, found.spec, found.count, maximum=found.maximum)
    if (owner.group, kind) == EXPERIMENT:
        yield from _trials(owner)


DEFAULT_PARALLEL_TRIALS = 3
"""Source: kubeflow/katib v0.19 pkg/apis/controller/experiments/v1beta1, default of `spec.parallelTrialCount`."""


def _trials(owner: PlannedObject) -> Iterator[Pods]:
    """The pods of a Katib experiment's trials; the trial is an object of any kind inside the experiment."""
    trials = whole(owner.at("spec.parallelTrialCount"), DEFAULT_PARALLEL_TRIALS)
    for pods in pods_of(trial_of(owner), {}):
        count = None if None in (pods.count, trials) else int(pods.count or 0) * int(trials or 0)
        yield replace(pods, owner=owner, count=count)


def _groups(owner: PlannedObject, path: str) -> Iterable[tuple[str, Any]]:
    """(role, group) of each group of pods; only groups in a map have a role."""
    found = owner.at(path) if path else [owner.body]
    if isinstance(found, Mapping):
        return [(str(role), group) for role, group in found.items()]
    return [("", group) for group in found] if isinstance(found, list) else ()


def _elastic(owner: PlannedObject, number: int | None) -> int | None:
    """Workers of an elastic training, added by an autoscaler of its operator (training operator 1.9, PyTorchJob)."""
    most = whole(owner.at("spec.elasticPolicy.maxReplicas"), 0)
    return None if None in (number, most) else max(int(number or 0), int(most or 0))


def _number_of(
    owner: PlannedObject, group: Any, path: str, autoscaled: Mapping[tuple[str, str, str], int | None]
) -> int | None:
    key = (owner.namespace, owner.kind, owner.object_name)
    if path == "spec.replicas" and key in autoscaled:
        return autoscaled[key]
    return whole(next((n for one in path.split("|") if (n := at(group, one)) is not None), None), 1)


def runs_pods(subject: PlannedObject) -> bool:
    """Whether pods run in its namespace because of it, created by a controller or an operator."""
    key = (subject.group, subject.kind)
    of_another_kind = subject.is_kubernetes and key not in RUN_NOTHING and key not in POD_SOURCES
    return key in OPERATED or any(pods_of(subject, {})) or (of_another_kind and _has_containers(subject.body))


def _has_containers(value: Any) -> bool:
    """Whether it contains a list of containers at any depth: a controller creates pods from it."""
    if isinstance(value, Mapping):
        lists = (inner for key, inner in value.items() if key in ("containers", "steps") and isinstance(inner, list))
        return any(at(one, "image") for inner in lists for one in inner) or any(map(_has_containers, value.values()))
    return isinstance(value, list) and any(map(_has_containers, value))


_AUTOSCALERS = {
    ("autoscaling", "HorizontalPodAutoscaler"): ("spec.maxReplicas", 1),
    ("keda.sh", "ScaledObject"): ("spec.maxReplicaCount", 100),
}
"""(API group, kind) -> path of the maximum of replicas, and its default. Sources: Kubernetes
API reference 1.35; KEDA 2.18 documentation, concepts/scaling-deployments."""


def max_replicas(objects: list[PlannedObject]) -> dict[tuple[str, str, str], int | None]:
    """(namespace, kind, name) of autoscaled objects -> their largest size."""
    found: dict[tuple[str, str, str], int | None] = {}
    for one in objects:
        if (one.group, one.kind) in _AUTOSCALERS:
            path, default = _AUTOSCALERS[one.group, one.kind]
            kind, name = one.at("spec.scaleTargetRef.kind", "Deployment"), one.at("spec.scaleTargetRef.name")
            found[one.namespace, str(kind), str(name)] = whole(one.at(path), default)
    return found


def all_pods(objects: list[PlannedObject]) -> list[Pods]:
    """The pods of every object of the plan."""
    autoscaled = max_replicas(objects)
    return [pods for owner in objects for pods in pods_of(owner, autoscaled)]


def containers_of(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Containers of a pod spec, init containers first."""
    found = [*listed(spec.get("initContainers")), *listed(spec.get("containers"))]
    return [container for container in found if isinstance(container, Mapping)]


def claim_templates(objects: list[PlannedObject]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """(namespace, name) -> DeviceClass -> devices, of every ResourceClaimTemplate of the plan."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for template in (o for o in objects if o.kind == "ResourceClaimTemplate"):
        devices: dict[str, Any] = {}
        for request in listed(template.at("spec.spec.devices.requests")):
            devices = _together(devices, {UNDECIDED: UNKNOWN} if request is UNKNOWN else _requested(request))
        found[template.namespace, template.object_name] = devices
    return found


def _requested(request: Any) -> dict[str, Any]:
    """DeviceClass -> devices of one request, each alternative at its largest (resource.k8s.io v1 and v1beta1)."""
    most: dict[str, Any] = {}
    for one in (request, at(request, "exactly"), *listed(at(request, "firstAvailable"))):
        if isinstance(one, Mapping) and one.get("deviceClassName") and not one.get("adminAccess"):
            count = UNKNOWN if one.get("allocationMode") == "All" else one.get("count", 1)
            most = _larger(most, {str(one["deviceClassName"]): _units(count)})
    return most


def claimed_by(pods: Pods, templates: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    """DeviceClass -> devices that one pod claims through the plan's templates."""
    claimed: dict[str, Any] = {}
    for claim in listed(pods.spec.get("resourceClaims")):
        name = at(claim, "resourceClaimTemplateName")
        for device_class, count in templates.get((pods.owner.namespace, str(name)), {}).items():
            claimed[device_class] = UNKNOWN if count is UNKNOWN else claimed.get(device_class, 0) + count
    return claimed


def unseen_claims(pods: Pods, objects: list[PlannedObject]) -> list[str]:
    """Claims and claim templates that a pod names and the plan does not contain: their devices are unknown."""
    known = {(one.kind, one.namespace, one.object_name) for one in objects if one.group == "resource.k8s.io"}
    made = {
        (one.namespace, one.at("spec.channel.resourceClaimTemplate.name"))
        for one in objects
        if (one.group, one.kind) == ("resource.nvidia.com", "ComputeDomain")  # its controller creates the template
    }
    unseen = []
    for claim in listed(pods.spec.get("resourceClaims")):
        if claim is UNKNOWN:
            unseen.append("a claim that is not known before up")
            continue
        for kind, key in (
            ("ResourceClaimTemplate", "resourceClaimTemplateName"),
            ("ResourceClaim", "resourceClaimName"),
        ):
            name, namespace = at(claim, key), pods.owner.namespace
            if name and (kind, namespace, name) not in known and (namespace, name) not in made:
                unseen.append(f"{kind} {name}, which is not in the plan")
    return unseen


UNDECIDED = "accelerators"
"""Key for an unknown resource: it is not known whether, and of which resource, a container requests units."""


def units_of(spec: Mapping[str, Any], is_unit: Any) -> dict[str, Any]:
    """Extended resource -> units of one pod, as the scheduler computes them: init containers run one after the other,
    together with the sidecars (restartable init containers) before them; sidecars and containers run together.

    Source: Kubernetes documentation, sidecar containers, resource sharing within containers.
    """
    sidecars: dict[str, Any] = {}
    most: dict[str, Any] = {}
    for container in listed(spec.get("initContainers")):
        own = _own(container, is_unit)
        if at(container, "restartPolicy") == "Always":
            sidecars = _together(sidecars, own)
        else:
            most = _larger(most, _together(sidecars, own))
    for container in listed(spec.get("containers")):
        own = _own(container, is_unit)
        sidecars = _together(sidecars, own)
    return _larger(sidecars, most)


def _together(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _either(one.get(name, 0), other.get(name, 0), sum) for name in {**one, **other}}


def _larger(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _either(one.get(name, 0), other.get(name, 0), max) for name in {**one, **other}}


def _either(one: Any, other: Any, of: Any) -> Any:
    return UNKNOWN if UNKNOWN in (one, other) else of((one, other))


def _units(quantity: Any) -> Any:
    return UNKNOWN if quantity is UNKNOWN else _number(quantity)


def _own(container: Any, is_unit: Any) -> dict[str, Any]:
    """The units that a container gets of these resources; a request without a limit counts too."""
    requests, limits = at(container, "resources.requests"), at(container, "resources.limits")
    if UNKNOWN in (requests, limits):
        return {UNDECIDED: UNKNOWN}
    asked = {**(requests or {}), **(limits or {})}
    return {name: _units(quantity) for name, quantity in asked.items() if is_unit(name)}


def _number(quantity: Any) -> float:
    try:
        return float(quantity)
    except (TypeError, ValueError):
        return 0.0
