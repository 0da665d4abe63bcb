"""Type stubs of the part of the cloud SDKs that this project uses. Part of `make lint`, before mypy.

pulumi_aws, pulumi_gcp and pulumi_kubernetes are 600 MB of Python, of which mypy would read most: minutes and 4.4 GB of
memory. This writes into build/typings the signatures of the classes and functions that our code names, and of those
that they name in turn, from the installed packages. Without that folder mypy reads the packages themselves, with the
same result.
"""

import ast
import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
TYPINGS = REPOSITORY / "build" / "typings"
SDKS = ("pulumi_aws", "pulumi_gcp", "pulumi_kubernetes")
SOURCES = ("components", "policies", "report", "settings", "simulator", "stacks", "tools", "examples", "catalog")
START = re.compile(r"^(?:@|async def |class |def |[A-Za-z_]\w* *[:=])", re.MULTILINE)
NAME = re.compile(r"^(?:async def |class |def )?(\w+)", re.MULTILINE)
UNREACHABLE = re.compile(r"^if not MYPY:\n    class (\w+)\(", re.MULTILINE)
"""Dictionaries whose keys pulumi_kubernetes hides from mypy, which takes their types for any mapping."""
IMPORT = re.compile(r"^from (\.+[\w.]*) import (\w+)(?: as (\w+))?$", re.MULTILINE)
HEADER = """\
import builtins as _builtins
import abc
import pulumi
import pulumi.runtime
from collections.abc import Awaitable
from enum import Enum
from typing import *
"""

Name = tuple[str, str]
"""Module of an SDK, without the file in it, and what it defines there: `("pulumi_aws.eks", "Cluster")`."""


def main() -> None:
    """Write the stubs that are missing or out of date, and remove the others."""
    kept: dict[str, dict[str, str]] = defaultdict(dict)
    imports: dict[str, set[str]] = defaultdict(set)
    waiting = sorted({name for file in sources() for name in names_of(file)})
    while waiting:
        module, name = waiting.pop()
        if name in kept[module]:
            continue
        definition = definitions(module).get(name)
        if definition is None:
            continue
        file, text = definition
        stub = signatures(text)
        kept[module][name] = ast.unparse(stub)
        for used, line in references(module, file, stub):
            waiting.append(used)
            if line:
                imports[module].add(line)
    write(kept, imports)


def sources() -> Iterator[Path]:
    """The Python files that are checked."""
    for package in SOURCES:
        yield from (REPOSITORY / package).rglob("*.py")


def names_of(file: Path) -> Iterator[Name]:
    """What a file of ours names of the SDKs."""
    text = file.read_text()
    if not any(sdk in text for sdk in SDKS):
        return
    tree = ast.parse(text)
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                aliases |= {one.asname or one.name: one.name for one in names if one.name.split(".")[0] in SDKS}
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] in SDKS:
                aliases |= {one.asname or one.name: f"{module}.{one.name}" for one in names}
    paths = {*aliases.values()}
    for node in ast.walk(tree):
        if (parts := chain(node)) and parts[0] in aliases:
            paths.add(".".join([aliases[parts[0]], *parts[1:]]))
    yield from filter(None, map(resolved, paths))


def chain(node: ast.AST) -> list[str]:
    """`aws.eks.Cluster` in its parts; empty for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


def resolved(path: str) -> Name | None:
    """The module and the name in it of a dotted path; None where a module is meant, or nothing."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module, name = ".".join(parts[:end]), parts[end]
        if folder(module):
            return (module, name) if name in definitions(module) else None
    return None


@cache
def folder(module: str) -> Path | None:
    """Where a package of an SDK is; None: it is none. `….outputs` is the file of that name."""
    root, *rest = module.split(".")
    spec = importlib.util.find_spec(root)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0], *rest)
    if rest and rest[-1] == "outputs":
        return path if path.with_suffix(".py").exists() else None
    return path if (path / "__init__.py").exists() else None


