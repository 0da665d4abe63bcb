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


Block = Line | Table | Listing
