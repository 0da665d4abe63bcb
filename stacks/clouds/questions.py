"""Checks of credentials and zones before a resource is created, so that wrong credentials are one error and not a
hundred.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from components.findings import Finding, Refused

Answer = TypeVar("Answer")


def ask(question: Callable[[], Answer], what: str, rule: str, remedy: str) -> Answer:
    """The result of a provider function. Raises `Refused` with the provider's message on failure."""
    try:
        return question()
    except Exception as error:
        said = " ".join(str(error).split())  # the last of many lines is often general advice
        raise Refused("cloud", [Finding(what, said[:500] or "(none)", rule, remedy)]) from None


def require_zones(path: str, zones: Sequence[str], there: Sequence[str], region: str) -> None:
    """Raises `Refused` if a region does not have all these zones."""
    missing = [zone for zone in zones if zone not in there]
    if missing:
        rule = f"zones of {region} that are available: {', '.join(there) or '(none: there is no such region)'}"
        raise Refused("cloud", [Finding(path, ", ".join(missing), rule, "use these, or correct cluster.region")])
