"""The workload kinds of the platform, and those of a company that the setting `workloadKinds` names."""

import importlib.util
import os.path
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from pydantic.alias_generators import to_camel

from components.findings import Finding
from settings.kinds import inference, model_server, training
from settings.kinds.base import WorkloadKind
from settings.models.base import MODULE_PATTERN, Model
from settings.models.workloads import Workload

KINDS: tuple[WorkloadKind[Any], ...] = (training.KIND, inference.KIND, model_server.KIND)
"""In the order in which their sections are declared."""
ROOT = Path(__file__).parents[2]
EXAMPLE = "examples/kinds/batch.py"
SECTION = re.compile(r"[a-z][A-Za-z0-9]*")


class Loaded(NamedTuple):
    """What `workloadKinds` brings."""

    kinds: tuple[WorkloadKind[Any], ...]
    findings: tuple[Finding, ...]


def load_kinds(written: Any, base: type[Model]) -> Loaded:
    """The kinds in the modules of that setting. `base`: the settings, whose keys they cannot take.

    Only files of this checkout are imported. What is no list of module names is left to the shape of the settings.
    """
    names = written if isinstance(written, list) else []
    kinds: list[WorkloadKind[Any]] = []
    findings: list[Finding] = []
    for index, given in enumerate(names):
        name = given.strip() if isinstance(given, str) else ""  # as the shape of the settings reads it
        if not re.fullmatch(MODULE_PATTERN, name):
            continue
        found = _kind_of(f"workloadKinds[{index}]", name, base, kinds)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            kinds.append(found)
    return Loaded(tuple(kinds), tuple(findings))


def _kind_of(
    path: str, name: str, base: type[Model], others: Sequence[WorkloadKind[Any]]
) -> WorkloadKind[Any] | Finding:
    """The kind in that module, or why it cannot be registered with the others."""
    module = _imported(path, name)
    if isinstance(module, Finding):
        return module
    kind = getattr(module, "KIND", None)
    if not isinstance(kind, WorkloadKind):
        rule = "the module sets KIND to an instance of a subclass of WorkloadKind"
        return Finding(path, name, rule, f"define it as in {EXAMPLE}")
    return next(_problems(path, kind, base, others), kind)


def _imported(path: str, name: str) -> ModuleType | Finding:
    below = ROOT.joinpath(*name.split("."))
    files = [below.with_suffix(".py"), below / "__init__.py"]
    if not any(map(os.path.isfile, files)):
        rule = f"a Python module of this checkout; there is no {files[0].relative_to(ROOT)}"
        return Finding(path, name, rule, f"name a file below the project's folder: examples.kinds.batch is {EXAMPLE}")
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # last: nothing that is installed is hidden
    try:
        found = importlib.util.find_spec(name)
        if not found or not found.origin or Path(found.origin).resolve() not in [file.resolve() for file in files]:
            rule = "a name that no installed module has: Python finds another one"
            return Finding(path, name, rule, "rename the module, or move it into a folder of its own")
        module = importlib.import_module(name)
        if isinstance(kind := getattr(module, "KIND", None), WorkloadKind) and _is_workload(kind):
            kind.model.model_rebuild(raise_errors=True)
    except (Exception, SystemExit) as error:  # whatever the code of others raises is its mistake
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        return Finding(path, name, f"a module that can be imported; this one raised {said}", "correct the module")
    return module


def _is_workload(kind: WorkloadKind[Any]) -> bool:
    model = getattr(kind, "model", None)
    return isinstance(model, type) and issubclass(model, Workload)


def _problems(
    path: str, kind: WorkloadKind[Any], base: type[Model], others: Sequence[WorkloadKind[Any]]
) -> Iterator[Finding]:
    """Why a kind cannot be registered with the others."""
    section, what = getattr(kind, "section", None), type(kind).__name__
    if not isinstance(section, str) or not SECTION.fullmatch(section) or to_camel(kind.field) != section:
        yield Finding(
            path, f"{what}.section", "a key like modelServers: letters and digits, the first one small", "correct it"
        )
    elif not _is_workload(kind):
        yield Finding(
            path, f"{what}.model", "the class of an entry, a subclass of Workload", f"write it as in {EXAMPLE}"
        )
    elif not isinstance(getattr(kind, "description", None), str):
        yield Finding(path, f"{what}.description", "a sentence that says what the entries are", "add it")
    elif hasattr(base, kind.field) or kind.field in base.model_fields or section in [one.section for one in others]:
        yield Finding(path, f"{what}.section", f"a key of its own; the settings have {section} already", "rename it")
    elif kind.model in [one.model for one in (*KINDS, *others)]:
        yield Finding(path, f"{what}.model", "a class of its own; another kind has this one", "make a subclass of it")
