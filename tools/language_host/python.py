"""The Python that runs a program, and how its packages are installed: the runtime options of Pulumi.yaml."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OTHER_TOOLCHAINS = {"uv": "uv sync", "poetry": "poetry install"}


class PythonError(Exception):
    """The options name a Python that does not exist, or a toolchain that this host does not support."""


@dataclass(frozen=True)
class Options:
    """The options under `runtime:` that this host uses. It ignores those of the official host."""

    toolchain: str
    """`pip` (default), `uv` or `poetry`: how packages are installed. A program runs in its virtual environment."""
    virtual_environment: Path | None
    """Absolute; in Pulumi.yaml relative to the directory of Pulumi.yaml (or PulumiPolicy.yaml, PulumiPlugin.yaml)."""


def read_options(options: Mapping[str, object], root_directory: str) -> Options:
    toolchain = str(options.get("toolchain") or "pip").lower()
    if toolchain not in ("pip", *OTHER_TOOLCHAINS):
        raise PythonError(f"The runtime option `toolchain` is {toolchain!r}. It must be pip, uv or poetry.")
    name = options.get("virtualenv") or (".venv" if toolchain == "uv" else None)
    return Options(toolchain, Path(root_directory, str(name)) if name else None)


def interpreter(options: Options) -> Path:
    """The Python of the virtual environment; without that option, the one that runs this host (it has the SDK).

    Raises:
        PythonError: the virtual environment is not there.
    """
    if options.virtual_environment is None:
        return Path(sys.executable)
    python = options.virtual_environment / "bin" / "python"
    if not python.is_file():
        remedy = OTHER_TOOLCHAINS.get(options.toolchain, "pulumi install")
        raise PythonError(
            f"The virtual environment {options.virtual_environment} does not exist (runtime option `virtualenv`). "
            f"Run `{remedy}` to make it, or correct the option."
        )
    return python


def activated(options: Options, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment inside the virtual environment, as its `activate` script leaves it."""
    if options.virtual_environment is None:
        return dict(environment)
    kept = {name: value for name, value in environment.items() if name != "PYTHONHOME"}
    path = os.pathsep.join([str(options.virtual_environment / "bin"), kept.get("PATH", os.defpath)])
    return {**kept, "VIRTUAL_ENV": str(options.virtual_environment), "PATH": path}


def install_commands(options: Options, directory: Path) -> list[list[str]]:
    """Commands that create the virtual environment and install the packages in it.

    Raises:
        PythonError: this host cannot do it, or there is no list of packages.
    """
    if options.toolchain in OTHER_TOOLCHAINS:
        raise PythonError(
            f"This stand-in installs with pip only, and the runtime option `toolchain` is {options.toolchain}. "
            f"Run `{OTHER_TOOLCHAINS[options.toolchain]}` in {directory} instead."
        )
    if options.virtual_environment is None:
        raise PythonError(
            "The runtime option `virtualenv` is not set, and packages are not installed outside of one. Set it in the "
            "project's YAML file (`virtualenv: .venv`), or install them yourself."
        )
    requirements = directory / "requirements.txt"
    if requirements.is_file():
        what = ["-r", str(requirements)]
    elif (directory / "pyproject.toml").is_file():
        what = ["-e", str(directory)]
    else:
        raise PythonError(f"{directory} has neither requirements.txt nor pyproject.toml, which list what to install.")
    python = options.virtual_environment / "bin" / "python"
    make = [] if python.is_file() else [[sys.executable, "-m", "venv", str(options.virtual_environment)]]
    return [*make, [str(python), "-m", "pip", "install", "--disable-pip-version-check", *what]]
