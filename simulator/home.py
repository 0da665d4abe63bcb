"""Paths of simulated clusters on disk. Pure and cheap: `stacks` imports it only for the path of the kubeconfig."""

import os
import re
from pathlib import Path

from simulator.errors import SimulatorError

HOME_VARIABLE = "MLPLATFORM_HOME"
"""Environment variable that moves all files of mlplatform on this machine, simulated clusters included."""

DEFAULT_NAME = "dev"

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def home_directory() -> Path:
    """`$MLPLATFORM_HOME`, else the user's state directory (`~/.local/state/mlplatform` on Linux)."""
    override = os.environ.get(HOME_VARIABLE)
    if override:
        return Path(override).expanduser().absolute()
    from platformdirs import user_state_path  # noqa: PLC0415 - 6 ms, not needed with the variable

    return user_state_path("mlplatform")


def cluster_directory(name: str = DEFAULT_NAME, home: Path | None = None) -> Path:
    """The folder of one cluster. Raises SimulatorError for an invalid name."""
    if not _NAME.fullmatch(name):
        raise SimulatorError(
            f"cluster name {name!r}: at most 40 lower-case letters, digits and '-', not at the ends. "
            f"Choose another name, such as {DEFAULT_NAME!r}."
        )
    return (home or home_directory()) / "clusters" / name


def kubeconfig_path(name: str = DEFAULT_NAME, home: Path | None = None) -> Path:
    """The kubeconfig of a simulated cluster, which may not exist yet. Its content never changes."""
    return cluster_directory(name, home) / "kubeconfig.yaml"
