"""The doctor's rows, and what it exits with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.tools.support import MakeTool, only, printed_version
from tools import doctor
from tools.doctor import (
    Check,
    disk_check,
    environment_check,
    git_check,
    go_check,
    memory_check,
    python_check,
    table,
    tool_checks,
)
from tools.pins import TOOL_BY_NAME, TOOLS
from tools.search import RejectedTool
from tools.selection import SelectedTool
from tools.store import Way


def test_a_tool_in_use_is_shown_with_version_and_place() -> None:
    rows = tool_checks({"etcd": SelectedTool("etcd", "3.6.8", "/opt/etcd", Way.PATH)})

    assert rows == [Check("etcd", "3.6.8", "on PATH: /opt/etcd")]


def test_a_refused_tool_is_shown_with_its_place_the_reason_and_the_remedy() -> None:
    (row,) = tool_checks({"kubectl": RejectedTool(Path("/usr/bin/kubectl"), "version 1.32.4 is there")})

    assert (row.place, row.version) == ("/usr/bin/kubectl", "")
    assert row.remedy == "version 1.32.4 is there; run `make up` or `python -m tools install`"


def test_a_missing_tool_is_shown_with_what_is_wanted() -> None:
    (row,) = tool_checks({"etcd": None})

    assert "required is etcd 3.6.x" in row.remedy
    assert "`make up`" in row.remedy


@pytest.mark.parametrize(
    ("check", "is_well"),
    [
        (python_check((3, 11, 0), "/p"), True),
        (python_check((3, 9, 18), "/p"), False),
        (go_check("1.26.8", "", needed=True), True),
        (go_check(None, "Go is missing", needed=True), False),
        (go_check(None, "Go is missing", needed=False), True),
        (git_check("2.39.5"), True),
        (git_check(None), False),
        (disk_check(10**9, 10**9, Path("/c")), True),
        (disk_check(10**9 - 1, 10**9, Path("/c")), False),
        (memory_check(3 * 10**9), True),
        (memory_check(3 * 10**9 - 1), False),
    ],
)
def test_what_is_needed_decides(check: Check, is_well: bool) -> None:
    assert (not check.remedy) == is_well


REQUIREMENTS = "# pins\npulumi==3.272.0\npulumi-kubernetes==4.25.0      # = the provider\nPyYAML==6.0.3\nclick\n-e .\n"


def test_an_environment_in_step_with_its_pins_is_well() -> None:
    installed = {"pulumi": "3.272.0", "pulumi-kubernetes": "4.25.0", "pyyaml": "6.0.3"}

    assert environment_check(REQUIREMENTS, installed, "/v") == Check("virtual environment", "3 of 3 pins", "/v")


def test_an_environment_out_of_step_names_each_package_and_the_command() -> None:
    row = environment_check(REQUIREMENTS, {"pulumi": "3.1.0", "pyyaml": "6.0.3"}, "/v")

    assert row.version == "1 of 3 pins"
    assert row.remedy == (
        "pulumi is 3.1.0, pinned is 3.272.0; pulumi-kubernetes is missing, pinned is 4.25.0; "
        "run `/v/bin/pip install -r requirements.txt`"
    )


def test_the_table_is_aligned_and_a_remedy_stands_below_its_row() -> None:
    text = table([Check("go", "1.26.8", "on PATH"), Check("kubectl", "", "/usr/bin/kubectl", "too old; do this")])

    assert text.splitlines() == [
        "go       ok       1.26.8  on PATH",
        "kubectl  missing          /usr/bin/kubectl",
        "         too old; do this",
    ]


def test_everything_there_is_exit_code_zero(
    every_tool: Mapping[str, Path], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "NEEDED_MEMORY_BYTES", 0)

    result = CliRunner().invoke(doctor.doctor, env=environment)

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.output.splitlines()]
    assert [line[0] for line in lines if line[1] == "ok"][: len(TOOLS)] == [tool.name for tool in TOOLS]


def test_something_missing_is_exit_code_one_with_the_remedy_and_no_traceback(
    every_tool: Mapping[str, Path], make_tool: MakeTool, environment: dict[str, str], tmp_path: Path
) -> None:
    make_tool("kubectl", printed_version(TOOL_BY_NAME["kubectl"], "1.32.4"))

    result = CliRunner().invoke(doctor.doctor, env=only(environment, tmp_path))

    assert result.exit_code == 1
    assert "version 1.32.4 is installed, required is Kubernetes 1.36.x" in result.output
    assert "are missing: kubectl, " in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "cache").exists()
