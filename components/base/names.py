"""Rules on names of objects, and of rows of our tables."""

import re
from collections.abc import Collection, Iterator

from components.base.grammar import (
    DNS_NAME,
    LABEL,
)
from components.findings import Finding


def check_object_name(path: str, name: str) -> Iterator[Finding]:
    """A name that is valid for every kind of object: otherwise the API server would refuse it half-way."""
    if not LABEL.accepts(name):
        yield Finding(path, name or "(missing)", LABEL.rule, "choose such a name")


def check_known(path: str, name: str, known: Collection[str]) -> Iterator[Finding]:
    """A row of one of our tables."""
    if name not in known:
        yield Finding(path, name or "(missing)", f"one of {', '.join(sorted(known))}", "correct the name, or add a row")


_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def check_hostname(path: str, hostname: str) -> Iterator[Finding]:
    """A name that is valid in certificates, routes and Host headers."""
    if not DNS_NAME.accepts(hostname):
        yield Finding(path, hostname or "(missing)", DNS_NAME.rule, DNS_NAME.example)


def check_database_name(path: str, database: str) -> Iterator[Finding]:
    """A name that never needs quotes."""
    if not _IDENTIFIER.fullmatch(database):
        yield Finding(path, database, "a-z, 0-9 and _, 63 characters at most, no digit first", "write it like mlflow")
