"""The record of the simulated cluster that a stack was deployed to: its objects are deleted with it."""

import subprocess
from pathlib import Path

from tools.backend import write_private
from tools.errors import ToolError
from tools.run import Run


def record_of(state: Path, stack: str) -> Path:
    """The file of a stack, in the private directory of the checkout."""
    return state / "clusters" / stack


def forget_another(run: Run) -> None:
    """Drops the state of a simulated cluster that no longer exists.

    A refresh would not help: it connects to the cluster in the state, at an address where nothing answers.
    """
    if run.kubeconfig is None:
        return
    before = record_of(run.engine.state, run.facts.name)
    if not before.exists() or not run.engine.exists():
        return
    if before.read_text(encoding="utf-8") != _identity(run):
        run.screen.say("recovery", "the cluster was recreated since the last up; the state starts empty")
        run.remove(force=True)
        before.unlink()


def remember(run: Run) -> None:
    """Records the cluster of this run, if it is a simulated one."""
    if run.kubeconfig is not None:
        write_private(record_of(run.engine.state, run.facts.name), _identity(run))


def _identity(run: Run) -> str:
    """The UID of kube-system, the usual identity of a cluster: unique, and kept by a restart. Raises ToolError."""
    assert run.kubeconfig is not None
    command = [str(run.engine.tools.path("kubectl")), "--kubeconfig", str(run.kubeconfig), "get", "namespace"]
    answer = subprocess.run(
        [*command, "kube-system", "-o", "jsonpath={.metadata.uid}"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise ToolError(f"the simulated cluster does not answer: {answer.stderr.strip()}. Try `make up` again.")
    return answer.stdout
