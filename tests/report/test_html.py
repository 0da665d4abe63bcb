"""The page and the picture: only here markup from a name, a broken anchor or a picture of 300 pools is found."""

import dataclasses
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser

import pytest

from report.blocks import Diagram, DiagramEdge, DiagramNode
from report.comparison import Comparison
from report.document import report
from report.plan import PolicyFinding
from report.render.html import as_html
from report.render.mermaid import mermaid
from report.render.svg import svg
from report.sections.picture import Mark, picture
from tests.report.recorded import TODAY, compared, plan, side
from tests.report.scenarios import scenario, settings_text

ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def many_pools(sections: dict) -> None:
    for index in range(300):
        sections["cluster"]["pools"][f"l4-{index:03}"] = {"accelerator": "L4", "devicesPerNode": 4, "nodesMax": 1}
        sections["teams"]["vision"]["quota"][f"l4-{index:03}"] = 2
    sections["environment"]["deviceCaps"]["L4"] = 2000


def one_grows(sections: dict) -> None:
    many_pools(sections)
    sections["cluster"]["pools"]["l4-299"]["nodesMax"] = 2


@cache
def large() -> Comparison:
    before, after = side(settings_text("dev", many_pools)), side(settings_text("dev", one_grows))
    return Comparison("dev", plan("dev-changed"), before, after, "the state", TODAY)


@pytest.mark.parametrize("make", [lambda: scenario("prod-grown"), large, lambda: compared("dev-refused")])
def test_the_page_is_whole_and_loads_nothing(make):
    text = as_html(report([make(), compared("blocked")]))
    page = Page(text)
    assert page.open == []
    assert not [attributes for _, attributes in page.elements if {"src", "srcset", "action"} & set(attributes)]
    anchors = {attributes["href"] for tag, attributes in page.elements if tag == "a"}
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert anchors <= {f"#{one}" for one in ids}
    assert len(ids) == len(set(ids))
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
    assert "http" not in re.sub(r'http-equiv|xmlns="http://www.w3.org/2000/svg"', "", text)
    assert text == as_html(report([make(), compared("blocked")]))


def test_text_of_a_finding_cannot_become_an_element():
    comparison = compared("prod-same")
    finding = PolicyFinding(ATTACK, ATTACK, True, ATTACK, f"urn:pulumi:prod::a::b:c:D::{ATTACK}")
    attacked = dataclasses.replace(comparison, plan=dataclasses.replace(comparison.plan, findings=(finding,)))
    page = Page(as_html(report([dataclasses.replace(attacked, against=ATTACK)])))
    assert "img" not in {tag for tag, _ in page.elements}
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1


def test_every_table_has_column_headings_and_can_be_scrolled_by_keyboard():
    page = Page(as_html(report([scenario("prod-grown")])))
    assert all(attributes.get("scope") == "col" for tag, attributes in page.elements if tag == "th")
    tables = [index for index, (tag, _) in enumerate(page.elements) if tag == "table"]
    assert tables
    assert all(page.elements[index - 1][1].get("tabindex") == "0" for index in tables)


def test_a_box_says_what_it_is_connected_to_and_how_it_changed():
    page = Page(as_html(report([scenario("prod-grown")])))
    labels = [attributes["aria-label"] for tag, attributes in page.elements if attributes.get("role") == "listitem"]
    assert "team robots, 1 quota, new, from l4-spot" in labels
    assert "workload chat, inference: 6 → 4 units of l4, changed, from language" in labels


def test_the_picture_marks_what_is_new_gone_and_changed():
    marks = {one.id: one.mark for one in picture(scenario("prod-grown")).nodes if one.mark is not Mark.SAME}
    assert marks == {
        "pool/l4": Mark.CHANGED,
        "team/robots": Mark.NEW,
        "team/vision": Mark.CHANGED,
        "workload/training.detector": Mark.CHANGED,
        "workload/inference.chat": Mark.CHANGED,
    }
    gone = {one.id for one in picture(scenario("prod-shrunk")).nodes if one.mark is Mark.GONE}
    assert gone == {"pool/a100-mig", "workload/inference.chat"}


def test_a_large_picture_in_a_comment_shows_what_changes_and_counts_the_others():
    (diagram,) = picture(large()).blocks()
    text = mermaid(diagram)
    assert "l4-299 (changed)" in text
    assert "l4-000" not in text
    assert len(text) < 2_000
    assert f"… and {len(diagram.nodes) - 1} more" in text


def test_no_name_can_leave_a_mermaid_label():
    node = DiagramNode("pool/a", '"]\n```\nclick n0 "javascript:alert(1)"', "<b>`x`</b>", "new")
    text = mermaid(Diagram((node,), (DiagramEdge("pool/a", "pool/a", '"|', "new"),)))
    assert text.count("```") == 2
    assert re.search(r'n0\["[^"`<>\n]*<br/>[^"`<>\n]*"\]:::new', text)
    assert "javascript:alert(1)" in svg(Diagram((node,), ()))  # as text
    assert 'href="' not in svg(Diagram((node,), ()))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on PATH")
def test_a_browser_runs_the_script_and_shows_what_changes_of_300_pools(tmp_path):
    path = tmp_path / "report.html"
    path.write_text(as_html(report([large()])), encoding="utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'home'}"]
    dumped = subprocess.run(
        [*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    (shown,) = re.findall(r"(\d+) of (\d+) shown", dumped)
    assert shown == ("1", str(len(picture(large()).nodes)))
