"""The engine's stream of JSON events, parsed into an outcome.

`pulumi up|refresh|destroy --json` and, with PULUMI_ENABLE_STREAMING_JSON_PREVIEW, `pulumi preview --json` write one
event per line. It is the only machine-readable source that includes policy violations: the digest that
`pulumi preview --json` prints by default has none, and `--event-log` exists only in Pulumi's debug mode.
Pure: starts no process and reads no file.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from report.stream import CLOSING_LINES
from report.urns import STACK_TYPE, resource_name

UNCHANGED = "same"
_REPLACEMENT_HALVES = frozenset({"create-replacement", "delete-replaced"})
# Reads are no changes: `refresh` counts the resources that it reads, and reads are lookups of existing resources.
_LOOKS = frozenset({"refresh", "read", "read-replacement", "read-discard"})


@dataclass(frozen=True)
class Violation:
    """A violation of a mandatory or an advisory policy."""

    urn: str
    policy: str
    message: str
    mandatory: bool

    @property
    def resource(self) -> str:
        """Type and name of the resource; `stack` for a policy on the whole stack."""
        return resource_name(self.urn)


# A component of another language host (a chart, a group of manifests) fails without a URN, and the message names it.
_REMOTE_COMPONENT = re.compile(r"^\S+:(?P<kind>\w+) resource '(?P<name>[^']+)' has a problem: ")


@dataclass(frozen=True)
class Failure:
    """An error of the run: of one resource, or of the run itself (no URN)."""

    urn: str
    message: str

    @property
    def resource(self) -> str:
        """Type and name of the resource; `stack` when the error belongs to none."""
        remote = None if self.urn else _REMOTE_COMPONENT.match(self.message)
        return f"{remote['kind']} {remote['name']}" if remote else resource_name(self.urn)


# Message of a component of another language host when the engine ends because of another error.
_CONSEQUENCE = re.compile(r"(grpc: the client connection is closing|context canceled)$")


def _causes(failures: Sequence[Failure]) -> tuple[Failure, ...]:
    """The failures without those that only result from others."""
    causes = tuple(failure for failure in failures if not _CONSEQUENCE.search(failure.message))
    return causes or tuple(failures)


# The parts in which errors of one cause differ: whose request it was, to which path, from which port.
_OF_THE_RESOURCE = (
    (_REMOTE_COMPONENT, ""),
    (re.compile(r'^resource "?[^"\s]+"? was not successfully \w+ by the Kubernetes API server: ?'), ""),
    (re.compile(r'^([\w.-]+) "[^"]+" is (forbidden|invalid)\b'), r"\1 is \2"),
    (re.compile(r'\b(?:Delete|Get|Head|Patch|Post|Put) "(https?://[^/"]+)[^"]*"'), r"\1"),
    (re.compile(r"\b[\w.]+:\d+->(?=[\w.]+:\d+)"), ""),
)


def cause(failure: Failure) -> str:
    """The error without the parts that name its resource: equal for several failures of one cause."""
    text = failure.message.strip()
    for pattern, shared in _OF_THE_RESOURCE:
        text = pattern.sub(shared, text)
    for name in sorted(_names_in(failure.urn), key=len, reverse=True):
        text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "…", text)
    return text


def _names_in(urn: str) -> set[str]:
    """The URN itself, and the name in it; nothing for the stack."""
    return {urn, "::".join(urn.split("::")[3:])} if resource_name(urn) not in ("stack", urn) else set()


@dataclass(frozen=True)
class Step:
    """One operation, done or planned, on one resource."""

    operation: str
    """The engine's word: `create`, `update`, `delete`, `replace`, `same`, `refresh`, `read` …"""
    urn: str
    type: str
    protected: bool
    """Marked `protect` or `retainOnDelete` in the state or by the program."""
    failed: bool = False
    newly_marked: bool = False
    """`protect` or `retainOnDelete` differs from the state: not a change for the engine, but the state needs an
    `up`."""


@dataclass(frozen=True)
class Outcome:
    """What a run of the engine did, or would do."""

    operation: str
    """`preview`, `up`, `refresh` or `destroy`."""
    exit_code: int
    changes: Mapping[str, int]
    """Resources by operation, without `same`; `{}` if there was nothing to do."""
    same: int
    """Unchanged resources."""
    steps: tuple[Step, ...]
    failures: tuple[Failure, ...]
    violations: tuple[Violation, ...]
    warnings: tuple[str, ...]
    seconds: float
    log: str
    """Path of the full output."""
    new_outputs: bool = False
    """The stack's outputs differ from those in the state."""
    interruptions: int = 0
    """How often Ctrl-C or SIGTERM was passed on; from the second signal on the engine stops without waiting."""

    @property
    def succeeded(self) -> bool:
        """The engine ended without errors."""
        return self.exit_code == 0

    @property
    def nothing_to_do(self) -> bool:
        """A preview without changes."""
        marked = any(step.newly_marked for step in self.steps)
        return self.succeeded and not self.changes and not self.new_outputs and not marked

    @property
    def mandatory_violations(self) -> tuple[Violation, ...]:
        """The violations that prevent the run."""
        return tuple(violation for violation in self.violations if violation.mandatory)


