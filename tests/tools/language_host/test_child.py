"""What a failed program shows."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

from tools.language_host.child import ERROR_SHOWN, own_traceback
from tools.language_host.children import BOOTSTRAP


def failure_of(path: Path) -> BaseException:
    try:
        runpy.run_path(str(path), run_name="__main__")
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def test_a_traceback_begins_with_the_programs_own_first_line(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import json\n\njson.loads('{')\n")

    lines = own_traceback(failure_of(tmp_path), str(tmp_path)).splitlines()

    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{tmp_path}/__main__.py", line 3, in <module>'
    assert lines[-1].startswith("json.decoder.JSONDecodeError: ")


def test_a_syntax_error_shows_file_and_line_and_no_frame_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("def broken(:\n")

    text = own_traceback(failure_of(tmp_path), str(tmp_path))

    assert f'File "{tmp_path}/__main__.py", line 1' in text
    assert text.splitlines()[-1].startswith("SyntaxError: ")
    assert "runpy" not in text


def test_the_cause_of_an_error_is_shown_with_it(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text(
        "try:\n    {}['pool']\nexcept KeyError as error:\n    raise ValueError('no pool') from error\n"
    )

    text = own_traceback(failure_of(tmp_path), str(tmp_path))

    assert "KeyError: 'pool'" in text
    assert text.splitlines()[-1] == "ValueError: no pool"


def test_a_program_whose_engine_has_gone_ends_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text("import pulumi\n")
    nowhere = "127.0.0.1:1"
    task = {
        "kind": "program",
        "path": str(tmp_path),
        "import_from": str(tmp_path),
        "arguments": [],
        "config": {},
        "secret_keys": [],
        "settings": {"project": "p", "stack": "s", "monitor": nowhere, "engine": nowhere, "parallel": 1},
    }

    ended = subprocess.run(
        [sys.executable, str(BOOTSTRAP)], input=json.dumps(task), capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (ERROR_SHOWN, "")
    assert ended.stderr == "Resource monitor has terminated, shutting down\n"
