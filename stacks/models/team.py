"""Settings of a team."""

from typing import Annotated

from pydantic import Field

from stacks.models.base import Model, Name


class TeamSettings(Model):
    """A team: a namespace, its quota and its people."""

    quota: dict[str, Annotated[int, Field(ge=0)]] = {}
    """Pool (or `pool/profile`) -> units the team may hold at once. A pool not named is not for this team."""
    namespace: Name | None = None
    """Default: the team's name."""
