"""Advice for an existing cluster: one observation and its remedy."""

from typing import NamedTuple


class Advice(NamedTuple):
    """One observation and its remedy."""

    path: str
    """Settings key that it is about, in or next to `mlplatform:cluster`."""
    found: str
    advice: str
    blocks: bool = False
    """Whether `up` would conflict with existing software, or wait forever."""
    twice: bool = False
    """Whether `up` would install software that exists already."""
