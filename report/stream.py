"""The stream of events of `pulumi preview --json`, read into a `Plan`. Pure: starts no process and reads no file.

The engine streams one event per line if PULUMI_ENABLE_STREAMING_JSON_PREVIEW is true; `--event-log` of the same engine
writes the same events. Without the variable, `--json` prints one document that contains no result of a policy.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from report.plan import Operation, Plan, PolicyFinding, Resource, Values
from report.urns import STACK_TYPE
from report.values import clean_name, clean_text, without_secrets

_OPERATIONS = {
    "same": Operation.SAME,
    "create": Operation.CREATE,
    "update": Operation.UPDATE,
    "delete": Operation.DELETE,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "import": Operation.IMPORT,
    "import-replacement": Operation.REPLACE,
    "read": Operation.READ,
    "read-replacement": Operation.READ,
    "refresh": Operation.READ,
    "discard": Operation.DISCARD,
    "read-discard": Operation.DISCARD,
    "discard-replaced": Operation.REPLACE,
    "remove-pending-replace": Operation.REPLACE,
}
"""The engine's word (pulumi/pulumi pkg/resource/deploy/step.go) -> ours. A replacement is up to three of its steps."""
CLOSING_LINES = ("update failed", "preview failed", "destroy failed", "refresh failed", "resource violates")
"""The engine ends a failed run with these lines; the cause is always in an earlier diagnostic."""


@dataclass
class _Reading:
    resources: dict[str, Resource] = field(default_factory=dict)
    findings: dict[PolicyFinding, None] = field(default_factory=dict)
    failures: dict[str, None] = field(default_factory=dict)
    ended: bool = False
    problem: str = ""

    def step(self, event: Mapping[str, Any]) -> None:
        metadata = event["metadata"]
        read = _resource(metadata)
        known = self.resources.get(read.urn)
        self.resources[read.urn] = _merged(known, read) if known else read

    def diagnostic(self, event: Mapping[str, Any]) -> None:
        if event.get("severity") == "error":
            self.fail(str(event.get("message", "")))

    def error(self, event: Mapping[str, Any]) -> None:
        self.fail(str(event.get("error", "")))

    def fail(self, message: str) -> None:
        text = clean_text(message.strip())
        if text and not text.startswith(CLOSING_LINES):
            self.failures[text] = None

    def policy(self, event: Mapping[str, Any]) -> None:
        finding = PolicyFinding(
            policy=clean_text(str(event.get("policyName", "?"))),
            severity=clean_text(str(event.get("severity") or "")),
            mandatory=event.get("enforcementLevel") == "mandatory",
            message=clean_text(str(event.get("message", "")).strip()),
            urn=clean_name(str(event.get("resourceUrn") or "")),
        )
        self.findings[finding] = None

    def summary(self, event: Mapping[str, Any]) -> None:
        del event
        self.ended = True


_READERS = {
    "resourcePreEvent": _Reading.step,
    "resOutputsEvent": _Reading.step,
    "resOpFailedEvent": _Reading.step,
    "diagnosticEvent": _Reading.diagnostic,
    "errorEvent": _Reading.error,
    "policyEvent": _Reading.policy,
    "summaryEvent": _Reading.summary,
}


def read_plan(lines: Iterable[str], stack: str, exit_code: int = 0) -> Plan:
    """The plan of one preview. Never raises: a stream that breaks off gives a plan with a `problem`.

    `lines`: what the engine wrote, one event per line; lines that are no events are ignored, since a plugin may write
    to the same stream, except `error: …` of the engine itself.
    """
    reading = _Reading()
    for number, line in enumerate(lines, start=1):
        _read_line(reading, line, number)
    return Plan(
        stack=stack,
        resources=tuple(reading.resources.values()),
        findings=tuple(reading.findings),
        failures=tuple(reading.failures),
        problem=_problem(reading, exit_code),
    )


def _read_line(reading: _Reading, line: str, number: int) -> None:
    if line.startswith("error: "):
        reading.fail(line.removeprefix("error: "))
    if not line.startswith("{"):
        return
    try:
        event = json.loads(line)
        for kind, read in _READERS.items():
            if kind in event:
                read(reading, event[kind])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reading.problem = reading.problem or f"line {number} of the engine's events is damaged ({type(error).__name__})"


def _problem(reading: _Reading, exit_code: int) -> str:
    if any(finding.mandatory for finding in reading.findings) and not reading.problem:
        return ""  # the preview failed because of the policies, and that is its result
    if reading.failures:
        first, *others = reading.failures
        return first + (f" (and {len(others)} more errors)" if others else "")
    if reading.problem:
        return reading.problem
    if not reading.ended:
        return "the engine's events break off before their summary: the preview was stopped, or the file is cut"
    return f"the engine ended with exit code {exit_code} and reported no error" if exit_code else ""


def _resource(metadata: Mapping[str, Any]) -> Resource:
    operation = _OPERATIONS.get(metadata["op"], Operation.OTHER)
    old, new = metadata.get("old") or {}, metadata.get("new") or {}
    state = new or old
    detailed = metadata.get("detailedDiff") or {}
    kinds = {
        str(path): str((one or {}).get("diffKind") or (one or {}).get("kind") or "") for path, one in detailed.items()
    }
    replacing = [*(metadata.get("keys") or ()), *(path for path, kind in kinds.items() if kind.endswith("replace"))]
    unread = operation is Operation.SAME
    return Resource(
        urn=clean_name(str(metadata["urn"])),
        operation=operation,
        parent=clean_name(str(state.get("parent") or "")),
        component=not state.get("custom") or str(metadata.get("type", "")) == STACK_TYPE,
        old={} if unread else _inputs(old),
        new={} if unread else _inputs(new),
        replacing=tuple(dict.fromkeys(clean_name(str(path)) for path in replacing)),
        changed=tuple(dict.fromkeys(clean_name(str(path)) for path in [*(metadata.get("diffs") or ()), *kinds])),
        deletes_first=metadata["op"] == "delete-replaced",
        protected=bool(old.get("protect")),
        retained=bool(old.get("retainOnDelete")),
    )


def _inputs(state: Mapping[str, Any]) -> Values:
    inputs = without_secrets(state.get("inputs") or {})
    return inputs if isinstance(inputs, dict) else {}


def _merged(known: Resource, read: Resource) -> Resource:
    """Both events of a step, or the steps of a replacement."""
    operations = (known.operation, read.operation)
    if Operation.REPLACE in operations:
        operation = Operation.REPLACE
    else:
        operation = read.operation if known.operation in (Operation.SAME, Operation.READ) else known.operation
    return replace(
        known,
        operation=operation,
        parent=known.parent or read.parent,
        old=known.old or read.old,
        new=known.new or read.new,
        replacing=tuple(dict.fromkeys([*known.replacing, *read.replacing])),
        changed=tuple(dict.fromkeys([*known.changed, *read.changed])),
        protected=known.protected or read.protected,
        retained=known.retained or read.retained,
    )
