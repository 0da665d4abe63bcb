"""What pools take of quotas, and what is said when a quota is too small.

Not proved here: that the clouds count so. Codes and ids are checked where an API model has them; their names are not.
"""

import re
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES
from components.clouds.quotas import (
    ALL_GPUS,
    EC2_SPOT,
    EC2_STANDARD,
    GOOGLE_CPUS,
    GOOGLE_PREEMPTIBLE,
    GOOGLE_STANDARD,
    METERS,
    QuotaPool,
    check_quotas,
    quota_needs,
    quota_warnings,
    quotas_of,
    unmetered,
)

CLOUD_MACHINES = [m for m in MACHINES.values() if m.kind in (ClusterKind.EKS, ClusterKind.GKE)]
UNMETERED = {
    "on-demand": {"ct4p-hightpu-4t"},
    "spot": {
        *("p6-b200.48xlarge", "p6-b300.48xlarge", "p6e-gb200.36xlarge", "a4x-highgpu-4g", "ct4p-hightpu-4t"),
        "ct5lp-hightpu-1t",
        *("ct5lp-hightpu-4t", "ct5lp-hightpu-8t", "e2-standard-8", "e2-standard-16", "n2-standard-8"),
        *("n2-standard-16", "n2-standard-32", "n4-standard-16", "c4a-standard-16"),
    },
}
"""Machines whose quota no source names: their pools are not checked, and that is said."""

POOLS = st.lists(
    st.builds(
        QuotaPool,
        name=st.sampled_from(["a", "b", "c", "d"]),
        machine=st.sampled_from([m.name for m in CLOUD_MACHINES]),
        nodes_max=st.integers(0, 500),
        purchase=st.sampled_from(sorted(METERS)),
    ),
    max_size=4,
    unique_by=lambda pool: pool.name,
)


def amounts(pools: list[QuotaPool]) -> dict[tuple[str, bool], int]:
    return {(need.key, need.queues): need.amount for need in quota_needs(pools)}


@given(POOLS, st.integers(1, 9))
def test_more_nodes_never_need_less(pools: list[QuotaPool], more: int) -> None:
    before = amounts(pools)
    for index, pool in enumerate(pools):
        grown = QuotaPool(pool.name, pool.machine, pool.nodes_max + more, pool.purchase)
        after = amounts([*pools[:index], grown, *pools[index + 1 :]])
        assert all(after.get(key, 0) >= amount for key, amount in before.items())


@given(POOLS.filter(bool))
def test_pools_of_one_quota_add_up(pools: list[QuotaPool]) -> None:
    firm = [pool for pool in pools if pool.purchase in {"on-demand", "spot"}]
    alone: dict[tuple[str, bool], int] = {}
    for pool in firm:
        for key, amount in amounts([pool]).items():
            alone[key] = alone.get(key, 0) + amount
    assert amounts(firm) == alone


@given(POOLS)
def test_the_order_of_pools_does_not_matter(pools: list[QuotaPool]) -> None:
    assert quota_needs(pools) == quota_needs(reversed(pools))


@given(POOLS)
def test_limits_as_large_as_the_needs_satisfy_every_rule(pools: list[QuotaPool]) -> None:
    needs = quota_needs(pools)
    limits: dict[str, float] = {}
    for need in needs:
        limits[need.key] = max(limits.get(need.key, 0), need.amount)
    assert not list(check_quotas(needs, limits, "r"))
    assert not list(quota_warnings(needs, limits, "r"))
    firm = [need for need in needs if not need.queues]
    assert len(list(check_quotas(needs, dict.fromkeys(limits, 0), "r"))) == len(firm)


@pytest.mark.parametrize("purchase", ["on-demand", "spot"])
def test_machines_whose_quota_is_not_named_are_listed(purchase: str) -> None:
    assert {m.name for m in CLOUD_MACHINES if quotas_of(m, purchase) is None} == UNMETERED[purchase]


@pytest.mark.parametrize("purchase", ["reserved", "capacity-block"])
def test_what_was_reserved_or_bought_needs_no_quota(purchase: str) -> None:
    assert all(quotas_of(machine, purchase) == () for machine in CLOUD_MACHINES)
    assert not quota_needs([QuotaPool("h100", "p5.48xlarge", 4, purchase)])


def test_own_machines_need_no_quota() -> None:
    assert quotas_of(MACHINES["mi300x-8"], "on-demand") == ()


def test_ec2_counts_vcpus_by_family_and_purchase() -> None:
    pools = [
        QuotaPool("train", "p5.48xlarge", 4),
        QuotaPool("old", "p4d.24xlarge", 1),
        QuotaPool("serve", "g6.xlarge", 10, "spot"),
        QuotaPool("system", "m7g.2xlarge", 3),
    ]
    needs = {need.quota_code: need for need in quota_needs(pools)}
    assert {code: (need.amount, need.unit, need.pools) for code, need in needs.items()} == {
        "L-417A185B": (4 * 192 + 96, "vCPUs", ("old", "train")),
        "L-3819A6DF": (40, "vCPUs", ("serve",)),
        "L-1216C47A": (24, "vCPUs", ("system",)),
    }


