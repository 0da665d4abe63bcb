"""Remedies for names that settings do not know."""

from collections.abc import Sequence

from components.findings import nearest


def correct(name: str, known: Sequence[str]) -> str:
    """The nearest known name, if there is one."""
    close = nearest(name, [*known])
    return f"did you mean {close}?" if close else "correct the name, or remove it"


def or_declare(name: str, known: Sequence[str], section: str) -> str:
    """The nearest known name, or the section in which a new one is declared."""
    close = nearest(name, [*known])
    return f"{f'did you mean {close}? Else ' if close else ''}declare it under {section}"
