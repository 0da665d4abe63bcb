"""The CRD sets of `catalog.versions` against the CRDs that upstream's charts ship at the pinned versions.

Upstream's word: the facts in `catalog/upstream`, written from its charts and manifests. Only this notices a CRD that
the platform does not install (CloudNativePG's operator exits at start without `databaseroles`) and a conversion webhook
that plain manifests leave out (MetalLB's webhook server never starts without the one of `bgppeers`).
Not proved here: that controllers start with these CRDs, nor that schemas are the same (`make verify-upstream`).
"""

import pytest

from catalog.upstream import NoFacts, chart_facts, crd_set_facts
from catalog.upstream.objects import RELEASE, CrdFacts
from catalog.versions import CHARTS, CONVERSIONS, CRDS

SHIPPED_BY = (
    {"envoy-gateway": "gateway-helm", "gateway-api": "gateway-helm"}
    | {chart.crds: chart.name for chart in CHARTS.values() if chart.crds not in ("", "gateway-api")}
    | {"prometheus-operator": "kube-prometheus-stack"}
)
"""The chart that ships the CRDs of a set."""

LEFT_OUT: dict[str, dict[str, str]] = {
    "metallb": {"frrk8s.metallb.io": "BGP by frr-k8s is switched off"},
    "external-dns": {"externaldns.k8s.io": "DNSEndpoint is no source of ours"},
    "gateway-helm": {
        "gateway.networking.x-k8s.io": "the experimental channel: no object of ours is one of these kinds"
    },
}
"""Groups that a chart ships and that are not installed, with the reason."""

CONVERTED = {name: f"{RELEASE}/{one.service}{one.path}" for name, one in CONVERSIONS.items()}
"""CRDs that `Crds` completes with a conversion webhook."""


def installed() -> dict[str, CrdFacts]:
    return {
        crd["name"]: crd
        for name, crd_set in CRDS.items()
        for crds in crd_set_facts(name, crd_set.version)["files"].values()
        for crd in crds
    }


def group(crd: CrdFacts) -> str:
    return crd["name"].partition(".")[2]


def shipped(chart: str) -> list[CrdFacts]:
    return [
        crd for crd in chart_facts(chart, CHARTS[chart].version)["crds"] if group(crd) not in LEFT_OUT.get(chart, {})
    ]


@pytest.mark.parametrize("chart", CHARTS)
def test_every_crd_that_a_chart_ships_is_installed_or_left_out_for_a_reason(chart: str) -> None:
    assert sorted(crd["name"] for crd in shipped(chart) if crd["name"] not in installed()) == []


def test_what_is_left_out_is_shipped() -> None:
    for chart, groups in LEFT_OUT.items():
        assert set(groups) <= {group(crd) for crd in chart_facts(chart, CHARTS[chart].version)["crds"]}


@pytest.mark.parametrize("name", CRDS)
def test_a_set_has_the_crds_of_its_chart_with_the_same_versions_scope_and_conversion(name: str) -> None:
    theirs = {crd["name"]: crd for crd in shipped(SHIPPED_BY[name])}
    ours = [crd for crds in crd_set_facts(name, CRDS[name].version)["files"].values() for crd in crds]
    assert ours
    wrong = {}
    for crd in ours:
        expected = theirs.get(crd["name"])
        converted: CrdFacts = {**crd, "conversion": CONVERTED[crd["name"]]} if crd["name"] in CONVERTED else crd
        if name == "gateway-api" and expected:
            # The chart ships the experimental channel, which serves more versions.
            expected, converted = ({**one, "versions": []} for one in (expected, converted))  # type: ignore[assignment]
        if converted != expected:
            wrong[crd["name"]] = (converted, expected)
    assert wrong == {}


@pytest.mark.parametrize("name", CRDS)
def test_the_facts_are_of_the_manifests_that_are_installed(name: str) -> None:
    assert sorted(crd_set_facts(name, CRDS[name].version)["files"]) == sorted(CRDS[name].urls)


def test_a_version_without_facts_names_the_command_that_writes_them() -> None:
    with pytest.raises(NoFacts, match=r"metallb-v99\.0: run `python -m tools upstream-crds metallb`"):
        crd_set_facts("metallb", "v99.0")
    with pytest.raises(
        NoFacts, match=r"metallb-99\.0: run `python -m tools upstream <folder or \.tgz of metallb 99\.0>`"
    ):
        chart_facts("metallb", "99.0")
