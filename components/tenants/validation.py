"""Rules on teams: names that can be labels, quotas that name pools, egress that stays narrow."""

import re
from collections.abc import Iterator, Mapping, Sequence

from catalog.addresses import ANYWHERE
from components.base.destinations import check_destination
from components.base.grammar import HOST, LABEL, check_text
from components.base.groups import GROUPS, check_group_name
from components.capacity.ledger import Holding, Supply
from components.findings import Finding, camel
from components.storage.plan import store_namespace
from components.tenants.spec import EgressSpec, TeamSpec, quota_sizes

_LABEL = re.compile(r"^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?\Z")
_NAMESPACE = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
RESERVED_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
"""Namespaces that every cluster has."""
_SIZES = (
    ("cpu", "cpu"),
    ("memory_gib", "memoryGib"),
    ("pods", "pods"),
    ("storage_gib", "storageGib"),
    ("claims", "claims"),
    ("ephemeral_storage_gib", "ephemeralStorageGib"),
)


def check_team(path: str, name: str, team: TeamSpec, supplies: tuple[Supply, ...]) -> Iterator[Finding]:
    """Findings for one team alone; `components.capacity.validation` validates the teams together."""
    namespace = team.get("namespace") or name
    if not _NAMESPACE.match(namespace) or namespace in RESERVED_NAMESPACES:
        yield Finding(
            f"{path}.namespace",
            namespace,
            f"1 to 63 of a-z, 0-9 and '-', and not {', '.join(RESERVED_NAMESPACES)}",
            "rename the team, or set another namespace",
        )
    for key, label in (("owner", "owner"), ("cost_center", "costCenter")):
        value = str(team.get(key) or "")
        if not _LABEL.match(value):
            yield Finding(
                f"{path}.{label}",
                value or "(missing)",
                "required, and a label: 1 to 63 letters, digits, '-', '_', '.'",
                f"correct {label}; write an address like name_at_example.com",
            )
    for key, label in _SIZES:
        size = team.get(key)
        if size is not None and int(str(size).split(".")[0]) < 1:
            yield Finding(f"{path}.{label}", str(size), "1 or more", "use 1 or more, or omit it for the default")
    known = {supply.key for supply in supplies}
    for key, units in (team.get("quota") or {}).items():
        if key not in known:
            yield Finding(
                f"{path}.quota.{key}",
                str(units),
                f"a pool that offers accelerators: {', '.join(sorted(known)) or '(none has any)'}",
                "correct the name, or declare the pool",
            )
        if float(units) != int(units) or int(units) < 0:
            yield Finding(
                f"{path}.quota.{key}",
                str(units),
                "whole units, 0 or more: with a negative quota, others could exceed the pool",
                "use 0 or more, or omit the pool",
            )
    for groups in GROUPS:
        for group in team.get(groups) or []:  # type: ignore[attr-defined]
            yield from check_group_name(f"{path}.{groups}", group)
    ways = team.get("egress") or []
    for index, way in enumerate(ways):
        yield from _check_egress(f"{path}.egress[{index}]", way)
        if way.get("name") in [one.get("name") for one in ways[:index]]:
            yield Finding(
                f"{path}.egress[{index}].name",
                way["name"],
                "egress rules need unique names: the name is part of the NetworkPolicy's name",
                "rename it, or merge the two",
            )


def check_internet(path: str, team: TeamSpec, endpoint: str, ranges: Sequence[str]) -> Iterator[Finding]:
    """A team without internet access must not get it through the rule for an object store outside of the cluster."""
    if not team.get("internet", True) and not ranges and not store_namespace(endpoint):
        yield Finding(
            f"{path}.internet",
            "false",
            "the team's pods reach the object store, which is outside of the cluster and has no ranges: any address on "
            "its port",
            "name the store's addresses under objectStore.ranges (of a store in the cluster write the endpoint as "
            "name.namespace.svc), or remove internet: false",
        )


def check_registry(path: str, server: str, username: str) -> Iterator[Finding]:
    """A private registry as the container runtime looks it up: by its host."""
    yield from check_text(f"{path}.server", server, HOST)
    if not username:
        yield Finding(f"{path}.username", "(empty)", "the user that pulls from the registry", "set it")


def _check_egress(path: str, way: EgressSpec) -> Iterator[Finding]:
    for key in ("name", "cidr", "ports"):
        if not way.get(key):
            yield Finding(f"{path}.{key}", "(missing)", "required", f"add {key}")
    if way.get("name"):
        yield from check_text(f"{path}.name", f"to-{way['name']}", LABEL)
    for index, port in enumerate(way.get("ports") or []):
        if not 1 <= int(port) <= 65535:
            yield Finding(f"{path}.ports[{index}]", str(port), "a TCP port: 1 to 65535", "correct the port")
    cidr = way.get("cidr", "")
    # The whole internet is allowed here: its rule always excludes the metadata service.
    if cidr and cidr != ANYWHERE:
        yield from check_destination(f"{path}.cidr", cidr)


_UNITS = {"cpu": "vCPUs", "pods": "pods", "claims": "volumes"}
"""Field of QuotaSizes -> its unit, if that is not GiB."""


def holdings_within_quota(teams: Mapping[str, TeamSpec], holdings: Sequence[Holding]) -> Iterator[Finding]:
    """The workloads of a team fit its quota together: otherwise some of their pods are never created."""
    for team, spec in teams.items():
        own = [holding for holding in holdings if holding.team == team]
        for key, most in quota_sizes(spec)._asdict().items():
            parts: dict[str, int] = {}
            for holding in own:
                taken = _taken(holding, key)
                if taken:
                    parts[holding.name] = parts.get(holding.name, 0) + taken
            scale = 1000 if key == "cpu" else 1
            total = sum(parts.values())
            if most >= 1 and total > most * scale:
                path, unit = f"teams.{team}.{camel(key)}", _UNITS.get(key, "GiB")
                names = ", ".join(f"{name} {taken / scale:g}" for name, taken in parts.items())
                yield Finding(
                    path,
                    f"{most}" if key in spec else f"{most} (the default)",
                    f"the team's workloads request {total / scale:g} {unit} with their minimum of pods ({names})",
                    f"raise {path} to {-(-total // scale)} or more, or lower the workloads",
                )


def _taken(holding: Holding, key: str) -> int:
    return int(getattr(holding, "cpu_millis" if key == "cpu" else key))
