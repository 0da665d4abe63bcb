"""What a simulated cloud holds: one JSON file, changed under a lock and at once, readable by its owner only."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from filelock import FileLock

from simulator import files
from simulator.clouds.values import every


class Record(TypedDict):
    """One resource."""

    type: str
    id: str
    unique: str
    """What no other of its type may have; empty: nothing."""
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    gone: bool
    """Deleted, and only its name is still taken."""


class Content(TypedDict):
    """All of it."""

    records: dict[str, Record]
    """By type and id."""
    generations: dict[str, int]
    """How often there was something of this URN: ids are made of it, so that they stay the same from run to run."""


class CloudStore:
    """The resources of one cloud in one directory."""

    def __init__(self, directory: Path, cloud: str) -> None:
        self.directory = directory
        self._path = directory / f"{cloud}.json"
        self._lock = FileLock(directory / f".{cloud}.lock", mode=files.PRIVATE_FILE)

    def read(self) -> Content:
        """What is there now."""
        try:
            content: Content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"records": {}, "generations": {}}
        return content

    @contextmanager
    def changing(self) -> Iterator[Content]:
        """What is there, to be changed: saved at the end, and left as it was when the block fails."""
        files.make_private_folder(self.directory)
        with self._lock:
            content = self.read()
            yield content
            files.write_private(self._path, json.dumps(content, indent=1, sort_keys=True))

    def get(self, token: str, identity: str) -> Record | None:
        """A resource by its id; None when there is none."""
        return alive(self.read(), token, identity)


def key(token: str, identity: str) -> str:
    """Where a record stands."""
    return f"{token} {identity}"


def alive(content: Content, token: str, identity: str) -> Record | None:
    """A resource by its id; None when there is none."""
    record = content["records"].get(key(token, identity))
    return None if record is None or record["gone"] else record


def named(content: Content, tokens: str, name: str) -> Record | None:
    """A resource of one of the types (apart by spaces) by any of its names."""
    wanted = bare(name)
    types = tokens.split()
    family = (record for record in content["records"].values() if not record["gone"] and record["type"] in types)
    return next((record for record in family if wanted in names_of(record)), None)


_NAMES = """
    arn selfLink name email member url bucket identifier nodeGroupName keyId allocationId
    defaultSecurityGroupId defaultRouteTableId vpcConfig.clusterSecurityGroupId resources.autoscalingGroups.name
""".split()
"""Outputs by which others name a resource, or what it brings with it."""


def names_of(record: Record) -> set[str]:
    """By what others name a resource."""
    found = (name for path in _NAMES for name in every(record["outputs"], path))
    return {bare(name) for name in (record["id"], *found) if name and isinstance(name, str)}


def bare(name: str) -> str:
    """A name without the host that a self link of Google Cloud begins with."""
    for start in (
        "https://www.googleapis.simulated.invalid/compute/v1/",
        "https://container.googleapis.simulated.invalid/v1/",
    ):
        name = name.removeprefix(start)
    return name
