"""What fields mean: the text below each in the source. Read when a schema or an error needs it, not at import.

Pydantic's own `use_attribute_docstrings` parses the module of each class when that is made: 0.1 s for these settings.
"""

from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel

from components.base.docstrings import docstrings_of


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Field -> its text, of the fields that have one. A mirror of a TypedDict has the texts of that one."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= docstrings_of(one.__dict__.get("typed", one))
    given = {name: field.description for name, field in model.model_fields.items() if field.description}
    return {name: text for name, text in (found | given).items() if name in model.model_fields}
