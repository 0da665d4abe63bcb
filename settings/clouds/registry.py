"""The kinds of clusters. One more is a module here, one in `stacks/clouds/`, and its name in this file."""

from typing import Annotated

from pydantic import Field

from settings.clouds.eks import EksSettings
from settings.clouds.existing import ExistingSettings
from settings.clouds.gke import GkeSettings
from settings.clouds.simulated import SimulatedSettings

AnyCluster = Annotated[SimulatedSettings | ExistingSettings | EksSettings | GkeSettings, Field(discriminator="kind")]
CLOUDS = (SimulatedSettings, ExistingSettings, EksSettings, GkeSettings)
