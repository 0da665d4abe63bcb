"""Findings: the results of validation rules."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple


class Finding(NamedTuple):
    """One violated rule: path, value, rule and remedy."""

    path: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.value}\n    rule:   {self.rule}\n    remedy: {self.remedy}"


Rule = tuple[object, str, object, str, str]
"""Whether it is broken, the key below the path, the value found, the rule, the remedy."""


def broken(path: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    """A finding for each rule of a table that is broken."""
    for is_broken, key, value, rule, remedy in rules:
        if is_broken:
            yield Finding(f"{path}.{key}", str(value), rule, remedy)


def one_line(text: str) -> str:
    """Text that is safe to print: control characters and line breaks are escaped, empty text is named."""
    written = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)
    return written if written.strip() else "(empty)" if not written else f"({len(written)} blanks)"


class Refused(ValueError):
    """Arguments that were refused before anything was registered; contains every finding."""

    def __init__(self, what: str, findings: Iterable[Finding]) -> None:
        self.findings = tuple(Finding(*map(one_line, finding)) for finding in findings)
        count = len(self.findings)
        lines = "\n".join(f"  {finding}" for finding in self.findings)
        super().__init__(f"{what}: {count} {'problem' if count == 1 else 'problems'}, nothing was changed\n{lines}")


def spelling(name: str) -> str:
    """A name without case and separators: `TPU v5E` and `TPU-v5e` are equal."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """The known name that is closest to a misspelt one; empty if none is close. `cutoff`: 1 for equal ones alone."""
    by_spelling = {spelling(one): one for one in known}
    close = get_close_matches(spelling(name), by_spelling, n=1, cutoff=cutoff)
    return by_spelling[close[0]] if close else ""


def camel(key: str) -> str:
    """`memory_gib` as in settings: `memoryGib`."""
    head, *tail = key.split("_")
    return head + "".join(part.title() for part in tail)


def refuse(what: str, findings: Iterable[Finding]) -> None:
    """Raise `Refused` if there are findings."""
    found = tuple(findings)
    if found:
        raise Refused(what, found)
