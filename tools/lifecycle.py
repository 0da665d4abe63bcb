"""The life of a stack: up, down, preview, refresh, status. This is what `make` calls.

`up` never changes anything that the law forbids: a preview with the policy pack comes first, because resource policies
stop an `up` half-way and stack policies speak only at its end. A run that was killed is found by its journal and its
lock, and the next run converges from it without a step by hand: see `Run.recover`, `Run.compare` and `Run.adopt`.
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
import yaml
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
    secrets_environment,
    settings_file,
    state_directory,
    write_private,
)
from tools.commands import ensure_showing_progress
from tools.detect import advice_text, second_installs, settings_of
from tools.engine import RUN_VARIABLE, Engine, Tools, policy_config_file
from tools.errors import ToolError
from tools.leftovers import Leftovers, leftovers
from tools.observe import access, observe
from tools.recovery import (
    Journal,
    Unfinished,
    new_run,
)
from tools.run import NoAnswerError, Run, StackFacts, do_nothing
from tools.screen import Screen, drift_text, steps_text
from tools.toolchain import is_installed

PROJECT = Path(__file__).resolve().parents[1]
CLUSTER_VARIABLE = "MLPLATFORM_CLUSTER"
SUMMARY, RUNNING = "report.summary:show", "report.summary:show_running"
# An object that a killed run created is in no state; the next run meets it again. Provider 4.25 creates by server-side
# apply and so takes it in; from 4.29 on a create is a plain POST and needs this to do so. Set only after a killed run
# or a lost answer: at other times an object that is already there belongs to somebody else (4.29 then says so).
# Kinds that hold data which no second `up` brings back.
_STATEFUL = frozenset(
    {"PersistentVolumeClaim", "PersistentVolume", "StatefulSet", "Cluster", "Instance", "DatabaseInstance", "Bucket"}
    | {"BucketV2", "FileSystem"}
)
_SUBNET = "aws:ec2/subnet:Subnet"


def read_facts(project: Path, stack: str) -> StackFacts:
    """Reads Pulumi.<stack>.yaml. Only the kind of the cluster is looked at here; `settings.settings` judges the
    rest."""
    path = settings_file(project, stack)
    if not path.exists():
        known = sorted(other.name.split(".")[1] for other in project.glob("Pulumi.*.yaml"))
        raise ToolError(
            f"there is no stack {stack!r}: {path.name} is not in {project}. "
            f"Known stacks: {', '.join(known) or 'none'}. Choose one with STACK=<name> or --stack <name>."
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise ToolError(f"{path.name} is not YAML{where}: {problem}. Mend it and try again.") from None
    config = content.get("config") if isinstance(content, dict) else None
    chosen = config.get("mlplatform:cluster") if isinstance(config, dict) else None
    kind = chosen.get("kind") if isinstance(chosen, dict) else ""
    return StackFacts(stack, simulated=kind == "simulated", cluster_kind=kind if isinstance(kind, str) else "")


def judge_before_installing(project: Path, stack: str) -> None:
    """Judges the settings where the tools have yet to be made: nobody waits 20 minutes to be told of a misspelt key.

    Where they are there, the program itself says it within seconds. Raises ToolError with every problem.
    """
    if is_installed():
        return
    command = [sys.executable, "-m", "settings.check", str(settings_file(project, stack))]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ToolError(answer.stderr.strip())


def skip_checkpoints(facts: StackFacts, backend: Backend, environ: Mapping[str, str] = os.environ) -> bool:
    """The fast profile: the state is saved once, at the end.

    On by default where a lost state costs nothing, in the simulated cluster on a self-managed backend. Elsewhere the
    state is saved at each step, since cloud resources without a name of ours could not be found again. The engine's
    own PULUMI_SKIP_CHECKPOINTS, set to anything, decides.
    """
    chosen = environ.get("PULUMI_SKIP_CHECKPOINTS")
    if chosen is not None:
        return chosen.strip().lower() in {"1", "t", "true", "yes", "y"}
    return facts.simulated and backend.self_managed


def plain_environment(project: Path, stack: str) -> dict[str, str]:
    """The variables that make plain `pulumi --stack …` meet the stack that `make up` made; `tools env` prints them."""
    state = prepare(state_directory(project))
    backend = choose_backend(project, state)
    if backend.is_file:
        prepare(backend.path)
    cluster = {}
    if read_facts(project, stack).simulated:
        simulated = Cluster(cluster_name(project, stack))
        cluster = {CLUSTER_VARIABLE: simulated.name, "KUBECONFIG": str(simulated.kubeconfig)}
    return {"PULUMI_BACKEND_URL": backend.url, **secrets_environment(project, stack, state, backend), **cluster}


@dataclass(frozen=True)
class Lifecycle:
    """The commands, over the seams that tests and other parts of the platform fill."""

    project: Path = PROJECT
    screen: Screen = dataclasses.field(default_factory=Screen)
    facts: Callable[[Path, str], StackFacts] = read_facts
    tools: Callable[[], Tools] = ensure_showing_progress
    policy_pack: Path | None = None
    """Default: `policies` in the project."""
    summary: str = SUMMARY
    """`module:function`, called with the stack's outputs (secrets masked) and what its cluster says of workloads."""
    running: str = RUNNING
    """The same, for `status`."""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """More variables for the engine."""

    @property
    def state(self) -> Path:
        """The private directory of this checkout."""
        return state_directory(self.project)

    def up(self, stack: str, *, dry_run: bool = False, look_first: bool = True) -> None:
        """Brings a stack up: tools, cluster, law, stack, summary. `dry_run` stops after the law; so does a cluster that
        has already what the first `up` would install, unless `look_first` is False."""
        facts = self.facts(self.project, stack)
        judge_before_installing(self.project, stack)
        with self._only_one(stack):
            run = self._begin(facts, start_cluster=True)
            unfinished = run.recover()
            self._forget_another_cluster(run)
            run.engine.create()
            if unfinished is not None:
                run.compare()
            plan = run.preview()
            if look_first and facts.cluster_kind == ClusterKind.EXISTING and not run.engine.resources():
                self._refuse_second_installs(run)
            if dry_run:
                self.screen.detail(steps_text(plan.steps))
                self.screen.say("next", f"make up STACK={stack}   (this was a preview; nothing has been changed)")
                return
            self._remember_cluster(run)
            # A preview meets no lock: whoever holds the stack, or died holding it, is found by an `up`.
            if plan.nothing_to_do and unfinished is None and run.engine.backend.unlocked(stack):
                self.screen.say("up", f"nothing to do: all {plan.same} resources are as they should be")
            else:
                run.up(total=plan.same + sum(plan.changes.values()))
            self._show(self.summary, run)

    def down(self, stack: str, *, yes: bool = False, dry_run: bool = False) -> None:
        """Takes a stack down and leaves nothing behind: objects, cluster, processes, state.

        `dry_run` says what would be deleted, and what would stay behind, and deletes nothing.
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
        """Empties and removes the stack, then its simulated cluster. False if there was neither."""
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
        self._cluster_record(facts.name).unlink(missing_ok=True)
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

    def refresh(self, stack: str) -> None:
        """Makes the state as the world is and says what had drifted."""
        facts = self.facts(self.project, stack)
        with self._only_one(stack):
            run = self._begin(facts, start_cluster=True)
            self._require_stack(run)
            run.recover()
            outcome = run.refresh()
            self.screen.say("refresh", f"{drift_text(outcome)}  ({outcome.seconds:.0f} s)")
            self.screen.detail(steps_text(outcome.steps))
            if outcome.changes:
                self.screen.say("next", f"make up STACK={stack}   (brings back what had drifted)")

    def status(self, stack: str) -> None:
        """Says what is up, where its state is, and whether a run was interrupted. Starts and changes nothing."""
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
        """Holds the stack for this command. The system gives the lock back however the command ends."""
        lock = FileLock(prepare(self.state) / f"{stack}.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise ToolError(
                f"another make is at work on stack {stack} in this checkout. Wait until it has ended, or stop it with "
                "Ctrl-C where it runs, then try again."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _begin(self, facts: StackFacts, *, start_cluster: bool) -> Run:
        state = prepare(self.state)
        tools = self.tools()
        kubeconfig, restart_cluster = None, do_nothing
        environment = {RUN_VARIABLE: new_run(), **self.environment}
        if facts.simulated:
            cluster = Cluster(cluster_name(self.project, facts.name))
            if start_cluster:
                self._start(cluster, tools)
                restart_cluster = functools.partial(self._restart_cluster, cluster, tools)
            kubeconfig = cluster.kubeconfig
            # KUBECONFIG too: nothing of a simulated stack may ever reach the cluster that the user works with.
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

    def _restart_cluster(self, cluster: Cluster, tools: Tools) -> None:
        """A control plane that ended during a run is started again: no further attempt would reach it otherwise."""
        status = cluster.status()
        if status.state is not State.RUNNING:
            self._start(cluster, tools, f"{status.problem or 'the control plane'} had ended, started again")

    def _start(self, cluster: Cluster, tools: Tools, why: str = "") -> None:
        try:
            with self.screen.working("cluster", f"{cluster.name}: starting") as update:
                cluster.start(tools, lambda text: update(text.removeprefix("cluster ")))
        except SimulatorError as error:
            raise ToolError(str(error)) from None
        self.screen.say("cluster", f"{cluster.name} is ready  ({why or 'simulated'})")

    def _refuse_second_installs(self, run: Run) -> None:
        """Nothing that a cluster has is installed twice. A cluster that may not be read is said to be so."""
        try:
            rows = second_installs(settings_of(run.facts.name, self.project), run.engine.tools.path("kubectl"))
        except ToolError as error:
            self.screen.say("advice", f"what the cluster has already is not known: {error.format_message()}")
            return
        if rows:
            self.screen.say("twice", f"{len(rows)} things would be installed that the cluster has already")
            self.screen.detail(advice_text(rows))
            raise ToolError(
                f"nothing has been changed. Declare what is there in {run.facts.name}'s settings, as named above, and "
                "run it again; ARGS=--no-detect installs it all the same."
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
        """Deletes what the stack made. A simulated cluster goes as a whole, so it need not be reachable for that."""
        stack = run.facts.name
        if cluster is not None:
            if cluster.status().state is State.RUNNING:
                try:
                    run.destroy()
                except ToolError as error:
                    self.screen.say("destroy", "did not end; the simulated cluster goes as a whole")
                    self.screen.detail(error.format_message())
            return
        protected = [r["urn"] for r in run.engine.resources() if r.get("protect")]
        if protected:
            names = "\n  ".join(protected)
            raise ToolError(
                f"stack {stack} has {len(protected)} protected resources, and nothing has been deleted:\n  {names}\n"
                f"`pulumi state unprotect <urn> --stack {stack}` gives one free; then run `make down` again."
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
                "interfaces of nodes and load balancers are AWS's to delete, up to an hour later. A subnet or security "
                f"group that one holds refuses to go: `make down STACK={run.facts.name}` goes on from there",
            )

    def _leftovers(self, run: Run) -> Leftovers:
        """What a destroy would leave. A cluster that cannot be reached is said to be so: its objects are not known."""
        try:
            objects = run.objects(run.engine.kubeconfig())
        except NoAnswerError as error:
            self.screen.say("advice", f"{error.format_message()}, so its volumes and load balancers are not known")
            objects = []
        return leftovers(run.engine.resources(), objects)

    def _say_leftovers(self, found: Leftovers) -> None:
        for label, names, what in (
            ("protected", found.protected, "refuse the destroy: `pulumi state unprotect <urn>` gives one free"),
            ("kept", found.kept, "stay behind, outside of the state"),
            ("orphaned", found.orphaned, "would be left to nobody: delete them first, or look after them"),
        ):
            if names:
                self.screen.say(label, f"{len(names)} {what}")
                self.screen.detail("\n".join(names))

    def _forget_another_cluster(self, run: Run) -> None:
        """Drops a state that tells of a simulated cluster that is no more: all it knew went with that cluster.

        A refresh would not do: it asks the cluster that the state knows, at an address where nobody answers.
        """
        before = self._cluster_record(run.facts.name)
        if run.kubeconfig is None or not before.exists() or not run.engine.exists():
            return
        if before.read_text(encoding="utf-8") != _cluster_identity(run):
            self.screen.say("recovery", "the cluster has been made anew since the last up; the state starts empty")
            run.remove(force=True)
            before.unlink()

    def _remember_cluster(self, run: Run) -> None:
        if run.kubeconfig is not None:
            write_private(self._cluster_record(run.facts.name), _cluster_identity(run))

    def _cluster_record(self, stack: str) -> Path:
        return self.state / "clusters" / stack

    def _show(self, printer: str, run: Run) -> None:
        module, _, function = printer.partition(":")
        show = getattr(importlib.import_module(module), function)
        show(run.engine.outputs(), self._observed(run))

    def _observed(self, run: Run) -> Observed:
        engine, kubectl = run.engine, run.engine.tools.path("kubectl")
        settings = settings_of(run.facts.name, self.project)
        with access(kubectl, run.kubeconfig, settings, engine.kubeconfig, prepare(engine.state)) as found:
            return observe(found, engine.variables()) if found else Observed(problem="the stack has no cluster yet")


def _cluster_identity(run: Run) -> str:
    """The UID of kube-system, the usual identity of a cluster: no two have the same, and a restart keeps it."""
    assert run.kubeconfig is not None
    command = [str(run.engine.tools.path("kubectl")), "--kubeconfig", str(run.kubeconfig), "get", "namespace"]
    answer = subprocess.run(
        [*command, "kube-system", "-o", "jsonpath={.metadata.uid}"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise ToolError(f"the simulated cluster does not answer: {answer.stderr.strip()}. Try `make up` again.")
    return answer.stdout


def _stacks_in(backend: Backend) -> set[str]:
    """The stacks in a file backend, without asking the engine."""
    root = backend.path / ".pulumi" / "stacks"
    return {path.stem for path in root.glob("*/*.json")}


_stack_option = click.option("--stack", default="dev", show_default=True, help="The stack: Pulumi.<stack>.yaml.")


@click.command()
@_stack_option
@click.option("--dry-run", is_flag=True, help="Stop after the preview and the law; change nothing.")
@click.option("--no-detect", is_flag=True, help="Do not look first at what a cluster that exists has already.")
def up(stack: str, dry_run: bool, no_detect: bool) -> None:
    """Bring a stack up: tools, simulated cluster, law, stack, summary."""
    Lifecycle().up(stack, dry_run=dry_run, look_first=not no_detect)


@click.command()
@_stack_option
@click.option("--yes", is_flag=True, help="Do not ask. A simulated stack is never asked about.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would go, what would be kept and what orphaned; delete nothing."
)
def down(stack: str, yes: bool, dry_run: bool) -> None:
    """Take a stack down; leaves nothing behind."""
    Lifecycle().down(stack, yes=yes, dry_run=dry_run)


@click.command()
@_stack_option
def preview(stack: str) -> None:
    """Show what `up` would change, judged by the policies."""
    Lifecycle().up(stack, dry_run=True)


@click.command()
@_stack_option
def refresh(stack: str) -> None:
    """Make the state as the world is; say what had drifted."""
    Lifecycle().refresh(stack)


@click.command()
@_stack_option
def status(stack: str) -> None:
    """Say what is up, where its state is, whether a run was interrupted."""
    Lifecycle().status(stack)
