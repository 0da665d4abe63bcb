"""What fields mean: the text below each in the source. Read when a schema or an error needs it, not at import.

Pydantic's own `use_attribute_docstrings` parses the module of each class when that is made: 0.1 s for these settings.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


@cache
def descriptions(model: type[BaseModel]) -> Mapping[str, str]:
    """Field -> its text, of the fields that have one. A mirror of a TypedDict has the texts of that one."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            found |= dict(_texts(one.__dict__.get("typed", one)))
    given = {name: field.description for name, field in model.model_fields.items() if field.description}
    return {name: text for name, text in (found | given).items() if name in model.model_fields}


def _texts(source: type) -> Iterator[tuple[str, str]]:
    definition = _classes(source.__module__).get(source.__name__)
    body = definition.body if definition else []
    for field, after in pairwise(body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """The classes of a module as written, by name. `inspect.getsource` of a class parses its whole module each time."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
