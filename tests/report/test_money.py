"""Costs: only here a sum that hides what has no price, or a price of the wrong purchase, is found."""

from typing import Any

import pytest

from catalog.accelerators import Purchase
from catalog.prices import HOURS_PER_MONTH, price
from report.sections.money import Cost, money
from tests.report.scenarios import scenario

EAST = "us-east-1"


def in_east(sections: dict[str, Any]) -> None:
    cluster = sections["cluster"]
    cluster["region"] = EAST
    cluster["network"]["zones"] = ["us-east-1a", "us-east-1b", "us-east-1c"]
    cluster["pools"]["h100"]["zones"] = ["us-east-1a"]


def amounts(cost: Cost) -> tuple[float | None, float | None]:
    return cost.floor, cost.ceiling


def test_a_pool_costs_its_machines_by_the_month_and_spot_is_a_range():
    found = {one.name: one for one in money(scenario("prod-grown", in_east)).rows}
    cpu = price("m7i.4xlarge", EAST)
    assert amounts(found["cpu"].after) == pytest.approx((3 * cpu.usd * HOURS_PER_MONTH, 12 * cpu.usd * HOURS_PER_MONTH))
    spot = [price(machine, EAST, Purchase.SPOT) for machine in ("g6.2xlarge", "g6.4xlarge")]
    highest = max(one.high or one.usd for one in spot)
    assert amounts(found["l4-spot"].after) == pytest.approx((0, 16 * highest * HOURS_PER_MONTH))


def test_a_larger_machine_is_a_reason_with_both_sums():
    found = money(scenario("prod-grown", in_east))
    assert found.ceiling_after > found.ceiling_before
    (reason,) = found.reasons
    assert reason.text.startswith("Monthly list price: floor ")
    assert f"without {len(found.unpriced)} things that have no price" in reason.text


def test_a_sum_names_everything_that_it_leaves_out():
    found = money(scenario("prod-grown", in_east))
    unknown = {one.name for one in found.rows if one.after and None in (one.after.floor, one.after.ceiling)}
    assert unknown
    assert all(any(name.split(": ")[-1] in missing for missing in found.unpriced) for name in unknown)
    assert found.total().endswith(f"{', '.join(found.unpriced)}.")


def test_without_a_price_list_there_is_no_sum():
    found = money(scenario("prod-grown"))
    assert found.total().startswith("Nothing has a price: 15 things: ")
    assert not any(character.isdigit() for character in found.total().split(":")[0])
    assert [one.text for one in found.reasons] == [
        "The cost of l4, database: rds-db.m7g.large, database: rds-db.m7g.xlarge, database: rds-gp3 changes and has no "
        "price."
    ]


def test_a_team_costs_its_share_of_its_pools():
    found = {one.team: one for one in money(scenario("prod-grown", in_east)).teams}
    rows = {one.name: one for one in money(scenario("prod-grown", in_east)).rows}
    assert found["robots"].after == pytest.approx(rows["l4-spot"].after.ceiling * 8 / 16)


def test_the_prices_have_their_date_and_their_source():
    assert all(one.date and one.source for one in money(scenario("prod-grown", in_east)).sources)


@pytest.mark.parametrize("name", ["dev-changed", "onprem-first"])
def test_a_cluster_without_a_cloud_is_not_billed(name):
    found = money(scenario(name))
    assert (found.region, found.rows, found.reasons) == ("", (), ())
