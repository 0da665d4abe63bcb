"""What `verify-controllers` builds and how it says what happened. That controllers build is its own run's to prove."""

import json
import os

import pytest

from tests.controllers.conftest import TESTED
from tools import controllers as tool
from tools.controllers import CONTROLLER_BY_NAME, CONTROLLERS, HELPERS, SUMS, Built, module_directory, statements, table
from tools.errors import ToolError
from tools.store import Store, cache_root

HELPING = [program for programs in HELPERS.values() for program in programs]


@pytest.mark.parametrize("controller", [*CONTROLLERS, *HELPING], ids=lambda one: one.name)
def test_the_version_that_is_installed_has_a_pinned_checksum(controller):
    """A bump of a chart without one fails here, and not in a build that is run by hand."""
    modules = [controller.module, *(f"{controller.module}/{folder}" for folder in controller.nested)]
    assert [
        f"{module}@{controller.version}" for module in modules if f"{module}@{controller.version}" not in SUMS
    ] == []


def test_every_controller_has_statements_and_every_file_a_controller():
    assert sorted(TESTED) == sorted(one.name for one in CONTROLLERS)


def test_helpers_help_a_controller():
    assert set(HELPERS) <= set(CONTROLLER_BY_NAME)


def test_tests_that_hang_are_ended_and_their_results_are_reported(tmp_path, monkeypatch, capfd):
    """Without it a run that hangs is killed from outside, and neither statements nor reasons are left."""
    hanging = tmp_path / "test_one.py"
    hanging.write_text(
        "import json, os, pathlib, time\n"
        "def test_it():\n"
        "    row = {'controller': 'one', 'statement': 'it starts', 'result': 'passed', 'problem': ''}\n"
        f"    pathlib.Path(os.environ['{tool.ANSWERS_VARIABLE}']).write_text(json.dumps([row]))\n"
        "    time.sleep(600)\n"
    )
    monkeypatch.setattr(tool, "TESTS", tmp_path)
    monkeypatch.setattr(tool, "STATEMENTS_SECONDS", 6.0)
    answers = tmp_path / "answers.json"
    *before, last = statements(tmp_path, ["one"], answers, os.environ)
    # On a computer so busy that pytest had not started, there was nothing to find.
    assert before == (json.loads(answers.read_text()) if answers.exists() else [])
    assert (last["result"], last["problem"].startswith("not done after 6 s")) == ("failed", True)
    heard = capfd.readouterr()
    assert "KeyboardInterrupt" in heard.out + heard.err


def test_programs_that_are_there_are_not_built_again(tmp_path, monkeypatch):
    environment = {"MLPLATFORM_CACHE": str(tmp_path)}
    wanted = [CONTROLLER_BY_NAME["prometheus"], *HELPERS["prometheus"]]
    store = Store(cache_root(environment))
    for one in wanted:
        tool.directory(one, store).mkdir(parents=True)
        (tool.directory(one, store) / one.name).touch()
    monkeypatch.setattr(tool, "check_go", lambda _: pytest.fail("it needs no Go"))
    found = tool.programs(wanted, environment, lambda _: None)
    assert {name: file.name for name, file in found.items()} == {one.name: one.name for one in wanted}


def test_a_program_that_cannot_be_built_is_an_error_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "check_go", lambda _: "1.26")
    monkeypatch.setattr(tool, "build", lambda one, *_: Built(one.name, one.module, 1, "403 Forbidden"))
    said: list[str] = []
    with pytest.raises(ToolError, match=r"prometheus v0\.314\.0 could not be built: 403 Forbidden"):
        tool.programs([CONTROLLER_BY_NAME["prometheus"]], {"MLPLATFORM_CACHE": str(tmp_path)}, said.append)
    assert said == ["building prometheus v0.314.0 from its Go module (1 of 1)"]


def test_a_module_without_a_checksum_is_not_downloaded():
    with pytest.raises(ToolError, match="checksum is not pinned"):
        module_directory("example.com/unknown", "v1.0.0", {})


def test_the_table_says_what_was_built_and_what_was_found():
    built = [Built("one", "example.com/one@v1", 61.4), Built("two", "example.com/two@v2", 3, "403 Forbidden")]
    found = [{"controller": "one", "statement": "it starts", "result": "failed", "problem": "no matches for kind"}]
    assert table(built, found).splitlines() == [
        "one                      example.com/one@v1: built in 61 s",
        "    failed   it starts",
        "             no matches for kind",
        "two                      example.com/two@v2: not built: 403 Forbidden",
    ]
