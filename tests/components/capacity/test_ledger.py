"""The ledger adds up."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ClusterKind, Sharing
from components.capacity.ledger import Demand, Ledger, Supply, resource_quota, supplies_of, unit_key
from components.capacity.placement import PoolArgs, plan_pool
from components.capacity.sharing import SharingArgs

KEYS = st.sampled_from(["h100", "l4", "v5e"])
DEMANDS = st.builds(
    Demand,
    path=st.just("p"),
    name=st.just("n"),
    team=st.sampled_from(["vision", "speech"]),
    key=KEYS,
    units_per_pod=st.integers(0, 8),
    pods=st.integers(0, 5),
)


def supply(key: str, resource: str = "nvidia.com/gpu", units: int = 8, nodes: int = 2) -> Supply:
    return Supply(key, key, key.upper(), resource, units, nodes, units * nodes)


@given(
    st.lists(DEMANDS), st.dictionaries(st.sampled_from(["vision", "speech"]), st.dictionaries(KEYS, st.integers(0, 99)))
)
def test_what_teams_use_and_have_left_is_what_they_were_promised(
    demands: list[Demand], quotas: dict[str, dict[str, int]]
) -> None:
    ledger = Ledger(demands=tuple(demands), team_quotas=quotas)
    for key in ("h100", "l4", "v5e"):
        assert ledger.used(key) == ledger.used(key, "vision") + ledger.used(key, "speech")
        left = sum(ledger.left(team, key) for team in ("vision", "speech"))
        assert left + ledger.used(key) == ledger.promised(key)


def test_devices_of_a_partitioned_pool_count_once_however_many_profiles_it_has() -> None:
    sharing = SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.10gb": 2, "3g.40gb": 1})
    args = PoolArgs(accelerator="A100-80GB", nodes_max=3, sharing=sharing)
    capacity = plan_pool("a100", args, ClusterKind.SIMULATED)[0]["capacity"]
    rows = supplies_of(capacity)
    assert {row.key: row.units for row in rows} == {"a100/1g.10gb": 48, "a100/3g.40gb": 24}
    assert Ledger(supplies=tuple(rows)).devices_by_accelerator() == {"A100-80GB": 24}


def test_what_gke_may_make_by_itself_counts_where_it_is_more_than_the_pools() -> None:
    ledger = Ledger(supplies=(supply("h100"),), auto_provisioned={"H100": 10**6, "L4": 8, "H200": 0})
    assert ledger.devices_by_accelerator() == {"H100": 10**6, "L4": 8}
    pools = Ledger(supplies=(supply("h100"),)).devices_by_accelerator()
    assert Ledger(supplies=(supply("h100"),), auto_provisioned={"H100": 1}).devices_by_accelerator() == pools


def test_a_pool_with_one_resource_is_named_by_the_pool_alone() -> None:
    capacity = plan_pool("h100", PoolArgs(accelerator="H100", nodes_max=1), ClusterKind.SIMULATED)[0]["capacity"]
    assert unit_key(capacity, "nvidia.com/gpu") == "h100"


def test_a_resource_quota_adds_pools_of_one_resource_and_holds_nothing_of_what_a_team_has_not() -> None:
    supplies = (supply("h100"), supply("h200"), supply("v5e", "google.com/tpu"))
    assert resource_quota({"h100": 4, "h200": 2}, supplies) == {"nvidia.com/gpu": 6, "google.com/tpu": 0}


def test_a_resource_quota_names_what_else_the_same_devices_are_called_and_holds_none_of_it() -> None:
    assert resource_quota({"trn": 16}, (supply("trn", "aws.amazon.com/neuron"),)) == {
        "aws.amazon.com/neuron": 16,
        "aws.amazon.com/neuroncore": 0,
        "aws.amazon.com/neurondevice": 0,
    }
    cores = (supply("trn", "aws.amazon.com/neuron"), supply("cores", "aws.amazon.com/neuroncore"))
    assert resource_quota({"cores": 8}, cores)["aws.amazon.com/neuroncore"] == 8
