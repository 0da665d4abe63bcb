"""Section: pools, the teams with a quota of them, and their workloads after the change; what changed is marked."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, ClassVar

from report.blocks import Block, Diagram, DiagramEdge, DiagramNode
from report.comparison import Comparison
from report.sections.base import Document, Section, counted
from settings.settings import Settings


class Mark(StrEnum):
    """How a part of the picture differs from before."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    SAME = "same"


class Node(Document):
    """A pool, a team or a workload."""

    id: str
    """`pool/h100`, `team/vision`, `workload/training.resnet`."""
    name: str
    """As the settings have it."""
    detail: str
    """Accelerator and devices of a pool, quota of a team, kind and units of a workload."""
    mark: Mark
    """Whether it is new, gone or changed."""


class Edge(Document):
    """A quota of a team on a pool, or a workload of a team."""

    source: str
    """Id of the pool or team."""
    target: str
    """Id of the team or workload."""
    label: str
    """Units."""
    mark: Mark
    """Whether it is new, gone or changed."""


class Picture(Section):
    """The picture."""

    title: ClassVar[str] = "Picture"
    nodes: tuple[Node, ...]
    """Pools, then teams, then workloads; of each kind the changed ones first."""
    edges: tuple[Edge, ...]
    """From pools to teams, and from teams to workloads."""

    def blocks(self) -> Iterator[Block]:
        """One diagram; nothing without pools and teams."""
        if self.nodes:
            yield Diagram(
                tuple(DiagramNode(one.id, one.name, one.detail, one.mark) for one in self.nodes),
                tuple(DiagramEdge(one.source, one.target, one.label, one.mark) for one in self.edges),
            )


_Nodes = dict[str, tuple[str, str]]
_Edges = dict[tuple[str, str], str]
_KINDS = ("pool", "team", "workload")


def picture(comparison: Comparison) -> Picture:
    """The section of a comparison; empty if the settings are not valid."""
    before, after = comparison.base.settings, comparison.head.settings
    if after is None:
        return Picture(nodes=(), edges=())
    known = before is not None or not comparison.base.text
    (old_nodes, old_edges), (nodes, edges) = _parts(before if known else after), _parts(after)
    found = [
        Node(id=key, name=(nodes.get(key) or old_nodes[key])[0], detail=_text(old_nodes, nodes, key), mark=mark)
        for key in {**nodes, **old_nodes}
        for mark in [_marked(comparison, key, _mark(old_nodes, nodes, key))]
    ]
    lines = [
        Edge(source=key[0], target=key[1], label=_label(old_edges, edges, key), mark=_mark(old_edges, edges, key))
        for key in sorted({*old_edges, *edges})
    ]
    return Picture(nodes=tuple(sorted(found, key=_order)), edges=tuple(lines))


def _marked(comparison: Comparison, key: str, mark: Mark) -> Mark:
    """A pool of another machine has as many devices as before, and is changed all the same."""
    kind, _, name = key.partition("/")
    path = {"pool": f"cluster.pools.{name}", "team": f"teams.{name}"}.get(kind, name)
    return Mark.CHANGED if mark is Mark.SAME and comparison.cause(path) else mark


def _order(node: Node) -> tuple[int, bool, str]:
    return _KINDS.index(node.id.partition("/")[0]), node.mark is Mark.SAME, node.name


def _mark(old: Mapping[Any, object], new: Mapping[Any, object], key: object) -> Mark:
    if key not in new:
        return Mark.GONE
    if key not in old:
        return Mark.NEW
    return Mark.SAME if old[key] == new[key] else Mark.CHANGED


def _text(old: _Nodes, new: _Nodes, key: str) -> str:
    return _moved(old[key][1] if key in old else "", new[key][1] if key in new else "")


def _moved(before: str, after: str) -> str:
    """`0 to 4 → 12 L4`: the words that differ, once between those that do not."""
    if not before or not after or before == after:
        return after or before
    one, other = before.split(), after.split()
    shortest = min(len(one), len(other))
    start = next((index for index in range(shortest) if one[index] != other[index]), shortest)
    end = next((index for index in range(shortest - start) if one[-1 - index] != other[-1 - index]), shortest - start)
    middle = f"{' '.join(one[start : len(one) - end])} → {' '.join(other[start : len(other) - end])}"
    return " ".join([*one[:start], middle, *one[len(one) - end :]])


def _label(old: _Edges, new: _Edges, key: tuple[str, str]) -> str:
    return _moved(old.get(key, ""), new.get(key, ""))


def _parts(settings: Settings | None) -> tuple[_Nodes, _Edges]:
    if settings is None:
        return {}, {}
    nodes: _Nodes = {f"pool/{name}": (name, _pool(settings, name)) for name in sorted(settings.pools)}
    edges: _Edges = {}
    for team, quotas in sorted(settings.ledger.team_quotas.items()):
        nodes[f"team/{team}"] = (team, counted(len(quotas), "quota"))
        units: dict[str, int] = {}
        for key, quota in quotas.items():
            pool = key.partition("/")[0]
            units[pool] = units.get(pool, 0) + quota
        edges |= {(f"pool/{pool}", f"team/{team}"): str(total) for pool, total in units.items() if total}
    demands: dict[str, int] = {}
    for demand in settings.ledger.demands:
        demands[demand.path] = demands.get(demand.path, 0) + demand.units
    for path, name, workload in settings.workloads():
        kind = path.partition(".")[0]
        requested = demands.get(path, 0)
        detail = f"{counted(requested, 'unit')} of {workload.pool}" if requested else f"on {workload.pool}"
        nodes[f"workload/{path}"] = (name, f"{kind}: {detail}")
        edges[f"team/{workload.team}", f"workload/{path}"] = str(requested)
    return nodes, edges


def _pool(settings: Settings, name: str) -> str:
    capacity = settings.pools[name]["capacity"]
    devices = int(capacity["devices_per_node"])
    purchase = settings.pools[name]["placement"]["purchase"]
    if not devices:
        return f"{int(capacity['nodes_min'])} to {int(capacity['nodes_max'])} nodes, {purchase}"
    least, most = devices * int(capacity["nodes_min"]), devices * int(capacity["nodes_max"])
    return f"{least} to {most} {capacity['accelerator']}, {purchase}"
