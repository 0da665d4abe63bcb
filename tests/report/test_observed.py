"""What pods and models say of themselves, as Kubernetes and KServe write it."""

from typing import Any

import pytest

from report.observed import Observed, model_state, pod_state

ROW = {"name": "chat", "team": "language", "namespace": "language"}
LABELS = {"app.kubernetes.io/name": "chat", "mlplatform.dev/team": "language"}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, "Running"),
        (
            {"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
            "CrashLoopBackOff",
        ),
        (
            {"phase": "Pending", "initContainerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
            "ImagePullBackOff",
        ),
        (
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]},
            "Pending",
        ),
        (
            {
                "phase": "Pending",
                "containerStatuses": [{"state": {"waiting": {"reason": "CreateContainerConfigError"}}}],
            },
            "CreateContainerConfigError",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
            },
            "Unschedulable",
        ),
        (
            {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]},
            "Running, not ready",
        ),
        ({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}, "Running"),
        (
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "CreateContainerError"}}}]},
            "CreateContainerError",
        ),
        (
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
            },
            "SchedulingGated",
        ),
        ({"phase": "Failed", "reason": "Evicted"}, "Failed: Evicted"),
        (
            {"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}]},
            "Failed: OOMKilled",
        ),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"reason": "Error"}}}]}, "Failed"),
        ({}, "Unknown"),
    ],
)
def test_a_pod_says_what_holds_it_up_where_its_phase_does_not(status: dict[str, Any], said: str) -> None:
    """Finds a container that ends again and again counted as running. States: Kubernetes API, PodStatus."""
    assert pod_state({"metadata": {}, "status": status}) == said
    assert pod_state({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": status}) == "Terminating"


def condition(name: str, status: str, **more: str) -> dict[str, str]:
    return {"type": name, "status": status, **more}


READY = condition("Ready", "True")
RUNS = condition("Stopped", "False")
"""KServe writes it into the status of every model that was not stopped."""
WAITING = condition("PredictorReady", "False", reason="MinimumReplicasUnavailable", message="no pod is available")


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ([READY, condition("PredictorReady", "True")], "ready"),
        ([READY, condition("PredictorReady", "True"), RUNS], "ready"),
        ([condition("Ready", "False"), RUNS], "not ready: KServe reports no reason"),
        ([condition("Ready", "False"), condition("Stopped", "True")], "stopped"),
        (
            [READY, condition("CanaryPredictorReady", "False", reason="CanariesNotReady")],
            "ready; CanaryPredictorReady CanariesNotReady",
        ),
        (
            [condition("Ready", "False"), WAITING, condition("IngressReady", "Unknown")],
            "not ready: PredictorReady MinimumReplicasUnavailable: no pod is available",
        ),
        (
            [condition("Ready", "False"), WAITING],
            "not ready: PredictorReady MinimumReplicasUnavailable: no pod is available",
        ),
        ([], "not ready: KServe reports no reason"),
    ],
)
def test_a_model_is_ready_when_kserve_says_so_and_else_the_first_condition_that_is_not(
    conditions: list[dict[str, str]], said: str
) -> None:
    assert model_state({"status": {"conditions": conditions}}) == said


def test_a_model_that_failed_to_load_says_why() -> None:
    """Finds a model whose server ends while it loads: its conditions say only that no pod is available."""
    failure = {"reason": "ModelLoadFailed", "message": "config.json is missing"}
    status = {"conditions": [condition("Ready", "False"), WAITING], "modelStatus": {"lastFailureInfo": failure}}
    assert model_state({"status": status}).startswith("not ready: ModelLoadFailed: config.json is missing; Predictor")
    assert model_state({"status": {**status, "conditions": [READY]}}) == "ready"


def test_a_model_that_is_not_there_is_said_not_to_be() -> None:
    assert model_state(None) == "no InferenceService"


def test_only_a_workload_s_own_model_counts_and_gives_it_its_address() -> None:
    own = {"metadata": {"namespace": "language", "labels": LABELS}, "status": {"url": "https://chat.example.com"}}
    other = {"metadata": {"namespace": "vision", "labels": LABELS}, "status": {"url": "https://other.example.com"}}
    assert Observed(models=[other, own]).model_of(ROW) == own
    assert dict(Observed(models=[other, own]).addresses([ROW])) == {"chat": "https://chat.example.com"}
    assert dict(Observed(models=[other]).addresses([ROW])) == {}


def controller(created: str, *conditions: dict[str, str]) -> dict[str, Any]:
    metadata = {"namespace": "language", "labels": LABELS, "creationTimestamp": created}
    return {"metadata": metadata, "status": {"conditions": [*conditions]}}


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ([condition("Failed", "True", reason="DeadlineExceeded")], "Failed: DeadlineExceeded"),
        ([condition("Complete", "True", reason="CompletionsReached")], "Complete"),
        ([condition("Suspended", "True", reason="JobSuspended")], "suspended"),
        (
            [condition("ReplicaFailure", "True", reason="FailedCreate", message="exceeded quota: team")],
            "no pod: exceeded quota: team",
        ),
        ([condition("Available", "False", reason="MinimumReplicasUnavailable")], "no pod yet"),
    ],
)
def test_a_workload_without_pods_says_what_became_of_them(conditions: list[dict[str, str]], said: str) -> None:
    """Finds a training past its deadline, whose pods are gone: it was shown as 0 pods and a dash."""
    older = controller("2026-01-01T00:00:00Z", condition("Failed", "True", reason="BackoffLimitExceeded"))
    newest = controller("2026-01-02T00:00:00Z", *conditions)
    assert Observed(controllers=[newest, older]).without_pods(ROW) == said
    assert Observed(controllers=[newest]).without_pods({**ROW, "team": "vision"}) == ""
