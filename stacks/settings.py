"""What an environment is: read once from `Pulumi.<stack>.yaml`, checked whole, frozen.

Every problem is reported at once, each with its path, the value found, the rule and the remedy, before any resource is
registered. Keys are camelCase in YAML; units stand in the names (`memoryGib`, `deadlineHours`).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from components.capacity import Ledger, Supply, supplies_of
from components.catalog import ClusterKind
from components.placement import PoolHandle, plan_pool
from policies.rules.accelerators import check_pool
from policies.rules.capacity import check_ledger
from policies.rules.finding import Finding, Refused
from stacks.models.base import Model
from stacks.models.cluster import ExistingCluster, SimulatedCluster
from stacks.models.environment import Charts, Environment
from stacks.models.team import TeamSettings
from stacks.problems import problems_of

PROJECT = "mlplatform"


class Settings(Model):
    """One environment, whole."""

    environment: Environment
    """What this environment is and what it may own."""
    cluster: Annotated[SimulatedCluster | ExistingCluster, Field(discriminator="kind")]
    """Where it runs."""
    charts: Charts = Charts()
    """Where charts and CRDs come from."""
    teams: dict[str, TeamSettings] = {}
    """Who works here: team name -> its quota, people and budget."""

    def handles(self) -> dict[str, PoolHandle]:
        """Pool name -> what it will hand out. The components hand out the same; here it is known before them."""
        return {name: plan_pool(name, pool, self.cluster.kind)[0] for name, pool in self.cluster.pools.items()}

    def supplies(self) -> tuple[Supply, ...]:
        """What the pools offer together."""
        return tuple(row for handle in self.handles().values() for row in supplies_of(handle["capacity"]))

    def ledger(self) -> Ledger:
        """Supply, caps, quotas and demand of the whole environment."""
        return Ledger(
            supplies=self.supplies(),
            device_caps=dict(self.environment.device_caps),
            team_quotas={name: dict(team.quota) for name, team in self.teams.items()},
            demands=(),
        )

    def findings(self) -> Iterator[Finding]:
        """Every rule that these settings break, once their shapes are right."""
        broken = [
            finding
            for name, pool in self.cluster.pools.items()
            for finding in check_pool(f"cluster.pools.{name}", pool)
        ]
        yield from broken
        if not broken:  # the ledger is only as good as its pools
            yield from check_ledger(self.ledger())


def parse(config: Mapping[str, Any]) -> Settings:
    """Settings from `key -> value` without the project prefix. Raises `Refused` with every problem."""
    try:
        settings = Settings.model_validate(config)
    except ValidationError as error:
        raise Refused("settings", problems_of(error, Settings)) from None
    findings = tuple(settings.findings())
    if findings:
        raise Refused("settings", findings)
    return settings


__all__ = ["ClusterKind", "Settings", "parse"]
