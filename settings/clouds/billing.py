"""What the cloud of a cluster bills, as its settings say it: machines and managed services. Pure; prices are data."""

from typing import NamedTuple

from catalog.accelerators import Purchase


class BilledPool(NamedTuple):
    """Machines of one pool."""

    name: str
    """Name of the pool."""
    machines: tuple[str, ...]
    """Machine types of which its nodes may be."""
    purchases: tuple[Purchase | None, ...]
    """How its nodes may be paid for, as the price lists name it; None: a way that no list has a price for."""
    purchase: str
    """As the settings say it."""
    nodes_min: int
    nodes_max: int


class BilledItem(NamedTuple):
    """A number of units of one item of `catalog.prices.items`."""

    service: str
    """What it is part of: `database`."""
    item: str
    """A key of ITEMS, or a name that has no price."""
    least: float | None
    """Units at least; None: by use."""
    most: float | None
    """Units at most; None: by use."""


def list_purchase(purchase: str, *, reserved: Purchase | None = None) -> Purchase | None:
    """The price list's word for a way to buy nodes. `reserved`: what a reservation costs on that cloud."""
    known = {"on-demand": Purchase.ON_DEMAND, "spot": Purchase.SPOT, "reserved": reserved}
    return known.get(purchase)
