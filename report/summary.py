"""What `make up` ends with: one screen about where things are, what is left, what is simulated, and what to do next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

LEAST_WIDTH = 120
WORKLOAD_LABEL = "app.kubernetes.io/name"
TEAM_LABEL = "mlplatform.dev/team"
"""Labels of the pods of teams' workloads (components/workloads.py)."""


def show(outputs: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> None:
    """Print the summary. `outputs` are the stack's, `pods` the API server's list of pods (`items`)."""
    console = Console(highlight=False)
    # A pipe or a CI log says 80 columns; node names would be cut into pieces there.
    Console(highlight=False, width=max(console.width, LEAST_WIDTH)).print(summary(outputs, pods))


def summary(outputs: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> RenderableType:
    """The whole screen. Pure: the same outputs and pods give the same screen."""
    return Group(
        _heading(f"{outputs.get('environment', '?')} is up"),
        *_apart(
            endpoints(outputs.get("endpoints") or {}),
            capacity(outputs.get("capacity") or []),
            *([caps(outputs["deviceCaps"])] if outputs.get("deviceCaps") else []),
            quotas(outputs.get("teams") or {}),
            workloads(outputs.get("workloads") or [], pods),
        ),
        notes("simulated", outputs.get("simulated") or []),
        notes("next", outputs.get("next") or []),
    )


def _apart(*parts: RenderableType) -> list[RenderableType]:
    return [line for part in parts for line in (part, "")]


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", no_wrap=column != "nodes")
    return table


def endpoints(found: Mapping[str, str]) -> RenderableType:
    """Name and address of what people open."""
    table = _table("endpoint", "address")
    for name, address in sorted(found.items()):
        table.add_row(name, address)
    return table


def capacity(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What each pool offers and how much of it is taken, every pool at its largest."""
    table = _table("accelerator", "pool", "sharing", "nodes", "devices", "units", "used", "left", right=_NUMBERS)
    for row in rows:
        numbers = (row["nodes"], row["devices"], row["units"], row["used"], row["units"] - row["used"])
        table.add_row(row["accelerator"] or "CPU", row["key"], row["sharing"], *(_number(n) for n in numbers))
    return table


def caps(rows: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Physical devices that the environment may own, and how many of them its pools have at their largest."""
    table = _table("accelerator", "cap", "devices", "left", right=_NUMBERS)
    for accelerator, row in sorted(rows.items()):
        numbers = (row["cap"], row["devices"], row["cap"] - row["devices"])
        table.add_row(accelerator, *(_number(n) for n in numbers))
    return table


_NUMBERS = ("nodes", "devices", "units", "used", "left", "quota", "cap", "pods")


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def quotas(teams: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> RenderableType:
    """What each team may hold, holds and has left, by pool."""
    table = _table("team", "pool", "quota", "used", "left", right=_NUMBERS)
    for team, keys in sorted(teams.items()):
        for key, row in sorted(keys.items()):
            table.add_row(team, key, _number(row["quota"]), _number(row["used"]), _number(row["left"]))
    return table


def workloads(declared: Sequence[Mapping[str, Any]], pods: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Every declared workload, the state of its pods and the nodes they are on."""
    table = _table("workload", "team", "kind", "pods", "state", "nodes", right=("pods",))
    for row in declared:
        own = [pod for pod in pods if _belongs(pod, row)]
        states = Counter(str(pod.get("status", {}).get("phase", "Unknown")) for pod in own)
        state = ", ".join(f"{count} {phase}" for phase, count in sorted(states.items())) or row.get("without_pods", "-")
        table.add_row(row["name"], row["team"], row["kind"], str(len(own)), state, _nodes(own))
    return table


def _belongs(pod: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    metadata = pod.get("metadata", {})
    labels = metadata.get("labels") or {}
    mine = labels.get(WORKLOAD_LABEL) == row["name"] and labels.get(TEAM_LABEL) == row["team"]
    return bool(mine and metadata.get("namespace") == row["namespace"])


def _nodes(pods: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(pod.get("spec", {}).get("nodeName") or "(not placed)") for pod in pods)
    return " ".join(f"{node}*{count}" if count > 1 else node for node, count in sorted(counts.items())) or "-"


def notes(title: str, lines: Sequence[str]) -> RenderableType:
    """A few lines under a title."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for index, line in enumerate(lines):
        table.add_row(title if index == 0 else "", line)
    return table
