"""What pods that run as processes have done: runs of trainings, as MLflow has them, and answers of served models."""

import json
import subprocess
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from components.base.labels import NAME_LABEL, ROLE_LABEL, TEAM_LABEL, Role
from simulator.process_node.member import ProcessNode
from tools.facts import CHECKOUT
from tools.processes import pods_on_node, running
from tools.screen import Screen

MLFLOW_PORT = 5000
"""Where the process node offers it (`tools.processes.PORTS`)."""
MLFLOW = f"http://127.0.0.1:{MLFLOW_PORT}"
REQUESTS = CHECKOUT / "examples" / "requests"
"""A request for each model that is asked: `<name of the InferenceService>.json`, in KServe's protocol v2."""
MODEL_LABEL = "serving.kserve.io/inferenceservice"
_SECONDS = 20
_METRICS = 3


def show_processes(screen: Screen, node: ProcessNode, kubectl: Path, kubeconfig: Path) -> None:
    """Prints what runs as processes, and what it has done. Nothing where every pod is simulated."""
    pods = pods_on_node(kubectl, kubeconfig)
    ports = node.open_ports() if pods else []
    for line in running(pods, ports):
        screen.say("processes", line)
    for label, text in results(pods, ports, kubectl, kubeconfig):
        screen.say(label, text)


def results(
    pods: Sequence[Mapping[str, Any]],
    open_ports: Collection[int],
    kubectl: Path,
    kubeconfig: Path,
    requests: Path = REQUESTS,
) -> Iterator[tuple[str, str]]:
    """Label and text of each: trainings that have ended, then models for which there is a request in `requests`.

    MLflow is asked if its port is one of `open_ports`.
    """
    trained = {}
    for pod in pods:
        labels = pod["metadata"].get("labels", {})
        if labels.get(ROLE_LABEL) == Role.TRAINING and pod["status"].get("phase") == "Succeeded":
            trained[labels[TEAM_LABEL], labels[NAME_LABEL]] = pod
    for (team, name), pod in sorted(trained.items()):
        run = _run(f"{team}/{name}") if MLFLOW_PORT in open_ports else ""
        yield "trained", f"{team}/{name} in {_seconds(pod):.0f} s{run}"
    models = {
        (pod["metadata"]["namespace"], pod["metadata"]["labels"][MODEL_LABEL])
        for pod in pods
        if pod["status"].get("phase") == "Running" and MODEL_LABEL in pod["metadata"].get("labels", {})
    }
    for namespace, model in sorted(models):
        request = requests / f"{model}.json"
        if request.is_file():
            yield "answers", f"{namespace}/{model}: {answer(kubectl, kubeconfig, namespace, model, request)}"


def answer(kubectl: Path, kubeconfig: Path, namespace: str, model: str, request: Path) -> str:
    """The model's outputs for a request in protocol v2, asked through the API server; or why there are none."""
    path = f"/api/v1/namespaces/{namespace}/services/{model}-predictor:80/proxy/v2/models/{model}/infer"
    command = [str(kubectl), f"--kubeconfig={kubeconfig}", "create", "--raw", path, "--filename", str(request)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        outputs = json.loads(done.stdout)["outputs"]
    except (subprocess.TimeoutExpired, ValueError, KeyError) as error:
        why = "timeout" if isinstance(error, subprocess.TimeoutExpired) else (done.stderr or done.stdout).strip()
        return f"no answer to {_shown(request)}: {why}"
    found = ", ".join(f"{one['name']} {' '.join(map(str, one['data']))}" for one in outputs)
    return f"{found}  (asked with {_shown(request)})"


def _shown(path: Path) -> Path:
    return path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path


def _seconds(pod: Mapping[str, Any]) -> float:
    ended = [one["state"]["terminated"] for one in pod["status"]["containerStatuses"]]
    start, end = (datetime.fromisoformat(ended[0][name].replace("Z", "+00:00")) for name in ("startedAt", "finishedAt"))
    return (end - start).total_seconds()


def _run(experiment: str) -> str:
    """Metrics and page of the last run of an experiment; empty if MLflow has none, or does not answer."""
    try:
        found = _ask(f"experiments/get-by-name?experiment_name={quote(experiment, safe='')}")["experiment"]
        runs = _ask("runs/search", {"experiment_ids": [found["experiment_id"]], "max_results": 1})["runs"]
        run = runs[0]
    except (OSError, ValueError, LookupError):
        return ""
    metrics = [f"{one['key']} {one['value']:.3g}" for one in run["data"].get("metrics", [])[:_METRICS]]
    page = f"{MLFLOW}/#/experiments/{found['experiment_id']}/runs/{run['info']['run_id']}"
    return f": {', '.join(metrics) or 'no metric'}; {page}"


def _ask(path: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    request = Request(f"{MLFLOW}/api/2.0/mlflow/{path}", data, {"Content-Type": "application/json"})  # noqa: S310 - ours
    with urlopen(request, timeout=_SECONDS) as found:  # noqa: S310
        return json.load(found)
