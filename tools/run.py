"""One run of the engine on a stack, and its recovery after a kill."""

import dataclasses
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_fixed

from tools.backend import (
    prepare,
    settings_file,
    write_private,
)
from tools.engine import RUN_VARIABLE, Engine, EngineError
from tools.errors import ToolError
from tools.events import Failure, Outcome
from tools.leftovers import CLUSTERS, LISTED, NAMESPACE, leaving
from tools.recovery import (
    UNKNOWN,
    Holder,
    Journal,
    Lock,
    Unfinished,
    end_processes_of,
    holder,
    locks_named_in,
    this_host,
)
from tools.screen import RunWatcher, Screen, changes_text, drift_text, failures_text, violations_text
from tools.transient import result_unknown, with_retries

CHANGING = frozenset({"up", "refresh", "destroy"})
"""The operations that change resources or the state, and so have an entry in the journal."""
ADOPTING = {"PULUMI_K8S_UPSERT_EXISTING_OBJECTS": "true"}
LOOK_SECONDS = 5.0
"""Between two checks of what controllers still have to delete in the cloud."""
LOOKS = 120
"""Ten minutes in total."""
_ANSWERS = 3


def do_nothing() -> None: ...


class NoAnswerError(ToolError):
    """The stack's cluster does not list its objects."""


@dataclass(frozen=True)
class StackFacts:
    """The settings that the lifecycle of a stack depends on."""

    name: str
    simulated: bool
    """Its cluster is the embedded one: created by `up`, removed by `down`."""
    cluster_kind: str = ""
    """From the settings; empty if they contain no text for it."""
    local_images: Mapping[str, Path] = field(default_factory=dict)
    """Images of the user's own in the embedded cluster: reference -> folder. Not validated."""


