"""The command around the report: only here a wrong exit code, or an error that looks like a verdict, is found."""

import pytest
from click.testing import CliRunner

from report.comparison import Comparison
from tests.report.recorded import TODAY, compared
from tools import preview as command
from tools.errors import ToolError
from tools.preview import Previews, failed, settings_at


def run(monkeypatch: pytest.MonkeyPatch, answer: object, *arguments: str):
    def comparison(_: Previews, stack: str, today: object) -> Comparison:
        del today
        if isinstance(answer, Exception):
            raise answer
        return failed(stack, "no credentials", TODAY) if stack == "none" else compared(str(answer))

    monkeypatch.setattr(Previews, "comparison", comparison)
    return CliRunner().invoke(command.preview, [*arguments])


@pytest.mark.parametrize(("name", "code"), [("prod-same", 0), ("dev-changed", 1), ("blocked", 2), ("dev-refused", 3)])
def test_the_exit_code_is_that_of_the_verdict(monkeypatch, name, code):
    assert run(monkeypatch, name).exit_code == code


def test_the_most_serious_of_several_stacks_decides(monkeypatch):
    result = run(monkeypatch, "prod-same", "--stack", "dev, none")
    assert result.exit_code == 3
    assert "Could not preview: no credentials" in result.stdout


def test_a_fault_of_the_report_itself_is_no_verdict(monkeypatch):
    assert run(monkeypatch, RuntimeError("a fault")).exit_code == 3


def test_an_unknown_format_is_refused_with_those_that_there_are(monkeypatch):
    result = run(monkeypatch, "prod-same", "--format", "pdf")
    assert result.exit_code == 2
    assert "'pdf' is none of text" in result.output


def test_formats_are_written_into_a_folder(monkeypatch, tmp_path):
    result = run(monkeypatch, "dev-changed", "--format", "text", "--out", str(tmp_path / "made"))
    assert (tmp_path / "made" / "report.txt").read_text() in result.stdout


def test_what_the_tools_refuse_is_the_reason_of_the_verdict():
    class Refusing:
        def ready(self, stack: str) -> None:
            raise ToolError(f"there is no stack {stack!r}")

    comparison = Previews(Refusing()).comparison("x", TODAY)  # type: ignore[arg-type]
    assert comparison.plan.problem == "there is no stack 'x'"


def test_a_commit_without_the_file_has_no_settings(tmp_path):
    assert settings_at(tmp_path, "HEAD", "dev") == ""
