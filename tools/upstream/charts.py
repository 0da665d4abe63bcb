"""An upstream chart on disk: a folder or an archive, with the default values of all its parts."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.errors import ToolError


class Loader(yaml.CSafeLoader):
    """YAML 1.1 reads a bare `=` as a value tag; prometheus-operator's enums have one."""


def _as_text(_: Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


Loader.add_constructor("tag:yaml.org,2002:value", _as_text)


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a manifest."""
    return [one for one in yaml.load_all(text, Loader=Loader) if one]


@dataclass(frozen=True)
class ChartFolder:
    """An unpacked chart."""

    path: Path
    name: str
    version: str
    app_version: str


@contextmanager
def unpacked(path: Path) -> Iterator[ChartFolder]:
    """The chart in a folder or a .tgz. Raises ToolError if there is none."""
    if path.is_dir():
        yield _read(path)
    elif path.is_file() and path.name.endswith((".tgz", ".tar.gz")):
        with tempfile.TemporaryDirectory(prefix="chart-") as scratch:
            with tarfile.open(path) as archive:
                archive.extractall(scratch, filter="data")
            folders = [one for one in Path(scratch).iterdir() if (one / "Chart.yaml").is_file()]
            if len(folders) != 1:
                raise ToolError(f"{path} holds no chart (one folder with a Chart.yaml).")
            yield _read(folders[0])
    else:
        raise ToolError(
            f"There is no chart at {path}: a folder with a Chart.yaml, or a .tgz. "
            "`helm pull` fetches one; docs/upstream.md names the sources."
        )


def _read(path: Path) -> ChartFolder:
    about = path / "Chart.yaml"
    if not about.is_file():
        raise ToolError(f"{path} is no chart: it has no Chart.yaml.")
    said = yaml.load(about.read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506 - a safe loader
    return ChartFolder(path, str(said["name"]), str(said["version"]), str(said.get("appVersion", "")))


def default_values(path: Path) -> dict[str, Any]:
    """The values of a chart with those of its sub-charts below their names, merged as helm does."""
    own = _yaml(path / "values.yaml")
    about = _yaml(path / "Chart.yaml")
    known = {str(one["name"]): str(one.get("alias") or one["name"]) for one in about.get("dependencies") or []}
    parts: dict[str, Any] = {}
    for place in sorted((path / "charts").glob("*")):
        if place.is_dir() or place.suffix == ".tgz":
            with unpacked(place) as part:
                parts[known.get(part.name, part.name)] = default_values(part.path)
    return laid_over(parts, own)


def laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mapping over mapping, at every depth."""
    both = dict(under)
    for name, value in over.items():
        below = under.get(name)
        both[name] = laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return both


def _yaml(path: Path) -> dict[str, Any]:
    return (yaml.load(path.read_text(encoding="utf-8"), Loader=Loader) if path.is_file() else None) or {}  # noqa: S506
