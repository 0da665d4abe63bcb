"""Settings of teams, and what the settings of all workloads have in common."""

from typing import Annotated, TypedDict

from pydantic import SecretStr

from components.tenants.spec import TeamSpec
from components.workloads.serving.spec import RuntimeSpec
from settings.models.base import Model
from settings.models.shape import Shape


class RegistrySettings(TypedDict):
    """A private registry, and the user that pulls from it."""

    server: str
    """Host name of the registry, `registry.example.com`."""
    username: str
    """User."""
    password: SecretStr
    """Password or token. Set it with `pulumi config set --secret --path`."""


class TeamAccess(TypedDict, total=False):
    """A team: what it may hold at once, who belongs to it, whom its pods may talk to, where its images come from."""

    registry: RegistrySettings
    """Private registry that its pods pull images from; default: none."""


class TeamSettings(TeamSpec, TeamAccess):
    """A team in the settings."""


Team = Annotated[TeamSettings, Shape(TeamSpec, joined=TeamAccess)]


class Workload(Model):
    """What every workload has: its team and its pool."""

    team: str
    """Team that owns it."""
    pool: str
    """Node pool that it runs on."""


ServingRuntime = Annotated[RuntimeSpec, Shape(RuntimeSpec)]
