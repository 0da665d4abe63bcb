"""The report as the Markdown of a comment on GitHub or GitLab, within the length of a comment.

Names and values come from settings, programs and policies: none of them can become markup, a link, a mention of a
person or a reference to an issue.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from report.blocks import Block, Code, Diagram, Line, Listing, Table
from report.document import Report, StackReport
from report.render.mermaid import mermaid
from report.sections.base import Level, Section
from report.sections.verdict import Decision

LONGEST = 65_536
"""Characters of a comment on GitHub (GraphQL and REST API: `body is too long`); counted here as bytes, to be safe."""
MARKER = "<!-- mlplatform report: {stacks} -->"
"""First line: the workflow finds the comment by it and updates it in place."""
SIGNS = {Decision.NOTHING: "🟢", Decision.LOOK: "🟡", Decision.BLOCKED: "🔴", Decision.FAILED: "⚪"}
_OPEN = ("Verdict", "Loss and interruption")
_PUNCTUATION = re.compile(r"[\\`*_\[\]<>|~$]|^[-+#=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")
_AUTOMATIC = re.compile(r"(?<=[@#])(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)|(?<=\bGH)(?=-\d)|(?<=[a-z])(?=@)", re.IGNORECASE)
_ZERO_WIDTH = "\u200b"


@dataclass(frozen=True)
class _Part:
    text: str
    rank: int
    """0 is always kept; the highest is dropped first."""
    title: str


def as_markdown(report: Report, *, longest: int = LONGEST) -> str:
    """The comment, at most `longest` bytes: the least important sections are dropped first, and named."""
    stacks = ",".join(one.stack for one in report.stacks)
    head = _Part(MARKER.format(stacks=re.sub(r"[^\w,.-]", "?", stacks)) + "\n", 0, "")
    parts = [head, *(part for stack in report.stacks for part in _stack(stack))]
    dropped: list[_Part] = []
    while _length(parts, dropped) > longest:
        last = max(parts, key=lambda part: (part.rank, len(part.text)))
        if last.rank == 0:
            return _cut(_whole(parts, dropped), longest)
        parts.remove(last)
        dropped.insert(0, last)
    return _whole(parts, dropped)


def _whole(parts: list[_Part], dropped: list[_Part]) -> str:
    names = ", ".join(part.title for part in dropped)
    note = f"\n*Left out, because a comment has a limit: {names}. The whole report is an artifact of the run.*\n"
    return "".join(part.text for part in parts) + (note if dropped else "")


def _length(parts: list[_Part], dropped: list[_Part]) -> int:
    return len(_whole(parts, dropped).encode())


def _cut(text: str, longest: int) -> str:
    note = "\n\n*Cut, because a comment has a limit.*\n"
    kept = text.encode()[: longest - len(note.encode())].decode(errors="ignore")
    return kept[: kept.rfind("\n")] + note


def _stack(stack: StackReport) -> Iterator[_Part]:
    for rank, section in enumerate(stack.sections()):
        blocks = list(section.blocks())
        if blocks:
            text = _verdict(stack, blocks) if rank == 0 else _section(section, blocks)
            yield _Part(text, rank, f"{escaped(stack.stack)}: {section.title.lower()}")


def _verdict(stack: StackReport, blocks: list[Block]) -> str:
    first, *others = blocks
    assert isinstance(first, Line)
    head = f"\n## {SIGNS[stack.verdict.decision]} {escaped(stack.stack)}: {escaped(first.text)}\n\n"
    return f"{head}{escaped(f'C{stack.compared()[1:]}.')}\n\n" + "".join(map(_block, others))


def _section(section: Section, blocks: list[Block]) -> str:
    body = "".join(map(_block, blocks))
    if section.title in _OPEN:
        return f"\n### {section.title}\n\n{body}"
    count = f" ({len(section.reasons)} to look at)" if section.reasons else ""
    serious = any(one.level in (Level.BLOCKED, Level.DANGER) for one in section.reasons)
    head = f"<details{' open' if serious else ''}><summary><b>{section.title}</b>{count}</summary>"
    return f"\n{head}\n\n{body}\n</details>\n"


def _block(block: Block) -> str:
    match block:
        case Line():
            text = _cell(block.text)
            return f"**{text}**\n\n" if block.strong else f"{text}\n\n"
        case Listing():
            title = f"{_cell(block.title)}\n\n" if block.title else ""
            lines = [f"- {_cell(line)}\n" for line in block.lines[: block.limit]]
            return title + "".join([*lines, *_more("- ", len(block.lines) - block.limit), "\n"])
        case Table():
            caption = f"**{_cell(block.caption)}**\n\n" if block.caption else ""
            rules = ["--:" if column in block.numeric else "---" for column in block.columns]
            rows = [tuple(map(escaped, block.columns)), tuple(rules)]
            rows += [tuple(map(_cell, row)) for row in block.rows[: block.limit]]
            lines = [f"| {' | '.join(row)} |\n" for row in rows]
            return caption + "".join([*lines, "\n", *_more("", len(block.rows) - block.limit), "\n"])
        case Diagram():
            return mermaid(block)


def _more(before: str, count: int) -> list[str]:
    return [f"{before}… and {count} more\n"] if count > 0 else []


def _cell(text: str) -> str:
    return code(text) if isinstance(text, Code) and text else escaped(text)


def escaped(text: str) -> str:
    """Text that is shown as it is: no markup, no HTML, no link, no mention, one line."""
    line = " ".join(text.split()).replace("&", "&amp;")
    line = _AUTOMATIC.sub(_ZERO_WIDTH, line)
    return _PUNCTUATION.sub(lambda found: "&lt;" if found[0] == "<" else f"\\{found[0]}", line)


def code(text: str) -> str:
    """A code span, also in a table, where `|` would end the cell."""
    line = " ".join(text.split())
    if "|" in line or "`" in line:
        return escaped(line)
    return f"`{line}`"
