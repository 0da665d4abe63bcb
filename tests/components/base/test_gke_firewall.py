"""Webhooks of the platform, by the facts of the charts, and the firewall rule that a peered GKE control plane needs."""

import pytest

from catalog.upstream import chart_facts
from catalog.versions import CHARTS
from components.base.flows import GROUPS, WEBHOOKS, Webhook
from components.base.gke_firewall import closed_ports, control_plane_range, may_be_peered
from components.base.webhooks import WAIT_SECONDS
from components.clouds.existing.network import WAIT_MINUTES

CHART_OF = {"kserve": "kserve-resources", "prometheus-operator": "kube-prometheus-stack"}


@pytest.mark.parametrize(("pods", "webhook"), WEBHOOKS.items(), ids=WEBHOOKS)
def test_a_webhook_answers_where_its_chart_says(pods: str, webhook: Webhook) -> None:
    """A Service or port that upstream moved would give the wrong firewall rule, and name no port in the error."""
    chart = CHART_OF.get(webhook.addon, webhook.addon)
    rendered = chart_facts(chart, CHARTS[chart].version)["objects"]
    objects = [one for one in rendered if one.get("cases") != ["dev"]]  # a simulated cluster calls no webhook
    called = {one["service"].split(":")[0] for each in objects for one in each.get("webhooks", [])}
    assert called == {f"(release)/{webhook.service}"}
    (service,) = (one for one in objects if one["kind"] == "Service" and one["name"] == webhook.service)
    behind = [one for one in objects if service["selector"].items() <= one.get("podLabels", {}).items()]
    assert all(GROUPS[pods].labels.items() <= one["podLabels"].items() for one in behind)
    names = {port.get("name"): port["port"] for one in behind for each in one["containers"] for port in each["ports"]}
    targets = {names.get(port["targetPort"], port["targetPort"]) for port in service["ports"] if port["port"] == 443}
    assert targets == {webhook.port}


def test_every_chart_with_webhooks_is_among_them() -> None:
    with_webhooks = {
        chart
        for chart, pin in CHARTS.items()
        if any(one.get("webhooks") for one in chart_facts(chart, pin.version)["objects"])
    }
    assert with_webhooks == {CHART_OF.get(one.addon, one.addon) for one in WEBHOOKS.values()}


def test_what_googles_rule_opens_is_not_opened_again() -> None:
    assert closed_ports(["cert-manager", "prometheus-operator"]) == {}
    assert closed_ports([one.addon for one in WEBHOOKS.values()]) == {9443: ["cloudnative-pg", "kserve", "metallb"]}


@pytest.mark.parametrize(
    ("address", "peered"),
    [("172.16.0.2", True), ("10.128.0.2", False), ("35.204.1.2", False), ("fd20::2", False)],
)
def test_a_peered_control_plane_has_a_private_address_outside_of_the_subnet_of_the_nodes(
    address: str, *, peered: bool
) -> None:
    assert may_be_peered(address, ["10.128.0.9", "fd20::9"]) is peered


def test_its_range_follows_from_its_address() -> None:
    assert control_plane_range("172.16.0.18") == "172.16.0.16/28"


def test_detect_says_how_long_up_waits() -> None:
    assert WAIT_MINUTES * 60 == WAIT_SECONDS
