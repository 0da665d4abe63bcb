"""Every key of the settings that a message names is one: along its whole path, or somewhere for a single key.

Only these tests find a remedy that sends people to a key that was renamed or never was. Messages come from every bad
setting, and as they are written in the modules that validate settings: a placeholder stands for any key. Not found: a
key in one word of small letters (`quota`) that stands alone, and a remedy that names the wrong key of those that exist.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.findings import Finding
from settings.schema import stack_file_schema
from tests.support.settings import PREFIX, BadSettings

REPOSITORY = Path(__file__).parents[2]
SCHEMA = stack_file_schema()
CONFIG = SCHEMA["properties"]["config"]
SECTIONS = {name.removeprefix(PREFIX): node for name, node in CONFIG["properties"].items()}
ANY = "\0"
"""In the place of what is filled in at run time."""
UNITS = {"vCPU", "vCPUs", "gRPC", "vLLM"}
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.(com|io|svc)(/.*)?")
OF_COMPONENTS = {
    "accessMode": "claims of the platform's own volumes",
    "anyBecause": "PodIdentity and WorkloadIdentity",
    "backupAgeHours": "AlertRules",
    "grafanaAdminPassword": "Monitoring",
    "grafanaDomain": "Monitoring",
    "serviceAccount": "PodIdentity and WorkloadIdentity",
    "storageInitializerMemoryGib": "KServe",
}
"""Arguments of components that no setting reaches -> whose: rules that settings and components share name them."""
OF_KUEUE = {"nominalQuota"}

Node = Mapping[str, Any]


def alternatives(node: Node) -> Iterator[Node]:
    """A node of the schema as its parts: references followed, unions taken apart."""
    if "$ref" in node:
        yield from alternatives(SCHEMA["$defs"][node["$ref"].rpartition("/")[2]])
    for part in ("anyOf", "oneOf", "allOf"):
        for one in node.get(part, ()):
            yield from alternatives(one)
    yield node


def below(node: Node, key: str) -> Iterator[Node]:
    """The nodes of one key of a node; of all its keys for ANY."""
    for one in alternatives(node):
        for name, value in one.get("properties", {}).items():
            if key in (name, ANY):
                yield value
        for pattern, value in one.get("patternProperties", {}).items():
            if re.search(pattern, key.replace(ANY, "any")):
                yield value
        if isinstance(one.get("additionalProperties"), dict):
            yield one["additionalProperties"]


def leads_somewhere(node: Node, path: str) -> bool:
    """Whether that path exists below the node. Names in mappings may have dots of their own."""
    if not path:
        return True
    if path.startswith("["):
        rest = path.partition("]")[2].removeprefix(".")
        return any(leads_somewhere(one["items"], rest) for one in alternatives(node) if "items" in one)
    ends = [at.start() for at in re.finditer(r"[.\[]", path)] + [len(path)]
    return any(leads_somewhere(one, path[end:].removeprefix(".")) for end in ends for one in below(node, path[:end]))


def every_object() -> Iterator[Node]:
    """Every node that has keys, the whole of the settings first."""
    yield {"properties": SECTIONS}
    pending: list[Any] = [CONFIG["properties"], *SCHEMA["$defs"].values()]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if isinstance(one.get("properties"), dict):
                yield one
            pending += one.values()
        elif isinstance(one, list):
            pending += one


OBJECTS = [*every_object()]
KEYS = {key for node in OBJECTS for key in node["properties"]}


def is_a_setting(path: str) -> bool:
    """From the top where it starts with a section, else from anywhere: `checkpoint.sizeGib`."""
    path = path.replace("*", ANY)
    first = re.split(r"[.\[]", path)[0]
    nodes = OBJECTS[:1] if first in SECTIONS and path != first else OBJECTS
    return any(leads_somewhere(node, path) for node in nodes)


def named(text: str) -> Iterator[str]:
    """The words of a message that look like keys or paths of the settings."""
    for word in re.split(r"[\s`'\"(),;=|→]+", text):
        path = word.strip(".:!?").removeprefix(PREFIX).removeprefix(f"{ANY}.")
        if not re.fullmatch(r"[a-z][A-Za-z0-9]*([.\[][^:]*)?", path) or path in UNITS or DOMAIN.fullmatch(path):
            continue
        first = re.split(r"[.\[]", path)[0]
        if re.search(r"[a-z][A-Z]", path) or (first in KEYS and path != first):
            yield path


def unknown(texts: Iterable[str]) -> list[str]:
    return [path for text in texts for path in named(text) if not is_a_setting(path)]


RULES = ("*validation.py", "destinations.py", "grammar.py", "groups.py", "images.py", "names.py", "quotas.py")
"""Modules of components that hold rules."""


def judging_modules() -> list[Path]:
    """Those of settings/ and the rules of the components."""
    rules = (path for pattern in RULES for path in (REPOSITORY / "components").rglob(pattern))
    return sorted({*(REPOSITORY / "settings").rglob("*.py"), *rules})


def written(function: ast.AST) -> Iterator[str]:
    """The texts of a function, with ANY for what is filled in; not its docstring."""
    inside = {id(part) for node in ast.walk(function) if isinstance(node, ast.JoinedStr) for part in node.values}
    described = {id(node.value) for node in ast.walk(function) if isinstance(node, ast.Expr)}
    for node in ast.walk(function):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else ANY for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | described:
            yield node.value


def messages(source: str) -> list[str]:
    """What the functions of a module that make findings say."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    finding = [one for one in functions if any(isinstance(n, ast.Name) and n.id == "Finding" for n in ast.walk(one))]
    return [text for one in finding for text in written(one)]


