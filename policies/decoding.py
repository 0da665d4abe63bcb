"""Decodes each message of the engine once, not once for each policy.

The SDK's analyzer (1.21) converts the properties of a resource from protobuf again for every policy of the pack:
measured 0.35 ms for each policy and Deployment. Its methods call two functions by names in `pulumi_policy.policy`;
those, and the conversion in `policies.view`, keep their results while a request is handled. No policy changes them.
"""

import threading
from collections.abc import Callable
from typing import Any

from pulumi_policy import policy

_request = threading.local()
"""`results`, while this thread handles a request: (function, id of the argument, others) -> (argument, result)."""


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which within one request is called once for each first argument, by its identity."""

    def called(first: Any, *others: Any) -> Any:
        results: dict[Any, tuple[Any, Any]] | None = getattr(_request, "results", None)
        if results is None:
            return function(first, *others)
        key = (function, id(first), others)
        if key not in results:
            results[key] = (first, function(first, *others))  # with the argument: no other one gets its id
        return results[key][1]

    return called


def in_one_request(handle: Callable[..., Any]) -> Callable[..., Any]:
    """The method of the analyzer, with what `once` remembers."""

    def handled(*arguments: Any) -> Any:
        _request.results = {}
        try:
            return handle(*arguments)
        finally:
            _request.results = None

    return handled


class _Format:
    """`google.protobuf.json_format` as the analyzer uses it."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.MessageToDict = once(module.MessageToDict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def install() -> None:
    """Makes the SDK's analyzer decode once for each request. An SDK with other parts is left as it is: it is slower."""
    analyzer = getattr(policy, "_PolicyAnalyzerServicer", None)
    if not all(hasattr(policy, name) for name in ("json_format", "deserialize_properties")) or analyzer is None:
        return
    policy.json_format = _Format(policy.json_format)  # type: ignore[assignment, attr-defined]
    policy.deserialize_properties = once(policy.deserialize_properties)  # type: ignore[attr-defined]
    analyzer.Analyze, analyzer.AnalyzeStack = in_one_request(analyzer.Analyze), in_one_request(analyzer.AnalyzeStack)
