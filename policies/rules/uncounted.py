"""Objects that ask for accelerators in a shape that no table of pods covers: refused, as they cannot be counted."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.catalog import is_accelerator_resource
from policies.rules.finding import Finding
from policies.rules.objects import UNKNOWN, PlannedObject
from policies.rules.operator_pods import OPERATOR_PODS
from policies.rules.pod_sources import POD_SOURCES

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
"""(API group, kind) of limits, of capacity, and of templates: whatever runs from a template is an object of its own."""
_COUNTED_HERE = frozenset({("kubeflow.org", "Experiment"), *OPERATOR_PODS})


def accelerators_outside_known_pods(subject: PlannedObject) -> Iterator[Finding]:
    """An object of a kind that is not counted asks for no accelerator anywhere in it."""
    key = (subject.group, subject.kind)
    if not subject.is_kubernetes or subject.kind in POD_SOURCES or key in _COUNTED_HERE or key in RUN_NOTHING:
        return
    for path, resource in _asked(subject.body, ""):
        yield Finding(
            f"{subject.title} {path}",
            f"asks for {resource}",
            f"accelerators are counted before anything is created, and how many pods {subject.kind} of "
            f"{subject.group or 'the core group'} runs is not known to this policy",
            "use a kind that is counted (docs/reference/policies.md), or add an exemption for this object",
        )
        return


def _asked(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(path, extended resource) of each accelerator in a `limits` or `requests` at any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            where = f"{path}.{key}" if path else str(key)
            if key in ("limits", "requests") and isinstance(inner, Mapping):
                yield from ((where, str(name)) for name in inner if is_accelerator_resource(str(name)))
            yield from _asked(inner, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if item is not UNKNOWN:
                yield from _asked(item, f"{path}[{index}]")
