"""What sections are shown as, whatever the format: lines, tables and lists. Pure; `report.render` prints them."""

from dataclasses import dataclass, field


class Code(str):
    """Text that is a name, a path or a value: formats that can show it as code do."""

    __slots__ = ()


@dataclass(frozen=True)
class Line:
    """One sentence."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under column names. Formats that must be short show `limit` rows and count the others."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = field(default_factory=frozenset)
    """Columns that are aligned right."""
    limit: int = 20
    caption: str = ""


@dataclass(frozen=True)
class Listing:
    """A title with indented lines of its own, which a person may fold."""

    title: str
    lines: tuple[str, ...]
    limit: int = 12


@dataclass(frozen=True)
class DiagramNode:
    """A box."""

    id: str
    """`<column>/…`: columns are pool, team, workload, from left to right."""
    name: str
    detail: str
    mark: str
    """`new`, `gone`, `changed` or `same`."""


@dataclass(frozen=True)
class DiagramEdge:
    """A line between two boxes."""

    source: str
    target: str
    label: str
    mark: str


@dataclass(frozen=True)
class Diagram:
    """A picture in three columns."""

    nodes: tuple[DiagramNode, ...]
    edges: tuple[DiagramEdge, ...]


Block = Line | Table | Listing | Diagram
