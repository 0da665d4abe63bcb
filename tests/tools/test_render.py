"""Reports read back from JSON: only here a field that is lost on the way, or a wrong file, is found."""

import pytest

from report.document import report
from report.render.html import as_html
from report.render.json import as_json
from report.render.markdown import as_markdown
from report.render.text import as_text
from tests.report.recorded import compared
from tests.report.scenarios import scenario
from tools.errors import ToolError
from tools.render import combined


def test_a_report_that_is_read_back_is_rendered_the_same(tmp_path):
    made = report([scenario("prod-grown"), compared("blocked"), compared("dev-refused")])
    path = tmp_path / "report.json"
    path.write_text(as_json(made), encoding="utf-8")
    again = combined((path,))
    assert again == made
    for render in (as_text, as_markdown, as_html, as_json):
        assert render(again) == render(made)


def test_several_documents_become_one_report_by_stack(tmp_path):
    for name in ("prod-same", "blocked"):
        (tmp_path / f"{name}.json").write_text(as_json(report([compared(name)])), encoding="utf-8")
    made = combined((tmp_path / "prod-same.json", tmp_path / "blocked.json"))
    assert ([one.stack for one in made.stacks], made.decision.exit_code) == (["blocked", "prod"], 2)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"version": 1, "stacks": [{}]}'])
def test_a_file_that_is_no_report_is_refused_by_its_path(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ToolError, match=r"report\.json: no report of version 1"):
        combined((path,))
