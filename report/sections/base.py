"""What every section of the report has: the reasons to look, and how it is shown."""

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from report.blocks import Block


class Document(BaseModel):
    """Part of the published JSON document: frozen, camelCase outside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, use_attribute_docstrings=True
    )


class Level(StrEnum):
    """How much a reason matters."""

    BLOCKED = "blocked"
    """The change cannot be made."""
    DANGER = "danger"
    """Data or running work is lost, or access is opened."""
    LOOK = "look"
    """A person decides."""
    NOTE = "note"
    """Worth knowing; nothing to decide."""


ORDER = tuple(Level)
"""Most important first."""


class Reason(Document):
    """Why a person looks at this change."""

    level: Level
    """How much it matters."""
    rule: str
    """Stable name of what was found, such as `loss/deleted` or `policy/objects-have-names`."""
    text: str
    """One sentence."""
    resource: str = ""
    """URN of the resource; empty for what belongs to none."""
    file: str = ""
    """The settings file, if a setting is the cause."""
    line: int = Field(default=0, ge=0)
    """Its line, counted from 1; 0: unknown."""


class Section(Document):
    """One section of the report."""

    title: ClassVar[str] = ""
    reasons: tuple[Reason, ...] = ()
    """Why a person looks; empty: nothing to decide here."""

    def blocks(self) -> Iterator[Block]:
        """How it is shown; nothing: the section is left out."""
        yield from ()


def counted(count: int, one: str, many: str = "") -> str:
    """`1 pool`, `2 pools`."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
