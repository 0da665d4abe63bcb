"""The picture as SVG: three columns, readable with 3 and with 300 pools, by keyboard and by screen reader."""

from html import escape

from report.blocks import Diagram, DiagramEdge, DiagramNode

_WIDTH, _HEIGHT, _GAP, _COLUMN = 260, 44, 12, 400
_TOP = 34
_COLUMNS = ("pool", "team", "workload")
_MARKS = {"new": "new", "gone": "gone", "changed": "changed", "same": ""}
_LONGEST = 36
_MANY = 100
"""Lines from which unchanged ones are drawn thinner."""


def svg(diagram: Diagram) -> str:
    """One `<svg>`: boxes can be focused and say what they are connected to; lines are decoration for the eye."""
    columns = {name: [one for one in diagram.nodes if one.id.startswith(f"{name}/")] for name in _COLUMNS}
    places = {
        one.id: (x * _COLUMN, _TOP + y * (_HEIGHT + _GAP))
        for x, name in enumerate(_COLUMNS)
        for y, one in enumerate(columns[name])
    }
    height = _TOP + max(map(len, columns.values())) * (_HEIGHT + _GAP)
    width = _COLUMN * (len(_COLUMNS) - 1) + _WIDTH
    titles = "".join(
        f'<text class="column" x="{index * _COLUMN}" y="16">{name.capitalize()}s ({len(columns[name])})</text>'
        for index, name in enumerate(_COLUMNS)
    )
    # What changed is drawn last, over the others.
    ordered = sorted(diagram.edges, key=lambda one: one.mark != "same")
    lines = "".join(_edge(one, places) for one in ordered if one.source in places and one.target in places)
    many = " many" if len(diagram.edges) > _MANY else ""
    boxes = "".join(_node(one, places[one.id], diagram) for name in _COLUMNS for one in columns[name])
    head = f'viewBox="-4 0 {width + 8} {height + 4}" style="min-width:{width // 2}px;max-width:{width + 8}px"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture{many}" {head} role="group" '
        'aria-label="Pools, teams and workloads after the change; boxes can be focused with Tab">'
        f'{titles}<g aria-hidden="true">{lines}</g><g role="list">{boxes}</g></svg>'
    )


def _node(node: DiagramNode, place: tuple[int, int], diagram: Diagram) -> str:
    x, y = place
    names = {one.id: one.name for one in diagram.nodes}
    to = [names[one.target] for one in diagram.edges if one.source == node.id and one.target in names]
    of = [names[one.source] for one in diagram.edges if one.target == node.id and one.source in names]
    said = [f"{node.id.partition('/')[0]} {node.name}", node.detail, _MARKS[node.mark]]
    said += [f"to {', '.join(to)}"] if to else []
    said += [f"from {', '.join(of)}"] if of else []
    label = escape(", ".join(part for part in said if part))
    mark = f'<text class="mark" x="{x + _WIDTH - 10}" y="{y + 18}">{node.mark}</text>' if _MARKS[node.mark] else ""
    about = f'data-id="{escape(node.id)}" data-x="{x}" data-y="{y}" aria-label="{label}"'
    return (
        f'<g class="node {node.mark}" role="listitem" tabindex="0" {about}><title>{label}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x + 10}" y="{y + 18}">{_short(node.name, 24)}</text>'
        f'<text class="detail" x="{x + 10}" y="{y + 35}">{_short(node.detail, _LONGEST)}</text>{mark}</g>'
    )


def _edge(edge: DiagramEdge, places: dict[str, tuple[int, int]]) -> str:
    (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
    start, end = (x1 + _WIDTH, y1 + _HEIGHT // 2), (x2, y2 + _HEIGHT // 2)
    middle = (start[0] + end[0]) // 2
    path = f"M{start[0]} {start[1]}C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}"
    ends = f'data-from="{escape(edge.source)}" data-to="{escape(edge.target)}"'
    return f'<path class="edge {edge.mark}" {ends} d="{path}"/>'


def _short(text: str, longest: int) -> str:
    return escape(text if len(text) <= longest else f"{text[: longest - 1]}…")
