"""Rules on serving runtimes."""

import re
from collections.abc import Iterator, Mapping

from components.base.grammar import HTTP_PATH, LINE, check_text
from components.base.images import check_image
from components.findings import Finding
from components.workloads.serving.runtime_table import RUNTIMES, ModelFormat, Runtime, known_runtimes
from components.workloads.serving.spec import RuntimeSpec
from components.workloads.serving.validation import check_kserve_environment

_PLACEHOLDER = re.compile(r"\{\{ *\.(Name|Namespace|(Labels|Annotations)\.\w+) *\}\}")


def check_runtimes(path: str, own: Mapping[str, RuntimeSpec]) -> Iterator[Finding]:
    """Additional runtimes: unique names, pinned images, and priorities with which KServe's choice is unambiguous."""
    known = known_runtimes(own)
    for name, spec in own.items():
        here = f"{path}.{name}"
        if name in RUNTIMES:
            yield Finding(here, name, "the name must differ from the platform's runtimes", "rename it")
            continue
        yield from check_image(f"{here}.image", spec["image"])
        yield from check_kserve_environment(f"{here}.environment", spec.get("environment") or {})
        yield from _check_server(here, spec)
        yield from _check_placeholders(here, spec)
        yield from _check_priorities(here, known[name])
        for index, row in enumerate(known[name].formats):
            for other in known.values():
                if other.name != name and row.auto_select and _tie(row, known[name], other):
                    yield Finding(
                        f"{here}.formats[{index}].priority",
                        f"{row.priority} for {row.name}, as {other.name}",
                        "KServe chooses by priority between two runtimes for one format and protocol",
                        "set another priority, or set autoSelect: false and name the runtime in its models",
                    )


def _check_server(path: str, spec: RuntimeSpec) -> Iterator[Finding]:
    if not spec["formats"]:
        yield Finding(f"{path}.formats", "(none)", "at least one format that it loads", "name one")
    ready, port = spec.get("ready_path", ""), int(spec.get("metrics_port", 1))
    if ready:
        yield from check_text(f"{path}.readyPath", ready, HTTP_PATH)
    for index, row in enumerate(spec["formats"]):
        for key in ("name", "version"):
            if key in row:
                yield from check_text(f"{path}.formats[{index}].{key}", str(row.get(key)), LINE)
    if not 1 <= port <= 65535:
        yield Finding(f"{path}.metricsPort", str(port), "1 to 65535 as a port", "leave it out for 8080")


def _check_placeholders(path: str, spec: RuntimeSpec) -> Iterator[Finding]:
    """KServe renders the container as a Go template with the model's metadata; an unknown field fails every model."""
    texts = {f"command[{index}]": text for index, text in enumerate(spec.get("command") or [])}
    texts |= {f"arguments[{index}]": text for index, text in enumerate(spec.get("arguments") or [])}
    texts |= {f"environment.{name}": text for name, text in (spec.get("environment") or {}).items()}
    for key, text in texts.items():
        if "{{" in _PLACEHOLDER.sub("", text):
            yield Finding(
                f"{path}.{key}",
                "(a placeholder)",
                "KServe replaces only .Name, .Namespace, .Labels.key and .Annotations.key of the model, in two braces",
                "correct the placeholder: the model's name is .Name",
            )


def _check_priorities(path: str, runtime: Runtime) -> Iterator[Finding]:
    """Priorities that KServe's CRD and webhook accept; a row without autoSelect needs none."""
    first: dict[str, int] = {}
    for index, row in enumerate(runtime.formats):
        here = f"{path}.formats[{index}].priority"
        if row.auto_select and row.priority < 1:
            yield Finding(here, str(row.priority), "1 or more", "omit it for 1")
        elif row.auto_select and first.setdefault(row.name, row.priority) != row.priority:
            yield Finding(
                here,
                f"{row.priority} for {row.name}, next to {first[row.name]}",
                "all versions of a format within a runtime must have the same priority",
                f"use {first[row.name]}, or set autoSelect: false",
            )


def _tie(row: ModelFormat, one: Runtime, other: Runtime) -> bool:
    """Whether KServe refuses the two rows together, or could choose either runtime for the same model.

    Its webhook compares single rows, of one version and ignoring the case of the name (kserve/kserve v0.20.0
    pkg/webhook/admission/servingruntime); a model without a version gets the runtime whose first row is higher.
    """
    rows = [each for each in other.formats if each.auto_select and each.name.lower() == row.name.lower()]
    protocols = not one.protocols or not other.protocols or set(one.protocols) & set(other.protocols)
    refused = any((each.version, each.priority) == (row.version, row.priority) for each in rows)
    same_name = any(each.name == row.name for each in rows)
    return bool(protocols) and (refused or (same_name and one.priority(row.name) == other.priority(row.name)))
