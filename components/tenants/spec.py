"""What a team is, in plain data: the part of it that people write in settings. Pure."""

from typing import Required, TypedDict


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


DEFAULT_CPU = 256
DEFAULT_MEMORY_GIB = 2048
DEFAULT_PODS = 200
DEFAULT_STORAGE_GIB = 5120
DEFAULT_CLAIMS = 50
DEFAULT_EPHEMERAL_STORAGE_GIB = 4096
