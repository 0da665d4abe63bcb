"""The summary that `make up` prints: endpoints, free capacity, what is simulated, and next steps, on one screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from report.observed import MODEL_KIND, Observed, model_state, pod_state

LEAST_WIDTH = 120


def show(outputs: Mapping[str, Any], observed: Observed) -> None:
    """Print the summary of an `up`. `outputs` are the outputs of the stack."""
    _print(summary(outputs, observed))


def show_running(outputs: Mapping[str, Any], observed: Observed) -> None:
    """Print what runs, for `make status`."""
    _print(running(outputs, observed))


def _print(screen: RenderableType) -> None:
    console = Console(highlight=False)
    # A pipe or a CI log reports 80 columns; node names would be split.
    Console(highlight=False, width=max(console.width, LEAST_WIDTH)).print(screen)


def summary(outputs: Mapping[str, Any], observed: Observed) -> RenderableType:
    """The whole screen. Pure: the same outputs and objects give the same screen."""
    return Group(
        _heading(f"{outputs.get('environment', '?')} is up"),
        *_apart(
            endpoints(outputs, observed),
            capacity(outputs.get("capacity") or []),
            *([caps(outputs["deviceCaps"])] if outputs.get("deviceCaps") else []),
            quotas(outputs.get("teams") or {}),
            workloads(outputs.get("workloads") or [], observed),
        ),
        *_unread(observed),
        notes("simulated", outputs.get("simulated") or []),
        notes("next", outputs.get("next") or []),
    )


def running(outputs: Mapping[str, Any], observed: Observed) -> RenderableType:
    """Endpoints and workloads alone."""
    return Group(
        "",
        *_apart(endpoints(outputs, observed), workloads(outputs.get("workloads") or [], observed)),
        *_unread(observed),
        notes("simulated", outputs.get("simulated") or []),
    )


def _unread(observed: Observed) -> list[RenderableType]:
    return [notes("unread", [f"{observed.problem}: pods, nodes and models are not known"])] if observed.problem else []


def _apart(*parts: RenderableType) -> list[RenderableType]:
    return [line for part in parts for line in (part, "")]


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", no_wrap=column not in ("state", "nodes")
        )
    return table


def endpoints(outputs: Mapping[str, Any], observed: Observed) -> RenderableType:
    """Name and address of each endpoint; for a model, the address that KServe reports."""
    found = {**(outputs.get("endpoints") or {}), **dict(observed.addresses(outputs.get("workloads") or []))}
    table = _table("endpoint", "address")
    for name, address in sorted(found.items()):
        table.add_row(name, address)
    return table


def capacity(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Units of each pool, and how many are requested, with every pool at its largest."""
    table = _table("accelerator", "pool", "sharing", "nodes", "devices", "units", "used", "left", right=_NUMBERS)
    for row in rows:
        numbers = (row["nodes"], row["devices"], row["units"], row["used"], row["units"] - row["used"])
        table.add_row(row["accelerator"] or "CPU", row["key"], row["sharing"], *(_number(n) for n in numbers))
    return table


def caps(rows: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    """Maximum number of physical devices of the environment, and how many its pools have at their largest."""
    table = _table("accelerator", "cap", "devices", "left", right=_NUMBERS)
    for accelerator, row in sorted(rows.items()):
        numbers = (row["cap"], row["devices"], row["cap"] - row["devices"])
        table.add_row(accelerator, *(_number(n) for n in numbers))
    return table


_NUMBERS = ("nodes", "devices", "units", "used", "left", "quota", "cap", "pods")


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def quotas(teams: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> RenderableType:
    """Quota of each team by pool: limit, requested, free."""
    table = _table("team", "pool", "quota", "used", "left", right=_NUMBERS)
    for team, keys in sorted(teams.items()):
        for key, row in sorted(keys.items()):
            table.add_row(team, key, _number(row["quota"]), _number(row["used"]), _number(row["left"]))
    return table


def workloads(declared: Sequence[Mapping[str, Any]], observed: Observed) -> RenderableType:
    """Every declared workload, the state of its pods and their nodes; for a model, the state that KServe reports."""
    table = _table("workload", "team", "kind", "pods", "state", "nodes", right=("pods",))
    for row in declared:
        own = observed.pods_of(row)
        known = (str(len(own)), _state(row, own, observed), _nodes(own)) if not observed.problem else ("?", "?", "?")
        table.add_row(row["name"], row["team"], row["kind"], *known)
    return table


def _state(row: Mapping[str, Any], pods: Sequence[Mapping[str, Any]], observed: Observed) -> str:
    states = Counter(map(pod_state, pods))
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    if row.get("resource") == MODEL_KIND:
        return "; ".join(text for text in (counted, model_state(observed.model_of(row))) if text)
    return counted or "; ".join(text for text in (row.get("without_pods"), observed.without_pods(row)) if text) or "-"


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
