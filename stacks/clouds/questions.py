"""Questions to a cloud before anything is made, so that wrong credentials are one clear error and not a hundred."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from components.findings import Finding, Refused

Answer = TypeVar("Answer")


def ask(question: Callable[[], Answer], what: str, rule: str, remedy: str) -> Answer:
    """The cloud's answer. Raises `Refused` with what the provider says instead of one."""
    try:
        return question()
    except Exception as error:
        said = " ".join(str(error).split())  # of many lines the last is often general advice
        raise Refused("cloud", [Finding(what, said[:500] or "(none)", rule, remedy)]) from None


def require_zones(path: str, zones: Sequence[str], there: Sequence[str], region: str) -> None:
    """Raises `Refused` where a region has not all these zones."""
    missing = [zone for zone in zones if zone not in there]
    if missing:
        rule = f"zones of {region} that are available: {', '.join(there) or '(none: there is no such region)'}"
        raise Refused("cloud", [Finding(path, ", ".join(missing), rule, "use these, or correct cluster.region")])
