"""Converts the values of the policy SDK to plain data with unknown values marked.

The SDK's proxies are not dicts and raise an error on an unknown value, which turns a mandatory policy into one advisory
line; rules therefore never get a proxy.
"""

from collections.abc import Iterable
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs
from pulumi_policy.proxy import (
    UNKNOWN_ARCHIVE_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_ASSET_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
    _DictProxy,
    _ListProxy,
)

from policies.decoding import once
from policies.objects import UNKNOWN, PlannedObject

_SENTINELS = frozenset(
    {
        UNKNOWN_ARCHIVE_VALUE,
        UNKNOWN_ARRAY_VALUE,
        UNKNOWN_ASSET_VALUE,
        UNKNOWN_BOOLEAN_VALUE,
        UNKNOWN_NUMBER_VALUE,
        UNKNOWN_OBJECT_VALUE,
        UNKNOWN_STRING_VALUE,
    }
)
_TARGET = "__target"  # the SDK's attribute for the value behind a proxy


def plain(value: Any) -> Any:
    """Dicts, lists, scalars and `UNKNOWN`, without the SDK's wrappers."""
    return _plain_once(value[_TARGET]) if isinstance(value, (_DictProxy, _ListProxy)) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (_DictProxy, _ListProxy)):
        value = value[_TARGET]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return UNKNOWN if isinstance(value, str) and value in _SENTINELS else value


_plain_once = once(_plain)
"""For the whole of a resource, which every policy asks for."""
_WITHOUT_CONTENT = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
"""The kind of which policies see only the name: a CRD of 200 KB costs more than a hundred pods, and runs no pod."""
_NAMED_BY = ("apiVersion", "kind", "metadata")


_inputs: dict[str, Any] = {}
"""URN -> the inputs of each resource of this run. Without a cluster a preview returns no outputs, and stack
policies, which get outputs, would see empty objects. One process serves one run."""


def planned(resources: Iterable[PolicyResource | ResourceValidationArgs]) -> list[PlannedObject]:
    """The resources of the plan as policies see them."""
    found = []
    for resource in resources:
        body = _body(resource)
        if isinstance(resource, ResourceValidationArgs):
            _inputs[resource.urn] = body
        found.append(
            PlannedObject(resource.urn, resource.resource_type, resource.name, body or _inputs.get(resource.urn, {}))
        )
    return found


def _body(resource: PolicyResource | ResourceValidationArgs) -> Any:
    if resource.resource_type.startswith(_WITHOUT_CONTENT):
        return {key: plain(resource.props[key]) for key in _NAMED_BY if key in resource.props}
    return plain(resource.props)
