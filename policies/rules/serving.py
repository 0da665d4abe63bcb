"""What serving cannot work with."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from policies.rules.finding import Finding


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


def check_runtimes(path: str, chosen: Sequence[str], known: Collection[str]) -> Iterator[Finding]:
    """Runtimes that exist, each once."""
    for name in sorted(set(chosen)):
        if name not in known:
            yield Finding(
                f"{path}.runtimes",
                name,
                f"a runtime of the table: {', '.join(known)}",
                "correct the name, or add a row",
            )
        if list(chosen).count(name) > 1:
            yield Finding(f"{path}.runtimes", f"{name} {list(chosen).count(name)} times", "each once", "name it once")
