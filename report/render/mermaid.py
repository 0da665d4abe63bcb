"""The picture as Mermaid, which GitHub and GitLab draw in comments. Large ones show what changed and its neighbours."""

import re

from report.blocks import Diagram, DiagramEdge

_MOST_NODES = 40
"""More boxes are unreadable in a comment; the HTML report has all of them."""
_SAFE = re.compile(r"[^\w .,:/+→()-]")
_CLASSES = {
    "new": "fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px",
    "gone": "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:4",
    "changed": "fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px",
}


def mermaid(diagram: Diagram) -> str:
    """A fenced block, and what it leaves out. Text is reduced to letters, digits and a few signs: nothing is markup."""
    shown = _shown(diagram)
    ids = {one.id: f"n{index}" for index, one in enumerate(one for one in diagram.nodes if one.id in shown)}
    lines = ["```mermaid", "flowchart LR"]
    for one in diagram.nodes:
        if one.id in ids:
            mark = f" ({one.mark})" if one.mark in _CLASSES else ""
            text = f"{_plain(one.name)}{mark}<br/>{_plain(one.detail)}"
            suffix = f":::{one.mark}" if one.mark in _CLASSES else ""
            lines.append(f'  {ids[one.id]}["{text}"]{suffix}')
    for edge in diagram.edges:
        if edge.source in ids and edge.target in ids:
            lines.append(f"  {ids[edge.source]} {_arrow(edge)} {ids[edge.target]}")
    lines += [f"  classDef {name} {style}" for name, style in _CLASSES.items()]
    more = len(diagram.nodes) - len(ids)
    note = f"… and {more} more in the HTML report\n\n" if more else ""
    return "\n".join([*lines, "```"]) + f"\n\n{note}"


def _shown(diagram: Diagram) -> set[str]:
    if len(diagram.nodes) <= _MOST_NODES:
        return {one.id for one in diagram.nodes}
    changed = {one.id for one in diagram.nodes if one.mark != "same"}
    lines = [edge for edge in diagram.edges if edge.mark != "same"]
    near = changed | {end for edge in lines for end in (edge.source, edge.target)}
    order = [one.id for one in sorted(diagram.nodes, key=lambda one: one.mark == "same") if one.id in near]
    return set(order[:_MOST_NODES])


def _arrow(edge: DiagramEdge) -> str:
    arrow = {"new": "==>", "changed": "==>", "gone": "-.->"}.get(edge.mark, "-->")
    label = _plain(edge.label)
    return f'{arrow}|"{label}"|' if label and label != "0" else arrow


def _plain(text: str) -> str:
    return _SAFE.sub("?", text).strip()
