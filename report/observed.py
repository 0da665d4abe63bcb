"""State of a stack's workloads as the cluster reports it. Pure: `tools.observe` queries the cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.base.labels import NAME_LABEL, TEAM_LABEL

MODEL_KIND = "InferenceService"
READY = "Ready"
STOPPED = "Stopped"
"""True if an annotation stops the model; False for every other model, ready or not (kserve/kserve v0.20.0
pkg/controller/v1beta1/inferenceservice/controller.go)."""
# Reasons in a pod's status that are more specific than its phase (Kubernetes 1.35, pkg/kubelet/images and container).
_TELLING = frozenset(
    {
        *("CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName"),
        *("CreateContainerError", "RunContainerError", "Unschedulable", "SchedulingGated"),
    }
)

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Observed:
    """Pods, InferenceServices, Jobs and Deployments of teams, as the API server lists them."""

    pods: Sequence[Object] = ()
    models: Sequence[Object] = ()
    controllers: Sequence[Object] = ()
    """Jobs and Deployments of teams."""
    problem: str = ""
    """Why the cluster could not be read; empty if it could."""

    def pods_of(self, workload: Object) -> list[Object]:
        """Pods of a row of the output `workloads`."""
        return [pod for pod in self.pods if _belongs(pod, workload)]

    def model_of(self, workload: Object) -> Object | None:
        """The InferenceService of a row; None if there is none."""
        return next((model for model in self.models if _belongs(model, workload)), None)

    def without_pods(self, workload: Object) -> str:
        """State of a row without pods: the result of its newest Job, or why its Deployment creates none."""
        own = [one for one in self.controllers if _belongs(one, workload)]
        newest = max(own, key=lambda one: str(one.get("metadata", {}).get("creationTimestamp", "")), default=None)
        return _no_pod(newest) if newest else ""

    def addresses(self, workloads: Sequence[Object]) -> Iterator[tuple[str, str]]:
        """Model and URL, for models that have a URL from KServe."""
        for row in workloads:
            if url := (self.model_of(row) or {}).get("status", {}).get("url"):
                yield row["name"], str(url)


def _belongs(thing: Object, row: Object) -> bool:
    metadata = thing.get("metadata", {})
    labels = metadata.get("labels") or {}
    mine = labels.get(NAME_LABEL) == row["name"] and labels.get(TEAM_LABEL) == row["team"]
    return bool(mine and metadata.get("namespace") == row["namespace"])


_ENDS = {"Failed": "Failed", "Complete": "Complete", "Suspended": "suspended", "ReplicaFailure": "no pod"}
"""Condition of a Job or Deployment without pods -> what it means (Kubernetes API reference 1.35). The Job controller
deletes the pods of a Job that is past its deadline."""


def _no_pod(controller: Object) -> str:
    for one in controller.get("status", {}).get("conditions") or ():
        if one.get("type") in _ENDS and one.get("status") == "True":
            said = one.get("message") if one["type"] == "ReplicaFailure" else one.get("reason")
            plain = one["type"] in ("Complete", "Suspended") or not said
            return _ENDS[one["type"]] if plain else f"{_ENDS[one['type']]}: {said}"
    return "no pod yet"


def pod_state(pod: Object) -> str:
    """The phase of a pod, or a more specific reason: a pod whose container keeps exiting is in phase Running, and so is
    is a pod that loads its model and answers no request."""
    status = pod.get("status", {})
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return "Terminating"
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    conditions = status.get("conditions") or ()
    waits = [(one.get("state") or {}).get("waiting", {}).get("reason") for one in containers]
    waits += [one.get("reason") for one in conditions if one.get("status") == "False"]
    specific = [reason for reason in waits if reason and (reason in _TELLING or reason.endswith("ConfigError"))]
    phase = str(status.get("phase", "Unknown"))
    if specific:
        return str(specific[0])
    if phase == "Failed":
        ends = [(one.get("state") or {}).get("terminated", {}).get("reason") for one in containers]
        why = [reason for reason in (status.get("reason"), *ends) if reason and reason not in ("Error", "Completed")]
        return f"Failed: {why[0]}" if why else phase
    unready = any(one.get("type") == READY and one.get("status") == "False" for one in conditions)
    return "Running, not ready" if phase == "Running" and unready else phase


def model_state(model: Object | None) -> str:
    """`ready`, or the condition that is not true and why, as KServe reports it."""
    if model is None:
        return "no InferenceService"
    status = model.get("status", {})
    by_type = {one["type"]: one for one in status.get("conditions") or []}
    if by_type.pop(STOPPED, {}).get("status") == "True":
        return "stopped"
    behind = sorted((one for name, one in by_type.items() if one["status"] != "True" and name != READY), key=_weight)
    if by_type.get(READY, {}).get("status") == "True":
        return "ready" + "".join(f"; {_why(one)}" for one in behind[:1])
    failed = (status.get("modelStatus") or {}).get("lastFailureInfo") or {}
    said = ": ".join(str(failed[key]) for key in ("reason", "message") if failed.get(key))
    causes = [*([said] if said else []), *(_why(one) for one in behind[:1])]
    return f"not ready: {'; '.join(causes) or 'KServe reports no reason'}"


def _weight(condition: Object) -> tuple[bool, bool, str]:
    """Failures sort before unknowns, and causes before conditions that wait for them."""
    return condition["status"] != "False", not condition.get("reason"), condition["type"]


def _why(condition: Object) -> str:
    said = ": ".join(text for text in (condition.get("reason"), condition.get("message")) if text)
    return f"{condition['type']} {said}".strip()
