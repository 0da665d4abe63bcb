"""The pod templates inside planned objects, of every kind that carries pods: for policies about single pods.

`policies.pods` counts the same pods; here each template has its path, so that a finding names the field.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from policies.objects import PlannedObject, at, listed
from policies.pod_sources import POD_SOURCES


class PodTemplate(NamedTuple):
    """One pod template of an object."""

    owner: PlannedObject
    path: str
    """Of the pod spec, from the object's root: `spec.template.spec`."""
    spec: Mapping[str, Any]
    annotations: Mapping[str, Any]
    """Of its pods."""

    def where(self, field: str) -> str:
        """`Kind namespace/name path.field`, for findings."""
        return f"{self.owner.title} {self.path}.{field}"


class ContainerOf(NamedTuple):
    """One container of a template."""

    path: str
    """From the pod spec: `containers[main]`."""
    body: Mapping[str, Any]


def containers(spec: Mapping[str, Any]) -> Iterator[ContainerOf]:
    """Every container: init, ordinary, ephemeral. One that is not known has no fields."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, one in enumerate(listed(spec.get(kind))):
            if isinstance(one, Mapping):
                name = one.get("name")
                yield ContainerOf(f"{kind}[{name if isinstance(name, str) and name else index}]", one)


MORE_SPECS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "PodTemplate"): ("template.spec",),
    ("batch.volcano.sh", "Job"): ("spec.tasks[].template.spec",),
    ("jobset.x-k8s.io", "JobSet"): ("spec.replicatedJobs[].template.spec.template.spec",),
    ("keda.sh", "ScaledJob"): ("spec.jobTargetRef.template.spec",),
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): (
        "spec.leaderWorkerTemplate.leaderTemplate.spec",
        "spec.leaderWorkerTemplate.workerTemplate.spec",
    ),
    ("machinelearning.seldon.io", "SeldonDeployment"): ("spec.predictors[].componentSpecs[].spec",),
    ("serving.knative.dev", "Service"): ("spec.template.spec",),
    ("serving.kserve.io", "ClusterServingRuntime"): ("spec",),
    ("serving.kserve.io", "InferenceService"): ("spec.predictor", "spec.transformer", "spec.explainer"),
    ("serving.kserve.io", "LLMInferenceService"): (
        *("spec.template", "spec.worker", "spec.prefill.template", "spec.prefill.worker"),
    ),
    ("serving.kserve.io", "ServingRuntime"): ("spec",),
    ("trainer.kubeflow.org", "ClusterTrainingRuntime"): (
        "spec.template.spec.replicatedJobs[].template.spec.template.spec",
    ),
    ("trainer.kubeflow.org", "TrainingRuntime"): ("spec.template.spec.replicatedJobs[].template.spec.template.spec",),
}
"""(API group, kind) -> paths of pod specs, where `policies.pod_sources` has none; `[]`: each item of a list or map.

Sources: the CRDs of KServe 0.20, LWS 0.10, Trainer 2.3, Seldon Core 1.17, Volcano 1.13, KEDA 2.18, Knative 1.19;
Kubernetes API reference 1.36."""
_IN_PLACE_OF_CONTAINERS = ("model", "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface")
"""Fields of a KServe component that are a container: of its runtime, which KServe merges with it."""


def _paths(key: tuple[str, str]) -> Sequence[str]:
    found = [
        f"{one.groups}[].{one.spec}" if one.groups else one.spec
        for one in POD_SOURCES.get(key, ())
        if key not in MORE_SPECS
    ]
    return (*found, *MORE_SPECS.get(key, ()))


def _reached(value: Any, steps: Sequence[str], path: str) -> Iterator[tuple[str, Any]]:
    """(path, value) of each place that the steps lead to."""
    if not steps:
        yield path, value
        return
    name, each = re.fullmatch(r"(\w+)(\[\])?", steps[0]).groups()  # type: ignore[union-attr]
    inner = at(value, name)
    where = f"{path}.{name}" if path else name
    if not each:
        yield from _reached(inner, steps[1:], where)
    elif isinstance(inner, Mapping):
        for key, item in inner.items():
            yield from _reached(item, steps[1:], f"{where}.{key}")
    else:
        for index, item in enumerate(listed(inner)):
            yield from _reached(item, steps[1:], f"{where}[{index}]")


def pod_templates(owner: PlannedObject) -> Iterator[PodTemplate]:
    """The pod templates of one object; those that are not known as a whole are left out."""
    key = (owner.group, owner.kind)
    for path in _paths(key):
        for where, spec in _reached(owner.body, path.split("."), ""):
            if isinstance(spec, Mapping):
                above = where.rpartition(".")[0]
                annotations = at(owner.body, f"{above}.metadata.annotations") if above and "[" not in above else None
                if where == "spec" and owner.kind == "Pod":
                    annotations = owner.metadata.get("annotations")
                yield PodTemplate(
                    owner, where, _as_pod(owner, spec), annotations if isinstance(annotations, Mapping) else {}
                )
    if key in _WORKFLOWS:
        yield from _workflow_templates(owner, *_WORKFLOWS[key])


def _as_pod(owner: PlannedObject, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A KServe component with its model as a container, which it is."""
    if owner.group != "serving.kserve.io":
        return spec
    own = [{"name": key, **spec[key]} for key in _IN_PLACE_OF_CONTAINERS if isinstance(spec.get(key), Mapping)]
    return {**spec, "containers": [*listed(spec.get("containers")), *own]} if own else spec


_WORKFLOWS: dict[tuple[str, str], tuple[str, Callable[[PlannedObject], Any]]] = {
    ("argoproj.io", "Workflow"): ("spec", lambda owner: owner.at("spec")),
    ("argoproj.io", "WorkflowTemplate"): ("spec", lambda owner: owner.at("spec")),
    ("argoproj.io", "ClusterWorkflowTemplate"): ("spec", lambda owner: owner.at("spec")),
    ("argoproj.io", "CronWorkflow"): ("spec.workflowSpec", lambda owner: owner.at("spec.workflowSpec")),
}
_OF_WORKFLOW = ("hostNetwork", "automountServiceAccountToken", "serviceAccountName", "securityContext", "volumes")
"""Fields of a workflow that each of its pods has; `securityContext` and volumes of a template add to them."""


def _workflow_templates(
    owner: PlannedObject, path: str, spec_of: Callable[[PlannedObject], Any]
) -> Iterator[PodTemplate]:
    """A pod for each template of an Argo workflow with a program. Source: Argo Workflows, fields (v4.1)."""
    spec = spec_of(owner)
    if not isinstance(spec, Mapping):
        return
    common = {key: spec[key] for key in _OF_WORKFLOW if key in spec}
    for index, template in enumerate(listed(spec.get("templates"))):
        programs = [*_programs(template)] if isinstance(template, Mapping) else []
        if programs:
            pod = {**common, "containers": programs, "initContainers": listed(template.get("initContainers"))}
            pod["volumes"] = [*listed(common.get("volumes")), *listed(template.get("volumes"))]
            if isinstance(template.get("securityContext"), Mapping):
                pod["securityContext"] = template["securityContext"]
            yield PodTemplate(owner, f"{path}.templates[{index}]", pod, {})


def _programs(template: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    single = [
        {"name": key, **template[key]} for key in ("container", "script") if isinstance(template.get(key), Mapping)
    ]
    several = [*listed(at(template, "containerSet.containers")), *listed(template.get("sidecars"))]
    return [*single, *(one for one in several if isinstance(one, Mapping))]
