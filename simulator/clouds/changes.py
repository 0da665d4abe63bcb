"""What becomes of a change: an update, a replacement, or a refusal. Pure."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.clouds import sdk
from simulator.clouds.checks import Problem
from simulator.clouds.rows import Row
from simulator.clouds.values import at, has_unknown

Inputs = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """The difference between two sets of inputs."""

    changed: list[str]
    """Properties."""
    replacing: list[str]
    """Those that cannot change in place."""
    delete_first: bool
    """The old one must go before the new one comes: both would have the same name."""


def compare(row: Row, olds: Inputs, news: Inputs) -> Change:
    """What would change, and how."""
    kinds, takes = sdk.outputs(row.type), sdk.inputs(row.type)
    changed = []
    for name in sorted({*olds, *news}):
        if name.startswith("__") or olds.get(name) == news.get(name):
            continue
        left_to_cloud = name not in news and name in takes and name in kinds and not kinds[name].optional
        if not left_to_cloud:
            changed.append(name)
    fixed = [
        path for path in row.fixed.split() if path.partition(".")[0] in changed and at(olds, path) != at(news, path)
    ]
    extra = [path for path, moved in _REPLACES.get(row.type, ()) if path in changed and moved(olds[path], news[path])]
    replacing = sorted({path.partition(".")[0] for path in [*fixed, *extra]})
    same_name = bool(row.autoname) and news.get(row.autoname) == olds.get(row.autoname) and row.autoname in news
    return Change(changed, replacing, delete_first=bool(replacing) and same_name)


def _not_a_growth(old: Any, new: Any) -> bool:
    """A range can only be made larger in place (Compute Engine, subnetworks.expandIpCidrRange)."""
    try:
        return not ipaddress.ip_network(new).supernet_of(ipaddress.ip_network(old))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return True


_REPLACES: Mapping[str, tuple[tuple[str, Callable[[Any, Any], bool]], ...]] = {
    "gcp:compute/subnetwork:Subnetwork": (("ipCidrRange", _not_a_growth),),
}


def check_change(row: Row, olds: Inputs, news: Inputs) -> Iterator[Problem]:
    """What the cloud refuses to make of what is there."""
    for path, problem in _IMPOSSIBLE.get(row.type, ()):
        old, new = at(olds, path), at(news, path)
        if old is not None and new is not None and old != new and not has_unknown(new):
            reason = problem(old, new)
            if reason:
                yield Problem(path, reason)
    if row.type == "aws:rds/instance:Instance":
        yield from _major_version(olds, news)


def _minor(version: Any) -> tuple[int, ...]:
    numbers = str(version).split("-")[0].split(".")
    return tuple(int(part) for part in numbers[:2] if part.isdigit())


def _kubernetes(old: Any, new: Any) -> str:
    """EKS UpdateClusterVersion, GKE UpdateMaster: one minor version up at a time, and never down."""
    before, after = _minor(old), _minor(new)
    if after < before:
        return f"InvalidParameterException: Unsupported Kubernetes minor version update from {old} to {new}: not down"
    if len(before) == len(after) == 2 and after[1] - before[1] > 1:
        return (
            f"InvalidParameterException: Unsupported Kubernetes minor version update from {old} to {new}: one at a time"
        )
    return ""


def _not_down(old: Any, new: Any) -> str:
    return f"InvalidRequestException: version {new} is lower than {old}" if _minor(new) < _minor(old) else ""


def _not_smaller(old: Any, new: Any) -> str:
    return f"InvalidParameterCombination: storage cannot be made smaller: {old} GiB to {new} GiB" if new < old else ""


def _major_version(olds: Inputs, news: Inputs) -> Iterator[Problem]:
    """RDS ModifyDBInstance."""
    old, new = olds.get("engineVersion"), news.get("engineVersion")
    if news.get("allowMajorVersionUpgrade"):
        return
    if old and new and not has_unknown(new) and str(old).split(".")[0] != str(new).split(".")[0]:
        yield Problem(
            "engineVersion",
            "InvalidParameterCombination: The AllowMajorVersionUpgrade flag must be present when upgrading to a new "
            "major version.",
        )


_IMPOSSIBLE: Mapping[str, tuple[tuple[str, Callable[[Any, Any], str]], ...]] = {
    "aws:eks/cluster:Cluster": (("version", _kubernetes),),
    "aws:eks/nodeGroup:NodeGroup": (("version", _not_down),),
    "aws:rds/instance:Instance": (("allocatedStorage", _not_smaller), ("engineVersion", _not_down)),
    "gcp:container/cluster:Cluster": (("minMasterVersion", _kubernetes),),
    "gcp:sql/databaseInstance:DatabaseInstance": (("settings.diskSize", _not_smaller),),
}
