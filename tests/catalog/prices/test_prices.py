"""The price tables: every file is whole, sourced and dated, and what is unknown is listed here by name.

Not proved here: that an amount is what a bill says. `python -m tools prices refresh` asks the clouds.
"""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import prices
from catalog.accelerators import ClusterKind, Purchase
from catalog.machines import MACHINES
from catalog.prices import (
    CLOUDS,
    PriceRow,
    PriceTable,
    Source,
    age_days,
    file_of,
    item_price,
    parse,
    price,
    render,
    tables,
)
from catalog.prices.items import ITEMS

UNKNOWN = {
    (
        "aws",
        Purchase.ON_DEMAND,
    ): "p5e.48xlarge trn2.3xlarge trn2.48xlarge p6e-gb200.36xlarge rds-db.t4g.medium rds-db.m7g.large",
    ("aws", Purchase.SPOT): (
        "p3dn.24xlarge"
        " p5.4xlarge p5e.48xlarge p6-b200.48xlarge p6-b300.48xlarge g7e.2xlarge g7e.4xlarge g7e.8xlarge g7e.12xlarge"
        " g7e.24xlarge g7e.48xlarge trn2.3xlarge trn2.48xlarge p6e-gb200.36xlarge"
    ),
    ("gcp", Purchase.ON_DEMAND): (
        "a3-ultragpu-8g a4-highgpu-8g a4x-highgpu-4g tpu7x-standard-1t tpu7x-standard-4t"
        " hyperdisk-balanced filestore-zonal"
    ),
    ("gcp", Purchase.SPOT): (
        "a3-ultragpu-8g a4-highgpu-8g a4x-highgpu-4g ct5p-hightpu-4t ct6e-standard-1t ct6e-standard-4t"
        " ct6e-standard-8t tpu7x-standard-1t tpu7x-standard-4t"
    ),
}
"""What no source gave when this was written. A price that is found leaves this list; nothing enters it unseen.

H200, B200, GB200 and TPU7x on Google: the GKE autoscaler has figures (140.1, 10.8 USD), marked there as to be replaced
and the same for different machines; they are no prices.
"""
FILES = sorted(prices.DIRECTORY.glob("*.yaml"))


@pytest.mark.parametrize(("cloud", "purchase"), UNKNOWN, ids=str)
def test_unknown_prices_are_listed_by_name(cloud: str, purchase: Purchase) -> None:
    assert prices.unknown(cloud)[purchase] == UNKNOWN[cloud, purchase].split()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_what_rendering_its_table_writes(path: Path) -> None:
    table = parse(path.read_text())
    assert render(table) == path.read_text()
    assert file_of(table.cloud, table.region) == path


@pytest.mark.parametrize("table", tables(), ids=lambda table: f"{table.cloud}-{table.region}")
def test_every_row_is_a_machine_or_an_item_of_its_cloud(table: PriceTable) -> None:
    for row in table.rows:
        if row.name in ITEMS:
            assert (ITEMS[row.name].cloud, row.purchase) == (table.cloud, Purchase.ON_DEMAND)
        else:
            assert MACHINES[row.name].kind is CLOUDS[table.cloud]


@pytest.mark.parametrize("table", tables(), ids=lambda table: f"{table.cloud}-{table.region}")
def test_spot_costs_less_than_on_demand(table: PriceTable) -> None:
    for row in table.rows:
        spot, full = table.price(row.name, Purchase.SPOT), table.price(row.name)
        if spot and full:
            assert spot.usd < full.usd, row.name


@pytest.mark.parametrize("series", ["g2-standard", "a2-highgpu", "a2-ultragpu", "a3-highgpu", "g4-standard"])
def test_google_asks_for_more_devices_in_proportion(series: str) -> None:
    machines = [m for m in MACHINES.values() if m.name.rsplit("-", 1)[0] == series]
    per_vcpu = [found.usd / m.cpu for m in machines if (found := price(m.name, "us-central1"))]
    same = series != "g2-standard"  # g2 comes with one GPU and 4 to 32 vCPUs
    assert len(per_vcpu) == len(machines)
    assert max(per_vcpu) / min(per_vcpu) < (1.01 if same else 6)


def test_a_price_carries_its_unit_region_date_and_source() -> None:
    found = price("p5.48xlarge", "us-east-1")
    assert found
    assert (found.usd, found.unit, found.region, found.dated) == (55.04, "hour", "us-east-1", date(2026, 7, 20))
    assert "karpenter-provider-aws" in found.source
    assert not found.estimated
    assert found.age_days(date(2026, 7, 30)) == 10


def test_a_spot_price_from_a_saving_is_marked_as_computed_and_is_as_old_as_its_oldest_part() -> None:
    found = price("g5.48xlarge", "us-east-1", Purchase.SPOT)
    assert found
    assert found.estimated
    assert found.usd == pytest.approx(16.288 * 0.29)
    assert found.dated == date(2025, 6, 28)
    assert (found.low, found.high) == (None, None), "an average is no range"