def test_spot_of_p4_and_p5_are_two_quotas() -> None:
    assert EC2_SPOT["p4d"].code != EC2_SPOT["p5"].code
    assert EC2_STANDARD["p4d"] == EC2_STANDARD["p5"]


def test_google_counts_gpus_of_their_kind_and_of_all_kinds() -> None:
    pools = [QuotaPool("h100", "a3-highgpu-8g", 2), QuotaPool("l4", "g2-standard-48", 3, "spot")]
    assert {need.key: need.amount for need in quota_needs(pools)} == {
        "compute.googleapis.com/GPUS-PER-GPU-FAMILY-per-project-region/gpu_family=NVIDIA_H100": 16,
        "compute.googleapis.com/PREEMPTIBLE-NVIDIA-L4-GPUS-per-project-region": 12,
        "compute.googleapis.com/GPUS-ALL-REGIONS-per-project": 28,
    }


def test_google_counts_tpu_chips_and_they_are_no_gpus() -> None:
    needs = quota_needs([QuotaPool("v6e", "ct6e-standard-4t", 16)])
    assert [(need.quota_code, need.dimensions, need.amount) for need in needs] == [
        ("TPUS-PER-TPU-FAMILY-per-project-region", (("tpu_family", "CT6E"),), 64)
    ]


def test_flex_start_draws_on_the_preemptible_quota_and_waits_where_that_is_too_small() -> None:
    pools = [QuotaPool("flex", "a3-highgpu-8g", 4, "flex-start"), QuotaPool("spot", "a3-highgpu-8g", 1, "spot")]
    needs = [need for need in quota_needs(pools) if need.quota_code.startswith("PREEMPTIBLE")]
    assert [(need.amount, need.queues, need.pools) for need in needs] == [
        (8, False, ("spot",)),
        (40, True, ("flex", "spot")),
    ]
    limits = {needs[0].key: 8.0}
    assert not list(check_quotas(needs, limits, "us-central1"))
    (warning,) = quota_warnings(needs, limits, "us-central1")
    assert "allows 8 of 40 GPUs" in warning


def test_a_finding_names_pool_figure_quota_region_and_remedy() -> None:
    needs = quota_needs([QuotaPool("h100", "p5.48xlarge", 4)])
    (finding,) = check_quotas(needs, {"ec2/L-417A185B": 192}, "us-east-2")
    assert finding.path == "cluster.pools.h100.nodesMax"
    assert finding.value == "768 vCPUs at most"
    assert finding.rule == "Running On-Demand P instances (L-417A185B) in us-east-2 allows 192"
    assert finding.remedy == (
        "request an increase at "
        "https://us-east-2.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-417A185B, or lower that"
    )


def test_a_quota_of_all_regions_is_called_so() -> None:
    needs = quota_needs([QuotaPool("l4", "g2-standard-4", 4)])
    limits = {need.key: 1.0 if need.everywhere else inf for need in needs}
    (finding,) = check_quotas(needs, limits, "us-central1")
    assert finding.rule == "GPUs (all regions) (GPUS-ALL-REGIONS-per-project) in all regions allows 1"
    assert "console.cloud.google.com" in finding.remedy


def test_an_unknown_limit_is_a_warning_and_no_finding() -> None:
    needs = quota_needs([QuotaPool("h100", "p5.48xlarge", 4)])
    assert not list(check_quotas(needs, {}, "us-east-1"))
    (warning,) = quota_warnings(needs, {}, "us-east-1")
    assert "is unknown; 768 vCPUs are needed" in warning


def test_a_pool_without_a_known_quota_is_reported() -> None:
    pools = [QuotaPool("v4", "ct4p-hightpu-4t", 2), QuotaPool("l4", "g2-standard-4", 4)]
    assert list(unmetered(pools)) == ["pool v4: no quota is known for ct4p-hightpu-4t on-demand; nothing was checked"]


def test_codes_have_the_form_of_their_cloud_and_mean_one_quota() -> None:
    rows = [*EC2_STANDARD.values(), *EC2_SPOT.values()]
    assert all(re.fullmatch(r"L-[0-9A-F]{8}", row.code) for row in rows)
    google = [*GOOGLE_STANDARD.values(), *GOOGLE_PREEMPTIBLE.values(), *GOOGLE_CPUS.values(), ALL_GPUS]
    assert all(row.code.endswith(("-per-project-region", "-per-project")) for row in google)
    for code in {row.code for row in rows}:
        assert len({row.name for row in rows if row.code == code}) == 1


def test_every_family_and_accelerator_of_the_tables_is_in_the_catalogue() -> None:
    families = {m.name.split(".")[0] for m in CLOUD_MACHINES if m.kind is ClusterKind.EKS}
    accelerators = {m.accelerator for m in CLOUD_MACHINES if m.kind is ClusterKind.GKE} - {""}
    assert set(EC2_STANDARD) == families
    assert set(EC2_SPOT) <= families
    assert {*GOOGLE_STANDARD, *GOOGLE_PREEMPTIBLE} <= accelerators
