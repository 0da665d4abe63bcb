"""Rules on clusters without a cloud that the components' own tests do not reach."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.addons.metallb_validation import check_address_ranges, check_metallb

RANGE = st.tuples(st.integers(0, 200), st.integers(0, 55)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(
    "ranges",
    [
        ["192.168.10.0/24"],
        ["192.168.10.20-192.168.10.40", "192.168.10.41-192.168.10.41"],
        ["fd00::10-fd00::20", "10.0.0.0/28"],
    ],
)
def test_ranges_that_can_be_given_out(ranges: list[str]) -> None:
    assert list(check_address_ranges("lan.addresses", ranges)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.168.10.20", "written with its length"),
        ("192.168.10.0/33", "a range of addresses"),
        ("192.168.10.1/24", "host bits"),
        ("192.168.10.9-192.168.10.1", "comes before the last"),
        ("192.168.10.9-fd00::1", "both are IPv4 or both IPv6"),
        ("127.0.0.0/8", "valid host addresses of the local network"),
        ("224.0.0.0/24", "valid host addresses of the local network"),
        ("169.254.1.0/24", "valid host addresses of the local network"),
    ],
)
def test_ranges_that_cannot(text: str, said: str) -> None:
    (finding,) = check_address_ranges("lan.addresses", [text])
    assert said in finding.rule
    assert finding.path == "lan.addresses"


@given(RANGE, RANGE)
def test_no_address_is_in_two_ranges(first: tuple[int, int], second: tuple[int, int]) -> None:
    def text(pair: tuple[int, int]) -> str:
        start = int(ip_address("10.1.2.0"))
        return f"{ip_address(start + pair[0])}-{ip_address(start + pair[1])}"

    shared = set(range(first[0], first[1] + 1)) & set(range(second[0], second[1] + 1))
    assert bool(list(check_address_ranges("lan", [text(first), text(second)]))) == bool(shared)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"load_balancer_class": "not a class"}, "lan.loadBalancerClass"),
        ({"interfaces": ["eth0/1"]}, "lan.interfaces[0]"),
        ({"control_plane_ranges": ["office"]}, "lan.controlPlaneRanges[0]"),
    ],
)
def test_each_text_that_metallb_takes_is_validated(changes: dict[str, object], path: str) -> None:
    good = {"addresses": ["10.0.0.0/28"], "load_balancer_class": "example.com/lan", "interfaces": ["bond0"]}
    assert list(check_metallb("lan", good)) == []
    assert [finding.path for finding in check_metallb("lan", {**good, **changes})] == [path]


def test_no_range_at_all_is_refused() -> None:
    (finding,) = check_address_ranges("lan.addresses", [])
    assert finding.value == "(none)"
