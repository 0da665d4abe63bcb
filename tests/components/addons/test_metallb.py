"""What MetalLb registers. Not proved here: that the local network believes it."""

import pytest

from components.addons.metallb import MetalLb, MetalLbArgs
from components.findings import Refused
from tests.components.addons.pools import H100, STUB
from tests.recorder import Recording, record


def metallb(**changes: object) -> Recording:
    args: MetalLbArgs = {"addresses": ["192.168.10.20-192.168.10.40"], "source": STUB, **changes}  # type: ignore[typeddict-item]
    return record(lambda: MetalLb("lan", args) and None)


def test_it_is_a_chart_a_pool_of_addresses_and_who_answers_for_them() -> None:
    recording = metallb(control_plane_ranges=["10.0.0.0/24"])
    assert recording.kinds() == [
        "AddonChart lan-chart",
        "Chart lan-chart-chart",
        "IPAddressPool lan-addresses",
        "IsolatedNamespace lan-namespace",
        "L2Advertisement lan-advertisement",
        "MetalLb lan",
        "Namespace lan-namespace-namespace",
        "NetworkPolicy lan-namespace-allow-api-server",
        "NetworkPolicy lan-namespace-allow-dns",
        "NetworkPolicy lan-namespace-allow-webhook-0",
        "NetworkPolicy lan-namespace-allow-webhook-tunnel",
        "NetworkPolicy lan-namespace-default-deny",
    ]
    assert recording.one("IPAddressPool").inputs["spec"] == {
        "addresses": ["192.168.10.20-192.168.10.40"],
        "autoAssign": True,
    }
    assert recording.one("L2Advertisement").inputs["spec"] == {"ipAddressPools": ["lan"]}


def test_no_routing_daemon_runs_and_the_crds_are_a_step_of_their_own() -> None:
    values = metallb().one("Chart").inputs["values"]
    assert values["frrk8s"] == {"enabled": False}
    assert values["crds"] == {"enabled": False}


def test_speakers_run_on_tainted_pools_when_configured() -> None:
    assert metallb().one("Chart").inputs["values"]["speaker"]["tolerations"] == []
    values = metallb(pools=[H100]).one("Chart").inputs["values"]
    assert [one["key"] for one in values["speaker"]["tolerations"]] == ["nvidia.com/gpu"]


def test_interfaces_and_whom_it_serves_arrive() -> None:
    recording = metallb(interfaces=["bond0"], automatic=False, load_balancer_class="example.com/lan")
    assert recording.one("L2Advertisement").inputs["spec"]["interfaces"] == ["bond0"]
    assert recording.one("IPAddressPool").inputs["spec"]["autoAssign"] is False
    assert recording.one("Chart").inputs["values"]["loadBalancerClass"] == "example.com/lan"


def test_ranges_that_cannot_be_given_out_are_refused() -> None:
    with pytest.raises(Refused, match="comes before the last"):
        metallb(addresses=["192.168.10.40-192.168.10.20"])
