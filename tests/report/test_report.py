"""The report on recorded previews: only here a wrong verdict, or a line that misleads its reader, is found."""

import pytest

from report.comparison import Comparison, Side
from report.document import report
from report.plan import Plan
from report.render.text import as_text
from report.sections.verdict import Decision
from tests.report.recorded import TODAY, compared, side, stack_text


@pytest.mark.parametrize(
    ("name", "decision", "line"),
    [
        ("prod-same", Decision.NOTHING, "Nothing to decide: no resource changes."),
        ("prod-first", Decision.LOOK, "Look at these 2 things."),
        ("blocked", Decision.BLOCKED, "Blocked: "),
        ("dev-refused", Decision.FAILED, "Could not preview: settings: 1 problem, nothing was changed"),
    ],
)
def test_the_first_line_is_the_verdict_and_the_exit_code_follows_it(name, decision, line):
    made = report([compared(name)])
    assert made.decision is decision
    assert decision.exit_code == list(Decision).index(decision)
    assert as_text(made).splitlines()[2].startswith(line)


def test_the_settings_that_cause_a_change_come_with_file_and_line():
    before = stack_text("prod")
    after = before.replace("machines: [g6.12xlarge]", "machines: [g6.24xlarge]")
    text = as_text(report([compared("prod-grown", side(before), side(after))]))
    number = next(n for n, one in enumerate(after.splitlines(), start=1) if "g6.24xlarge" in one)
    assert f"Pulumi.prod.yaml:{number}" in text
    assert 'cluster.pools.l4.machines   ["g6.12xlarge"] → ["g6.24xlarge"]' in text


def test_of_several_stacks_the_most_serious_decides():
    assert report([compared("prod-same"), compared("blocked"), compared("dev-changed")]).decision is Decision.BLOCKED


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width):
    text = as_text(report([compared("prod-grown")]), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_the_same_input_gives_the_same_bytes():
    assert as_text(report([compared("prod-grown")])) == as_text(report([compared("prod-grown")]))


def test_an_error_of_the_engine_is_no_verdict_on_the_change():
    broken = Comparison("prod", Plan("prod", problem="no credentials"), Side(), Side(), "the state", TODAY)
    made = report([broken])
    assert (made.decision.exit_code, made.stacks[0].changes) == (3, None)
