"""Fake tools on a PATH of their own, and a cache of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.tools.support import MakeTool, Mirror, printed_version
from tools.pins import KUBERNETES_PROVIDER, TOOLS


@pytest.fixture
def make_tool(tmp_path: Path) -> MakeTool:
    """Makes a program that prints a version as the real one does: `make_tool("kubectl", 'gitVersion...')`."""

    def make(name: str, output: str, directory: str = "bin") -> Path:
        program = tmp_path / directory / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH holds `bin/` of the test and the system's shell tools, and nothing else."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    return {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "MLPLATFORM_CACHE": str(tmp_path / "cache"),
    }


@pytest.fixture
def every_tool(make_tool: MakeTool, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Path]:
    """Every tool of the table on PATH, in its pinned version.

    The provider has no version flag and is asked over gRPC, which a shell script cannot answer; so here, and only here,
    it is asked like the others. The engine tests ask the real one.
    """
    import tools.search  # noqa: PLC0415

    monkeypatch.setattr(tools.search, "_asked_over_grpc", lambda program: program.read_text().split("\n")[2])
    return {
        tool.name: make_tool(
            tool.name, tool.version if tool is KUBERNETES_PROVIDER else printed_version(tool, tool.version)
        )
        for tool in TOOLS
    }


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A download mirror on loopback."""
    with Mirror() as serving:
        yield serving
