"""What every component of the platform has in common."""

from collections.abc import Mapping
from typing import Any

from pulumi import ComponentResource, ResourceOptions

LABELS = {"app.kubernetes.io/managed-by": "mlplatform"}
"""On every object that we declare ourselves; objects of charts carry their chart's own."""


class Component(ComponentResource):
    """A noun of the platform: one token, its arguments recorded for policies, children below it.

    The token is `mlplatform:index:<Class>` and is a promise: it never changes.
    """

    def __init__(self, name: str, args: Mapping[str, Any], opts: ResourceOptions | None = None) -> None:
        super().__init__(f"mlplatform:index:{type(self).__name__}", name, recorded(args), opts)
        # In the Python SDK (3.272) a component's depends_on does not hold back its children; order must (ADR 0002).
        self.child = ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        """Options of every child: below this component, after what this component waits for; nothing else."""


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
