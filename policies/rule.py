"""What a policy is: a pure rule about planned objects, with its name, its sentence and its severity."""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from components.findings import Finding
from policies.objects import PlannedObject


class Severity(StrEnum):
    """How much a finding matters, as the SDK names it."""

    MEDIUM = "medium"
    """The platform stays safe, and becomes hard to operate."""
    HIGH = "high"
    """The platform is unsafe, or a team takes what belongs to another."""


class Rule(NamedTuple):
    """One policy: a pure rule for one object, or for all of them."""

    name: str
    """In the terms of Kubernetes: `no-unrestricted-network-policies`."""
    description: str
    """One sentence, which ends with a full stop."""
    severity: Severity
    of_one: Callable[[PlannedObject], Iterable[Finding]] | None = None
    of_all: Callable[[list[PlannedObject]], Iterable[Finding]] | None = None
    frameworks: tuple[str, ...] = ()
    """Controls of public standards that it checks: `PSS baseline`, `CIS EKS 4.2.1`."""
    group: str = ""
    """The folder of `policies/rules` that it is in; set by the pack."""


Place = tuple[str, Any]
"""Path in an object, and the value there that is not allowed. Never a value that can be a secret."""


def about_objects(
    name: str,
    description: str,
    check: Callable[[PlannedObject], Iterable[Place]],
    remedy: str,
    *,
    severity: Severity = Severity.HIGH,
    frameworks: tuple[str, ...] = (),
) -> Rule:
    """A policy about single objects of our own; those of charts have a version that was read before it was pinned."""
    rule = description.removesuffix(".")

    def of_one(subject: PlannedObject) -> Iterator[Finding]:
        if not subject.of_chart:
            for path, value in check(subject):
                yield Finding(f"{subject.title} {path}", f"{value}", rule[0].lower() + rule[1:], remedy)

    return Rule(name, description, severity, of_one=of_one, frameworks=frameworks)