def _operation(name: str) -> str:
    """One name for a replacement, which the engine reports as up to three steps."""
    return "replace" if name in _REPLACEMENT_HALVES else name


@dataclass
class EventReader:
    """Collects the events of one run. Call `feed` with lines, and `outcome` at the end."""

    operation: str
    running: dict[str, str] = field(default_factory=dict)
    """URN -> operation in progress, oldest first."""
    done: int = 0
    """Steps that have ended, unchanged resources included."""
    _steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    _failures: list[Failure] = field(default_factory=list)
    _violations: list[Violation] = field(default_factory=list)
    _warnings: list[str] = field(default_factory=list)
    _summary: dict[str, int] | None = None
    _new_outputs: bool = False

    def feed(self, line: str) -> None:
        """Parses one line of output. A line that is no event is ignored: a plugin may write to the same stream."""
        try:
            event = json.loads(line)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        for kind, read in _READERS.items():
            if kind in event:
                read(self, event[kind])

    def feed_error(self, line: str) -> None:
        """Parses one line of the error stream, where the engine writes errors that occur before events begin."""
        prefix, _, text = line.strip().partition(": ")
        if prefix == "error":
            self._fail("", text)
        elif self._failures and line.startswith(" ") and not self._failures[-1].urn:
            self._failures[-1] = Failure("", f"{self._failures[-1].message}\n{line.rstrip()}")

    def outcome(self, exit_code: int, seconds: float, log: str = "", *, interruptions: int = 0) -> Outcome:
        """The result of the run."""
        steps = tuple(self._steps.values())
        counts = dict(self._summary) if self._summary is not None and exit_code == 0 else self._count(steps)
        same = counts.pop(UNCHANGED, 0)
        return Outcome(
            operation=self.operation,
            exit_code=exit_code,
            changes={name: count for name, count in counts.items() if name not in _LOOKS and count},
            same=same,
            steps=steps,
            failures=_causes(self._failures),
            violations=tuple(self._violations),
            warnings=tuple(self._warnings),
            seconds=seconds,
            log=log,
            new_outputs=self._new_outputs,
            interruptions=interruptions,
        )

    @staticmethod
    def _count(steps: tuple[Step, ...]) -> dict[str, int]:
        return dict(Counter(step.operation for step in steps if not step.failed))

    def _fail(self, urn: str, message: str) -> None:
        text = message.strip()
        if text and not text.startswith(CLOSING_LINES):
            failure = Failure(urn, text)
            if failure not in self._failures:
                self._failures.append(failure)

    def _read_begin(self, event: dict[str, Any]) -> None:
        metadata = event["metadata"]
        if metadata["op"] != UNCHANGED:
            self.running[metadata["urn"]] = _operation(metadata["op"])

    def _read_end(self, event: dict[str, Any]) -> None:
        self._end(event["metadata"], failed=False)

    def _read_failed(self, event: dict[str, Any]) -> None:
        self._end(event["metadata"], failed=True)

    def _end(self, metadata: dict[str, Any], failed: bool) -> None:
        urn, operation = metadata["urn"], _operation(metadata["op"])
        self.running.pop(urn, None)
        # A component ends twice: when it is registered and when its outputs are.
        if (urn, operation) not in self._steps:
            self.done += 1
        states = [state for state in (metadata.get("old"), metadata.get("new")) if state]
        if metadata["type"] == STACK_TYPE:  # the last event counts: the first one has no outputs yet
            self._new_outputs = len({json.dumps(state.get("outputs"), sort_keys=True) for state in states}) > 1
        marks = [(bool(state.get("protect")), bool(state.get("retainOnDelete"))) for state in states]
        self._steps[urn, operation] = Step(
            operation=operation,
            urn=urn,
            type=metadata["type"],
            protected=any(map(any, marks)),
            failed=failed,
            newly_marked=len(states) == 2 and len(set(marks)) > 1,
        )

    def _read_diagnostic(self, event: dict[str, Any]) -> None:
        severity, urn = event["severity"], event.get("urn", "")
        if severity == "error":
            self._fail(urn, event["message"])
        elif severity == "warning" and "from $PATH at" not in event["message"]:
            self._warnings.append(event["message"].strip())

    def _read_policy(self, event: dict[str, Any]) -> None:
        violation = Violation(
            urn=event.get("resourceUrn", ""),
            policy=event["policyName"],
            message=event["message"].strip(),
            mandatory=event["enforcementLevel"] == "mandatory",
        )
        if violation not in self._violations:
            self._violations.append(violation)

    def _read_summary(self, event: dict[str, Any]) -> None:
        summary: Counter[str] = Counter()
        for name, count in (event.get("resourceChanges") or {}).items():
            summary[_operation(name)] = max(summary[_operation(name)], count)
        self._summary = dict(summary)

    def _read_error(self, event: dict[str, Any]) -> None:
        self._fail("", event.get("error", ""))


_READERS = {
    "resourcePreEvent": EventReader._read_begin,
    "resOutputsEvent": EventReader._read_end,
    "resOpFailedEvent": EventReader._read_failed,
    "diagnosticEvent": EventReader._read_diagnostic,
    "policyEvent": EventReader._read_policy,
    "summaryEvent": EventReader._read_summary,
    "errorEvent": EventReader._read_error,
}
