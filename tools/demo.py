"""`make demo`: dev from nothing to a prediction, then a change by hand, found and undone."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from simulator.cluster import Cluster
from tools.backend import cluster_name
from tools.errors import ToolError
from tools.lifecycle import Lifecycle
from tools.results import REQUESTS

STACK = "dev"
MODEL = "digit-reader"
TEAM, QUOTA, RESOURCE, WRONG = "vision", "team", "requests.nvidia.com/gpu", "100"
_SHADES = " .:-=+*#@"
_SIDE = 8


def quiet(outputs: Mapping[str, Any], observed: object) -> None:
    """In the place of the summary, which `make status` prints."""


def picture(request: Path) -> str:
    """The first picture of a request as characters, a dark pixel a dense one."""
    (pixels, *_) = json.loads(request.read_text(encoding="utf-8"))["inputs"]
    shaded = [_SHADES[round(value * (len(_SHADES) - 1))] * 2 for value in pixels["data"][: _SIDE * _SIDE]]
    return "\n".join("".join(shaded[row : row + _SIDE]) for row in range(0, len(shaded), _SIDE))


def raise_quota(life: Lifecycle) -> str:
    """Gives a team GPUs by hand. Returns what it had. Raises ToolError."""
    run = life.of_running(STACK)
    command = [str(run.engine.tools.path("kubectl")), f"--kubeconfig={run.kubeconfig}", f"--namespace={TEAM}"]
    before = _called([*command, "get", "resourcequota", QUOTA, "--output=json"])
    wrong = json.dumps({"spec": {"hard": {RESOURCE: WRONG}}})
    _called([*command, "patch", "resourcequota", QUOTA, "--type=merge", f"--patch={wrong}"])
    return str(json.loads(before)["spec"]["hard"][RESOURCE])


def _called(command: list[str]) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ToolError(f"the cluster does not answer: {answer.stderr.strip()}. Try `make demo` again.")
    return answer.stdout


@click.command()
def demo() -> None:
    """Deploy dev, show what it trained and what its model answers, then find and undo a change by hand."""
    life = Lifecycle(summary=f"{__name__}:{quiet.__name__}")
    say, detail = life.screen.say, life.screen.detail
    say("demo", "1 of 3: the platform, a training and its model, as Pulumi.dev.yaml declares them")
    life.up(STACK)
    if Cluster(cluster_name(life.project, STACK)).node.running():
        say("demo", f"2 of 3: this picture is what the model was asked ({MODEL}, above)")
        detail(picture(REQUESTS / f"{MODEL}.json"))
    else:
        say("demo", "2 of 3: left out, because every pod is simulated here: no training ran and no model answers")
    had = raise_quota(life)
    say("demo", f"3 of 3: the GPU quota of team {TEAM} was raised by hand, from {had} to {WRONG}")
    life.refresh(STACK)
    life.up(STACK)
    say("next", "make status   (the whole summary), http://127.0.0.1:5000 (MLflow), make down (removes everything)")
