"""Reads the running workloads from a stack's cluster, of any kind. Changes nothing."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.base.labels import TEAM_LABEL
from report.observed import Observed
from settings.clouds.existing import ExistingSettings
from tools.backend import write_private

MODELS = "inferenceservices.serving.kserve.io"
CONTROLLERS = "jobs.batch,deployments.apps"
REQUEST_SECONDS = 20
# A credential plugin in a kubeconfig (aws, gcloud) may query a cloud first.
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Access:
    """How kubectl connects to a cluster."""

    kubectl: Path
    kubeconfig: Path
    context: str = ""
    """Default: the current context of the kubeconfig."""

    def listed(self, kind: str, environment: Mapping[str, str]) -> list[dict[str, Any]]:
        """Objects of a kind that belong to teams' workloads. Raises NotRead; a kind that is not installed has none."""
        chosen = [f"--context={self.context}"] if self.context else []
        command = [str(self.kubectl), f"--kubeconfig={self.kubeconfig}", *chosen, "get", kind, "--all-namespaces"]
        command += [f"--selector={TEAM_LABEL}", "--output=json", f"--request-timeout={REQUEST_SECONDS}s"]
        try:
            answer = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                env=dict(environment),
                timeout=_ANSWER_SECONDS,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise NotRead(f"the cluster does not answer (waited {_ANSWER_SECONDS} s)") from None
        if answer.returncode == 0:
            items: list[dict[str, Any]] = json.loads(answer.stdout)["items"]
            return items
        if "doesn't have a resource type" in answer.stderr:
            return []
        said = answer.stderr.strip().splitlines() or ["no word"]
        raise NotRead(f"the cluster {'may not be read' if 'Forbidden' in said[-1] else 'does not answer'} ({said[-1]})")


class NotRead(Exception):
    """The cluster did not answer, or reading is forbidden; the message contains the reason."""


def observe(access: Access, environment: Mapping[str, str]) -> Observed:
    """The running workloads. A cluster that does not answer is no error: `problem` of the result names the reason."""
    try:
        pods, models, controllers = (access.listed(kind, environment) for kind in ("pods", MODELS, CONTROLLERS))
        return Observed(pods, models, controllers)
    except NotRead as error:
        return Observed(problem=str(error))


def named(kubectl: Path, cluster: ExistingSettings) -> Access:
    """The cluster that settings name."""
    return Access(kubectl, Path(cluster.kubeconfig).expanduser(), cluster.context or "")


@contextmanager
def access(kubectl: Path, there: Access | None, made: Callable[[], str], state: Path) -> Iterator[Access | None]:
    """The cluster of a stack: `there`, a simulated one or one that its settings name; else the one that the stack
    created, with the kubeconfig that `made` returns. None while it does not exist."""
    if there is not None:
        yield there
    elif text := made():
        with tempfile.TemporaryDirectory(dir=state) as private:
            path = Path(private) / "kubeconfig"
            write_private(path, text)
            yield Access(kubectl, path)
    else:
        yield None