def names_only_keys_that_exist(case: BadSettings, findings: Iterable[Finding]) -> None:
    """Asked of every bad setting by test_bad_settings.py, which has read it."""
    for finding in findings:
        of_a_key = finding.rule.startswith(("a known key", "renamed to"))
        about_a_key = of_a_key or finding.value == finding.path.rpartition(".")[2]
        assert case.whole or about_a_key or all(map(is_a_setting, finding.path.split(", "))), finding
        assert unknown([finding.rule, finding.remedy]) == [], finding


@pytest.mark.parametrize("path", judging_modules(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_key_that_a_rule_can_name_exists(path: Path) -> None:
    found = {*unknown(messages(path.read_text(encoding="utf-8")))} - {*OF_COMPONENTS} - OF_KUEUE
    assert not found, {one.replace(ANY, "…") for one in found}


def test_words_of_components_are_their_arguments_and_are_said() -> None:
    said = {key for path in judging_modules() for key in unknown(messages(path.read_text(encoding="utf-8")))}
    assert said == {*OF_COMPONENTS} | OF_KUEUE
    sources = "".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "components").rglob("*.py"))
    for key in OF_COMPONENTS:
        snake = re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", key)
        assert re.search(rf"\b{snake}: ", sources), key


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("raise nodePools.h100.nodesMax", ["nodePools.h100.nodesMax"]),
        ("raise cluster.pools.h100.nodeMax, or lower it", ["cluster.pools.h100.nodeMax"]),
        ("set `cluster.pool.size`", ["cluster.pool.size"]),
        ("lower checkpoint.sizeGb", ["checkpoint.sizeGb"]),
        ("remove it, or keepData with it", ["keepData"]),
        (f"lower {ANY}.nodeMaxx and cluster.pools.{ANY}.nodesMax", ["nodeMaxx"]),
        ("teams.vision.quota.a100-mig/3g.40gb, gateway.domains[0].certificate, checkpoint.sizeGib, nodesMax", []),
        ("write it like registry.example.com/name: nvidia.com/gpu in vCPUs", []),
    ],
)
def test_a_key_that_does_not_exist_is_found(text: str, names: list[str]) -> None:
    assert unknown([text]) == names
