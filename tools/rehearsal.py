"""A rehearsal: a whole cloud stack, up and down again, on a cloud that is simulated on this computer.

Engine, program, policies, Kubernetes provider and the cluster's control plane are real; AWS and Google Cloud are
stand-ins that validate requests and keep state (docs/simulated-clouds.md). State, secrets and cloud are in a separate
directory: the stack's real backend is never read, its real cloud never reached.
"""

import dataclasses
import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml

from catalog.accelerators import CLOUD_KINDS
from settings.reader import PREFIX
from simulator.clouds.cloud import SimulatedCloud
from simulator.errors import SimulatorError
from tools.backend import Backend, prepare, state_directory
from tools.engine import RUN_VARIABLE, Engine, policy_config_file
from tools.errors import ToolError
from tools.facts import read_facts
from tools.lifecycle import Lifecycle
from tools.recovery import new_run
from tools.run import Run, StackFacts
from tools.screen import changes_text, steps_text

ENVIRONMENT = f"{PREFIX}environment"


def rehearsal_settings(text: str) -> str:
    """The settings of a stack for its rehearsal: marked as such, and without secrets that only its backend can
    decrypt."""
    content: dict[str, Any] = yaml.safe_load(text) or {}
    kept = {key: content[key] for key in ("config", "encryptionsalt") if key in content}
    config = _without_secrets(kept.get("config") or {})
    environment = config.get(ENVIRONMENT)
    if isinstance(environment, dict):
        config[ENVIRONMENT] = {**environment, "rehearsal": True}
    return yaml.safe_dump({**kept, "config": config}, sort_keys=False, allow_unicode=True)


def _without_secrets(value: Any) -> Any:
    """The same with each encrypted value replaced by another secret."""
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            # The same for the same ciphertext: two rehearsals of one secret do not differ.
            return f"rehearsed-{hashlib.sha256(str(value['secure']).encode()).hexdigest()[:16]}"
        return {key: _without_secrets(part) for key, part in value.items()}
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """The rehearsal of one stack of this checkout."""

    stack: str
    lifecycle: Lifecycle = dataclasses.field(default_factory=Lifecycle)
    name: str = ""
    """Of its directory; default: the stack's."""

    @property
    def home(self) -> Path:
        """Directory of the rehearsal: state, logs, simulated cloud."""
        return state_directory(self.lifecycle.project) / "rehearsals" / (self.name or self.stack)

    def run(self, *, preview_only: bool = False, keep: bool = False) -> None:
        """Up, up again, down; leaves nothing. `keep` stops after the ups, `preview_only` after the policies."""
        began = time.monotonic()
        say = self.lifecycle.screen.say
        self._refuse_other_kinds()
        with self.lifecycle._only_one(f"rehearsal-{self.stack}"), self._cloud() as (run, cloud):
            run.engine.create()
            plan = run.preview()
            if preview_only:
                self.lifecycle.screen.detail(steps_text(plan.steps))
                self._leave(cloud)
                say("next", f"make rehearse STACK={self.stack}   (this was a preview; nothing has been changed)")
                return
            run.up(total=plan.same + sum(plan.changes.values()))
            self._refuse_changes(run)
            for control_plane in cloud.clusters():
                reached = dataclasses.replace(run, kubeconfig=control_plane.kubeconfig)
                self.lifecycle._show(self.lifecycle.summary, reached)
            if keep:
                say("kept", f"{self.home}; `make rehearse STACK={self.stack} ARGS=--end` takes it down")
                return
            run.destroy()
            self._refuse_remains(cloud)
            self._leave(cloud)
        say("rehearsed", f"{self.stack}: up, unchanged, down, nothing left  ({time.monotonic() - began:.0f} s)")

    def end(self) -> None:
        """Removes what an earlier rehearsal left: its clusters, its cloud, its state."""
        there = self.home.exists()
        self._leave(SimulatedCloud(self.home / "cloud"))
        self.lifecycle.screen.say("rehearsal", f"of {self.stack} {'is gone' if there else 'is not there'}")

    def _refuse_other_kinds(self) -> None:
        facts = read_facts(self.lifecycle.project, self.stack)
        if facts.cluster_kind not in CLOUD_KINDS:
            raise ToolError(
                f"stack {self.stack} has a cluster of kind {facts.cluster_kind or '(none)'}: there is no cloud to "
                f"rehearse. `make up STACK={self.stack}` brings a simulated one up."
            )

    @contextmanager
    def _cloud(self) -> Iterator[tuple[Run, SimulatedCloud]]:
        """The simulated cloud, empty, and a run against it. Removes a killed rehearsal first."""
        cloud = SimulatedCloud(prepare(self.home) / "cloud")
        if any(self.home.iterdir()):
            self._leave(cloud)
            prepare(self.home)
        tools = self.lifecycle.tools()
        try:
            environment = cloud.environment(tools)
        except SimulatorError as error:
            raise ToolError(str(error)) from None
        backend = Backend(f"file://{self.home / 'backend'}", "rehearsal")
        engine = Engine(
            tools=tools,
            project=self.lifecycle.project,
            stack=self.stack,
            state=self.home,
            backend=backend,
            policy_pack=self.lifecycle.policy_pack or self.lifecycle.project / "policies",
            policy_config=policy_config_file(self.lifecycle.project, self.stack),
            environment={
                RUN_VARIABLE: new_run(),
                "MLPLATFORM_REHEARSAL": "1",
                **environment,
                **self.lifecycle.environment,
            },
            skip_checkpoints=True,
            edit_settings=rehearsal_settings,
        )
        self.lifecycle.screen.say("cloud", f"simulated on this computer: {self.home / 'cloud'}")
        yield Run(StackFacts(self.stack, simulated=False), engine, self.lifecycle.screen, None), cloud

    def _refuse_changes(self, run: Run) -> None:
        again = run.preview()
        if again.changes:
            self.lifecycle.screen.detail(steps_text(again.steps))
            raise ToolError(f"a second up would change something: {changes_text(again)}")

    def _refuse_remains(self, cloud: SimulatedCloud) -> None:
        remains = [f"{kind} {name}" for there in ("aws", "gcp") for kind, name in cloud.resources(there)]
        if remains:
            listed = "\n  ".join(remains)
            raise ToolError(f"the destroy left {len(remains)} resources in the cloud:\n  {listed}")

    def _leave(self, cloud: SimulatedCloud) -> None:
        cloud.delete()
        shutil.rmtree(self.home, ignore_errors=True)


@click.command()
@click.option("--stack", default="prod", show_default=True, help="The stack: Pulumi.<stack>.yaml, of kind eks or gke.")
@click.option("--preview", "preview_only", is_flag=True, help="Stop after the preview and the policies.")
@click.option("--keep", is_flag=True, help="Keep it up, for inspection.")
@click.option("--end", is_flag=True, help="Remove what --keep, or a killed rehearsal, left.")
def rehearse(stack: str, preview_only: bool, keep: bool, end: bool) -> None:
    """Deploy a cloud stack and delete it again on a cloud simulated on this computer."""
    rehearsal = Rehearsal(stack)
    if end:
        rehearsal.end()
    else:
        rehearsal.run(preview_only=preview_only, keep=keep)
