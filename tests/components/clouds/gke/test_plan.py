"""Planners of GKE as properties: names, sizes, slices. Not proved: any fact about Google's machines."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.accelerators import ClusterKind
from catalog.machines import MACHINES
from components.clouds.gke.cluster_plan import cluster_settings, maintenance_policy
from components.clouds.gke.compute_class_plan import reservation_parts
from components.clouds.gke.handles import GkeMode
from components.clouds.gke.node_plan import topologies_of
from components.clouds.gke.plan import bounded, cloud_pool_name, initial_per_zone, plan_gke_pool
from components.clouds.gke.spec import GkePurchase

NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
names = st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
machines = st.sampled_from([m for m in MACHINES.values() if m.kind is ClusterKind.GKE])


@given(names, machines, st.sampled_from(GkePurchase))
def test_a_pool_has_a_name_that_gke_takes_and_that_depends_on_nothing_that_can_change(
    name: str, machine: Any, purchase: GkePurchase
) -> None:
    spec: Any = {"machine": machine.name, "nodes_min": 0, "nodes_max": 1, "purchase": purchase, "reservation": "r"}
    assert NAME.fullmatch(cloud_pool_name(name, spec))
    assert cloud_pool_name(name, spec) == cloud_pool_name(name, {**spec, "nodes_max": 7, "disk_gib": 500})


@given(st.text("abc-", min_size=1, max_size=80), st.integers(12, 63))
def test_a_bounded_name_fits_and_a_short_one_is_left_alone(stem: str, limit: int) -> None:
    assert len(bounded(stem, limit)) <= limit
    assert len(stem) > limit or bounded(stem, limit) == stem


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 4))
def test_a_pool_never_starts_with_more_nodes_than_its_most(fewest: int, more: int, zones: int) -> None:
    most = max(1, fewest + more)
    initial = initial_per_zone(fewest, most, zones)
    assert 0 <= initial * zones <= most
    assert initial * zones >= fewest or -(-fewest // zones) * zones > most


@given(st.data())
def test_slices_hold_all_nodes_of_a_pool_and_each_has_a_name_of_its_own(data: st.DataObject) -> None:
    machine = data.draw(machines.filter(lambda m: len(topologies_of(m)) > 1))
    topology = data.draw(st.sampled_from(topologies_of(machine)[1:6]))
    chips = 1
    for side in topology.split("x"):
        chips *= int(side)
    hosts = chips // machine.devices
    most, fewest = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 1))
    spec: Any = {"machine": machine.name, "topology": topology, "zones": ["europe-west4-a"]}
    plan = plan_gke_pool("tpu", {**spec, "nodes_min": fewest * hosts, "nodes_max": most * hosts}, [])
    assert plan.handle["placement"]["hosts_per_slice"] == hosts
    if hosts > 1:
        assert len({group.name for group in plan.groups}) == len(plan.groups) == most
        assert sum(group.initial_nodes_per_zone for group in plan.groups) == fewest * hosts
    assert all(key.split("/")[0] != "cloud.google.com" for group in plan.groups for key in group.labels)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(4, 24))
def test_a_window_of_maintenance_is_as_long_as_asked_for(hour: int, minute: int, hours: int) -> None:
    window = maintenance_policy({"start": f"{hour:02d}:{minute:02d}", "hours": hours})["recurring_window"]
    start, end = (
        int(t[8:10]) * 1440 + int(t[11:13]) * 60 + int(t[14:16]) for t in (window["start_time"], window["end_time"])
    )
    assert end - start == hours * 60


def test_a_reservation_is_named_as_a_class_names_it() -> None:
    assert reservation_parts("mine") == {"name": "mine"}
    assert reservation_parts("projects/p/reservations/r") == {"name": "r", "project": "p"}
    blocks = "reservationBlocks/b/reservationSubBlocks/s"
    inside = {"reservationBlock": {"name": "b", "reservationSubBlock": {"name": "s"}}}
    assert reservation_parts(f"r/{blocks}") == {"name": "r", **inside}
    assert reservation_parts(f"projects/p/reservations/r/{blocks}") == {"name": "r", "project": "p", **inside}


@pytest.mark.parametrize("spec", [{}, {"public_endpoint": True}, {"mode": GkeMode.AUTOPILOT}, {"dns_endpoint": False}])
def test_no_control_plane_is_peered_so_its_webhooks_need_no_firewall_rule(spec: dict[str, Any]) -> None:
    """A range for the control plane would peer it: Google's rule then opens 443 and 10250, and webhooks listen on 9443.

    Without one, clusters from 1.29 on are connected by Private Service Connect (GKE documentation, network isolation).
    Not proved: that Google keeps to it.
    """
    private = cluster_settings(spec, ["europe-west4-a"])["private_cluster_config"]  # type: ignore[arg-type]
    assert not {key for key in private if "cidr" in key or "peering" in key}
