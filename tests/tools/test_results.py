"""What is said of pods that ran for real. The real programs are asked in tests/engine/test_dev_stack.py."""

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import results as module
from tools.results import MLFLOW_PORT, results

TRAINED = {"startedAt": "2026-01-01T00:00:10Z", "finishedAt": "2026-01-01T00:00:52Z"}
KUBECONFIG = Path("/kubeconfig")


def pod(phase: str, labels: dict[str, str], terminated: Any = None) -> dict[str, Any]:
    status = {"phase": phase, "containerStatuses": [{"state": {"terminated": terminated}}]}
    return {"metadata": {"namespace": "vision", "labels": labels}, "status": status}


TRAINING = pod(
    "Succeeded",
    {
        "app.kubernetes.io/component": "training",
        "app.kubernetes.io/name": "digits",
        "mlplatform.dev/team": "vision",
    },
    TRAINED,
)
MODEL = pod("Running", {"serving.kserve.io/inferenceservice": "reader"})


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / "reader.json").write_text("{}")
    return tmp_path / "requests"


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server with the answers that MLflow 3.17.2 gave; what it was asked."""
    asked: list[str] = []
    answers: dict[str, Any] = {
        "experiments/get-by-name": {"experiment": {"experiment_id": "7"}},
        "runs/search": {
            "runs": [{"info": {"run_id": "f00d"}, "data": {"metrics": [{"key": "accuracy", "value": 0.9402}]}}]
        },
    }

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            text = json.dumps(answers[self.path.partition("mlflow/")[2].partition("?")[0]]).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = answer  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(module, "MLFLOW", f"http://127.0.0.1:{server.server_address[1]}")
        yield asked
        server.shutdown()


def test_a_training_has_its_metrics_and_its_page(mlflow: list[str], requests: Path) -> None:
    ((label, text),) = results([TRAINING], [MLFLOW_PORT], Path("/kubectl"), KUBECONFIG, requests)
    assert label == "trained"
    assert text == f"vision/digits in 42 s: accuracy 0.94; {module.MLFLOW}/#/experiments/7/runs/f00d"
    assert mlflow[0].endswith("experiment_name=vision%2Fdigits")


def test_mlflow_is_not_asked_on_a_port_of_another_program(mlflow: list[str], requests: Path) -> None:
    """Only this finds the answers of somebody else's MLflow in the summary."""
    assert [*results([TRAINING], [], Path("/kubectl"), KUBECONFIG, requests)] == [("trained", "vision/digits in 42 s")]
    assert mlflow == []


def test_a_model_is_asked_through_the_api_server_if_there_is_a_request_for_it(tmp_path: Path, requests: Path) -> None:
    answer = '{"outputs": [{"name": "predict", "data": [0, 3]}]}'
    kubectl = program(tmp_path / "kubectl", f"echo \"$@\" > {tmp_path}/asked; echo '{answer}'")
    without = pod("Running", {"serving.kserve.io/inferenceservice": "another"})
    starting = pod("Pending", {"serving.kserve.io/inferenceservice": "reader"})
    assert [*results([without, starting], [], kubectl, KUBECONFIG, requests)] == []

    asked = requests / "reader.json"
    found = [*results([MODEL, MODEL, without], [], kubectl, KUBECONFIG, requests)]
    assert found == [("answers", f"vision/reader: predict 0 3  (asked with {asked})")]
    path = "/api/v1/namespaces/vision/services/reader-predictor:80/proxy/v2/models/reader/infer"
    assert (tmp_path / "asked").read_text().split() == [
        *(f"--kubeconfig={KUBECONFIG}", "create", "--raw", path, "--filename", str(asked))
    ]


@pytest.mark.parametrize(
    ("said", "why"), [("echo refused >&2; exit 1", "refused"), ("echo '{\"error\": 1}'", '{"error": 1}')]
)
def test_a_model_that_does_not_answer_is_said_with_the_reason(
    tmp_path: Path, requests: Path, said: str, why: str
) -> None:
    kubectl = program(tmp_path / "kubectl", said)
    ((_, text),) = results([MODEL], [], kubectl, KUBECONFIG, requests)
    assert text == f"vision/reader: no answer to {requests / 'reader.json'}: {why}"
