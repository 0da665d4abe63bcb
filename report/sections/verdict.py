"""Section: the verdict, in one line, and what to look at."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import ClassVar

from report.blocks import Block, Line, Listing
from report.sections.base import ORDER, Level, Reason, Section, counted


class Decision(StrEnum):
    """What a reviewer has to do."""

    NOTHING = "nothing to decide"
    LOOK = "look"
    BLOCKED = "blocked"
    FAILED = "could not preview"

    @property
    def exit_code(self) -> int:
        """Of the commands: 0 nothing to decide, 1 look, 2 blocked, 3 could not preview."""
        return tuple(Decision).index(self)


class Verdict(Section):
    """The verdict."""

    title: ClassVar[str] = "Verdict"
    decision: Decision
    """What to do."""
    text: str
    """One line that says why."""

    def blocks(self) -> Iterator[Block]:
        """The line, and the reasons behind it."""
        yield Line(self.text, strong=True)
        if self.reasons:
            yield Listing("", tuple(f"{one.text}{_where(one)}" for one in self.reasons))


def _where(reason: Reason) -> str:
    return f"  ({reason.file}:{reason.line})" if reason.file and reason.line else ""


def verdict(problem: str, sections: Sequence[Section], refused: Sequence[Reason] = ()) -> Verdict:
    """The verdict on the reasons of the other sections. `problem`: why there is no complete plan; `refused`: the
    settings that are the cause of it."""
    if problem:
        first, _, more = problem.partition("\n")
        lines = tuple(
            Reason(level=Level.BLOCKED, rule="preview/failed", text=line) for line in more.splitlines() if line.strip()
        )
        return Verdict(decision=Decision.FAILED, text=f"Could not preview: {first}", reasons=tuple(refused) or lines)
    reasons = sorted((one for section in sections for one in section.reasons), key=lambda one: ORDER.index(one.level))
    by_level = {level: [one for one in reasons if one.level is level] for level in Level}
    decided = tuple(one for one in reasons if one.level is not Level.NOTE)
    if blocking := by_level[Level.BLOCKED]:
        others = f" (and {counted(len(blocking) - 1, 'more reason')})" if len(blocking) > 1 else ""
        return Verdict(decision=Decision.BLOCKED, text=f"Blocked: {blocking[0].text}{others}", reasons=decided)
    if decided:
        danger = len(by_level[Level.DANGER])
        what = "this" if len(decided) == 1 else f"these {len(decided)} things"
        text = f"Look at {what}" + (f", {danger} of them dangerous." if danger else ".")
        return Verdict(decision=Decision.LOOK, text=text, reasons=decided)
    return Verdict(decision=Decision.NOTHING, text="Nothing to decide: no resource changes.")
