"""What a cluster said of a stack's workloads when it was asked. Pure: `tools.observe` asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WORKLOAD_LABEL = "app.kubernetes.io/name"
TEAM_LABEL = "mlplatform.dev/team"
"""Labels of what belongs to teams' workloads (components/workloads.py)."""
MODEL_KIND = "InferenceService"
READY = "Ready"
# Reasons in a pod's status that say more than its phase does.
_TELLING = frozenset({"CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "Unschedulable"})

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Observed:
    """Pods and InferenceServices of teams, as the API server lists them."""

    pods: Sequence[Object] = ()
    models: Sequence[Object] = ()
    problem: str = ""
    """Why the cluster could not be read; empty where it could."""

    def pods_of(self, workload: Object) -> list[Object]:
        """Pods of a row of the output `workloads`."""
        return [pod for pod in self.pods if _belongs(pod, workload)]

    def model_of(self, workload: Object) -> Object | None:
        """The InferenceService of a row; None where there is none."""
        return next((model for model in self.models if _belongs(model, workload)), None)

    def addresses(self, workloads: Sequence[Object]) -> Iterator[tuple[str, str]]:
        """Model and URL, of the models that KServe has given one."""
        for row in workloads:
            if url := (self.model_of(row) or {}).get("status", {}).get("url"):
                yield row["name"], str(url)


def _belongs(thing: Object, row: Object) -> bool:
    metadata = thing.get("metadata", {})
    labels = metadata.get("labels") or {}
    mine = labels.get(WORKLOAD_LABEL) == row["name"] and labels.get(TEAM_LABEL) == row["team"]
    return bool(mine and metadata.get("namespace") == row["namespace"])


def pod_state(pod: Object) -> str:
    """The phase of a pod, or what says more: a pod whose container ends again and again is in phase Running."""
    status = pod.get("status", {})
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return "Terminating"
    containers = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    waits = [(one.get("state") or {}).get("waiting", {}).get("reason") for one in containers]
    waits += [one.get("reason") for one in status.get("conditions") or () if one.get("status") == "False"]
    told = [reason for reason in waits if reason and (reason in _TELLING or reason.endswith("ConfigError"))]
    return str(told[0] if told else status.get("phase", "Unknown"))


def model_state(model: Object | None) -> str:
    """`ready`, or which condition is not true and why, in KServe's words."""
    if model is None:
        return "no InferenceService"
    conditions: list[Object] = model.get("status", {}).get("conditions") or []
    by_type = {one["type"]: one for one in conditions}
    if by_type.get(READY, {}).get("status") == "True":
        behind = [one for name, one in sorted(by_type.items()) if one["status"] != "True"]
        return "ready" + "".join(f"; {_why(one)}" for one in behind[:1])
    wrong = [one for name, one in sorted(by_type.items()) if one["status"] != "True" and name != READY]
    return f"not ready: {_why(wrong[0])}" if wrong else "not ready: KServe has not said why"


def _why(condition: Object) -> str:
    said = ": ".join(text for text in (condition.get("reason"), condition.get("message")) if text)
    return f"{condition['type']} {said}".strip()
