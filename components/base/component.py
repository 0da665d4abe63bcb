"""What every component of the platform has in common."""

import functools
from collections.abc import Mapping
from typing import Any

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.base.arguments import check_arguments
from components.base.labels import MANAGED_BY, MANAGED_BY_LABEL
from components.findings import refuse

LABELS = {MANAGED_BY_LABEL: MANAGED_BY}
"""On every object that we declare ourselves; objects of charts carry their chart's own."""


class Component(ComponentResource):
    """A noun of the platform: one token, its arguments recorded for policies, children below it.

    The token is `mlplatform:index:<Class>` and is a promise: it never changes. Arguments that are missing or that it
    does not know are refused before its own rules read any: a TypedDict is a promise to the type checker only.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        declare = cls.__init__
        typed = declare.__annotations__.get("args")

        @functools.wraps(declare)
        def checked(self: Any, name: str, args: Any, opts: ResourceOptions | None = None) -> None:
            refuse(f"{cls.__name__} {name}", check_arguments(name, args, typed))
            declare(self, name, args, opts)

        setattr(cls, "__init__", checked)  # noqa: B010 - mypy forbids to assign to a method

    def __init__(self, name: str, args: Mapping[str, Any], opts: ResourceOptions | None = None) -> None:
        super().__init__(f"mlplatform:index:{type(self).__name__}", name, recorded(args), opts)
        # In the Python SDK (3.272) a component's depends_on does not hold back its children; order must (ADR 0002).
        self.child = ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        """Options of every child: below this component, after what this component waits for; nothing else."""


def once_created(value: str, *resources: Resource) -> Output[str]:
    """A value that every preview knows, and that becomes available in `up` once these resources exist.

    On the first preview of a stack that creates its cluster, outputs of Kubernetes objects are unknown and policies
    could not tell one namespace from another; URNs are known.
    """
    return Output.all(*(resource.urn for resource in resources)).apply(lambda _: value)


def kept(options: ResourceOptions, *, keep: bool) -> ResourceOptions:
    """Options of a child that holds data, or without which kept data would be open or unusable."""
    return ResourceOptions.merge(options, ResourceOptions(protect=keep, retain_on_delete=keep))


def recorded(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as the state keeps them: a pool's handle by the pool's name.

    Otherwise each pool that grows would show up as a change of everything that stands on any pool.
    """
    return {key: _recorded(value) for key, value in args.items()}


def _recorded(value: Any) -> Any:
    if isinstance(value, list):
        return [_recorded(item) for item in value]
    if isinstance(value, Mapping) and {"placement", "capacity"} <= value.keys():
        return value["capacity"]["pool"]
    return value
