"""The rules on the ledger, and that they agree with a scheduler that packs as well as it can."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.capacity.ledger import Demand, Holding, Ledger, Supply
from components.capacity.validation import check_ledger
from components.tenants.validation import holdings_within_quota

H100 = Supply("h100", "h100", "H100", "nvidia.com/gpu", 8, 2, 16)


def demand(units: int, pods: int = 1, team: str = "vision", key: str = "h100", name: str = "job") -> Demand:
    return Demand(f"workloads.{name}", name, team, key, units, pods)


def rules(**ledger: object) -> list[str]:
    return [f.rule for f in check_ledger(Ledger(supplies=(H100,), **ledger))]  # type: ignore[arg-type]


def test_a_consistent_ledger_is_silent() -> None:
    demands = (demand(8), demand(4, pods=2))
    assert rules(team_quotas={"vision": {"h100": 16}}, demands=demands, device_caps={"H100": 16}) == []


def test_pools_larger_than_the_environment_may_own_are_refused() -> None:
    assert rules(device_caps={"H100": 15}) == ["this environment may own 15 H100"]


def test_what_gke_may_make_by_itself_is_held_by_the_cap_as_well() -> None:
    assert rules(device_caps={"H100": 16, "L4": 8}, auto_provisioned={"H100": 16, "L4": 8}) == []
    found = check_ledger(Ledger(supplies=(H100,), device_caps={"H100": 16}, auto_provisioned={"H100": 17}))
    assert [f.value for f in found] == ["17 devices through node auto-provisioning"]


def test_a_quota_for_a_pool_that_does_not_exist_is_refused() -> None:
    assert rules(team_quotas={"vision": {"h200": 1}}) == ["a pool that offers accelerators: h100"]


def test_queues_whose_nominal_quotas_exceed_their_pool_are_refused() -> None:
    assert rules(queue_quotas={"main": {"h100": 8}, "other": {"h100": 9}}) == ["pool h100 holds 16 at its largest"]
    assert rules(queue_quotas={"main": {"h100": 8}, "other": {"h100": 8}}) == []


def test_workloads_that_fit_in_sum_but_not_on_nodes_are_refused() -> None:
    # 3 pods of 5 GPUs are 15 of 16, but a node of 8 takes only one of them.
    found = rules(team_quotas={"vision": {"h100": 16}}, demands=(demand(5, pods=3),))
    assert found == ["pool h100 holds 16 at its largest (2 nodes of 8)"]


def test_the_workloads_of_a_team_that_exceed_its_quota_together_are_refused_and_another_teams_do_not_count() -> None:
    quotas, one = {"vision": {"h100": 12}}, demand(8)
    assert rules(team_quotas=quotas, demands=(one, demand(8, name="second"))) == ["its quota is 12"]
    assert rules(team_quotas=quotas, demands=(one, demand(8, team="language", name="second"))) == []


def test_demand_without_any_quota_is_not_compared_with_a_quota() -> None:
    assert rules(demands=(demand(8),)) == []


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 3)), max_size=6))
def test_what_passes_never_exceeds_the_pool(sizes: list[tuple[int, int]]) -> None:
    demands = tuple(demand(units, pods, name=f"job{i}") for i, (units, pods) in enumerate(sizes))
    if not rules(demands=demands):
        assert sum(d.units for d in demands) <= H100.units


def held(team: Any, *holdings: Holding) -> list[tuple[str, str, str]]:
    found = holdings_within_quota({"vision": team}, holdings)
    return [(f.path, f.value, f.remedy.partition(",")[0]) for f in found]


def test_a_quota_has_room_for_the_workloads_of_its_team_to_the_last_unit() -> None:
    one = Holding("training.a", "a", "vision", pods=2, cpu_millis=1500, memory_gib=8, storage_gib=10, claims=1)
    team = {"cpu": 3, "memory_gib": 16, "pods": 4, "storage_gib": 20, "claims": 2}
    assert held(team, one, replace(one, name="b")) == []
    assert held(team, one, replace(one, name="b", cpu_millis=1501)) == [
        ("teams.vision.cpu", "3", "raise teams.vision.cpu to 4 or more")
    ]


def test_each_resource_that_is_too_small_is_one_finding() -> None:
    one = Holding("p", "a", "vision", 2, 2000, 2, 2, 2, 2)
    team = {"cpu": 1, "memory_gib": 1, "pods": 1, "storage_gib": 1, "claims": 1, "ephemeral_storage_gib": 1}
    keys = [path.rpartition(".")[2] for path, _, _ in held(team, one)]
    assert keys == ["cpu", "memoryGib", "pods", "storageGib", "claims", "ephemeralStorageGib"]


def test_a_team_that_says_no_size_is_held_to_its_default_and_no_other_teams_workloads() -> None:
    one = Holding("p", "a", "vision", cpu_millis=257_000)
    assert held({}, one) == [("teams.vision.cpu", "256 (the default)", "raise teams.vision.cpu to 257 or more")]
    assert held({}, replace(one, team="language")) == []


def test_a_size_that_is_wrong_by_itself_is_not_reported_twice() -> None:
    assert held({"pods": 0}, Holding("p", "a", "vision", pods=1)) == []
