"""What is found on PATH, what is refused, and with which reason."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tools.support import MakeTool, printed_version
from tools.pins import KUBERNETES_PROVIDER, TOOL_BY_NAME, TOOLS, Tool
from tools.search import FoundTool, RejectedTool, VersionError, find, plugin_directory, read_version

KUBECTL = TOOL_BY_NAME["kubectl"]


@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.version_command], ids=lambda tool: tool.name)
def test_a_version_is_read_from_what_the_real_tool_prints(tool: Tool, make_tool: MakeTool) -> None:
    program = make_tool(tool.name, printed_version(tool, "9.8.7"))

    assert read_version(tool, program) == "9.8.7"


def test_a_good_version_on_path_is_found(make_tool: MakeTool, environment: Mapping[str, str], tmp_path: Path) -> None:
    program = make_tool("kubectl", printed_version(KUBECTL, "1.36.1"))

    assert find(KUBECTL, environment, outside=tmp_path / "cache") == FoundTool(program, "1.36.1")


def test_another_minor_is_refused_with_both_versions_in_the_reason(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    program = make_tool("kubectl", printed_version(KUBECTL, "1.32.4"))
    environment["PATH"] = str(program.parent)

    refused = find(KUBECTL, environment, outside=tmp_path / "cache")

    assert isinstance(refused, RejectedTool)
    assert refused.program == program
    assert "1.32.4" in refused.reason
    assert "Kubernetes 1.36.x" in refused.reason


def test_a_good_version_later_on_path_is_taken_before_a_bad_one_at_its_beginning(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    make_tool("kubectl", printed_version(KUBECTL, "1.32.4"))
    good = make_tool("kubectl", printed_version(KUBECTL, "1.36.3"), directory="later")
    environment["PATH"] = f"{tmp_path / 'bin'}:{good.parent}"

    assert find(KUBECTL, environment, outside=tmp_path / "cache") == FoundTool(good, "1.36.3")


def test_what_stands_in_our_own_cache_is_not_found_on_path(
    make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    program = make_tool("kubectl", printed_version(KUBECTL, "1.36.3"))
    environment["PATH"] = str(program.parent)

    assert find(KUBECTL, environment, outside=tmp_path) is None


def test_a_tool_that_is_nowhere_is_not_found(environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] = str(tmp_path / "bin")

    assert find(KUBECTL, environment, outside=tmp_path / "cache") is None


def test_a_program_that_prints_no_version_is_refused(make_tool: MakeTool) -> None:
    program = make_tool("kubectl", "hello")

    with pytest.raises(VersionError, match="prints no version: 'hello'"):
        read_version(KUBECTL, program)


def test_a_program_that_cannot_be_executed_is_refused(make_tool: MakeTool) -> None:
    program = make_tool("kubectl", "")
    program.write_text("#!/no/such/interpreter\n")

    with pytest.raises(VersionError, match="`kubectl version --client --output=json` failed"):
        read_version(KUBECTL, program)


def test_a_plugin_that_is_none_is_refused_without_waiting(make_tool: MakeTool) -> None:
    program = make_tool(KUBERNETES_PROVIDER.name, "usage: …")

    with pytest.raises(VersionError, match="does not answer as a Pulumi plugin"):
        read_version(KUBERNETES_PROVIDER, program)


def test_a_provider_that_pulumi_has_installed_is_found_in_its_home(
    every_tool: Mapping[str, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    home = tmp_path / "pulumi"
    installed = plugin_directory(home) / KUBERNETES_PROVIDER.name
    installed.parent.mkdir(parents=True)
    every_tool[KUBERNETES_PROVIDER.name].rename(installed)

    found = find(KUBERNETES_PROVIDER, {**environment, "PULUMI_HOME": str(home)}, outside=tmp_path / "cache")

    assert found == FoundTool(installed, KUBERNETES_PROVIDER.version)
