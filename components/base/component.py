"""The base class of all components."""

import functools
from collections.abc import Mapping
from typing import Any

from pulumi import ComponentResource, Output, Resource, ResourceOptions

from components.base.arguments import check_arguments
from components.findings import refuse


class Component(ComponentResource):
    """A component of the platform: one type token, its arguments recorded for policies, its children below it.

    The token is `mlplatform:index:<Class>` and never changes. Missing and unknown arguments are refused before the
    component validates any: only the type checker enforces a TypedDict.
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
        # In the Python SDK (3.272) a component's depends_on does not delay its children; `after` must (ADR 0002).
        self.child = ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        """Options of every child: below this component, after its dependencies."""

    def child_after(self, *resources: Resource) -> ResourceOptions:
        """Options of a child that is declared after these resources, too."""
        return ResourceOptions.merge(self.child, ResourceOptions(depends_on=[*resources]))


def once_created(value: str, *resources: Resource) -> Output[str]:
    """A value that every preview knows, and that becomes available in `up` once these resources exist.

    In the first preview of a stack that creates its cluster, outputs of Kubernetes objects are unknown, and policies
    could not distinguish namespaces; URNs are known.
    """
    return Output.all(*(resource.urn for resource in resources)).apply(lambda _: value)


def kept(options: ResourceOptions, *, keep: bool) -> ResourceOptions:
    """Options of a child with data, or without which kept data would be exposed or unusable."""
    return ResourceOptions.merge(options, ResourceOptions(protect=keep, retain_on_delete=keep))


def recorded(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in the state: a pool's handle as the pool's name.

    Otherwise every change of a pool would be a change of everything that uses a pool.
    """
    return {key: _recorded(value) for key, value in args.items()}


def _recorded(value: Any) -> Any:
    if isinstance(value, list):
        return [_recorded(item) for item in value]
    if isinstance(value, Mapping) and {"placement", "capacity"} <= value.keys():
        return value["capacity"]["pool"]
    return value
