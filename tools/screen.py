"""Terminal output: one aligned line for each step, a live line for long ones, failures in full."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.status import Status
from rich.text import Text

from report.urns import STACK_TYPE, resource_name
from tools.events import EventReader, Failure, Outcome, Step, Violation, cause

HEARTBEAT_SECONDS = 10.0
_LABEL_WIDTH = 10
_LISTED = 12
_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


@dataclass
class Screen:
    """Prints steps. On a terminal a long step has a live line; elsewhere a line at most every ten seconds."""

    console: Console = field(default_factory=Console)
    _status: Status | None = None
    _last_line: float = 0.0

    def say(self, label: str, text: str) -> None:
        """One finished step."""
        self._last_line = time.monotonic()
        self._print(f"{label:<{_LABEL_WIDTH}} {text}")

    def detail(self, text: str) -> None:
        """More about the step before; several lines are indented alike."""
        for line in text.splitlines():
            self._print(f"{'':<{_LABEL_WIDTH}} {line}")

    def _print(self, line: str) -> None:
        # Printed as is: square brackets are rules and indices here, not markup, and a terminal wraps better.
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def working(self, label: str, text: str) -> Iterator[Callable[[str], None]]:
        """A step that takes time. The yielded function updates its text."""
        began = time.monotonic()

        def update(doing: str) -> None:
            line = f"{label:<{_LABEL_WIDTH}} {doing}"
            if self._status is not None:
                self._status.update(Text(f"{line}  {_clock(time.monotonic() - began)}"))
            elif time.monotonic() - self._last_line >= HEARTBEAT_SECONDS:
                self.say(label, f"{doing}  {_clock(time.monotonic() - began)}")

        if not self.console.is_terminal:
            self._last_line = time.monotonic()
            yield update
            return
        with self.console.status(Text(f"{label:<{_LABEL_WIDTH}} {text}")) as status:
            self._status = status
            try:
                yield update
            finally:
                self._status = None


@dataclass
class RunWatcher:
    """Shows a run of the engine: steps done of total, elapsed time, the longest operation in progress."""

    update: Callable[[str], None]
    announce: Callable[[str], None]
    total: int | None = None
    """Steps expected, from the preview; None when unknown."""

    def started(self, pid: int) -> None:
        """Shows nothing."""

    def progress(self, reader: EventReader) -> None:
        """Rewrites the live line."""
        count = f"{reader.done}/{self.total}" if self.total else str(reader.done)
        urn, operation = next(iter(reader.running.items()), ("", ""))
        self.update(f"{count:<9} {f'{operation} {resource_name(urn)}' if urn else ''}")

    def interrupted(self, times: int) -> None:
        """Prints the effect of the interruption."""
        if times == 1:
            self.announce("stopping gracefully. Ctrl-C once more stops at once.")
        else:
            self.announce("stopping at once. The next `make up` or `make down` cleans up.")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def changes_text(outcome: Outcome) -> str:
    """`4 to create, 1 to delete, 12 unchanged`, or after the run: `4 created …`."""
    planned = outcome.operation == "preview"
    parts = [
        f"{count} {f'to {name}' if planned else _past(name)}"
        for name, count in sorted(outcome.changes.items(), key=lambda change: change[0])
    ]
    return ", ".join([*parts, f"{outcome.same} unchanged"] if parts else ["no changes", f"{outcome.same} unchanged"])


def drift_text(outcome: Outcome) -> str:
    """The drift that a refresh found."""
    return changes_text(outcome) if outcome.changes else f"no drift, {outcome.same} resources unchanged"


def _past(operation: str) -> str:
    return f"{operation}d" if operation.endswith("e") else f"{operation}ed"


def steps_text(steps: tuple[Step, ...], limit: int = _LISTED) -> str:
    """The changes by kind of resource: `- ConfigMap (3)  one, two, three`."""
    rows: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        if step.operation in _SIGNS and step.type != STACK_TYPE:
            kind, _, name = resource_name(step.urn).partition(" ")
            rows.setdefault((_SIGNS[step.operation], kind), []).append(name)
    lines = [f"{sign} {kind:<24} {_names(sorted(names))}" for (sign, kind), names in sorted(rows.items())]
    more = [f"… and {len(lines) - limit} more kinds"] if len(lines) > limit else []
    return "\n".join([*lines[:limit], *more])


def _names(names: list[str], limit: int = 4) -> str:
    return ", ".join(names) if len(names) <= limit else f"{', '.join(names[:limit])} and {len(names) - limit} more"


def violations_text(violations: tuple[Violation, ...]) -> str:
    """Each violation with resource, policy, value and remedy. Equal findings are printed once."""
    lines = []
    for violation in violations:
        description, _, said = violation.message.partition("\n")
        body = (said or description).strip().replace("\n", "\n    ")
        lines.append(f"✗ {violation.resource}  [{violation.policy}]\n    {body}")
    return "\n".join(line if count == 1 else f"{line}\n    ({count} times)" for line, count in Counter(lines).items())


def failures_text(failures: tuple[Failure, ...]) -> str:
    """Each cause once: a single failure in full, several with a common cause as one text with their names below it."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(cause(failure), []).append(failure)
    return "\n".join(_group_text(shared, group) for shared, group in groups.items())


def _group_text(shared: str, group: list[Failure]) -> str:
    def indented(text: str) -> str:
        return text.strip().replace("\n", "\n    ")

    names = list(dict.fromkeys(failure.resource for failure in group))
    if len(names) == 1:
        return f"✗ {names[0]}\n    {indented(group[0].message)}"
    return f"✗ {indented(shared)}\n    {len(names)} resources: {_names(names)}"
