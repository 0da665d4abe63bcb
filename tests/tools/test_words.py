"""The word list of `make lint`. Not proved here: that the list holds every odd word."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.words import WORDS, checked_files, found_in, in_comments, in_markdown, in_python, main


def test_no_checked_file_uses_a_word_of_the_list() -> None:
    assert [str(use) for path in checked_files() for use in found_in(path)] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("The pack judges every plan.", ["judges"]),
        ("Nobody is admin, and the files are Beside it.", ["Nobody", "Beside"]),
        ("It is somebody else's.", ["somebody else's"]),
        ("`judge` is a function, see [ADR](adr/0025-validation-beside-components.md).", []),
        ("<!-- told --> amendment, lawn, toldo", []),
    ],
)
def test_words_count_in_prose_and_not_in_code_links_or_other_words(line: str, found: list[str]) -> None:
    assert [use.text for use in in_markdown("a.md", line)] == found


def test_blocks_of_code_are_left_out_and_lines_are_counted() -> None:
    text = "one\n```sh\n# judge\n```\ntold\n"
    assert [(use.line, use.text) for use in in_markdown("a.md", text)] == [(5, "told")]


SOURCE = '"""A module.\n\nA door to the world.\n"""\ndoor = 1  # told\nraise ValueError("judged")\ndef let_in(): ...\n'


def test_strings_comments_and_names_of_python_are_checked() -> None:
    found = {(use.line, use.text) for use in in_python("a.py", SOURCE)}
    assert found == {(3, "door to the world"), (5, "door"), (5, "told"), (6, "judged"), (7, "let in")}


def test_comments_of_other_files_are_checked_and_their_values_are_not() -> None:
    text = "# told\nkey: beside  # mended\nurl: a#judge\n"
    assert [(use.line, use.text) for use in in_comments("a.yaml", text)] == [(1, "told"), (2, "mended")]


def test_generated_pages_records_and_the_changelog_are_left_out() -> None:
    names = [path.as_posix() for path in checked_files()]
    assert any(name.endswith("docs/how-to/add-a-policy.md") for name in names)
    assert any(name.endswith("settings/check.py") for name in names)
    assert {"Makefile", "Pulumi.dev.yaml", "pyproject.toml", "test.yml", "run"} <= {Path(name).name for name in names}
    assert not [name for name in names if re.search(r"docs/(reference|adr)/|CHANGELOG|/\.venv/|/build/", name)]


def test_the_command_fails_with_file_line_and_the_other_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("fine\nIt is made anew.\n", encoding="utf-8")
    monkeypatch.setattr("tools.words.checked_files", lambda: [page])
    monkeypatch.setattr(
        "tools.words.found_in", lambda path: [*in_markdown("page.md", path.read_text(encoding="utf-8"))]
    )
    result = CliRunner().invoke(main, [])
    assert (result.exit_code, result.output) == (1, "page.md:2: 'anew': write again\n")


def test_the_list_can_be_printed() -> None:
    result = CliRunner().invoke(main, ["--list"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) == len(WORDS)
