"""The Pulumi engine as a child process: one project, one stack, each run parsed into an `Outcome`."""

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
# Not interactive: no prompts, no colours, no query for a newer release (0.3 s, and it fails behind a firewall), events
# instead of the digest, which has no policy violations.
_STEADY = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
    # A quarter of a preview's time was garbage collection of the engine and the provider (24 s, then 19 s).
    "GOGC": "300",
}


# Steps spend their time waiting for the cluster; the engine's default is four per processor, eight on a laptop.
_WAITING = ("--parallel", "64")


class EngineError(ToolError):
    """The engine refused a query. The message contains its answer."""


class Tools(Protocol):
    """What this module needs from the toolchain."""

    def path(self, name: str) -> Path:
        """The executable of a tool."""

    def environment(self) -> Mapping[str, str]:
        """This process's variables, changed so that child processes find the tools."""


class Watcher(Protocol):
    """Follows a run while it goes on."""

    def started(self, pid: int) -> None:
        """The engine's process has started."""

    def progress(self, reader: EventReader) -> None:
        """An event has been read."""

    def interrupted(self, times: int) -> None:
        """Ctrl-C or SIGTERM has been passed on to the engine, for the nth time."""


class NoWatcher:
    """Watches nothing."""

    def started(self, pid: int) -> None:
        """Ignored."""

    def progress(self, reader: EventReader) -> None:
        """Ignored."""

    def interrupted(self, times: int) -> None:
        """Ignored."""


_FAST_PROFILE = {
    # Provider 4.25 applies each object under a field manager with a random name that only the state contains. After a
    # killed run that name is unknown, and the next change of its objects would be a conflict.
    "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
    # The simulated cluster's API server runs on this machine: no rate limit is needed (the provider's is 50/s).
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
    """More variables for the engine, its providers and the program; they override all others."""
    skip_checkpoints: bool = False
    """Save the state once, at the end. 16 s instead of 268 s for 1,000 resources on a file backend; safe only because
    every object has an explicit name (RELIABILITY: a killed run is adopted by the next one)."""
    watcher: Watcher = field(default_factory=NoWatcher)
    edit_settings: Callable[[str], str] | None = None
    """Changes the copy of the settings that the engine gets; the file itself does not change."""

    def preview(self) -> Outcome:
        """Shows what `up` would change, checked by the policy pack. Changes nothing."""
        return self._run("preview", *self._policies())

    def up(self, *, refresh: bool = False, continue_on_error: bool = False) -> Outcome:
        """Applies the program. Does not preview first: call `preview`, which runs the policies."""
        flags = (["--refresh"] if refresh else []) + (["--continue-on-error"] if continue_on_error else [])
        return self._run("up", "--yes", "--skip-preview", *_WAITING, *self._policies(), *flags)

    def refresh(self, *, preview_only: bool = False) -> Outcome:
        """Updates the state from the deployed resources. `changes` is the drift."""
        return self._run("refresh", "--preview-only" if preview_only else "--yes --skip-preview".split(" "))

    def destroy(self, *, preview_only: bool = False, first: str = "") -> Outcome:
        """Deletes everything in the state, or shows what it would delete.

        `first` is a pattern of URNs: only resources that match it are deleted, and everything that depends on them.
        """
        chosen = ["--target", first, "--target-dependents"] if first else []
        return self._run(
            "destroy", *chosen, "--preview-only" if preview_only else ["--yes", "--skip-preview", *_WAITING]
        )

    def exists(self) -> bool:
        """Whether the backend has the stack."""
        answer = self._ask("stack", "ls", "--json")
        return any(stack["name"].split("/")[-1] == self.stack for stack in json.loads(answer))

    def create(self) -> None:
        """Creates the stack if it is missing.

        `stack init` writes the salt into Pulumi.<stack>.yaml of the project it runs in and has no --config-file, so it
        runs in an empty project of the same name: the state contains the salt too, and the engine reads it from there.
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
        """Removes the stack from the backend; with `force` even if its state contains resources."""
        self._ask("stack", "rm", "--yes", "--preserve-config", *(["--force"] if force else []))

    def cancel(self) -> None:
        """Removes the lock of a dead run. Check first with `tools.recovery` whether it is dead."""
        self._ask("cancel", self.stack, "--yes", named=False)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secrets are masked."""
        answer: dict[str, Any] = json.loads(self._ask("stack", "output", "--json"))
        return answer

    def kubeconfig(self) -> str:
        """Kubeconfig of the cluster of the stack, in clear text; empty if there is none. Never print it.

        Read from the component that created it: after a first `up` that failed, the stack itself has no outputs yet.
        """
        deployment = json.loads(self._ask("stack", "export", "--show-secrets"))["deployment"]
        makers = [r for r in deployment.get("resources") or [] if not r["type"].startswith("pulumi:providers:")]
        found = next((value for r in makers if (value := r.get("outputs", {}).get("kubeconfig"))), "")
        return str(json.loads(found["plaintext"]) if isinstance(found, dict) else found)

    def export(self) -> dict[str, Any]:
        """The state in the engine's format; secrets stay encrypted."""
        answer: dict[str, Any] = json.loads(self._ask("stack", "export"))
        return answer

    def restore(self, path: Path) -> None:
        """Replaces the state by an exported one. Its secrets need the passphrase that encrypted them."""
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
        """Runs a short query; raises `EngineError` with the answer if it fails."""
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
                start_new_session=True,  # Ctrl-C must reach the engine once, and not its plugins directly
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
    """Reads both streams to their end: events from one, errors outside of events from the other."""
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
    # An orphan of a killed engine may keep the error stream open: do not wait for its lines.
    thread.join(timeout=5)
    for line in errors:
        log.write(line)
        reader.feed_error(line)


@contextlib.contextmanager
def _passing_signals_on(
    start: Callable[[], subprocess.Popen[str]], watcher: Watcher
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Starts the engine. Ctrl-C, SIGTERM and a closed terminal stop it gracefully; the second signal stops it at
    once."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield start(), received
        return
    process: subprocess.Popen[str] | None = None

    def pass_on(number: int, _frame: object) -> None:
        received.append(number)
        if process is not None:
            process.send_signal(signal.SIGINT)  # raises nothing if the process has ended
        watcher.interrupted(len(received))

    before = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        # With the handlers installed: a background command of a shell ignores SIGINT, and an engine that inherits that
        # misses signals in its first second.
        process = start()
        if received:
            process.send_signal(signal.SIGINT)
        yield process, received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def policy_config_file(project: Path, stack: str) -> Path | None:
    """policies/config.<stack>.json, if it exists."""
    path = project / "policies" / f"config.{stack}.json"
    return path if path.exists() else None
