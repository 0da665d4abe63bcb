"""A simulated AWS and Google Cloud in one directory: what tests and rehearsals hold in their hands."""

import importlib.metadata
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from simulator import files
from simulator.clouds import sdk, trust
from simulator.clouds.clusters import write_tools
from simulator.clouds.provider import DIRECTORY_VARIABLE
from simulator.clouds.store import CloudStore
from simulator.cluster import Cluster
from simulator.configuration import LINKS

_ROOT = Path(__file__).parents[2]
_PROGRAMS = {"aws": ("credentials.py", "aws"), "gke-gcloud-auth-plugin": ("credentials.py", "gke")}
_MARK = "simulated-cloud"
"""A file that says that a directory is ours, and may be removed as a whole."""


class CloudPrograms(Protocol):
    """Where the programs are; `tools.toolchain` has the real one."""

    def path(self, name: str) -> Path:
        """A program of a control plane, or kubectl, kwokctl."""

    def environment(self) -> Mapping[str, str]:
        """Variables with which the engine finds its tools and plugins."""


class SimulatedCloud:
    """One account of each cloud. Cheap to construct: nothing is touched before a method is called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()

    def environment(self, toolchain: CloudPrograms) -> dict[str, str]:
        """Variables for the engine, its providers and the program: they meet this cloud in place of the real ones.

        Makes what they name: the plugins, `aws` and `gke-gcloud-auth-plugin`, and a note of where the programs are. The
        plugins have a separate Pulumi home, in the versions that the SDKs need, in addition to those of the
        toolchain; ambient ones are ignored, so that no real provider on PATH is used.
        """
        base = dict(toolchain.environment())
        files.make_private_folder(self.directory)
        files.write_private(
            self.directory / _MARK, "mlplatform: a simulated cloud; `python -m simulator.clouds delete`\n"
        )
        write_tools(self.directory, {name: str(toolchain.path(name)) for name in (*LINKS.values(), "kwokctl")})
        home = self.directory / "pulumi-home"
        for cloud, package in sdk.PACKAGES.items():
            plugin = f"resource-{cloud}-v{importlib.metadata.version(package)}"
            _launcher(home / "plugins" / plugin / f"pulumi-resource-{cloud}", "provider.py", cloud)
        _link_others(Path(base["PULUMI_HOME"]) / "plugins" if "PULUMI_HOME" in base else None, home / "plugins")
        for name, (script, argument) in _PROGRAMS.items():
            _launcher(self.directory / "bin" / name, script, argument)
        return {
            "PATH": os.pathsep.join([str(self.directory / "bin"), base.get("PATH", os.defpath)]),
            "PULUMI_HOME": str(home),
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
            **{name: base[name] for name in ("PULUMI_CREDENTIALS_PATH",) if name in base},
            DIRECTORY_VARIABLE: str(self.directory),
            trust.VARIABLE: str(trust.prepare(self.directory)),
            # Nothing of the user's own accounts is met by accident.
            **dict.fromkeys(("AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS"), ""),
        }

    def resources(self, cloud: str) -> list[tuple[str, str]]:
        """Type and id of what a cloud holds now."""
        records = CloudStore(self.directory, cloud).read()["records"].values()
        return sorted((record["type"], record["id"]) for record in records if not record["gone"])

    def clusters(self) -> list[Cluster]:
        """The control planes that play its clusters."""
        return Cluster.clusters(self.directory)

    def delete(self) -> bool:
        """Ends its clusters and removes all that it holds. False if there was nothing."""
        if not (self.directory / _MARK).exists():
            return False
        for cluster in self.clusters():
            cluster.delete()
        shutil.rmtree(self.directory, ignore_errors=True)
        return True


def _launcher(path: Path, script: str, argument: str) -> None:
    """An executable that runs one of our files with this interpreter."""
    target = Path(__file__).parent / script
    words = " ".join(shlex.quote(str(word)) for word in (sys.executable, "-u", target, argument))
    files.make_private_folder(path.parent)
    text = f'#!/bin/sh\n# mlplatform: simulated\nexec {words} "$@"\n'
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        files.write_private(path, text)
    path.chmod(0o700)


def _link_others(theirs: Path | None, ours: Path) -> None:
    """Plugins that the toolchain has, in directories of the same names: the engine overlooks a link to a directory."""
    if theirs is None or not theirs.is_dir() or theirs == ours:
        return
    for program in theirs.glob("resource-*/pulumi-resource-*"):
        name = ours / program.parent.name / program.name
        if program.name.removeprefix("pulumi-resource-") in sdk.PACKAGES or name.exists():
            continue
        files.make_private_folder(name.parent)
        name.unlink(missing_ok=True)
        name.symlink_to(program.resolve())
