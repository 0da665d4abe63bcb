"""The commands for a stack: up, down, preview, refresh, status. `make` calls them.

`up` never makes a change that the policies forbid: a preview with the policy pack comes first, because policies on
resources stop an `up` half-way and policies on the stack report only at its end. A killed run is recognised by its
journal and its lock, and the next run recovers without manual steps: see `Run.recover`, `Run.compare` and `Run.adopt`.
"""

import contextlib
import dataclasses
import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from filelock import FileLock, Timeout

from catalog.accelerators import ClusterKind
from report.observed import Observed
from simulator.cluster import Cluster, State
from simulator.errors import SimulatorError
from tools.backend import (
    Backend,
    choose_backend,
    cluster_name,
    prepare,
    remove_state,
    settings_file,
    state_directory,
)
from tools.cluster_record import forget_another, record_of, remember
from tools.commands import ensure_showing_progress
from tools.detect import advice_text, existing, second_installs, settings_of
from tools.engine import RUN_VARIABLE, Engine, Tools, policy_config_file
from tools.errors import ToolError
from tools.facts import CHECKOUT, CLUSTER_VARIABLE, read_facts, skip_checkpoints
from tools.leftovers import Leftovers, leftovers
from tools.observe import Access, access, named, observe
from tools.processes import Chosen, installing_images, with_programs
from tools.processes import choose as choose_processes
from tools.recovery import (
    Journal,
    Unfinished,
    new_run,
)
from tools.results import show_processes
from tools.run import NoAnswerError, Run, StackFacts, do_nothing
from tools.screen import Screen, drift_text, steps_text
from tools.toolchain import is_installed

