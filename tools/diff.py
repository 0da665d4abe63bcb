"""`make diff BASE=main STACK=prod`: the report between two commits, without any credential.

The base is deployed on a simulated cloud or cluster on this computer, by its own program, and the working tree is
previewed against it: replacements, deletions and property changes are those that the engine and the providers say. The
stack's real state is never read, its real cloud never reached; everything is removed at the end.
"""

import dataclasses
import datetime
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from catalog.accelerators import CLOUD_KINDS
from report.comparison import Comparison
from report.document import report
from report.plan import Plan
from simulator.cluster import Cluster
from tools.backend import cluster_name, remove_state, settings_file
from tools.engine import Engine, policy_config_file
from tools.errors import ToolError
from tools.events import Outcome
from tools.facts import read_facts
from tools.lifecycle import Lifecycle
from tools.preview import (
    exemptions_of,
    failed,
    format_option,
    look_option,
    out_option,
    plan_of,
    reporting,
    side,
    stack_names,
    today,
)
from tools.rehearsal import Rehearsal
from tools.run import Run
from tools.screen import Screen, failures_text, violations_text

HEAD = "the working tree"


def checked_out(project: Path, commit: str, folder: Path) -> str:
    """Writes the files of a commit into the folder, and returns its short id. Raises ToolError for an unknown commit.

    An archive and no worktree: nothing is registered in the repository, so a killed run leaves nothing in it.
    """
    git = ["git", "-C", str(project)]
    named = subprocess.run(
        [*git, "rev-parse", "--short", "--verify", "--end-of-options", f"{commit}^{{commit}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if named.returncode:
        raise ToolError(f"{commit!r} is no commit of {project}: fetch it, or name another with BASE=<commit>")
    archive = subprocess.run([*git, "archive", "--format=tar", named.stdout.strip()], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    environment = project / ".venv"
    if environment.exists() and not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(environment.resolve(), target_is_directory=True)
    return named.stdout.strip()


def of_project(engine: Engine, project: Path) -> Engine:
    """The same engine on the program, policies and settings of another checkout."""
    return dataclasses.replace(
        engine,
        project=project,
        policy_pack=project / "policies",
        policy_config=policy_config_file(project, engine.stack),
        environment={**engine.environment, "PYTHONPATH": str(project)},
    )


@dataclasses.dataclass(frozen=True)
class Diff:
    """Two commits of this checkout, compared on simulated clouds and clusters."""

    lifecycle: Lifecycle
    base: str

    def comparison(self, stack: str, now: datetime.date) -> Comparison:
        """The report's input for one stack. What cannot be compared is a comparison with a problem."""
        try:
            with tempfile.TemporaryDirectory(prefix="mlplatform-base-") as folder:
                return self._comparison(stack, Path(folder), now)
        except ToolError as error:
            return dataclasses.replace(failed(stack, error.format_message(), now), against=self.base, simulated=True)

    def _comparison(self, stack: str, folder: Path, now: datetime.date) -> Comparison:
        project = self.lifecycle.project
        commit = checked_out(project, self.base, folder)
        label = self.base if self.base.startswith(commit) else f"{self.base} ({commit})"
        facts = read_facts(project, stack)
        if facts.cluster_kind not in CLOUD_KINDS and not facts.simulated:
            raise ToolError(
                f"stack {stack} is on a cluster that exists, which is not simulated: `make preview STACK={stack}` "
                "compares with it"
            )
        head = settings_file(project, stack).read_text(encoding="utf-8")
        old = settings_file(folder, stack)
        before = old.read_text(encoding="utf-8") if old.exists() else ""
        with self._cloud(stack) if facts.cluster_kind in CLOUD_KINDS else self._cluster(stack, folder) as run:
            found = self._deploy(run, folder) if before else None
            outcome = dataclasses.replace(run, engine=of_project(run.engine, project)).watched_preview()
            plan = plan_of(outcome, stack)
        against = f"{label}, deployed on a simulated {'cluster' if facts.simulated else 'cloud'}"
        if not before:
            against = f"nothing: {label} has no {old.name}"
        return Comparison(
            stack,
            plan,
            side(before, label),
            side(head, HEAD),
            against,
            now,
            simulated=True,
            base_findings=found.findings if found else (),
            exemptions=exemptions_of(project, stack),
        )

    def _deploy(self, run: Run, folder: Path) -> Plan:
        """The base, up on the simulated cloud. Raises ToolError if it cannot be deployed."""
        engine = of_project(run.engine, folder)
        based = dataclasses.replace(run, engine=engine)
        outcome = based._watched("up", lambda one: one.up(), label="base")
        if not outcome.succeeded:
            raise ToolError(f"the base {self.base} cannot be deployed on the simulated cloud: {_why(outcome)}")
        run.screen.say("base", f"{self.base} is up  ({outcome.seconds:.0f} s)")
        return plan_of(outcome, engine.stack)

    @contextmanager
    def _cloud(self, stack: str) -> Iterator[Run]:
        rehearsal = Rehearsal(stack, self.lifecycle, name=f"diff-{stack}")
        with self.lifecycle._only_one(f"diff-{stack}"), rehearsal._cloud() as (run, cloud):
            try:
                run.engine.create()
                yield run
            finally:
                rehearsal._leave(cloud)

    @contextmanager
    def _cluster(self, stack: str, folder: Path) -> Iterator[Run]:
        life = dataclasses.replace(self.lifecycle, project=folder)
        try:
            with life.ready(stack) as (run, _):
                yield run
        finally:
            # The cluster as a whole: its objects need no destroy.
            Cluster(cluster_name(folder, stack)).delete()
            remove_state(life.state)


def _why(outcome: Outcome) -> str:
    if outcome.interruptions:
        return "interrupted"
    return failures_text(outcome.failures) or violations_text(outcome.mandatory_violations) or "no error was reported"


@click.command()
@click.option(
    "--stack", "stacks", default="dev", show_default=True, callback=stack_names, help="Stacks between commas."
)
@click.option("--base", default="main", show_default=True, help="The commit to compare the working tree with.")
@format_option
@out_option
@look_option
def diff(stacks: tuple[str, ...], base: str, formats: tuple[str, ...], folder: Path | None, allow_look: bool) -> None:
    """Report what changes between a commit and the working tree, on a simulated cloud; no credentials.

    Exit codes: 0 nothing to decide, 1 look, 2 blocked by a policy, 3 could not preview.
    """
    compared, now = Diff(Lifecycle(screen=Screen(Console(stderr=True))), base), today()
    reporting(
        lambda: report([compared.comparison(stack, now) for stack in stacks]), formats, folder, allow_look=allow_look
    )
