"""The docstrings below the fields of a class; of a TypedDict, also of inherited fields. Pure.

`XArgs(XSpec)`: `XSpec` is what settings contain, `XArgs` adds the other arguments of the component.
"""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import is_typeddict


@cache
def docstrings_of(kind: type) -> Mapping[str, str]:
    """Field -> the text below it. None of a class that was made at run time."""
    found: dict[str, str] = {}
    definition = _classes(kind.__module__).get(kind.__name__)
    # Python 3.11 keeps no trace of the bases of a TypedDict at run time.
    for base in definition.bases if definition else []:
        if isinstance(base, ast.Name) and is_typeddict(inherited := getattr(sys.modules[kind.__module__], base.id)):
            found |= docstrings_of(inherited)
    for field, after in pairwise(definition.body if definition else []):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = inspect.cleandoc(text)
    return found


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """The classes of a module as written, by name. `inspect.getsource` of a class parses its whole module each time."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
