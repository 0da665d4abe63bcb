"""What pools hand out. Properties over every accelerator of the catalogue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ACCELERATORS, Accelerator, ClusterKind, Purchase, Sharing, topology_hosts
from components.capacity.placement import (
    AcceleratorRequest,
    CustomAcceleratorArgs,
    PoolArgs,
    accelerator_of,
    plan_pool,
    pod_needs,
    resource_name,
    tolerations_of_all,
)
from components.capacity.sharing import SharingArgs
from components.clouds.pool_validation import MAX_NODES, check_pool


@st.composite
def pools(draw: st.DrawFn) -> PoolArgs:
    """Any pool that the rules accept."""
    row = draw(st.sampled_from(list(ACCELERATORS.values())))
    args = PoolArgs(accelerator=row.name, purchase=draw(st.sampled_from(list(Purchase))))
    if row.is_tpu:
        args["topology"] = draw(st.sampled_from(list(row.topologies)))
        args["devices_per_node"] = draw(st.sampled_from(row.topologies[args["topology"]]))
        hosts = topology_hosts(row, args["topology"], args["devices_per_node"])
        args["nodes_max"] = hosts * draw(st.integers(1, min(4, MAX_NODES // hosts)))
    else:
        args["nodes_max"] = draw(st.integers(1, 50))
        if row.mig_profiles and draw(st.booleans()):
            profile = draw(st.sampled_from(row.mig_profiles))
            count = draw(st.integers(1, profile.maximum))
            args["sharing"] = SharingArgs(strategy=Sharing.MIG, mig_profiles={profile.name: count})
        elif row.vendor == "NVIDIA" and draw(st.booleans()):
            strategy = draw(st.sampled_from([Sharing.TIME_SLICING, Sharing.MPS]))
            most = row.mps_clients if strategy is Sharing.MPS else 48
            args["sharing"] = SharingArgs(strategy=strategy, replicas=draw(st.integers(2, most)))
    return args


@given(pools(), st.sampled_from(list(ClusterKind)))
def test_every_accepted_pool_has_nodes_that_its_own_pods_select_and_tolerate(args: PoolArgs, kind: ClusterKind) -> None:
    assert list(check_pool("pool", args)) == []
    handle, labels, taints = plan_pool("pool", args, kind)
    assert handle["placement"]["node_selector"].items() <= labels.items()
    tolerated = {(t["key"], t["effect"]) for t in handle["placement"]["tolerations"]}
    assert tolerated == {(t["key"], t["effect"]) for t in taints}
    assert taints, "an accelerated node without a taint takes any pod"


@given(pools())
def test_a_pod_asks_for_exactly_what_its_node_offers(args: PoolArgs) -> None:
    handle, _, _ = plan_pool("pool", args, ClusterKind.SIMULATED)
    offered = handle["capacity"]["units_per_node"]
    assert offered
    assert all(units > 0 for units in offered.values())
    needs = pod_needs(handle, AcceleratorRequest(count=1))
    assert set(needs["units"]) <= set(offered)
    assert set(needs["units"].values()) == {"1"}


def test_a_pool_with_two_partitions_wants_to_know_which() -> None:
    sharing = SharingArgs(strategy=Sharing.MIG, mig_profiles={"1g.10gb": 2, "3g.40gb": 1})
    args = PoolArgs(accelerator="A100-80GB", nodes_max=1, sharing=sharing)
    capacity = plan_pool("a100", args, ClusterKind.SIMULATED)[0]["capacity"]
    assert resource_name(capacity, "3g.40gb") == "nvidia.com/mig-3g.40gb"
    for wrong in ("", "7g.80gb"):
        with pytest.raises(KeyError):
            resource_name(capacity, wrong)


def test_a_device_outside_the_catalogue_is_placed_like_any_other() -> None:
    custom = CustomAcceleratorArgs(
        name="FPGA",
        resource_name="fpga.example.com/u250",
        node_labels={"example.com/fpga": "u250"},
        taint_key="example.com/fpga",
    )
    args = PoolArgs(custom_accelerator=custom, devices_per_node=2, nodes_max=3)
    handle, labels, taints = plan_pool("fpga", args, ClusterKind.EXISTING)
    everywhere = {kind: {"example.com/fpga": "u250"} for kind in ClusterKind}
    assert accelerator_of(args) == Accelerator(
        "FPGA", "custom", "fpga.example.com/u250", 0, everywhere, "example.com/fpga", "settings"
    )
    assert handle["capacity"]["units_per_node"] == {"fpga.example.com/u250": 2}
    assert labels["example.com/fpga"] == "u250"
    assert [taint["key"] for taint in taints] == ["example.com/fpga"]


def test_a_label_of_the_user_cannot_take_the_place_of_one_that_placement_needs() -> None:
    args = PoolArgs(accelerator="H100", nodes_max=1, labels={"mlplatform.dev/pool": "other", "team": "x"})
    _, labels, _ = plan_pool("h100", args, ClusterKind.SIMULATED)
    assert (labels["mlplatform.dev/pool"], labels["team"]) == ("h100", "x")


def test_a_daemonset_tolerates_each_taint_of_every_pool_once() -> None:
    handles = [
        plan_pool(name, PoolArgs(accelerator=name, nodes_max=1, purchase=Purchase.SPOT), ClusterKind.EKS)[0]
        for name in ("H100", "L4", "MI300X")
    ]
    keys = [toleration["key"] for toleration in tolerations_of_all(handles)]
    assert keys == ["amd.com/gpu", "mlplatform.dev/spot", "nvidia.com/gpu"]


def test_a_2x4_slice_on_one_host_offers_eight_chips_and_is_used_one_node_at_a_time() -> None:
    pool = PoolArgs(accelerator="TPU-v5e", topology="2x4", devices_per_node=8, nodes_max=3)
    handle, labels, _ = plan_pool("serving", pool, ClusterKind.SIMULATED)
    assert handle["capacity"]["units_per_node"] == {"google.com/tpu": 8}
    assert handle["placement"]["hosts_per_slice"] == 1
    assert labels["cloud.google.com/gke-tpu-topology"] == "2x4"
