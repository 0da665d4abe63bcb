"""What a report is made from: a plan, and the settings before and after it. Pure."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from components.findings import Finding
from report.plan import Plan, PolicyFinding
from report.settings_diff import SettingChange, settings_changes
from settings.settings import Settings


@dataclass(frozen=True)
class Side:
    """The settings of one side."""

    text: str = ""
    """The whole `Pulumi.<stack>.yaml`; empty: there is none."""
    settings: Settings | None = None
    """None: there are none, or they are refused."""
    refused: tuple[Finding, ...] = ()
    """Why the settings are refused; empty if they are valid."""
    label: str = ""
    """Where they are from: `HEAD`, `main`, `the working tree`."""


@dataclass(frozen=True)
class Exemption:
    """An object that a policy does not apply to for a time."""

    policy: str
    object: str
    """`Kind namespace/name`."""
    owner: str
    expires: date


@dataclass(frozen=True)
class Comparison:
    """One stack before and after a change."""

    stack: str
    plan: Plan
    base: Side
    head: Side
    against: str
    """What the plan is compared with: `the state of stack prod`, `main, deployed on a simulated cloud`."""
    today: date
    base_findings: tuple[PolicyFinding, ...] | None = None
    """Findings of the policies before the change; None: unknown."""
    exemptions: tuple[Exemption, ...] = ()
    """Exemptions from policies after the change."""
    simulated: bool = False
    """Whether the plan is of a simulated cloud or cluster."""

    @property
    def file(self) -> str:
        """The settings file, as the repository has it."""
        return f"Pulumi.{self.stack}.yaml"

    @cached_property
    def settings(self) -> tuple[SettingChange, ...]:
        """The settings that differ; none if the stack is new."""
        return settings_changes(self.base.text, self.head.text) if self.base.text else ()

    def cause(self, *prefixes: str) -> SettingChange | None:
        """The changed setting at or below the first of these paths: itself, else a `kind`, else the first."""
        for prefix in prefixes:
            found = [change for change in self.settings if _touches(change.path, prefix)]
            if found:
                return min(found, key=lambda one: (one.path != prefix, not one.path.endswith(".kind")))
        return None


def _touches(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) or prefix.startswith(f"{path}.")
