"""A team as plain data: the part that settings contain. Pure."""

from typing import NamedTuple, Required, TypedDict


class EgressSpec(TypedDict, total=False):
    """One egress rule of a team's namespace in addition to those of every team."""

    name: Required[str]
    """Purpose; part of the NetworkPolicy's name."""
    cidr: Required[str]
    """Address range, `10.20.0.0/16`; the whole internet only with ports."""
    ports: Required[list[int]]
    """TCP ports."""


class TeamSpec(TypedDict, total=False):
    """A team: its quotas, its members, and the destinations that its pods may reach."""

    namespace: str
    """Namespace of its workloads; default: the team's name."""
    owner: Required[str]
    """Responsible person or group; a label, so letters, digits, `-`, `_` and `.`."""
    cost_center: Required[str]
    """Cost center; a label."""
    quota: dict[str, int]
    """Accelerators: pool (or `pool/profile`) -> maximum number of units at once. Other pools are not available to the
    team."""
    cpu: int
    """vCPUs that its pods request in total; default 256."""
    memory_gib: int
    """Memory that its pods request in total; default 2048."""
    pods: int
    """Maximum number of pods at once; default 200."""
    storage_gib: int
    """Total size of its volumes; default 5120."""
    claims: int
    """Maximum number of volumes; default 50."""
    ephemeral_storage_gib: int
    """Local disk that its pods request in total; default 4096."""
    viewers: list[str]
    """Groups that can read everything but Secrets."""
    editors: list[str]
    """Groups that can run workloads; no access to Secrets, and no changes of quota, isolation or roles."""
    admins: list[str]
    """Groups that can also write Secrets and exec into pods; no changes of quota, isolation or roles."""
    egress: list[EgressSpec]
    """Egress rules in addition to the platform's."""
    internet: bool
    """Whether its pods may reach any address on port 443: registries, model hubs, cloud APIs; default true. Never the
    metadata service. If false, an object store outside of the cluster needs `ranges`, which pods may still reach."""


def namespace_of(name: str, team: TeamSpec) -> str:
    """Namespace of a team's workloads."""
    return team.get("namespace") or name


UNNAMED_STORAGE_GIB = 2
"""Local disk of a container that requests none: the LimitRange of the team's namespace."""


class QuotaSizes(NamedTuple):
    """Quotas of a team other than accelerators, with their defaults."""

    cpu: int = 256
    memory_gib: int = 2048
    pods: int = 200
    storage_gib: int = 5120
    claims: int = 50
    ephemeral_storage_gib: int = 4096


def quota_sizes(team: TeamSpec) -> QuotaSizes:
    """The quotas of one team."""
    return QuotaSizes(**{key: int(team[key]) for key in QuotaSizes._fields if key in team})  # type: ignore[literal-required]
