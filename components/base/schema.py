"""The schema of a component's arguments and outputs, with the descriptions of inherited fields."""

from typing import is_typeddict

from pulumi.provider.experimental import analyzer

from components.base.docstrings import docstrings_of


class Analyzer(analyzer.Analyzer):
    """Pulumi's own reads the docstrings of a class, and not those of the TypedDict that it extends (3.272.0)."""

    def get_docstring(self, typ: type, name: str) -> str | None:
        """What stands below that field."""
        found: str | None = super().get_docstring(typ, name)
        return found or (docstrings_of(typ).get(name) if is_typeddict(typ) else None)
