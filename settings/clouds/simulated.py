"""Settings of the embedded cluster."""

from collections.abc import Iterator
from typing import Annotated, Literal

from catalog.accelerators import ClusterKind
from components.capacity.placement import PoolArgs, PoolHandle, plan_pool
from components.clouds.pool_validation import check_pool
from components.findings import Finding
from settings.clouds.base import ClusterSettings
from settings.models.base import Name
from settings.models.shape import Shape

Pool = Annotated[PoolArgs, Shape(PoolArgs)]


class SimulatedSettings(ClusterSettings):
    """The embedded cluster: a real control plane on this computer, simulated nodes."""

    is_simulated = True

    kind: Literal[ClusterKind.SIMULATED]
    """simulated."""
    name: Name = "dev"
    """Which embedded cluster, where neither `make` nor MLPLATFORM_CLUSTER says so."""
    pools: dict[Name, Pool]
    """Its node pools."""

    def pool_handles(self) -> dict[str, PoolHandle]:
        return {name: plan_pool(name, pool, self.kind)[0] for name, pool in self.pools.items()}

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        for name, pool in self.pools.items():
            yield name, check_pool(f"cluster.pools.{name}", pool)
