"""Pods that controllers create for custom resources, for kinds that a table of paths cannot describe."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.objects import UNKNOWN, PlannedObject, at, listed


@dataclass(frozen=True)
class PodGroup:
    """Pods of one spec."""

    spec: Mapping[str, Any]
    count: int | None
    """Maximum number that run at once; None if the object sets no maximum or it is not known before `up`."""
    maximum: str = ""
    """The field that sets a maximum, if the object omits it."""


def whole(value: Any, default: int | None) -> int | None:
    """A number of pods; None if it is not known."""
    if value is UNKNOWN:
        return None
    return default if value is None else int(value)


def _product(*numbers: int | None) -> int | None:
    product = 1
    for number in numbers:
        if number is None:
            return None
        product *= number
    return product


def _items(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


_FRAMEWORKS = (
    *("sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle"),
    "art",
)
"""Old keys for a model or an explainer, each a container (kserve/kserve v0.20.0 pkg/apis/serving/v1beta1,
PredictorSpec and ExplainerSpec)."""
_ANY_GPU = {"name": "worker", "resources": {"limits": {"nvidia.com/gpu": 1}}}
"""A worker of a model on several nodes gets GPUs even if it requests none: KServe adds them (v0.20.0
pkg/controller/v1beta1/inferenceservice/components/predictor.go)."""


def _inference_service(owner: PlannedObject, _: int | None) -> Iterator[PodGroup]:
    for role in ("predictor", "transformer", "explainer"):
        part = owner.at(f"spec.{role}")
        if isinstance(part, Mapping):
            model = part.get("model")
            programs = [model, *(part.get(framework) for framework in _FRAMEWORKS)]
            containers = [*_items(part.get("containers")), *(one for one in programs if isinstance(one, Mapping))]
            spec = {**part, "containers": containers}
            fewest, most = whole(part.get("minReplicas"), 1), whole(part.get("maxReplicas"), 0)
            yield PodGroup(spec, None if fewest is None or most is None else max(fewest, most, 1))
            if part.get("workerSpec") is not None:
                path = f"spec.{role}.workerSpec: the number of workers of this kind is unknown"
                yield PodGroup({**spec, "containers": [_ANY_GPU]}, None, path)
            if role == "predictor":
                # A named canary is merged over the predictor: the same pod spec, separate replicas (KServe 0.20).
                for canary in owner.at("spec.canary") or []:
                    yield PodGroup(spec, whole(at(canary, "predictor.minReplicas"), 1))


def _leader_worker_set(owner: PlannedObject, replicas: int | None) -> Iterator[PodGroup]:
    """Groups of one size; if the leader has a separate template, the workers are one fewer. Source: LWS 0.10."""
    group = owner.at("spec.leaderWorkerTemplate")
    size, leader, worker = (
        whole(at(group, "size"), 1),
        at(group, "leaderTemplate.spec"),
        at(group, "workerTemplate.spec"),
    )
    has_leader = isinstance(leader, Mapping)
    if has_leader:
        yield PodGroup(leader, replicas)
    if isinstance(worker, Mapping):
        yield PodGroup(worker, _product(replicas, None if size is None else size - has_leader))


def _train_job(owner: PlannedObject, _: int | None) -> Iterator[PodGroup]:
    """What it requests of its runtime; without `numNodes` the runtime sets the number. Source: Kubeflow Trainer 2.3."""
    selector: dict[str, Any] = {}
    for patch in owner.at("spec.runtimePatches") or []:
        for job in at(patch, "trainingRuntimeSpec.template.spec.replicatedJobs") or []:
            selector |= at(job, "template.spec.template.spec.nodeSelector") or {}
    container = {"name": "trainer", "resources": owner.at("spec.trainer.resourcesPerNode") or {}}
    nodes = whole(owner.at("spec.trainer.numNodes"), None)
    yield PodGroup({"nodeSelector": selector, "containers": [container]}, nodes, "spec.trainer.numNodes")


def _seldon_deployment(owner: PlannedObject, _: int | None) -> Iterator[PodGroup]:
    """Pods of each component of each predictor, at the autoscaler's largest. Source: CRD of Seldon Core 1.17."""
    for predictor in _items(owner.at("spec.predictors")):
        for component in _items(predictor.get("componentSpecs")):
            spec = component.get("spec")
            replicas = next(
                (
                    number
                    for number in (
                        at(component, "hpaSpec.maxReplicas"),
                        component.get("replicas"),
                        predictor.get("replicas"),
                        owner.at("spec.replicas"),
                    )
                    if number is not None
                ),
                None,
            )
            if isinstance(spec, Mapping):
                yield PodGroup(spec, whole(replicas, 1))


MAX_SCALE = "autoscaling.knative.dev/max-scale"
"""Annotation of the revision template; missing or 0: no maximum. Source: Knative documentation, scale bounds."""


def _knative_service(owner: PlannedObject, _: int | None) -> Iterator[PodGroup]:
    spec, annotations = owner.at("spec.template.spec"), owner.at("spec.template.metadata.annotations") or {}
    if isinstance(spec, Mapping):
        largest = annotations.get(MAX_SCALE) if isinstance(annotations, Mapping) else UNKNOWN
        count = whole(largest, None) or None
        yield PodGroup(spec, count, f"spec.template.metadata.annotations[{MAX_SCALE}]")


