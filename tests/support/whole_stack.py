"""A whole environment against the recorder: what its program registers, from settings to the last workload.

Not there: objects of charts, and what a cloud answers without `answers`. The kubeconfig of an existing cluster is an
empty file.
"""

import os
from pathlib import Path
from unittest.mock import patch

from pulumi.runtime.mocks import Mocks

from settings.settings import Settings
from stacks.environment import declare
from tests.recorder import Recording, record


def recorded_stack(settings: Settings, folder: Path, answers: Mocks | None = None) -> Recording:
    """Everything that a stack with these settings registers."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text("", encoding="utf-8")
    if settings.cluster.kind == "existing":
        there = settings.cluster.model_copy(update={"kubeconfig": str(kubeconfig)})
        settings = settings.model_copy(update={"cluster": there})
    with (
        patch("stacks.environment.read_settings", return_value=settings),
        patch("stacks.clouds.simulated.kubeconfig_path", return_value=kubeconfig),
        patch.dict(os.environ, {"MLPLATFORM_CLUSTER": ""}),
    ):
        return record(declare, answers=answers)
