"""What the simulated clouds know of a resource type: one row, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """One resource type. Properties are written as on the wire; words stand in one string, apart by spaces.

    Templates are filled with the inputs and with `account`, `region`, `project`, `location`, `partition`, `name` (value
    of `autoname`), `hash` (17 hex digits) and `number` (12 digits) of this one resource, `id`.
    """

    type: str
    api: str
    """What its inputs are checked against (`shapes.shape`), `:` and a path from there; empty: no model has it."""
    id: str
    """Template of its id."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Property -> member that it is, where the names differ by more than case and plural. `a.b`: further down;
    `Other.Operation/member`: of another call. A property below others is written with their names, `a.b`."""
    unchecked: str = ""
    """Properties that no member of the API model stands for; whatever else matches none is refused."""
    supplied: str = ""
    """Required members that the provider fills in by itself."""
    autoname: str = ""
    """The property that gets a name by itself."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """Computed output -> template, or anything with templates in it. `a.b`: within what was given."""
    fixed: str = ""
    """Properties whose change is a replacement."""
    unique: str = ""
    """Template of what no two of the type may have in common; empty: nothing."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Property -> types (apart by spaces) one of which it must name, and which it keeps from being deleted. `~` before
    the property: it does not keep it."""
    protected: str = ""
    """Property that, while true, keeps it from being deleted."""
    protected_by_default: bool = False
    """The default."""
    counts: str = ""
    """Output that counts the updates, from 1."""
    labels: str = ""
    """GCP: properties that are labels of the cloud, and whose words the cloud restricts."""
    outlives: bool = False
    """Its name stays taken after it was deleted."""

    @property
    def cloud(self) -> str:
        """`aws` or `gcp`."""
        return self.type.partition(":")[0]

    @property
    def title(self) -> str:
        """`eks.NodeGroup`, as the SDK spells it."""
        _, module, name = self.type.split(":")
        return f"{module.partition('/')[0]}.{name}"
