"""The pods that planned objects ask for, at their largest, and the extended resources of those pods."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from policies.rules.objects import UNKNOWN, PlannedObject, at
from policies.rules.operator_pods import OPERATOR_PODS, whole
from policies.rules.pod_sources import POD_SOURCES


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
    maximum: str = ""
    """The field that would set a maximum of `count`, where the object leaves it out."""


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
    if (owner.group, kind) in OPERATOR_PODS:
        replicas = _number_of(owner, owner.body, "spec.replicas", autoscaled)
        for found in OPERATOR_PODS[owner.group, kind](owner, replicas):
            yield Pods(owner, found.spec, found.count, maximum=found.maximum)
    if (owner.group, kind) == ("kubeflow.org", "Experiment"):
        yield from _trials(owner)


DEFAULT_PARALLEL_TRIALS = 3
"""Source: kubeflow/katib v0.19 pkg/apis/controller/experiments/v1beta1, default of `spec.parallelTrialCount`."""


def _trials(owner: PlannedObject) -> Iterator[Pods]:
    """The pods of a Katib experiment's trials; the trial is an object of any kind, written inside the experiment."""
    trial, parallel = owner.at("spec.trialTemplate.trialSpec"), owner.at("spec.parallelTrialCount")
    if isinstance(trial, Mapping):
        inner = PlannedObject(owner.urn, owner.type, owner.name, {**trial, "metadata": owner.metadata})
        trials = whole(parallel, DEFAULT_PARALLEL_TRIALS)
        for pods in pods_of(inner, {}):
            count = None if None in (pods.count, trials) else int(pods.count or 0) * int(trials or 0)
            yield replace(pods, owner=owner, count=count)


def _groups(owner: PlannedObject, path: str) -> Iterable[Any]:
    found = owner.at(path) if path else [owner.body]
    return found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()


def _number_of(
    owner: PlannedObject, group: Any, path: str, autoscaled: Mapping[tuple[str, str, str], int | None]
) -> int | None:
    key = (owner.namespace, owner.kind, owner.object_name)
    if path == "spec.replicas" and key in autoscaled:
        return autoscaled[key]
    return whole(next((n for one in path.split("|") if (n := at(group, one)) is not None), None), 1)


def runs_pods(subject: PlannedObject) -> bool:
    """Whether pods run in its namespace because of it, its own or an operator's."""
    return (subject.group, subject.kind) in OPERATED or any(pods_of(subject, {}))


def max_replicas(objects: list[PlannedObject]) -> dict[tuple[str, str, str], int | None]:
    """(namespace, kind, name) of what is autoscaled -> its largest size."""
    return {
        (o.namespace, str(o.at("spec.scaleTargetRef.kind")), str(o.at("spec.scaleTargetRef.name"))): whole(
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
