"""Settings of the embedded cluster."""

from collections.abc import Iterator
from typing import Annotated, Literal

from catalog.accelerators import ClusterKind
from components.base.grammar import Grammar, check_text
from components.base.images import check_image
from components.capacity.placement import PoolArgs, PoolHandle, plan_pool
from components.clouds.pool_validation import check_pool
from components.findings import Finding
from settings.clouds.base import ClusterSettings
from settings.models.base import Name
from settings.models.shape import Shape

Pool = Annotated[PoolArgs, Shape(PoolArgs)]
FOLDER = Grammar(
    "a folder of this computer, absolute or relative to the project: '~' and variables are not expanded",
    "write it like .venv-training or /opt/training",
    lambda text: text.isprintable() and text[:1] not in ("", "~") and "$" not in text,
)


class SimulatedSettings(ClusterSettings):
    """The embedded cluster: a real control plane on this computer, simulated nodes."""

    is_simulated = True

    kind: Literal[ClusterKind.SIMULATED]
    """simulated."""
    name: Name = "dev"
    """Which embedded cluster, where neither `make` nor MLPLATFORM_CLUSTER says so."""
    pools: dict[Name, Pool]
    """Its node pools."""
    local_images: dict[str, str] = {}
    """Images of your own that run as processes: reference -> a virtual environment or another folder with `bin`,
    absolute or relative to the project. Read only where pods run as processes (docs/process-node.md)."""

    def pool_handles(self) -> dict[str, PoolHandle]:
        return {name: plan_pool(name, pool, self.kind)[0] for name, pool in self.pools.items()}

    def pool_findings(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        for name, pool in self.pools.items():
            yield name, check_pool(f"cluster.pools.{name}", pool)

    def findings(self, *, keep_data: bool) -> Iterator[Finding]:
        for reference, folder in self.local_images.items():
            path = f"cluster.localImages.{reference}"
            yield from check_image(path, reference)
            yield from check_text(path, folder, FOLDER)