def _llm_inference_service(owner: PlannedObject, _: int | None) -> Iterator[PodGroup]:
    """Decode and prefill; the number of workers of a replica follows from the parallelism, which is not counted.

    Source: CRD LLMInferenceService v1alpha2 of KServe 0.20.
    """
    for path in ("spec", "spec.prefill"):
        part = owner.at(path)
        template, worker = at(part, "template"), at(part, "worker")
        replicas = whole(at(part, "scaling.maxReplicas", at(part, "replicas")), 1)
        if isinstance(template, Mapping):
            yield PodGroup(template, replicas)
        if isinstance(worker, Mapping):
            yield PodGroup(worker, None, f"{path}.worker: the number of workers of this kind is unknown")


_PROGRAMS = ("container", "script")


def _workflow(spec: Any, where: str) -> Iterator[PodGroup]:
    """The pods of an Argo workflow's templates. `parallelism` limits the pods that run at once, of all templates.

    So each pool runs at most `parallelism` pods of its largest template. A workflow whose entrypoint is one program
    runs one pod. Source: Argo Workflows documentation, parallelism and fields (v4.1).
    """
    if not isinstance(spec, Mapping):
        return
    defaults = spec.get("templateDefaults")
    templates = [
        _with_defaults(one, defaults) for written in _items(spec.get("templates")) for one in _and_inline(written)
    ]
    pods = [(str(one.get("name")), _template_pod(one, spec)) for one in templates]
    found = [(name, pod) for name, pod in pods if pod["containers"]]
    single = len(templates) == 1 and [name for name, _ in found] == [str(spec.get("entrypoint"))]
    count = 1 if single else whole(spec.get("parallelism"), None)
    for largest in _largest_by_selector(pod for _, pod in found):
        yield PodGroup(largest, count, f"{where}.parallelism")


def _and_inline(template: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A template and the templates written inside its steps and tasks."""
    yield template
    steps = [
        step for group in listed(template.get("steps")) for step in (group if isinstance(group, list) else [group])
    ]
    for step in _items([*steps, *listed(at(template, "dag.tasks"))]):
        if isinstance(step.get("inline"), Mapping):
            yield from _and_inline(step["inline"])


def _with_defaults(template: Mapping[str, Any], defaults: Any) -> dict[str, Any]:
    """A template whose programs get the resources of `templateDefaults` if they set none."""
    found = dict(template)
    for key in _PROGRAMS:
        resources = at(defaults, f"{key}.resources")
        if isinstance(found.get(key), Mapping) and resources is not None:
            found[key] = {"resources": resources, **found[key]}
    return found


def _template_pod(template: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    programs = [template[key] for key in _PROGRAMS if isinstance(template.get(key), Mapping)]
    programs += [*_items(at(template, "containerSet.containers")), *_items(template.get("sidecars"))]
    return {
        "nodeSelector": template.get("nodeSelector", spec.get("nodeSelector")),
        "containers": programs,
        "initContainers": _items(template.get("initContainers")),
    }


def _largest_by_selector(pods: Any) -> Iterator[dict[str, Any]]:
    """One pod for each node selector, with the maximum that any of its pods requests of each resource."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for pod in pods:
        groups.setdefault(repr(pod["nodeSelector"]), []).append(pod)
    for group in groups.values():
        # Init containers count by the maximum, not by the sum, which is what templates need too.
        alternatives = [_sum(pod) for pod in group] + [one for pod in group for one in pod["initContainers"]]
        yield {"nodeSelector": group[0]["nodeSelector"], "containers": [], "initContainers": alternatives}


def _sum(pod: Mapping[str, Any]) -> dict[str, Any]:
    """One container with the extended resources of all containers of a pod."""
    limits: dict[str, Any] = {}
    for container in pod["containers"]:
        asked = {**(at(container, "resources.requests") or {}), **(at(container, "resources.limits") or {})}
        for resource, quantity in asked.items():
            known = limits.get(resource)
            if known is None or UNKNOWN in (known, quantity):
                limits[resource] = quantity if known is None else UNKNOWN
            else:
                limits[resource] = _added(known, quantity)
    return {"name": str(at(pod["containers"][0], "name", "main")), "resources": {"limits": limits}}


def _added(one: Any, other: Any) -> Any:
    try:
        return float(one) + float(other)
    except (TypeError, ValueError):
        return one  # cpu and memory, which are not counted


OPERATOR_PODS: dict[tuple[str, str], Callable[[PlannedObject, int | None], Iterator[PodGroup]]] = {
    ("serving.kserve.io", "InferenceService"): _inference_service,
    ("serving.kserve.io", "LLMInferenceService"): _llm_inference_service,
    ("leaderworkerset.x-k8s.io", "LeaderWorkerSet"): _leader_worker_set,
    ("trainer.kubeflow.org", "TrainJob"): _train_job,
    ("machinelearning.seldon.io", "SeldonDeployment"): _seldon_deployment,
    ("serving.knative.dev", "Service"): _knative_service,
    ("argoproj.io", "Workflow"): lambda owner, _: _workflow(owner.at("spec"), "spec"),
    ("argoproj.io", "CronWorkflow"): lambda owner, _: _workflow(owner.at("spec.workflowSpec"), "spec.workflowSpec"),
}
"""(API group, kind) -> its pods; the second argument is the number of replicas, at the autoscaler's largest."""
