"""What a policy is: a pure rule about planned objects, with its name, its sentence and its severity."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple

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
