"""Rules on names that settings give to objects of the cluster."""

import re
from collections.abc import Collection, Iterator

from policies.rules.finding import Finding

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def check_object_name(path: str, name: str) -> Iterator[Finding]:
    """A name that every kind of object can have: what is refused here, the API server would refuse half-way."""
    if not _LABEL.fullmatch(name):
        yield Finding(
            path, name or "(missing)", "1 to 63 of a-z, 0-9 and '-', no '-' at either end", "choose such a name"
        )


def check_known(path: str, name: str, known: Collection[str]) -> Iterator[Finding]:
    """A row of one of our tables."""
    if name not in known:
        yield Finding(path, name or "(missing)", f"one of {', '.join(sorted(known))}", "correct the name, or add a row")
