"""A fresh answer against the table: what changes, what stays, what is not believed."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.accelerators import Purchase
from catalog.prices import PriceRow, PriceTable, Source, parse, render
from tools.prices.changes import Answer, PriceChange, empty_table, implausible, refreshed

OLD = Source("old", date(2026, 1, 1), "an old list")
NEW = Source("new", date(2026, 11, 21), "a new list")
DEMAND, SPOT = Purchase.ON_DEMAND, Purchase.SPOT
TABLE = PriceTable(
    "aws",
    "us-east-1",
    {"old": OLD},
    (
        PriceRow("p5.48xlarge", DEMAND, "old", usd=55),
        PriceRow("p5.48xlarge", SPOT, "old", saving=0.5),
        PriceRow("eks-cluster-extended", DEMAND, "old", usd=0.6),
    ),
)
P5, P5_SPOT, G6 = ("p5.48xlarge", DEMAND), ("p5.48xlarge", SPOT), ("g6.xlarge", DEMAND)


def test_an_answer_replaces_adds_and_leaves_alone_what_was_not_asked() -> None:
    after, changes = refreshed(TABLE, Answer({P5: 60, P5_SPOT: 20, G6: 0.8}), {P5, P5_SPOT, G6}, NEW)
    assert [str(change) for change in changes] == [
        "g6.xlarge on-demand: unknown -> 0.8",
        "p5.48xlarge on-demand: 55 -> 60 (+9.1 %)",
        "p5.48xlarge spot: 27.5 -> 20 (-27.3 %)",
    ]
    assert not implausible(changes)
    kept = after.price("eks-cluster-extended")
    assert kept
    assert (kept.usd, kept.dated) == (0.6, OLD.dated)
    spot = after.price("p5.48xlarge", SPOT)
    assert spot
    assert (spot.usd, spot.dated, spot.estimated) == (20, NEW.dated, False)


def test_the_range_over_the_zones_is_part_of_the_price_and_gives_the_saving_of_spot() -> None:
    answer = Answer({P5: 60, P5_SPOT: 20}, {P5_SPOT: (15, 30.0000000001)})
    after, _ = refreshed(TABLE, answer, {P5, P5_SPOT}, NEW)
    assert "{name: p5.48xlarge, purchase: spot, usd: 20.0, low: 15.0, high: 30.0, source: new}" in render(after)
    spot = parse(render(after)).price("p5.48xlarge", SPOT)
    assert spot
    assert (spot.low, spot.usd, spot.high) == (15, 20, 30)
    assert after.spot_saving("p5.48xlarge") == (0.5, 0.75)


def test_the_same_amounts_from_a_newer_source_are_no_change_but_are_newer() -> None:
    after, changes = refreshed(TABLE, Answer({P5: 55}), {P5}, NEW)
    assert not changes
    found = after.price("p5.48xlarge")
    assert found
    assert found.dated == NEW.dated


def test_a_saving_follows_the_price_it_is_of() -> None:
    _, changes = refreshed(TABLE, Answer({P5: 110}), {P5}, NEW)
    assert [(change.purchase, change.after) for change in changes] == [(DEMAND, 110), (SPOT, 55)]


def test_what_is_not_answered_goes_and_is_not_believed() -> None:
    after, changes = refreshed(TABLE, Answer({G6: 0.8}), {P5, G6}, NEW)
    assert after.price("p5.48xlarge") is None
    assert implausible(changes) == [
        "p5.48xlarge on-demand: 55 -> unknown: it is no longer sold, or the query is wrong",
        "p5.48xlarge spot: 27.5 -> unknown: it is no longer sold, or the query is wrong",
    ]


@pytest.mark.parametrize(("usd", "believed"), [(55 * 4.9, True), (55 * 5, False), (55 / 4.9, True), (55 / 5, False)])
def test_five_times_as_much_or_as_little_is_not_believed(usd: float, believed: bool) -> None:
    _, changes = refreshed(TABLE, Answer({P5: usd}), {P5}, NEW)
    assert bool(implausible(changes)) is not believed


@pytest.mark.parametrize("usd", [0.0, -1.0, float("nan"), float("inf")])
def test_an_amount_that_is_no_price_is_refused(usd: float) -> None:
    with pytest.raises(ValueError, match=r"amounts that are no prices: p5.48xlarge on-demand"):
        refreshed(TABLE, Answer({P5: usd}), {P5}, NEW)


def test_no_answer_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="a new list has no price for any of 2 queries in us-east-1"):
        refreshed(TABLE, Answer({}), {P5, G6}, NEW)


def test_a_region_without_a_file_begins_empty() -> None:
    after, changes = refreshed(empty_table("aws", "eu-west-1"), Answer({P5: 60}), {P5, G6}, NEW)
    assert changes == [PriceChange("p5.48xlarge", DEMAND, None, 60)]
    assert after.region == "eu-west-1"


ANSWERS = st.dictionaries(
    st.tuples(st.sampled_from(["p5.48xlarge", "g6.xlarge", "eks-cluster", "ebs-gp3"]), st.sampled_from([DEMAND, SPOT])),
    st.integers(1, 10**12).map(lambda n: n / 10**9),
    min_size=1,
)


@settings(deadline=None)
@given(ANSWERS)
def test_the_same_answer_twice_changes_nothing_the_second_time(answer: dict[tuple[str, Purchase], float]) -> None:
    once, _ = refreshed(TABLE, Answer(answer), set(answer), NEW)
    twice, changes = refreshed(parse(render(once)), Answer(answer), set(answer), NEW)
    assert not changes
    assert render(twice) == render(once)
