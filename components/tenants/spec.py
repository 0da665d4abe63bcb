"""What a team is, in plain data: the part of it that people write in settings. Pure."""

from typing import NamedTuple, Required, TypedDict


class EgressSpec(TypedDict, total=False):
    """One way out of a team's namespace besides those that every team has."""

    name: Required[str]
    """What it is for; part of the NetworkPolicy's name."""
    cidr: Required[str]
    """Address range, `10.20.0.0/16`; the whole internet only with its ports named."""
    ports: Required[list[int]]
    """TCP ports."""


class TeamSpec(TypedDict, total=False):
    """A team: what it may hold at once, who belongs to it, whom its pods may talk to."""

    namespace: str
    """Where its workloads go; default: the team's name."""
    owner: Required[str]
    """Who answers for it; a label, so letters, digits, `-`, `_` and `.`."""
    cost_center: Required[str]
    """Who pays; a label."""
    quota: dict[str, int]
    """Accelerators: pool (or `pool/profile`) -> units it may hold at once. A pool not named is not for this team."""
    cpu: int
    """vCPUs that its pods request together; default 256."""
    memory_gib: int
    """Memory that its pods request together; default 2048."""
    pods: int
    """Pods at once; default 200."""
    storage_gib: int
    """Volumes together; default 5120."""
    claims: int
    """Volumes; default 50."""
    ephemeral_storage_gib: int
    """Local disk that its pods request together; default 4096."""
    viewers: list[str]
    """Groups that see everything but Secrets."""
    editors: list[str]
    """Groups that run workloads; they see no Secrets, and change neither quota nor isolation nor rights."""
    admins: list[str]
    """Groups that also write Secrets and look into pods; they change neither quota nor isolation nor rights."""
    egress: list[EgressSpec]
    """Ways out that this team has besides the platform's."""
    internet: bool
    """Whether its pods reach any address on port 443: registries, model hubs, cloud APIs; default true. Never the
    metadata service. Without it, an object store outside of the cluster needs `ranges`: pods reach these as before."""


def namespace_of(name: str, team: TeamSpec) -> str:
    """Where a team's workloads go."""
    return team.get("namespace") or name


UNNAMED_STORAGE_GIB = 2
"""Local disk of a container that does not say how much it takes: the LimitRange of the team's namespace."""


class QuotaSizes(NamedTuple):
    """What a team may hold beside accelerators. The defaults are those of a team that does not say."""

    cpu: int = 256
    memory_gib: int = 2048
    pods: int = 200
    storage_gib: int = 5120
    claims: int = 50
    ephemeral_storage_gib: int = 4096


def quota_sizes(team: TeamSpec) -> QuotaSizes:
    """Those of one team."""
    return QuotaSizes(**{key: int(team[key]) for key in QuotaSizes._fields if key in team})  # type: ignore[literal-required]