SUMMARY, RUNNING = "report.summary:show", "report.summary:show_running"
# An object that a killed run created is in no state; the next run finds it again. Provider 4.25 creates by server-side
# apply and so adopts it; from 4.29 on a create is a plain POST and needs this variable. Set only after a killed run or
# a lost answer: at other times an existing object belongs to another owner (4.29 then reports it). Kinds with data that
# a second `up` cannot restore.
_STATEFUL = frozenset(
    {"PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "Cluster", "Instance", "DatabaseInstance", "Bucket"}
    | {"BucketV2", "FileSystem"}
)
_SUBNET = "aws:ec2/subnet:Subnet"


def validate_before_installing(project: Path, stack: str) -> None:
    """Validates the settings if the tools are not installed: a misspelt key is reported before a build of 20 minutes.

    If the tools are installed, the program reports it within seconds. Raises ToolError with every problem.
    """
    if is_installed():
        return
    command = [sys.executable, "-m", "settings.check", str(settings_file(project, stack))]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ToolError(answer.stderr.strip())


@dataclass(frozen=True)
class Lifecycle:
    """The commands, with the interfaces that tests and other parts of the platform provide."""

    project: Path = CHECKOUT
    screen: Screen = dataclasses.field(default_factory=Screen)
    facts: Callable[[Path, str], StackFacts] = read_facts
    tools: Callable[[], Tools] = ensure_showing_progress
    policy_pack: Path | None = None
    """Default: `policies` in the project."""
    summary: str = SUMMARY
    """`module:function`, called with the stack's outputs (secrets masked) and the observed state of its workloads."""
    running: str = RUNNING
    """The same, for `status`."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More variables for the engine."""

    @property
    def state(self) -> Path:
        """The private directory of this checkout."""
        return state_directory(self.project)

    def up(self, stack: str, *, dry_run: bool = False, look_first: bool = True) -> None:
        """Deploys a stack: tools, cluster, policies, stack, summary. `dry_run` stops after the policies; so does a
        cluster that already has what the first `up` would install, unless `look_first` is False."""
        with self.ready(stack) as (run, unfinished):
            facts, plan = run.facts, run.preview()
            if look_first and facts.cluster_kind == ClusterKind.EXISTING and not run.engine.resources():
                self._refuse_second_installs(run)
            if dry_run:
                self.screen.detail(steps_text(plan.steps))
                self.screen.say("next", f"make up STACK={stack}   (this was a preview; nothing has been changed)")
                return
            remember(run)
            # A preview ignores locks: an `up` reports who holds the stack, or that the holder died.
            if plan.nothing_to_do and unfinished is None and run.engine.backend.unlocked(stack):
                self.screen.say("up", f"nothing to do: all {plan.same} resources are up to date")
            else:
                run.up(total=plan.same + sum(plan.changes.values()))
            self._show(self.summary, run)

    @contextlib.contextmanager
    def ready(self, stack: str) -> Iterator[tuple[Run, Unfinished | None]]:
        """A run on the stack, locked, with its cluster started and a state that is reliable; and what a killed run left
        unfinished."""
        facts = self.facts(self.project, stack)
        validate_before_installing(self.project, stack)
        with self._only_one(stack):
            run = self._begin(facts, start_cluster=True)
            unfinished = run.recover()
            forget_another(run)
            run.engine.create()
            if unfinished is not None:
                run.compare()
            yield run, unfinished

    def down(self, stack: str, *, yes: bool = False, dry_run: bool = False) -> None:
        """Deletes a stack completely: objects, cluster, processes, state.

        `dry_run` prints what would be deleted and what would remain, and deletes nothing.
        """
        facts = self.facts(self.project, stack)
        if dry_run:
            self._preview_down(facts)
            return
        cluster = Cluster(cluster_name(self.project, stack)) if facts.simulated else None
        there = self._anything_up(stack, cluster)
        if there:
            with self._only_one(stack):
                there = self._take_down(facts, cluster, yes=yes)
        backend = choose_backend(self.project, self.state)
        if backend.chosen_by == "default" and not _stacks_in(backend):
            remove_state(self.state)
        gone = "is gone; nothing is left over" if there else "is not up; there is nothing to take down"
        self.screen.say("down", f"stack {stack} {gone}")

    def _take_down(self, facts: StackFacts, cluster: Cluster | None, *, yes: bool) -> bool:
        """Empties and removes the stack, then its simulated cluster. False if neither existed."""
        run = self._begin(facts, start_cluster=False)
        unfinished = run.recover()
        there = run.engine.exists()
        if there:
            self._empty(run, cluster, unfinished, yes=yes)
            run.remove(force=facts.simulated)
        if cluster is not None and cluster.delete():
            self.screen.say("cluster", f"deleted {cluster.name}")
            there = True
        run.journal.end()
        record_of(self.state, facts.name).unlink(missing_ok=True)
        return there

    def _preview_down(self, facts: StackFacts) -> None:
        with self._only_one(facts.name):
            run = self._begin(facts, start_cluster=False)
            self._require_stack(run)
            found = self._leftovers(run)
            if found.protected:
                self.screen.say("plan", f"nothing of stack {facts.name} is deleted while a resource is protected")
            else:
                self._say_plan(run, found)
            self._say_leftovers(found)
        self.screen.say("next", f"make down STACK={facts.name}   (this was a preview; nothing has been deleted)")

    def of_running(self, stack: str) -> Run:
        """A stack that is up, to look at it. Raises ToolError if it is not."""
        run = self._begin(self.facts(self.project, stack), start_cluster=False)
        self._require_stack(run)
        return run

    def refresh(self, stack: str) -> None:
        """Updates the state from the deployed resources and prints the drift."""
        facts = self.facts(self.project, stack)
        with self._only_one(stack):
            run = self._begin(facts, start_cluster=True)
            self._require_stack(run)
            run.recover()
            outcome = run.refresh()
            self.screen.say("refresh", f"{drift_text(outcome)}  ({outcome.seconds:.0f} s)")
            self.screen.detail(steps_text(outcome.steps))
            if outcome.changes:
                self.screen.say("next", f"make up STACK={stack}   (reverts the drift)")

    def status(self, stack: str) -> None:
        """Prints what is deployed, where its state is, and whether a run was interrupted. Changes nothing."""
        facts = self.facts(self.project, stack)
        state, backend = self.state, choose_backend(self.project, self.state)
        self.screen.say("stack", f"{stack}  ({'simulated cluster' if facts.simulated else 'cluster of your own'})")
        self.screen.say("backend", f"{backend.url}  (chosen by {backend.chosen_by})")
        if facts.simulated:
            cluster = Cluster(cluster_name(self.project, stack)).status()
            memory = f", {cluster.memory_mebibytes} MiB" if cluster.state is State.RUNNING else ""
            self.screen.say("cluster", f"{cluster.name}: {cluster.state}{memory}  {cluster.kubeconfig}")
        unfinished = Journal.of(state, stack).read()
        if unfinished is not None:
            self.screen.say("unfinished", f"the last {unfinished.operation} ({unfinished.started}) did not end")
        if not state.exists():
            self.screen.say("resources", "none: the stack is not up")
        else:
            run = self._begin(facts, start_cluster=False)
            count = len(run.engine.resources()) if run.engine.exists() else 0
            self.screen.say("resources", f"{count} in the state")
            if count:
                self._show(self.running, run)
        self.screen.say(
            "next", f"make up STACK={stack}" if not state.exists() or unfinished else f"make preview STACK={stack}"
        )

    @contextlib.contextmanager
    def _only_one(self, stack: str) -> Iterator[None]:
        """Locks the stack for this command. The system releases the lock however the command ends."""
        lock = FileLock(prepare(self.state) / f"{stack}.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise ToolError(
                f"another make is running on stack {stack} in this checkout. Wait until it has ended, or stop it with "
                "Ctrl-C where it runs, then try again."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _begin(self, facts: StackFacts, *, start_cluster: bool) -> Run:
        state = prepare(self.state)
        cluster = Cluster(cluster_name(self.project, facts.name)) if facts.simulated else None
        pods = self._choose_processes(facts, cluster) if start_cluster else Chosen(None)
        with installing_images(pods.processes, self.screen):
            tools = self.tools()
        kubeconfig, restart_cluster = None, do_nothing
        environment = {RUN_VARIABLE: new_run(), **self.environment}
        if cluster is not None:
            if start_cluster:
                self._start(cluster, tools, pods)
                restart_cluster = functools.partial(self._restart_cluster, cluster, tools, pods)
            kubeconfig = cluster.kubeconfig
            # KUBECONFIG too: a simulated stack must never reach the cluster that the user works with.
            environment |= {CLUSTER_VARIABLE: cluster.name, "KUBECONFIG": str(kubeconfig)}
        backend = choose_backend(self.project, state)
        engine = Engine(
            tools=tools,
            project=self.project,
            stack=facts.name,
            state=state,
            backend=backend,
            policy_pack=self.policy_pack or self.project / "policies",
            policy_config=policy_config_file(self.project, facts.name),
            environment=environment,
            skip_checkpoints=skip_checkpoints(facts, backend),
        )
        return Run(facts, engine, self.screen, kubeconfig, restart_cluster=restart_cluster)

    def _choose_processes(self, facts: StackFacts, cluster: Cluster | None) -> Chosen:
        return choose_processes(os.environ, cluster.node, facts.local_images) if cluster else Chosen(None)

    def _restart_cluster(self, cluster: Cluster, tools: Tools, pods: Chosen) -> None:
        """Restarts a control plane that ended during a run: otherwise no further attempt could reach it."""
        status = cluster.status()
        if status.state is not State.RUNNING:
            self._start(cluster, tools, pods, f"{status.problem or 'the control plane'} had ended, started again")

    def _start(self, cluster: Cluster, tools: Tools, pods: Chosen, why: str = "") -> None:
        try:
            with self.screen.working("cluster", f"{cluster.name}: starting") as update:
                processes = with_programs(pods, os.environ, update)
                cluster.start(tools, lambda text: update(text.removeprefix("cluster ")), processes=processes)
        except SimulatorError as error:
            raise ToolError(str(error)) from None
        self.screen.say("cluster", f"{cluster.name} is ready  ({why or 'simulated'})")
        if pods.reason:
            self.screen.say("processes", f"none, every pod is simulated: {pods.reason}")

    def _refuse_second_installs(self, run: Run) -> None:
        """Refuses to install what the cluster already has. If the cluster may not be read, prints that."""
        try:
            rows = second_installs(settings_of(run.facts.name, self.project), run.engine.tools.path("kubectl"))
        except ToolError as error:
            self.screen.say("advice", f"what the cluster has already is not known: {error.format_message()}")
            return
        if rows:
            self.screen.say("twice", f"{len(rows)} components would be installed that the cluster already has")
            self.screen.detail(advice_text(rows))
            raise ToolError(
                f"nothing has been changed. Declare what is installed in {run.facts.name}'s settings, as listed, and "
                "run it again; ARGS=--no-detect installs it anyway."
            )

    def _require_stack(self, run: Run) -> None:
        if not run.engine.exists():
            raise ToolError(f"stack {run.facts.name} is not up. `make up STACK={run.facts.name}` brings it up.")

    def _anything_up(self, stack: str, cluster: Cluster | None) -> bool:
        if cluster is not None and cluster.status().state is not State.ABSENT:
            return True
        backend = choose_backend(self.project, self.state)
        return backend.chosen_by != "default" or stack in _stacks_in(backend)

    def _empty(self, run: Run, cluster: Cluster | None, unfinished: Unfinished | None, *, yes: bool) -> None:
        """Deletes the resources of the stack. A simulated cluster is deleted as a whole, so it need not be
        reachable."""
        stack = run.facts.name
        if cluster is not None:
            if cluster.status().state is State.RUNNING:
                try:
                    run.destroy()
                except ToolError as error:
                    self.screen.say("destroy", "did not end; the simulated cluster is deleted as a whole")
                    self.screen.detail(error.format_message())
            return
        protected = [r["urn"] for r in run.engine.resources() if r.get("protect")]
        if protected:
            names = "\n  ".join(protected)
            raise ToolError(
                f"stack {stack} has {len(protected)} protected resources, and nothing has been deleted:\n  {names}\n"
                f"`pulumi state unprotect <urn> --stack {stack}` unprotects one; then run `make down` again."
            )
        found = self._leftovers(run)
        self._say_plan(run, found)
        self._say_leftovers(found)
        if not yes and not click.confirm(f"Delete all of this from stack {stack}?"):
            raise ToolError("nothing has been deleted.")
        if unfinished is not None and unfinished.creates:
            run.adopt()
        run.destroy()

    def _say_plan(self, run: Run, found: Leftovers) -> None:
        plan = run.engine.destroy(preview_only=True)
        run.refuse_failure(plan, "Nothing has been deleted.")
        but = ", but for what is kept" if found.kept else ""
        self.screen.say("plan", f"everything of stack {run.facts.name} is deleted{but}")
        self.screen.detail(steps_text(plan.steps))
        data = [s.urn.split("::")[-1] for s in plan.steps if s.type.split(":")[-1] in _STATEFUL and not s.protected]
        if data:
            self.screen.say("data", f"with what is stored in: {', '.join(data)}")
        if any(step.type == _SUBNET and not step.protected for step in plan.steps):
            self.screen.say(
                "network",
                "AWS deletes the interfaces of nodes and load balancers, up to an hour later. A subnet or security "
                f"group with such an interface cannot be deleted: `make down STACK={run.facts.name}` then continues",
            )

    def _leftovers(self, run: Run) -> Leftovers:
        """What a destroy would leave. If the cluster is unreachable, prints that its objects are not known."""
        try:
            objects = run.objects(run.engine.kubeconfig())
        except NoAnswerError as error:
            self.screen.say("advice", f"{error.format_message()}, so its volumes and load balancers are not known")
            objects = []
        return leftovers(run.engine.resources(), objects)

    def _say_leftovers(self, found: Leftovers) -> None:
        for label, names, what in (
            ("protected", found.protected, "refuse the destroy: `pulumi state unprotect <urn>` unprotects one"),
            ("kept", found.kept, "remain, outside of the state"),
            ("orphaned", found.orphaned, "would remain without an owner: delete them first, or manage them"),
        ):
            if names:
                self.screen.say(label, f"{len(names)} {what}")
                self.screen.detail("\n".join(names))

    def _show(self, printer: str, run: Run) -> None:
        module, _, function = printer.partition(":")
        show = getattr(importlib.import_module(module), function)
        if run.facts.simulated and run.kubeconfig is not None:
            node = Cluster(cluster_name(self.project, run.facts.name)).node
            show_processes(self.screen, node, run.engine.tools.path("kubectl"), run.kubeconfig)
        show(run.engine.outputs(), self._observed(run))

    def _observed(self, run: Run) -> Observed:
        engine, kubectl = run.engine, run.engine.tools.path("kubectl")
        there = Access(kubectl, run.kubeconfig) if run.kubeconfig else None
        if there is None and run.facts.cluster_kind == ClusterKind.EXISTING:
            there = named(kubectl, existing(settings_of(run.facts.name, self.project)))
        with access(kubectl, there, engine.kubeconfig, prepare(engine.state)) as found:
            return observe(found, engine.variables()) if found else Observed(problem="the stack has no cluster yet")


def _stacks_in(backend: Backend) -> set[str]:
    """The stacks in a file backend, without asking the engine."""
    root = backend.path / ".pulumi" / "stacks"
    return {path.stem for path in root.glob("*/*.json")}
