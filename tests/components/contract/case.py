"""One complete set of arguments for a component, and what to know to change it one field at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.base.component import Component

ABSENT = object()
"""As the value of a field: leave it out."""


@dataclass(frozen=True)
class Case:
    """A component with (nearly) every field given.

    The contract test changes one field at a time, also inside nested settings: text gets longer, numbers grow,
    enumerations take their next member, lists and dicts get another first value. Fields are named by their path,
    `job.checkpoint.size_gib`, an element of a list by its index, `domains.0.name`.
    """

    component: type[Component]
    args: Mapping[str, Any]
    variants: Mapping[str, Any] = field(default_factory=dict)
    """Path -> the other value, where a change by type would be refused or mean nothing (handles)."""
    contexts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Path -> paths and values laid over `args` before that field (or one below it) is changed: what it needs in order
    to have a value at all, or to count. The longest path that fits is taken."""
    handed: Mapping[str, str] = field(default_factory=dict)
    """Path of a field that no object of its own needs -> who needs it, and takes it from the component's handle."""
    inert: Mapping[str, str] = field(default_factory=dict)
    """Path of a field that changes neither an object nor a handle -> why that is right."""
    rules_only: Mapping[str, str] = field(default_factory=dict)
    """Path of a field that only rules go by -> why. With its other value the arguments must be refused."""
    refused: Mapping[str, Any] = field(default_factory=dict)
    """Laid over `args`: what it refuses. Empty: it has no rule of its own."""
    second: Mapping[str, Any] = field(default_factory=dict)
    """Laid over `args` for a second instance next to the first, where the names of objects must differ."""
    ending: str = ""
    """What names of its instances must end in; empty: any name will do."""
    childless: str = ""
    """Why it declares nothing below itself. Empty: it does."""
    single: str = ""
    """Why there is one of it in a cluster: what a second one would have to share with the first. Empty: there can be
    several."""

    @property
    def name(self) -> str:
        """The class's name."""
        return self.component.__name__

    def arguments(self, over: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """`args` with other values at some paths."""
        return laid_over(self.args, over or {})

    def context(self, path: str) -> Mapping[str, Any]:
        """What is laid over `args` before that field is changed."""
        fitting = [known for known in self.contexts if path == known or path.startswith(f"{known}.")]
        return self.contexts[max(fitting, key=len)] if fitting else {}


def laid_over(value: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with other values at these paths; `ABSENT` leaves one out."""
    result: Any = dict(value)
    for path, new in over.items():
        result = _with(result, path.split("."), new)
    return dict(result)


def _with(value: Any, path: list[str], new: Any) -> Any:
    head, *rest = path
    if isinstance(value, list):
        index = int(head)
        return [*value[:index], _with(value[index], rest, new) if rest else new, *value[index + 1 :]]
    other = dict(value)
    if rest:
        other[head] = _with(value[head], rest, new)
    elif new is ABSENT:
        other.pop(head, None)
    else:
        other[head] = new
    return other


def value_at(value: Any, path: str) -> Any:
    """The value at a path; `ABSENT` where there is none."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else ABSENT
        else:
            value = value.get(step, ABSENT)
        if value is ABSENT:
            return ABSENT
    return value
