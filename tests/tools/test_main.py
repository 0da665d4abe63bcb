"""`python -m tools`: thin, lazy, and helpful about what it does not know."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from click.testing import CliRunner

from tools.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]


def test_every_command_is_there_under_its_name() -> None:
    context = click.Context(main)

    assert {name: getattr(main.get_command(context, name), "name", None) for name in COMMANDS} == {
        name: name for name in COMMANDS
    }


def test_an_unknown_command_is_refused_in_one_line() -> None:
    result = CliRunner().invoke(main, ["destroy-everything"])

    assert result.exit_code == 2
    assert "No such command 'destroy-everything'" in result.output


def test_starting_imports_no_command() -> None:
    code = "import sys, tools.__main__; print([name for name in sys.modules if name.startswith('tools.')])"

    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "['tools.__main__']"


def test_what_env_prints_gives_a_shell_the_tools(
    every_tool: Mapping[str, Path], environment: dict[str, str], tmp_path: Path
) -> None:
    result = CliRunner().invoke(main, ["env"], env={**environment, "PULUMI_HOME": None})
    assert result.exit_code == 0, result.output

    shell = f'{result.stdout}\ncommand -v etcd\necho "$PULUMI_HOME"'
    answer = subprocess.run(["sh", "-c", shell], env=os.environ, capture_output=True, text=True, check=True)

    etcd, home = answer.stdout.split()
    assert Path(etcd).parent.parent.parent == tmp_path / "cache" / "selections"
    assert Path(etcd).resolve() == every_tool["etcd"]
    assert home == str(tmp_path / "cache" / "pulumi-home")


def test_install_prints_each_tool_with_version_and_place(
    every_tool: Mapping[str, Path], environment: dict[str, str]
) -> None:
    result = CliRunner().invoke(main, ["install"], env=environment)

    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["etcd", "3.6.8", "path", str(every_tool["etcd"])] in rows


def test_a_wrong_setting_is_one_line_without_a_traceback(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(main, ["install"], env={**environment, "MLPLATFORM_TOOLCHAIN": "source"})

    assert result.exit_code == 1
    assert result.output.startswith("Error: MLPLATFORM_TOOLCHAIN is 'source'.")
    assert len(result.output.splitlines()) == 1