@cache
def definitions(module: str) -> dict[str, tuple[Path, str]]:
    """Name -> file and text of each class and function that a module gives."""
    path = folder(module)
    if path is None:
        return {}
    files = [path.with_suffix(".py")] if path.name == "outputs" else sorted(path.glob("*.py"))
    found: dict[str, tuple[Path, str]] = {}
    for file in files:
        if file.name != "outputs.py" or path.name == "outputs":
            for block in blocks(file.read_text()):
                name = next(one for one in NAME.findall(block))
                found[name] = (file, found.get(name, (file, ""))[1] + block)
    return found


def blocks(text: str) -> Iterator[str]:
    """The statements of a module that define something, each with its decorators."""
    for name in UNREACHABLE.findall(text):
        yield f"{name}: TypeAlias = Mapping[str, Any]"
    starts = [one.start() for one in START.finditer(text)]
    ends = [*starts[1:], len(text)][: len(starts)]
    decorators = ""
    for start, end in zip(starts, ends, strict=True):
        block = text[start:end]
        if block.startswith("@"):
            decorators += block
        else:
            yield decorators + block
            decorators = ""


def signatures(text: str) -> ast.Module:
    """The statements without bodies, docstrings and what only the SDK itself calls."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                node.decorator_list = [one for one in node.decorator_list if "_utilities" not in ast.dump(one)]
                overloaded = any(is_overload(one) for one in node.body)
                node.body = [one for one in node.body if is_seen(one, overloaded)] or [ast.Expr(ast.Constant(...))]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                node.decorator_list = [one for one in node.decorator_list if "_utilities" not in ast.dump(one)]
                node.body = [ast.Expr(ast.Constant(...))]
    return tree


def is_overload(node: ast.AST) -> bool:
    """Whether it is one of the signatures of an overloaded function."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(one, ast.Name) and one.id == "overload" for one in decorators)


def is_seen(node: ast.AST, overloaded: bool) -> bool:
    """Whether callers see that part of a class: no docstring, nothing internal, no body of what is overloaded."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.FunctionDef(name="_internal_init"):
            return False
        case ast.FunctionDef(name="__init__"):
            return is_overload(node) or not overloaded
    return True


def references(module: str, file: Path, tree: ast.AST) -> Iterator[tuple[Name, str]]:
    """What statements name in turn, with the import that they need for it."""
    package = module.removesuffix(".outputs")
    aliases = {"outputs": (f"{package}.outputs", "from . import outputs as outputs")}
    for dots, name, alias in IMPORT.findall(file.read_text()[:4000]):
        if name not in ("_utilities", "outputs"):
            target = importlib.util.resolve_name(f"{dots}{'' if dots.endswith('.') else '.'}{name}", package)
            aliases[alias or name] = (target, f"from {dots} import {name} as {alias or name}")
    for node in expressions(tree):
        match chain(node):
            case [root, *parts] if root in aliases:
                target, line = aliases[root]
                if name := resolved(".".join([target, *parts])):
                    yield name, line
            case [root]:
                if owner := next((one for one in (module, package) if root in definitions(one)), None):
                    yield (owner, root), f"from . import {root} as {root}" if owner != module else ""


def expressions(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes, those of annotations that are written as texts too."""
    for node in ast.walk(tree):
        yield node
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"[\w.\[\], ']+", node.value)
        ):
            try:
                yield from ast.walk(ast.parse(node.value, mode="eval"))
            except SyntaxError:
                continue


def write(kept: dict[str, dict[str, str]], imports: dict[str, set[str]]) -> None:
    """One file for each module, and the packages above them."""
    files: dict[Path, str] = {}
    packages: dict[str, set[str]] = defaultdict(set)
    for module, stubs in kept.items():
        if stubs:
            parts = module.split(".")
            for depth in range(1, len(parts)):
                packages[".".join(parts[:depth])].add(parts[depth])
            packages[module] |= set()
    for module, children in packages.items():
        path = TYPINGS.joinpath(*module.split("."))
        below = [f"from . import {name} as {name}" for name in sorted(children)]
        body = "\n".join([HEADER, *sorted({*imports[module], *below}), *kept.get(module, {}).values(), ""])
        files[path.with_suffix(".pyi") if path.name == "outputs" else path / "__init__.pyi"] = body
    for file in TYPINGS.rglob("*.pyi"):
        if file not in files:
            file.unlink()
    for file, text in files.items():
        if not file.exists() or file.read_text() != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


if __name__ == "__main__":
    main()