def test_what_spot_saves_is_a_range_where_one_is_known_and_else_one_figure() -> None:
    table = PriceTable(
        "aws",
        "us-east-1",
        {"s": Source("s", date(2026, 1, 2), "any")},
        (
            PriceRow("p5.48xlarge", Purchase.ON_DEMAND, "s", usd=40),
            PriceRow("p5.48xlarge", Purchase.SPOT, "s", usd=16, low=10, high=20),
            PriceRow("g6.xlarge", Purchase.ON_DEMAND, "s", usd=1),
            PriceRow("g6.xlarge", Purchase.SPOT, "s", saving=0.5),
            PriceRow("g5.xlarge", Purchase.SPOT, "s", saving=0.5),
        ),
    )
    assert table.spot_saving("p5.48xlarge") == (0.5, 0.75)
    assert table.spot_saving("g6.xlarge") == (0.5, 0.5)
    assert table.spot_saving("g5.xlarge") is None


@pytest.mark.parametrize(
    ("machine", "region", "purchase"),
    [
        ("p5.48xlarge", "us-east-1", Purchase.RESERVED),
        ("p5.48xlarge", "eu-west-1", Purchase.ON_DEMAND),
        ("a3-highgpu-8g", "us-east-1", Purchase.ON_DEMAND),
        ("mi300x-8", "us-east-1", Purchase.ON_DEMAND),
        ("p9.48xlarge", "us-east-1", Purchase.ON_DEMAND),
    ],
)
def test_what_is_not_in_a_list_has_no_price(machine: str, region: str, purchase: Purchase) -> None:
    assert price(machine, region, purchase) is None


def test_items_have_a_price_of_their_own_unit() -> None:
    cluster, disk = item_price("eks-cluster", "us-east-1"), item_price("ebs-gp3", "us-east-1")
    assert cluster
    assert (cluster.usd, cluster.unit) == (0.1, "hour")
    assert disk
    assert (disk.usd, disk.unit) == (0.08, "GB-month")
    assert item_price("eks-cluster", "us-central1") is None
    assert item_price("moon-base", "us-east-1") is None


def test_the_age_is_that_of_the_oldest_source() -> None:
    oldest = min(source.dated for table in tables() for source in table.sources.values())
    assert age_days(date(2026, 11, 21)) == (date(2026, 11, 21) - oldest).days


def test_both_clouds_have_a_table_and_no_other_kind_of_cluster_has_one() -> None:
    assert {table.cloud for table in tables()} == set(CLOUDS)
    assert set(CLOUDS.values()) == {ClusterKind.EKS, ClusterKind.GKE}


ROWS = st.lists(
    st.builds(
        lambda name, purchase, usd, saving, ranged: PriceRow(
            name,
            purchase,
            "s",
            *((usd, None) if usd else (None, saving)),
            *((usd, usd) if ranged and purchase is Purchase.SPOT else ()),
        ),
        st.sampled_from([*MACHINES, *ITEMS]),
        st.sampled_from(Purchase),
        st.none() | st.integers(1, 10**12).map(lambda n: n / 10**9),
        st.integers(0, 99).map(lambda n: n / 100),
        st.booleans(),
    ),
    unique_by=lambda row: (row.name, row.purchase),
)


@settings(deadline=None)
@given(ROWS, st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40))
def test_any_table_comes_back_from_its_file(rows: list[PriceRow], what: str) -> None:
    table = PriceTable("aws", "us-east-1", {"s": Source("s", date(2026, 1, 2), what)}, tuple(rows))
    again = parse(render(table))
    assert sorted(again.rows, key=str) == sorted(table.rows, key=str)
    assert again.sources == (table.sources if rows else {})
    assert render(again) == render(table)


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        ("usd: 0.526, source: karpenter", "source: karpenter", "an amount or a saving"),
        ("usd: 0.526, source", "usd: 0.526, saving: 0.5, source", "an amount or a saving"),
        ("usd: 0.526, source: karpenter", "usd: 0.526, source: hearsay", "a source of the same file"),
        ("usd: 0.526", "usd: 0", "above 0"),
        ("saving: 0.64", "saving: 1", "below 1"),
        ("date: 2026-07-20", "date: last July", "a source needs a date, like 2026-11-21: karpenter"),
        ("usd: 0.526", "purchase: spot, usd: 0.526, low: 0.5", "low and high"),
        ("usd: 0.526", "purchase: spot, usd: 0.526, low: 0.6, high: 0.7", "low and high"),
        ("usd: 0.526", "usd: 0.526, low: 0.5, high: 0.7", "low and high"),
        ("saving: 0.64", "saving: 0.64, low: 0.6, high: 0.7", "low and high"),
        ("currency: USD", "currency: EUR", "in USD"),
        ("name: g4dn.2xlarge,", "name: g4dn.xlarge,", "occurs twice"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(was: str, now: str, why: str) -> None:
    text = file_of("aws", "us-east-1").read_text()
    assert was in text
    with pytest.raises(ValueError, match=why):
        parse(text.replace(was, now))
