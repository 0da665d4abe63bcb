"""The Pulumi engine as a child process: one project, one stack, each run read into an `Outcome`."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import yaml

from tools.backend import (
    PRIVATE_FILE_MODE,
    Backend,
    forget_salt,
    own_secrets_provider,
    prepare,
    secrets_environment,
    settings_copy,
    settings_file,
)
from tools.errors import ToolError
from tools.events import EventReader, Outcome

RUN_VARIABLE = "MLPLATFORM_RUN"
_LOGS_KEPT = 30
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Not for people at a terminal: no prompts, no colours, no look at pulumi.com for a newer release (0.3 s, and it fails
# behind a firewall), events instead of the digest that has no policy violations in it.
_STEADY = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
    # A quarter of a preview's time went into garbage collection of the engine and the provider (24 s, then 19 s).
    "GOGC": "300",
}


# Steps spend their time waiting for the cluster; the engine's default is four for each processor, eight on a laptop.
_WAITING = ("--parallel", "64")


class EngineError(ToolError):
    """The engine could not be asked. The message says what it answered."""


class Tools(Protocol):
    """What this module needs of the toolchain."""

    def path(self, name: str) -> Path:
        """The executable of a tool."""

    def environment(self) -> Mapping[str, str]:
        """This process's variables, changed so that child processes find the tools."""


class Watcher(Protocol):
    """Follows a run while it goes on."""

    def started(self, pid: int) -> None:
        """The engine's process is there."""

    def progress(self, reader: EventReader) -> None:
        """An event has been read."""

    def interrupted(self, times: int) -> None:
        """Ctrl-C or SIGTERM has been passed on to the engine, for the nth time."""


class Silent:
    """Watches nothing."""

    def started(self, pid: int) -> None:
        """Ignored."""

    def progress(self, reader: EventReader) -> None:
        """Ignored."""

    def interrupted(self, times: int) -> None:
        """Ignored."""


_FAST_PROFILE = {
    # Provider 4.25 applies each object under a field manager of a random name that only the state remembers. What a
    # killed run created belongs to a name that nobody knows any more, and the next change of it would be a conflict.
    "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
    # The simulated cluster's API server is this machine's own: no reason to hold back (the provider's limit is 50/s).
    "PULUMI_K8S_CLIENT_QPS": "1000",
    "PULUMI_K8S_CLIENT_BURST": "1000",
}


