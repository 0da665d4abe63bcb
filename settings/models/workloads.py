"""Settings of teams and of what they run."""

from typing import Annotated, TypedDict

from pydantic import SecretStr

from components.storage.plan import StoragePurpose
from components.tenants.spec import TeamSpec
from components.workloads.serving.spec import InferenceSpec, ModelServerSpec, RuntimeSpec
from components.workloads.training.spec import ScheduleSpec, TrainingSpec, WorkersSpec
from settings.models.base import Model, Name
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


Team = Annotated[TeamSettings, Shape(TeamSpec, beside=TeamAccess)]


class Workload(Model):
    """What all workloads say: whose they are and where they run."""

    team: Name
    """Whose it is."""
    pool: Name
    """Node pool that it runs on."""


class Training(Workload):
    """A training: once, on several nodes (`workers`) or again and again (`schedule`)."""

    job: Annotated[TrainingSpec, Shape(TrainingSpec)]
    """The program and what it needs; of one worker, where there are several."""
    workers: Annotated[WorkersSpec, Shape(WorkersSpec)] | None = None
    """How it is spread over several pods."""
    schedule: Annotated[ScheduleSpec, Shape(ScheduleSpec)] | None = None
    """When it is repeated."""
    checkpoint_storage: StoragePurpose | None = None
    """Storage of the checkpoint volume; default: shared with `workers`, standard without."""

    @property
    def checkpoint_purpose(self) -> StoragePurpose:
        """Several nodes write to a file system, one to a disk."""
        return self.checkpoint_storage or (StoragePurpose.SHARED if self.workers else StoragePurpose.STANDARD)


ServingRuntime = Annotated[RuntimeSpec, Shape(RuntimeSpec)]


class Inference(Workload):
    """A model served by KServe."""

    service: Annotated[InferenceSpec, Shape(InferenceSpec)]
    """The model and what it needs."""


class ModelServer(Workload):
    """A model server in an image of the team's own."""

    server: Annotated[ModelServerSpec, Shape(ModelServerSpec)]
    """The image, the model and what they need."""