@dataclass
class Run:
    """One command on one stack, with the lock of the stack on this machine."""

    facts: StackFacts
    engine: Engine
    screen: Screen
    kubeconfig: Path | None
    """The simulated cluster's; None if the program has its own cluster."""
    sleep: Callable[[float], None] = time.sleep
    restart_cluster: Callable[[], None] = do_nothing
    """Starts the simulated cluster again if it has ended; called before each further attempt."""

    @property
    def journal(self) -> Journal:
        """Records a run that did not end well."""
        return Journal.of(self.engine.state, self.facts.name)

    def recover(self) -> Unfinished | None:
        """Cleans up after a killed run, and returns it: the state is not reliable before a refresh."""
        unfinished = self.journal.read()
        if unfinished is None:
            return None
        ended = end_processes_of(unfinished.run)
        left = f"; ended what it left running: {', '.join(sorted(set(ended)))}" if ended else ""
        since = f" of {unfinished.started}" if unfinished.started else ""
        self.screen.say("recovery", f"the last {unfinished.operation}{since} did not end; refreshing the state{left}")
        return unfinished

    def compare(self) -> None:
        """Refreshes the state after a run that did not end, or whose lock was left behind.

        A separate run: with `--refresh`, the engine passes every refreshed resource to stack policies, including those
        that the program no longer declares (pulumi 3.246, `news` in step_executor.go). At full quota they would be
        refused.
        """
        if self.engine.resources():
            outcome = self.refresh()
            self.screen.say("refresh", f"{drift_text(outcome)}  ({outcome.seconds:.0f} s)")

    def watched_preview(self) -> Outcome:
        """The plan, checked by the policies, whatever came of it."""
        return self._watched("preview", lambda engine: engine.preview())

    def preview(self) -> Outcome:
        """The plan, checked by the policies. Raises ToolError for a violation or an error."""
        outcome = self.watched_preview()
        self._refuse_violations(outcome)
        self.refuse_failure(outcome, "Nothing has been changed.")
        self.screen.say("preview", f"{changes_text(outcome)}  ({outcome.seconds:.0f} s)")
        if warned := tuple(violation for violation in outcome.violations if not violation.mandatory):
            self.screen.say("advice", f"{len(warned)} advisory findings")
            self.screen.detail(violations_text(warned))
        return outcome

    def up(self, *, total: int | None) -> Outcome:
        """Applies the program. Raises ToolError with every failure."""
        outcome = self._watched("up", lambda engine: engine.up(), total=total, after_unlocking=self.compare)
        self._refuse_violations(outcome)
        self.refuse_failure(outcome, f"`make up STACK={self.facts.name}` continues from here.")
        self.screen.say("up", f"{changes_text(outcome)}  ({outcome.seconds:.0f} s)")
        return outcome

    def refresh(self) -> Outcome:
        """Updates the state from the deployed resources."""
        outcome = self._watched("refresh", lambda engine: engine.refresh())
        self.refuse_failure(outcome, f"`make refresh STACK={self.facts.name}` can be repeated.")
        return outcome

    def destroy(self) -> Outcome:
        """Deletes everything in the state, a cluster of the stack last. Raises ToolError with every failure."""
        kinds = {resource["type"] for resource in self.engine.resources()}
        if kinds & CLUSTERS:
            self._empty_cluster(inhabited=NAMESPACE in kinds)
        return self._destroy()

    def _destroy(self, first: str = "") -> Outcome:
        outcome = self._watched("destroy", lambda engine: engine.destroy(first=first), after_unlocking=self.adopt)
        self.refuse_failure(outcome, f"`make down STACK={self.facts.name}` continues from here.")
        self.screen.say("destroy", f"{changes_text(outcome)}  ({outcome.seconds:.0f} s)")
        return outcome

    def _empty_cluster(self, *, inhabited: bool) -> None:
        """Deletes the namespaces and waits for what controllers created in the cloud for them.

        A namespace is deleted before its disks are. Drivers and nodes, which nothing else would keep, must outlive the
        disks.
        """
        if inhabited:
            self._destroy(f"**{NAMESPACE}::**")
        try:
            left = self._after_controllers()
        except NoAnswerError as error:
            what = "volumes and load balancers that its controllers created may remain in the cloud"
            if inhabited and self.engine.variables().get("PULUMI_K8S_DELETE_UNREACHABLE") != "true":
                again = f"`make down STACK={self.facts.name}` continues, with or without the cluster"
                raise ToolError(f"{error.format_message()}, though it did a moment ago: {what}. {again}.") from None
            self.screen.say("orphaned", f"{error.format_message()}: {what}")
            return
        if left:
            raise ToolError(
                f"after {LOOKS * LOOK_SECONDS / 60:.0f} minutes controllers have not deleted {', '.join(left)}. "
                "Cluster, nodes and drivers are kept until then: `kubectl describe` shows what they wait for. Then "
                f"`make down STACK={self.facts.name}` continues from here."
            )

    def _after_controllers(self) -> tuple[str, ...]:
        """Waits until controllers have deleted their resources. Returns what remains at the time limit."""
        kubeconfig = self.engine.kubeconfig()  # once: it takes an export of the whole state
        with self.screen.working("cloud", "what controllers still delete") as update:

            def look() -> tuple[str, ...]:
                left = leaving(self.objects(kubeconfig))
                if left:
                    update(f"waiting for controllers to delete {', '.join(left)}")
                return left

            retrying = Retrying(
                stop=stop_after_attempt(LOOKS),
                wait=wait_fixed(LOOK_SECONDS),
                retry=retry_if_result(bool),
                retry_error_callback=lambda state: state.outcome.result() if state.outcome else (),
                sleep=self.sleep,
            )
            return retrying(look)

    def objects(self, kubeconfig: str) -> list[dict[str, Any]]:
        """Volumes, claims and Services in the stack's cluster; none if the stack has no kubeconfig.

        Raises NoAnswerError after three attempts.
        """
        if not kubeconfig:
            return []
        retrying = Retrying(
            stop=stop_after_attempt(_ANSWERS),
            wait=wait_fixed(LOOK_SECONDS),
            retry=retry_if_exception_type(NoAnswerError),
            reraise=True,
            sleep=self.sleep,
        )
        with tempfile.TemporaryDirectory(dir=prepare(self.engine.state)) as private:
            path = Path(private) / "kubeconfig"
            write_private(path, kubeconfig)
            return retrying(self._listed, path)

    def _listed(self, kubeconfig: Path) -> list[dict[str, Any]]:
        command = [str(self.engine.tools.path("kubectl")), "--kubeconfig", str(kubeconfig)]
        answer = subprocess.run(
            [*command, "get", LISTED, "-A", "-o", "json", "--request-timeout=20s"],
            capture_output=True,
            text=True,
            check=False,
            env=self.engine.variables(),
        )
        if answer.returncode:
            said = answer.stderr.strip().splitlines()
            raise NoAnswerError(f"the cluster does not answer ({said[-1] if said else 'no message'})")
        items: list[dict[str, Any]] = json.loads(answer.stdout)["items"]
        return items

    def remove(self, *, force: bool) -> None:
        """Removes the stack from the backend, ignoring the lock of a dead run."""
        try:
            self.engine.remove(force=force)
        except EngineError as error:
            locks = locks_named_in([Failure("", error.format_message())])
            if not locks:
                raise
            self._break(locks)
            self.engine.remove(force=force)

    def adopt(self) -> None:
        """Before a destroy after a killed run: brings every existing object into the state.

        A killed `up` may have created objects that no state contains, and a destroy would leave them. Repeating the
        `up` finds them by their explicit names. It may fail where the killed one would have failed; the objects up to
        there are then in the state, which is enough. Policies are skipped: everything is deleted afterwards. A
        simulated cluster is deleted as a whole, so its objects need not be in the state.
        """
        if self.kubeconfig is not None:
            return
        self.screen.say("recovery", "adopting what the killed run created, so that nothing remains")
        without_policies = dataclasses.replace(self, engine=dataclasses.replace(self.engine, policy_pack=None))
        outcome = without_policies._watched(
            "up", lambda engine: engine.up(refresh=True, continue_on_error=True), label="adopt"
        )
        if outcome.exit_code < 0 or outcome.interruptions:
            raise ToolError(f"interrupted while adopting objects. `make down STACK={self.facts.name}` continues.")

    def _watched(
        self,
        operation: str,
        run: Callable[[Engine], Outcome],
        *,
        total: int | None = None,
        label: str = "",
        after_unlocking: Callable[[], None] = do_nothing,
    ) -> Outcome:
        """One operation with progress, journal and retries; removes the lock of a dead run and starts again."""
        label = label or operation
        before = self.journal.read()
        mark = self.engine.environment[RUN_VARIABLE]
        again = before is not None

        def attempt() -> Outcome:
            nonlocal again, before
            environment = {**self.engine.environment, **(ADOPTING if again else {})}
            if operation in CHANGING:
                self.journal.write(Unfinished.now(operation, mark))
            with self.screen.working(label, "starting") as update:
                watcher = RunWatcher(update, lambda text: self.screen.say(label, text), total)
                outcome = run(dataclasses.replace(self.engine, watcher=watcher, environment=environment))
            if outcome.exit_code < 0:
                end_processes_of(mark)
            if operation in CHANGING:
                self._close_journal(outcome, before)
                before = self.journal.read()  # a failed attempt leaves unknown what an earlier one did
            again = True
            return outcome

        def pause(seconds: float) -> None:
            self.sleep(seconds)
            self.restart_cluster()

        outcome = with_retries(attempt, lambda text: self.screen.say("retry", text), sleep=pause)
        if locks := locks_named_in(outcome.failures):
            before = self._break(locks)
            after_unlocking()
            outcome = with_retries(attempt, lambda text: self.screen.say("retry", text), sleep=pause)
        return outcome

    def _close_journal(self, outcome: Outcome, before: Unfinished | None) -> None:
        """A failed run does not resolve what was uncertain before it.

        Neither does a successful refresh: it finds what the state contains, not what a killed `up` created.
        """
        looked_only = outcome.operation == "refresh" and before is not None and before.creates
        if outcome.succeeded and not looked_only:
            self.journal.end()
        elif before is not None:
            self.journal.write(before)
        elif not result_unknown(outcome):
            self.journal.end()

    def _break(self, locks: tuple[Lock, ...]) -> Unfinished:
        """Removes the locks of dead runs and returns the journal's entry for them. Raises ToolError if one of them may
        be alive."""
        for lock in locks:
            verdict = holder(lock, this_host())
            if verdict is Holder.ALIVE:
                raise ToolError(
                    f"stack {self.facts.name} is being changed by another run ({lock}). "
                    "Wait until it has ended, or stop it with Ctrl-C where it runs, then try again."
                )
            if verdict is Holder.ELSEWHERE:
                raise ToolError(
                    f"stack {self.facts.name} is locked by a run on another machine ({lock}). If that run is over, "
                    f"`pulumi cancel {self.facts.name} --yes` removes its lock; then try again."
                )
        dead = Unfinished(UNKNOWN, "", locks[0].since)
        self.journal.write(dead)  # before removing the lock, the only trace of that run
        self.engine.cancel()
        self.screen.say("recovery", f"removed the lock of a dead run ({locks[0]})")
        return dead

    def _refuse_violations(self, outcome: Outcome) -> None:
        violations = outcome.mandatory_violations
        if not violations:
            return
        self.screen.say("policies", f"{len(violations)} violations of mandatory policies")
        self.screen.detail(violations_text(violations))
        before = "Nothing has been changed. " if outcome.operation == "preview" else ""
        raise ToolError(
            f"the policies forbid this {outcome.operation}. {before}Correct what is listed above "
            f"(settings: {settings_file(self.engine.project, self.facts.name).name}) and run it again."
        )

    def refuse_failure(self, outcome: Outcome, next_step: str) -> None:
        """Raises ToolError with every failure of a run that did not end well."""
        if outcome.succeeded:
            return
        if outcome.interruptions:
            raise ToolError(f"{outcome.operation} was interrupted. {next_step}\nlog: {outcome.log}")
        self.screen.say("failed", f"{outcome.operation}: {len(outcome.failures) or 'unknown'} errors")
        self.screen.detail(failures_text(outcome.failures))
        raise ToolError(
            f"{outcome.operation} failed (exit code {outcome.exit_code}). {next_step}\nfull output: {outcome.log}"
        )
