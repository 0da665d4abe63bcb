"""The report as one HTML file that opens offline: light and dark, by keyboard and by screen reader."""

import base64
import hashlib
from html import escape

from report.blocks import Block, Code, Diagram, Line, Listing, Table
from report.document import Report, StackReport
from report.render.page import SCRIPT, STYLE
from report.render.svg import svg
from report.sections.base import Section
from report.sections.verdict import Decision

_CLASSES = {
    Decision.NOTHING: "nothing",
    Decision.LOOK: "look",
    Decision.BLOCKED: "blocked",
    Decision.FAILED: "failed",
}
_MOST_OPEN = 60
"""Boxes of a picture that is whole from the start; of a larger one what changes is shown first."""
_LONGEST_OPEN = 12
"""Lines of a list that is open from the start."""


def as_html(report: Report) -> str:
    """The page. It loads nothing, and runs no script but its own: the policy in its head allows no other."""
    names = ", ".join(one.stack for one in report.stacks)
    stacks = "".join(_stack(one, index) for index, one in enumerate(report.stacks))
    policy = f"default-src 'none'; style-src '{_digest(STYLE)}' 'unsafe-inline'; script-src '{_digest(SCRIPT)}'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<title>{escape(names)}: preview</title>
<style>{STYLE}</style>
</head>
<body>
<a class="skip" href="#stack-0">Skip to the report</a>
<header><h1>Preview of {escape(names)}</h1>{_contents(report)}</header>
<main>{stacks}</main>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _contents(report: Report) -> str:
    items = [
        f'<li><a href="#{_id(index, section)}">{escape(stack.stack)}: {escape(section.title)}</a></li>'
        for index, stack in enumerate(report.stacks)
        for section in stack.sections()
        if [*section.blocks()]
    ]
    return f'<nav aria-label="Sections"><ul>{"".join(items)}</ul></nav>'


def _id(index: int, section: Section) -> str:
    return f"s{index}-{type(section).__name__.lower()}"


def _stack(stack: StackReport, index: int) -> str:
    name = escape(stack.stack)
    body = "".join(_section(stack, section, index) for section in stack.sections())
    head = f'<h2>{name}</h2><p class="dim">{escape("C" + stack.compared()[1:])}.</p>'
    return f'<article id="stack-{index}" aria-label="Stack {name}">{head}{body}</article>'


def _section(stack: StackReport, section: Section, index: int) -> str:
    blocks = [*section.blocks()]
    if not blocks:
        return ""
    kind = f"verdict {_CLASSES[stack.verdict.decision]}" if section is stack.verdict else "section"
    heading = "" if section is stack.verdict else f"<h3>{escape(section.title)}</h3>"
    label = escape(section.title)
    body = "".join(map(_block, blocks))
    return f'<section class="{kind}" id="{_id(index, section)}" aria-label="{label}">{heading}{body}</section>'


def _block(block: Block) -> str:
    match block:
        case Line():
            text = escape(block.text)
            return f"<p>{f'<strong>{text}</strong>' if block.strong else text}</p>"
        case Listing():
            items = "".join(f"<li>{escape(line)}</li>" for line in block.lines)
            if not block.title:
                return f"<ul>{items}</ul>"
            is_open = " open" if len(block.lines) <= _LONGEST_OPEN else ""
            return f"<details{is_open}><summary>{escape(block.title)}</summary><ul>{items}</ul></details>"
        case Table():
            return _table(block)
        case Diagram():
            return _picture(block)


def _table(block: Table) -> str:
    numbers = [' class="number"' if column in block.numeric else "" for column in block.columns]
    head = "".join(
        f'<th scope="col"{number}>{escape(column)}</th>' for column, number in zip(block.columns, numbers, strict=True)
    )
    rows = "".join(
        f"<tr>{''.join(f'<td{number}>{_cell(cell)}</td>' for cell, number in zip(row, numbers, strict=True))}</tr>"
        for row in block.rows
    )
    caption = f"<caption>{escape(block.caption)}</caption>" if block.caption else ""
    label = escape(block.caption or ", ".join(block.columns))
    table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Table: {label}">{table}</div>'


def _cell(text: str) -> str:
    return f"<code>{escape(text)}</code>" if isinstance(text, Code) and text else escape(text)


def _picture(diagram: Diagram) -> str:
    many = len(diagram.nodes) > _MOST_OPEN and any(one.mark != "same" for one in diagram.nodes)
    checked = " checked" if many else ""
    tools = (
        '<div class="tools"><label>Find <input type="search" placeholder="pool, team, workload, accelerator"></label>'
        f'<label><input type="checkbox"{checked}> only what changes</label>'
        f'<output class="dim">{len(diagram.nodes)} shown</output></div>'
    )
    return f'<div class="chart">{tools}<div class="scroll">{svg(diagram)}</div></div>'
