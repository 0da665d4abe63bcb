"""What the SDK's classes take and give, read from their source: importing `pulumi_gcp.compute` alone takes seconds.

The classes are generated, so their text is regular: typed keyword arguments in `__init__`, and one
`@pulumi.getter(name="wireName")` for each property.
"""

import ast
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGES = {"aws": "pulumi_aws", "gcp": "pulumi_gcp"}

_SCALARS = {"str": "str", "int": "int", "bool": "bool", "float": "float"}
_TRANSPARENT = ("Input", "Output", "Optional")


@dataclass(frozen=True)
class Kind:
    """The type of a property."""

    name: str
    """`str`, `int`, `bool`, `float`, `list`, `map`, `object`, `any`."""
    of: "Kind | None" = None
    """Of the members of a list or map."""
    type_name: str = ""
    """Class of an object."""
    optional: bool = False
    """Outputs: may be absent."""


@dataclass(frozen=True)
class Field:
    """A property of a class."""

    kind: Kind
    required: bool


class UnknownClass(Exception):
    """The SDK has no such class."""


@cache
def root(cloud: str) -> Path:
    """Where the SDK of a cloud is installed."""
    found = importlib.util.find_spec(PACKAGES[cloud])
    if found is None or found.origin is None:
        raise UnknownClass(f"{PACKAGES[cloud]} is not installed")
    return Path(found.origin).parent


@cache
def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


@cache
def _files(folder: Path) -> dict[str, Path]:
    """File by its name without underscores: `nodegroup` -> node_group.py."""
    return {path.stem.replace("_", ""): path for path in folder.glob("*.py")}


def _resource_file(token: str) -> tuple[Path, str]:
    cloud, module, name = token.split(":")
    folder = root(cloud) / module.split("/")[0]
    path = _files(folder).get(name.lower())
    if path is None or f"'{token}'" not in _text(path):
        raise UnknownClass(f"{PACKAGES[cloud]} has no resource {token}")
    return path, name


@cache
def inputs(token: str) -> dict[str, Field]:
    """The inputs of a resource type, by their wire names. Raises UnknownClass."""
    path, name = _resource_file(token)
    arguments = f"{name}Args" if f"{name}Args" in _places(path) else f"{name}InitArgs"
    return _fields(path, arguments)


@cache
def outputs(token: str) -> dict[str, Kind]:
    """The outputs of a resource type, by their wire names. Raises UnknownClass."""
    path, name = _resource_file(token)
    return dict(_getters(_class(path, name)).values())


@cache
def nested(token: str, type_name: str) -> dict[str, Field]:
    """The fields of an object that a resource type takes; empty for a class that is defined elsewhere."""
    path, _ = _resource_file(token)
    source = path.with_name("_inputs.py")
    return _fields(source, type_name) if type_name in _places(source) else {}


@cache
def function_inputs(token: str) -> dict[str, bool]:
    """The arguments of an invoke, by their wire names, and whether each is required. Raises UnknownClass."""
    cloud, module, name = token.split(":")
    folder = root(cloud) if module.split("/")[0] == "index" else root(cloud) / module.split("/")[0]
    path = _files(folder).get(name.lower())
    if path is None or f"'{token}'" not in _text(path):
        raise UnknownClass(f"{PACKAGES[cloud]} has no function {token}")
    text = _text(path)
    # __args__['serviceCode'] = service_code; its parameter has a default exactly when it is optional.
    pairs = re.findall(r"__args__\['(\w+)'\] = (\w+)", text)
    snake = re.search(rf"\ndef {path.stem}\((.*?)\) ->", text, re.DOTALL)
    signature = snake.group(1) if snake else ""
    return {
        wire: f"{name}: " in signature and not re.search(rf"{name}: [^\n]*= None", signature) for wire, name in pairs
    }


@cache
def _places(path: Path) -> dict[str, tuple[int, int]]:
    """Class -> where its text begins and ends. Found in one pass: a search for each takes seconds in all."""
    text = _text(path)
    starts = [(found.group(1), found.start()) for found in re.finditer(r"^class (\w+)", text, re.MULTILINE)]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return {name: (start, end) for (name, start), end in zip(starts, ends, strict=True)}


@cache
def _class(path: Path, name: str) -> ast.ClassDef:
    if name not in _places(path):
        raise UnknownClass(f"{path} has no class {name}")
    start, end = _places(path)[name]
    text = _text(path)[start:end]
    # What follows belongs to the next class: its decorator, or code of the module.
    tree = ast.parse(text.partition("\n@")[0]).body[0]
    assert isinstance(tree, ast.ClassDef)
    return tree


def _fields(path: Path, name: str) -> dict[str, Field]:
    tree = _class(path, name)
    getters = _getters(tree)
    init = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    return {
        getters[argument.arg][0]: Field(getters[argument.arg][1], required=default is None)
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)
        if argument.arg in getters
    }


def _getters(tree: ast.ClassDef) -> dict[str, tuple[str, Kind]]:
    """Property in Python -> its name on the wire and its type."""
    found = {}
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or node.returns is None:
            continue
        for decorator in node.decorator_list:
            text = ast.unparse(decorator)
            if text.startswith("pulumi.getter"):
                wire = re.search(r"name='(\w+)'", text)
                found[node.name] = (wire.group(1) if wire else node.name, _kind(node.returns))
    return found


def _kind(node: ast.expr) -> Kind:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return Kind("object", type_name=node.value.rpartition(".")[2])
    if isinstance(node, ast.Attribute | ast.Name):
        name = node.attr if isinstance(node, ast.Attribute) else node.id
        return Kind(_SCALARS.get(name, "any"))
    return _generic(node) if isinstance(node, ast.Subscript) else Kind("any")


def _generic(node: ast.Subscript) -> Kind:
    outer = node.value.attr if isinstance(node.value, ast.Attribute) else ast.unparse(node.value)
    if outer in _TRANSPARENT:
        inner = _kind(node.slice)
        return Kind(inner.name, inner.of, inner.type_name, optional=inner.optional or outer == "Optional")
    if outer == "Sequence":
        return Kind("list", _kind(node.slice))
    if outer == "Mapping" and isinstance(node.slice, ast.Tuple):
        return Kind("map", _kind(node.slice.elts[1]))
    return Kind("str" if outer == "Union" else "any")  # a union: a string, or an enum of the SDK that is one
