"""The report of one or several stacks: the published JSON document, and the order of its sections. Pure."""

from collections.abc import Iterator, Sequence

from report.causes import refused
from report.comparison import Comparison
from report.sections.accelerators import Accelerators, accelerators
from report.sections.base import Document, Section
from report.sections.changes import Changes, changes
from report.sections.loss import Losses, losses
from report.sections.money import Money, money
from report.sections.picture import Picture, picture
from report.sections.policies import Policies, policies
from report.sections.security import Security, security
from report.sections.verdict import Decision, Verdict, verdict
from report.sections.versions import Versions, versions

VERSION = 1
"""Of the document; raised when a field is removed or changes its meaning."""


class StackReport(Document):
    """The report of one stack."""

    stack: str
    """Its name."""
    against: str
    """What the plan is compared with."""
    simulated: bool
    """Whether the plan is of a simulated cloud or cluster."""
    verdict: Verdict
    """The verdict."""
    loss: Losses | None = None
    """None, like the following sections, if there is no complete plan."""
    accelerators: Accelerators | None = None
    money: Money | None = None
    policies: Policies | None = None
    security: Security | None = None
    versions: Versions | None = None
    changes: Changes | None = None
    picture: Picture | None = None

    def compared(self) -> str:
        """`compared with the state of stack dev (simulated)`."""
        simulated = " (simulated)" if self.simulated and "simulated" not in self.against else ""
        return f"compared with {self.against}{simulated}"

    def sections(self) -> Iterator[Section]:
        """The sections that there are, most important first."""
        yield self.verdict
        others = (
            *(self.loss, self.accelerators, self.money, self.policies),
            *(self.security, self.versions, self.changes, self.picture),
        )
        yield from (one for one in others if one is not None)


class Report(Document):
    """The report."""

    version: int = VERSION
    """Version of this document."""
    stacks: tuple[StackReport, ...]
    """The stacks, by name."""

    @property
    def decision(self) -> Decision:
        """The most serious one of all stacks."""
        return max((one.verdict.decision for one in self.stacks), key=lambda one: one.exit_code)


def stack_report(comparison: Comparison) -> StackReport:
    """The report of one comparison."""
    about = {"stack": comparison.stack, "against": comparison.against, "simulated": comparison.simulated}
    if comparison.plan.problem:
        return StackReport(**about, verdict=verdict(comparison.plan.problem, (), tuple(refused(comparison))))  # type: ignore[arg-type]
    made = StackReport(
        **about,  # type: ignore[arg-type]
        verdict=verdict("", ()),
        loss=losses(comparison),
        accelerators=accelerators(comparison),
        money=money(comparison),
        policies=policies(comparison),
        security=security(comparison),
        versions=versions(comparison),
        changes=changes(comparison),
        picture=picture(comparison),
    )
    return made.model_copy(update={"verdict": verdict("", tuple(made.sections()))})


def report(comparisons: Sequence[Comparison]) -> Report:
    """The report of several stacks."""
    return Report(stacks=tuple(stack_report(one) for one in sorted(comparisons, key=lambda one: one.stack)))
