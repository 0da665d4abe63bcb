"""Refuses objects that request accelerators in a form that no table of pods covers: they cannot be counted."""

import re
from collections.abc import Iterator, Mapping, Set
from typing import Any

from catalog.accelerators import ACCELERATORS, DRIVER_RESOURCES, is_accelerator_resource
from components.findings import Finding
from policies.objects import UNKNOWN, PlannedObject, at, listed
from policies.operator_pods import OPERATOR_PODS
from policies.pod_sources import POD_SOURCES

RUN_NOTHING = frozenset(
    {
        ("", "LimitRange"),
        ("", "Node"),
        ("", "PodTemplate"),
        ("", "ResourceQuota"),
        ("argoproj.io", "ClusterWorkflowTemplate"),
        ("argoproj.io", "WorkflowTemplate"),
        ("autoscaling.x-k8s.io", "ProvisioningRequest"),
        ("cloud.google.com", "ComputeClass"),
        ("karpenter.sh", "NodePool"),
        ("karpenter.sh", "NodeOverlay"),
        ("kueue.x-k8s.io", "ClusterQueue"),
        ("kueue.x-k8s.io", "Cohort"),
        ("serving.kserve.io", "ClusterServingRuntime"),
        ("serving.kserve.io", "LLMInferenceServiceConfig"),
        ("serving.kserve.io", "ServingRuntime"),
        ("trainer.kubeflow.org", "ClusterTrainingRuntime"),
        ("trainer.kubeflow.org", "TrainingRuntime"),
    }
)
"""(API group, kind) of limits, capacity and templates: objects created from a template are checked separately."""
EXPERIMENT = ("kubeflow.org", "Experiment")
_CLAIM = ("resource.k8s.io", "ResourceClaim")
_WHOLE_PLACES = ("limits", "requests", "resources")
_TEXTS = ("manifest", "podSpecPatch")
"""Keys of Argo's templates whose text becomes an object, or part of a pod."""
_IN_TEXT = re.compile("|".join(re.escape(name) for name in sorted(DRIVER_RESOURCES)) + r"|nvidia\.com/mig-[\w.]+")


def accelerators_outside_known_pods(subject: PlannedObject, offered: Set[str] = frozenset()) -> Iterator[Finding]:
    """An object of a kind that is not counted requests no accelerator anywhere in it.

    `offered`: resources of the plan's pools, including devices that are not in the catalogue.
    """
    key = (subject.group, subject.kind)
    if not subject.is_kubernetes or key in POD_SOURCES or key in RUN_NOTHING:
        return
    if key == EXPERIMENT:
        yield from accelerators_outside_known_pods(trial_of(subject), offered)
        return
    if key == _CLAIM:
        yield from _claims(subject, offered)
        return
    found = _in_text(subject.body, "") if key in OPERATOR_PODS else _asked(subject.body, "", offered)
    for path, resource in found:
        yield Finding(
            f"{subject.title} {path}",
            f"requests {resource}",
            f"accelerators are counted before anything is created, and the number of pods of {subject.kind} of "
            f"{subject.group or 'the core group'} is not known to this policy",
            "use a kind that is counted (docs/reference/policies.md), or add an exemption for this object",
        )
        return


def trial_of(experiment: PlannedObject) -> PlannedObject:
    """The object that a Katib experiment creates for each trial: any kind, written inside it."""
    trial = experiment.at("spec.trialTemplate.trialSpec")
    body = {**trial, "metadata": experiment.metadata} if isinstance(trial, Mapping) else {}
    return PlannedObject(experiment.urn, experiment.type, experiment.name, body)


_DEVICE_CLASSES = frozenset(row.device_class for row in ACCELERATORS.values() if row.device_class)
_ACCELERATOR_CLASS = re.compile(r"(^|[.-])(gpu|mig|tpu|neuron)[.-]")
"""Other device classes of accelerators: `mig.nvidia.com`, `vfio.gpu.nvidia.com`, `gpu.intel.com`; no network device."""


def _claims(claim: PlannedObject, offered: Set[str]) -> Iterator[Finding]:
    """A claim that pods share belongs to no team and no pool, so it cannot be counted."""
    classes = [name for request in listed(claim.at("spec.devices.requests")) for name in device_classes(request)]
    taken = [
        name
        for name in classes
        if name is UNKNOWN or name in _DEVICE_CLASSES | offered or _ACCELERATOR_CLASS.search(str(name))
    ]
    if taken:
        yield Finding(
            f"{claim.title} spec.devices.requests",
            f"claims {', '.join(map(str, dict.fromkeys(taken)))}",
            "devices are counted by the pods that request them, and pods may share this claim",
            "use a ResourceClaimTemplate with the same content, and name it in resourceClaimTemplateName of the pods",
        )


def device_classes(request: Any) -> list[Any]:
    """DeviceClasses of one request of a claim: of `exactly`, of each alternative, or as v1beta1 writes it."""
    options = [request, at(request, "exactly"), *listed(at(request, "firstAvailable"))]
    return [at(one, "deviceClassName") for one in options if at(one, "deviceClassName")]


def _asked(value: Any, path: str, offered: Set[str]) -> Iterator[tuple[str, str]]:
    """(path, extended resource) of each requested accelerator at any depth."""
    if isinstance(value, Mapping):
        if _is_accelerator(value.get("name"), offered) and "quantity" in value:  # as in SparkApplications
            yield path, str(value["name"])
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in _WHOLE_PLACES and isinstance(inner, Mapping):
                yield from ((where, str(name)) for name in inner if _is_accelerator(name, offered))
            yield from _asked(inner, where, offered)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is not UNKNOWN:
                yield from _asked(item, f"{path}[{index}]", offered)


def _is_accelerator(name: Any, offered: Set[str]) -> bool:
    return isinstance(name, str) and (name in offered or is_accelerator_resource(name))


def _in_text(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """The same for text that becomes objects of a counted kind, by the resource names in the text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in _TEXTS and isinstance(inner, str) and (found := _IN_TEXT.search(inner)):
                yield where, found[0]
            yield from _in_text(inner, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _in_text(item, f"{path}[{index}]")
