"""The screen that `make up` ends with, word for word. tests/stacks/test_outputs.py holds the shapes of the outputs."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
from rich.console import Console

from report.observed import Observed
from report.summary import show, show_running, summary

OUTPUTS: dict[str, Any] = {
    "environment": "dev",
    "endpoints": {"mlflow": "https://mlflow.example.com", "artifacts": "s3://mlplatform"},
    "capacity": [
        {
            "accelerator": "H100",
            "key": "h100",
            "sharing": "exclusive",
            "resource": "nvidia.com/gpu",
            "nodes": 2,
            "devices": 16,
            "units": 16.0,
            "used": 9.0,
        },
        {"accelerator": "", "key": "cpu", "sharing": "", "nodes": 3, "devices": 0, "units": 0, "used": 0},
    ],
    "teams": {
        "vision": {"h100": {"quota": 12, "used": 9, "left": 3}},
        "language": {"h100": {"quota": 4, "used": 0, "left": 4}},
    },
    "workloads": [
        {"name": "detector", "team": "vision", "kind": "distributed training", "namespace": "vision"},
        {
            "name": "nightly",
            "team": "vision",
            "kind": "scheduled training",
            "namespace": "vision",
            "without_pods": "next: 0 3 * * *",
        },
        {
            "name": "chat",
            "team": "language",
            "kind": "KServe model",
            "namespace": "language",
            "resource": "InferenceService",
        },
    ],
    "simulated": ["nodes and pods", "charts"],
    "next": ["make preview"],
}


EXPECTED = """
dev is up
endpoint    address
─────────────────────────────────────────────
artifacts   s3://mlplatform
chat        https://chat-language.example.com
mlflow      https://mlflow.example.com

accelerator   pool   sharing     nodes   devices   units   used   left
──────────────────────────────────────────────────────────────────────
H100          h100   exclusive       2        16      16      9      7
CPU           cpu                    3         0       0      0      0

team       pool   quota   used   left
─────────────────────────────────────
language   h100       4      0      4
vision     h100      12      9      3

workload   team       kind                   pods   state                                nodes
──────────────────────────────────────────────────────────────────────────────────────────────────────
detector   vision     distributed training      2   2 Running                            h100-0 h100-1
nightly    vision     scheduled training        0   next: 0 3 * * *                      -
chat       language   KServe model              1   1 Pending; not ready: IngressReady   (not placed)

simulated  nodes and pods
           charts
next  make preview
"""


def pod(name: str, namespace: str, phase: str, node: str | None, *, team: str | None = None) -> dict[str, Any]:
    """A pod as the API server lists it."""
    labels = {"app.kubernetes.io/name": name, "mlplatform.dev/team": team or namespace}
    return {
        "metadata": {"namespace": namespace, "labels": labels},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase},
    }


def model(name: str, namespace: str, **status: Any) -> dict[str, Any]:
    """An InferenceService as the API server lists it."""
    return {"metadata": pod(name, namespace, "", None)["metadata"], "status": status}


def screen(
    outputs: dict[str, Any], pods: list[dict[str, Any]], models: Sequence[dict[str, Any]] = (), problem: str = ""
) -> list[str]:
    """The lines that are printed, without the space at their ends."""
    console = Console(file=io.StringIO(), width=150)
    console.print(summary(outputs, Observed(pods, models, problem=problem)))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_one_screen_says_where_things_are_what_is_left_where_pods_landed_what_is_simulated_and_what_is_next() -> None:
    pods = [
        pod("detector", "vision", "Running", "h100-1"),
        pod("detector", "vision", "Running", "h100-0"),
        pod("chat", "language", "Pending", None),
    ]
    unready = {"type": "IngressReady", "status": "Unknown"}
    served = model("chat", "language", url="https://chat-language.example.com", conditions=[unready])
    assert screen(OUTPUTS, pods, [served]) == EXPECTED.rstrip("\n").splitlines()


def test_only_pods_of_the_workload_s_own_team_and_namespace_count() -> None:
    pods = [
        pod("detector", "vision", "Failed", "h100-0", team="language"),
        pod("detector", "language", "Failed", "h100-0", team="vision"),
        pod("nightly", "vision", "Succeeded", "h100-0"),
        pod("nightly", "vision", "Running", "h100-0"),
    ]
    rows = [" ".join(line.split()) for line in screen(OUTPUTS, pods)]
    assert "detector vision distributed training 0 - -" in rows
    assert "nightly vision scheduled training 2 1 Running, 1 Succeeded h100-0*2" in rows


def test_a_stack_that_says_little_still_gets_a_screen() -> None:
    assert screen({}, [])[1] == "? is up"


def test_in_a_log_of_80_columns_no_node_is_cut(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    nodes = [f"accelerated-{index}" for index in range(3)]
    show(OUTPUTS, Observed([pod("detector", "vision", "Running", node) for node in nodes]))
    assert " ".join(nodes) in capsys.readouterr().out


def test_a_cap_is_shown_with_the_devices_that_there_are_and_what_is_left() -> None:
    caps = {"H100": {"cap": 24, "devices": 16}, "A100-80GB": {"cap": 8, "devices": 8}}
    rows = [" ".join(line.split()) for line in screen({"deviceCaps": caps}, [])]
    heading = rows.index("accelerator cap devices left")
    assert rows[heading + 2 : heading + 4] == ["A100-80GB 8 8 0", "H100 24 16 8"]


def test_a_cluster_that_does_not_answer_is_one_line_and_no_row_has_unknown_values() -> None:
    """Finds a summary that counts no pods, or calls a model ready, where nothing was read."""
    said = screen(OUTPUTS, [], problem="the cluster does not answer (no route to host)")
    assert [line for line in said if "does not answer" in line] == [
        "unread  the cluster does not answer (no route to host): pods, nodes and models are not known"
    ]
    rows = [" ".join(line.split()) for line in said]
    assert "chat language KServe model ? ? ?" in rows
    assert "nightly vision scheduled training ? ? ?" in rows
    assert "mlflow https://mlflow.example.com" in rows


def test_the_status_shows_endpoints_and_workloads_and_no_capacity(capsys: pytest.CaptureFixture[str]) -> None:
    ready = model("chat", "language", conditions=[{"type": "Ready", "status": "True"}])
    show_running(OUTPUTS, Observed([pod("chat", "language", "Running", "l4-0")], [ready]))
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "chat language KServe model 1 1 Running; ready l4-0" in rows
    assert "mlflow https://mlflow.example.com" in rows
    assert not any("quota" in row or "sharing" in row for row in rows)
