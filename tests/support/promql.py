"""What a PromQL expression reads."""

from typing import Any

import promql_parser


def metrics_of(expression: str) -> set[str]:
    """Names of all metrics in an expression. Raises ValueError where it does not parse."""
    found: set[str] = set()
    _walk(promql_parser.parse(expression), found)
    return found


def _walk(node: Any, found: set[str]) -> None:
    if isinstance(node, promql_parser.VectorSelector):
        found.add(str(node.name))
        return
    for child in ("expr", "lhs", "rhs", "vector_selector", "vs", "param"):
        below = getattr(node, child, None)
        if below is not None:
            _walk(below, found)
    for below in getattr(node, "args", None) or ():
        _walk(below, found)