@dataclass(frozen=True)
class Engine:
    """Runs the engine for one stack of one project."""

    tools: Tools
    project: Path
    """The directory of Pulumi.yaml."""
    stack: str
    state: Path
    """The private directory for logs, passphrase and the copy of the settings."""
    backend: Backend
    policy_pack: Path | None = None
    policy_config: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """More variables for the engine, its providers and the program; they win over everything else."""
    skip_checkpoints: bool = False
    """Save the state once, at the end. 16 s instead of 268 s for 1,000 resources on a file backend; safe only because
    every object has an explicit name (RELIABILITY: a killed run is adopted by the next one)."""
    watcher: Watcher = field(default_factory=Silent)
    edit_settings: Callable[[str], str] | None = None
    """Changes the copy of the settings that the engine gets; the file itself stays as it is."""

    def preview(self) -> Outcome:
        """What `up` would change, judged by the policy pack. Changes nothing."""
        return self._run("preview", *self._policies())

    def up(self, *, refresh: bool = False, continue_on_error: bool = False) -> Outcome:
        """Makes the world as the program says. Does not preview first: call `preview`, the law is judged there."""
        flags = (["--refresh"] if refresh else []) + (["--continue-on-error"] if continue_on_error else [])
        return self._run("up", "--yes", "--skip-preview", *_WAITING, *self._policies(), *flags)

    def refresh(self, *, preview_only: bool = False) -> Outcome:
        """Makes the state as the world is. `changes` is the drift that was found."""
        return self._run("refresh", "--preview-only" if preview_only else "--yes --skip-preview".split(" "))

    def destroy(self, *, preview_only: bool = False, first: str = "") -> Outcome:
        """Deletes everything the state knows, or says what it would delete.

        `first` is a pattern of URNs: only what it matches goes, and all that depends on it.
        """
        chosen = ["--target", first, "--target-dependents"] if first else []
        return self._run(
            "destroy", *chosen, "--preview-only" if preview_only else ["--yes", "--skip-preview", *_WAITING]
        )

    def exists(self) -> bool:
        """The backend knows the stack."""
        answer = self._ask("stack", "ls", "--json")
        return any(stack["name"].split("/")[-1] == self.stack for stack in json.loads(answer))

    def create(self) -> None:
        """Makes the stack if it is not there.

        `stack init` writes the salt into Pulumi.<stack>.yaml of the project it runs in and takes no --config-file, so
        it runs in a bare project of the same name: the salt is in the state as well, and read from there.
        """
        if self.exists():
            return
        forget_salt(self.project, self.stack, self.state)
        if own_secrets_provider(self.project, self.stack):
            self._ask("stack", "init", self.stack, "--no-select", named=False)
            return
        name = yaml.safe_load((self.project / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
        settings = settings_file(self.project, self.stack)
        with tempfile.TemporaryDirectory() as bare:
            (Path(bare) / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n", encoding="utf-8")
            if settings.exists():  # it may have a salt already
                (Path(bare) / settings.name).write_bytes(settings.read_bytes())
            self._ask("stack", "init", self.stack, "--no-select", cwd=Path(bare), named=False)

    def remove(self, *, force: bool = False) -> None:
        """Takes the stack out of the backend; `force` even when resources are left in its state."""
        self._ask("stack", "rm", "--yes", "--preserve-config", *(["--force"] if force else []))

    def cancel(self) -> None:
        """Takes the lock of a dead run away. Ask `tools.recovery` first whether it is dead."""
        self._ask("cancel", self.stack, "--yes", named=False)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secrets are masked."""
        answer: dict[str, Any] = json.loads(self._ask("stack", "output", "--json"))
        return answer

    def kubeconfig(self) -> str:
        """Of the cluster that the stack makes or hands on, in clear text; empty where there is none. Never print it.

        The component that made it will do: behind a first `up` that failed, the stack itself has no outputs yet.
        """
        deployment = json.loads(self._ask("stack", "export", "--show-secrets"))["deployment"]
        makers = [r for r in deployment.get("resources") or [] if not r["type"].startswith("pulumi:providers:")]
        found = next((told for r in makers if (told := r.get("outputs", {}).get("kubeconfig"))), "")
        return str(json.loads(found["plaintext"]) if isinstance(found, dict) else found)

    def export(self) -> dict[str, Any]:
        """The state as the engine keeps it; secrets stay encrypted."""
        answer: dict[str, Any] = json.loads(self._ask("stack", "export"))
        return answer

    def restore(self, path: Path) -> None:
        """Puts an exported state in the place of the stack's own. Its secrets need the passphrase of their making."""
        self._ask("stack", "import", "--file", str(path))

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state."""
        deployment: dict[str, Any] = self.export()["deployment"]
        return list(deployment.get("resources") or [])

    def variables(self) -> dict[str, str]:
        """The environment of the engine's process."""
        inherited = dict(self.tools.environment())
        if not inherited.get("PULUMI_CONFIG_PASSPHRASE"):
            inherited.pop("PULUMI_CONFIG_PASSPHRASE", None)
        if self.backend.is_file:
            prepare(self.backend.path)
            self.backend.remove_torn_attributes()
        return {
            **inherited,
            **_STEADY,
            "PULUMI_SKIP_CHECKPOINTS": str(self.skip_checkpoints).lower(),
            **(_FAST_PROFILE if self.skip_checkpoints else {}),
            "PULUMI_BACKEND_URL": self.backend.url,
            **secrets_environment(self.project, self.stack, prepare(self.state), self.backend),
            **self.environment,
        }

    def _policies(self) -> list[str]:
        if self.policy_pack is None:
            return []
        config = ["--policy-pack-config", str(self.policy_config)] if self.policy_config else []
        return ["--policy-pack", str(self.policy_pack), *config]

    def _command(self, *arguments: str, named: bool = True) -> list[str]:
        stack = ["--stack", self.stack] if named else []
        return [str(self.tools.path("pulumi")), *arguments, *stack, "--non-interactive", "--color", "never"]

    def _ask(self, *arguments: str, cwd: Path | None = None, named: bool = True) -> str:
        """Asks a short question; raises `EngineError` with the answer when it is an error."""
        named = named and arguments[:2] != ("stack", "ls")
        answer = subprocess.run(
            self._command(*arguments, named=named),
            cwd=cwd or self.project,
            env=self.variables(),
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            stdin=subprocess.DEVNULL,
        )
        if answer.returncode:
            raise EngineError(f"pulumi {' '.join(arguments)}: {answer.stderr.strip() or answer.stdout.strip()}")
        return answer.stdout

    def _run(self, operation: str, *flags: str | Sequence[str]) -> Outcome:
        arguments = [flag for item in flags for flag in ([item] if isinstance(item, str) else item)]
        copy = settings_copy(self.project, self.stack, self.state, self.backend, self.edit_settings)
        if copy is not None:
            arguments += ["--config-file", str(copy)]
        reader, started = EventReader(operation), time.monotonic()

        def start() -> subprocess.Popen[str]:
            return subprocess.Popen(
                self._command(operation, "--json", *arguments),
                cwd=self.project,
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                umask=0o077,
                start_new_session=True,  # Ctrl-C must reach the engine once and through us, not its plugins directly
            )

        with self._log(operation) as log:
            with _passing_signals_on(start, self.watcher) as (process, interruptions):
                self.watcher.started(process.pid)
                _read(process, reader, log, self.watcher)
                exit_code = process.wait()
            return reader.outcome(exit_code, time.monotonic() - started, log.name, interruptions=len(interruptions))

    @contextlib.contextmanager
    def _log(self, operation: str) -> Iterator[IO[str]]:
        logs = prepare(self.state / "logs")
        for old in sorted(logs.glob("*.log"))[: -_LOGS_KEPT + 1]:
            old.unlink(missing_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S")
        handle, path = tempfile.mkstemp(prefix=f"{stamp}-{self.stack}-{operation}-", suffix=".log", dir=logs)
        os.close(handle)
        Path(path).chmod(PRIVATE_FILE_MODE)
        with open(path, "w", encoding="utf-8") as log:
            yield log


def _read(process: subprocess.Popen[str], reader: EventReader, log: IO[str], watcher: Watcher) -> None:
    """Reads both streams to their end: events from one, what goes wrong outside of events from the other."""
    assert process.stdout is not None
    assert process.stderr is not None
    errors: list[str] = []

    def drain(stream: IO[str]) -> None:
        errors.extend(stream)

    thread = threading.Thread(target=drain, args=(process.stderr,), daemon=True)
    thread.start()
    for line in process.stdout:
        log.write(line)
        reader.feed(line)
        watcher.progress(reader)
    # An orphan of a killed engine may hold the error stream open: its lines are not worth waiting for.
    thread.join(timeout=5)
    for line in errors:
        log.write(line)
        reader.feed_error(line)


@contextlib.contextmanager
def _passing_signals_on(
    start: Callable[[], subprocess.Popen[str]], watcher: Watcher
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Starts the engine. Ctrl-C, SIGTERM and a closed terminal ask it to end in order; twice: at once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield start(), received
        return
    process: subprocess.Popen[str] | None = None

    def pass_on(number: int, _frame: object) -> None:
        received.append(number)
        if process is not None:
            process.send_signal(signal.SIGINT)  # nothing is raised where the process is gone
        watcher.interrupted(len(received))

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        # With the handlers in place: a command in the background of a shell ignores SIGINT, and an engine that inherits
        # that misses what comes in its first second.
        process = start()
        if received:
            process.send_signal(signal.SIGINT)
        yield process, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def policy_config_file(project: Path, stack: str) -> Path | None:
    """policies/config.<stack>.json if it is there."""
    path = project / "policies" / f"config.{stack}.json"
    return path if path.exists() else None
