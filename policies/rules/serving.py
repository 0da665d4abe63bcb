"""What serving cannot work with."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.serving.runtime_table import RUNTIMES, ModelFormat, Runtime, known_runtimes
from components.serving.spec import RuntimeSpec
from policies.rules.finding import Finding
from policies.rules.grammar import HTTP_PATH, LINE, check_text
from policies.rules.images import check_image
from policies.rules.workloads import check_environment


def check_kserve(path: str, args: Mapping[str, Any]) -> Iterator[Finding]:
    """A domain that the gateway serves, and memory for fetching models."""
    domains = args["gateway"]["domains"]
    if args["domain"] not in domains:
        yield Finding(
            f"{path}.domain",
            str(args["domain"]),
            f"a domain that the gateway serves: {', '.join(domains)}",
            "name one of them",
        )
    memory = int(args.get("storage_initializer_memory_gib") or 1)
    if memory < 1:
        yield Finding(f"{path}.storageInitializerMemoryGib", str(memory), "at least 1 GiB", "give whole GiB")


def check_runtimes(path: str, own: Mapping[str, RuntimeSpec]) -> Iterator[Finding]:
    """Runtimes beside the platform's: under names of their own, pinned, and KServe knows which of two to choose."""
    known = known_runtimes(own)
    for name, spec in own.items():
        here = f"{path}.{name}"
        if name in RUNTIMES:
            yield Finding(here, name, "another name than the platform's runtimes have", "rename it")
            continue
        yield from check_image(f"{here}.image", spec["image"])
        yield from check_environment(f"{here}.environment", spec.get("environment") or {})
        yield from _check_server(here, spec)
        for index, row in enumerate(known[name].formats):
            for other in known.values():
                if other.name != name and row.auto_select and _tie(row, known[name], other):
                    yield Finding(
                        f"{here}.formats[{index}].priority",
                        f"{row.priority} for {row.name}, as {other.name}",
                        "of two runtimes for one format and protocol KServe chooses the one with the higher priority",
                        "give it another priority, or set autoSelect: false and name the runtime in its models",
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


def _tie(row: ModelFormat, one: Runtime, other: Runtime) -> bool:
    """Whether KServe could choose either of them for the same model."""
    rows = [each for each in other.loads(row.name) if each.auto_select]
    protocols = not one.protocols or not other.protocols or set(one.protocols) & set(other.protocols)
    return bool(rows and protocols) and rows[0].priority == next(one.loads(row.name)).priority
