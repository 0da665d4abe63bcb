"""Runtime options: which interpreter, which environment, which installation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.language_host.python import Options, PythonError, activated, install_commands, interpreter, read_options


def make_environment(root: Path, name: str = ".venv") -> Path:
    python = root / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    return python


def test_a_virtual_environment_is_relative_to_the_root_directory(tmp_path: Path) -> None:
    python = make_environment(tmp_path, "venv")

    assert interpreter(read_options({"virtualenv": "venv"}, str(tmp_path))) == python
    assert interpreter(read_options({"virtualenv": str(tmp_path / "venv")}, "/elsewhere")) == python


def test_without_the_option_the_hosts_own_interpreter_runs_programs(tmp_path: Path) -> None:
    assert interpreter(read_options({}, str(tmp_path))) == Path(sys.executable)


def test_uv_means_its_usual_directory(tmp_path: Path) -> None:
    python = make_environment(tmp_path)

    assert interpreter(read_options({"toolchain": "uv"}, str(tmp_path))) == python


@pytest.mark.parametrize(("toolchain", "remedy"), [("pip", "pulumi install"), ("uv", "uv sync")])
def test_a_missing_virtual_environment_is_named_with_the_command_that_makes_it(
    toolchain: str, remedy: str, tmp_path: Path
) -> None:
    options = read_options({"toolchain": toolchain, "virtualenv": "venv"}, str(tmp_path))

    with pytest.raises(PythonError, match=rf"{tmp_path}/venv does not exist .*`{remedy}`"):
        interpreter(options)


def test_an_unknown_toolchain_is_refused() -> None:
    with pytest.raises(PythonError, match=r"'conda'.*pip, uv or poetry"):
        read_options({"toolchain": "conda"}, "/")


def test_activation_sets_what_the_activate_script_sets() -> None:
    options = Options("pip", Path("/venv"))

    assert activated(options, {"PATH": "/bin", "PYTHONHOME": "/x", "A": "b"}) == {
        "PATH": "/venv/bin:/bin",
        "VIRTUAL_ENV": "/venv",
        "A": "b",
    }
    assert activated(Options("pip", None), {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_installation_makes_the_environment_and_then_uses_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("pulumi\n")
    options = read_options({"virtualenv": "venv"}, str(tmp_path))
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "-r", str(tmp_path / "requirements.txt")]

    assert install_commands(options, tmp_path) == [[sys.executable, "-m", "venv", str(tmp_path / "venv")], pip]
    make_environment(tmp_path, "venv")
    assert install_commands(options, tmp_path) == [pip]


def test_a_project_without_requirements_is_installed_itself(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    make_environment(tmp_path)

    (command,) = install_commands(read_options({"virtualenv": ".venv"}, str(tmp_path)), tmp_path)
    assert command[-2:] == ["-e", str(tmp_path)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualenv": "venv"}, "has neither requirements.txt nor pyproject.toml"),
        ({}, "`virtualenv` is not set"),
        ({"toolchain": "uv"}, "Run `uv sync`"),
        ({"toolchain": "poetry", "virtualenv": "venv"}, "Run `poetry install`"),
    ],
)
def test_an_installation_that_cannot_be_is_refused_with_the_remedy(
    options: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(PythonError, match=message):
        install_commands(read_options(options, str(tmp_path)), tmp_path)
