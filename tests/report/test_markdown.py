"""The comment: only here an injection through a name, or a comment that GitHub refuses, is found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from report.document import Report, report
from report.render.markdown import LONGEST, as_markdown, code, escaped
from report.sections.base import Level, Reason
from report.sections.verdict import Verdict
from tests.report.recorded import compared, side, stack_text

GFM = MarkdownIt("gfm-like", {"html": True, "linkify": False})
ATTACKS = [
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](https://tracker.example.com/a.png)",
    "](x) **bold** `code` ~~gone~~",
    "a | b | c",
    "`</td></tr></table><script>`",
    "# heading",
    "---",
    "1. one",
    "12) two",
    "- item",
    "+ item",
    "<!-- comment -->",
    "&lt;b&gt; &#64;team",
    "$\\require{x}$",
]


def whole() -> Report:
    before = stack_text("prod")
    after = before.replace("machines: [g6.12xlarge]", "machines: [g6.24xlarge]")
    return report([compared("prod-grown", side(before), side(after)), compared("blocked"), compared("dev-refused")])


def rendered(text: str) -> str:
    return GFM.render(text)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("as_shown", [escaped, code])
def test_text_is_shown_as_it_is_and_is_never_markup(attack, as_shown):
    html = rendered(f"| a | b |\n|---|---|\n| {as_shown(attack)} | end |\n")
    inner = re.findall(r"<td>(.*?)</td>", html)
    assert len(inner) == 2
    assert not re.search(r"<(?!code>|/code>)", inner[0])
    shown = re.sub(r"</?code>", "", inner[0]).replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    assert shown.replace("&amp;", "&").replace("\u200b", "") == " ".join(attack.split())


@given(st.text())
def test_no_text_becomes_an_element(text):
    html = rendered(escaped(text)) + rendered(f"x {escaped(text)} y")
    assert set(re.findall(r"<(/?\w+)", html)) <= {"p", "/p"}


@pytest.mark.parametrize(
    "text", ["@team", "mail@example.com", "#12", "https://a.example.com", "www.a.example.com", "GH-1"]
)
def test_nothing_becomes_a_mention_a_reference_or_a_link_by_itself(text):
    assert "\u200b" in escaped(text)


def test_the_first_line_names_the_stacks_so_that_the_comment_is_found_again():
    assert as_markdown(whole()).splitlines()[0] == "<!-- mlplatform report: blocked,dev,prod -->"


@pytest.mark.parametrize("longest", [LONGEST, 5_000, 3_000, 900])
def test_a_comment_is_never_longer_than_the_limit_and_keeps_the_verdicts(longest):
    text = as_markdown(whole(), longest=longest)
    assert len(text.encode()) <= longest
    assert text.startswith("<!-- mlplatform report")
    assert "🔴 blocked" in text
    assert ("Left out, because" in text or "Cut, because" in text) is (longest < LONGEST)


def test_a_verdict_that_is_too_long_alone_is_cut():
    reasons = tuple(Reason(level=Level.DANGER, rule="a", text="x" * 5_000) for _ in range(100))
    made = whole()
    long = Verdict(decision=made.stacks[0].verdict.decision, text="Look", reasons=reasons)
    stack = made.stacks[0].model_copy(update={"verdict": long})
    text = as_markdown(made.model_copy(update={"stacks": (stack,)}), longest=9_000)
    assert len(text.encode()) <= 9_000
    assert text.endswith("*Cut, because a comment has a limit.*\n")


def test_every_table_has_as_many_cells_in_each_row():
    rows = [re.findall(r"(?<!\\)\|", line) for line in as_markdown(whole()).splitlines() if line.startswith("|")]
    assert rows
    html = rendered(as_markdown(whole()))
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        counts = {len(re.findall(r"<t[dh]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}
        assert len(counts) == 1


def test_what_blocks_is_not_folded():
    text = as_markdown(report([compared("blocked")]))
    assert "<details open><summary><b>Policies</b>" in text
    assert "<details><summary><b>Changes</b>" in text
