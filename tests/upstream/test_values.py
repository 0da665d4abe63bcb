"""Every value that our code sets in a chart: upstream's chart has it, and it changes what the chart renders.

Upstream's word: `set` in the facts, written by leaving out one value after the other and rendering upstream's own chart
again. Only this notices a value that is misspelt, that another value makes void, or that a template never reads.
Not proved here: that the value is the right one.
"""

from typing import Any

import pytest

from catalog.upstream import chart_facts
from catalog.upstream.objects import RELEASE
from catalog.upstream.paths import leaves, shape, written
from catalog.versions import CHARTS
from tools.upstream.facts import Effect

NAMED_AFTER_THE_RELEASE = "also what the chart would choose: an identity is bound to this name"
SAID_ANYWAY: dict[str, dict[str, str]] = {
    "cluster-autoscaler": {"rbac.serviceAccount.name = text": NAMED_AFTER_THE_RELEASE},
    "external-dns": {"serviceAccount.name = text": NAMED_AFTER_THE_RELEASE},
    "karpenter": {"serviceAccount.name = text": NAMED_AFTER_THE_RELEASE},
    "kube-prometheus-stack": {
        **dict.fromkeys(
            (
                f"defaultRules.rules.{group} = false"
                for group in (
                    *("etcd", "kubeControllerManager", "kubeProxy", "kubeSchedulerAlerting", "kubeSchedulerRecording"),
                    "windows",
                )
            ),
            "its rules go with the component that is switched off as well",
        ),
        "prometheusOperator.admissionWebhooks.failurePolicy = text": "also what upstream chooses for its webhooks",
        "prometheusOperator.admissionWebhooks.patch.enabled = false": "its jobs give way to cert-manager as well",
    },
}
"""Values that change nothing in upstream's charts, with the reason why they are set."""


def emitted(recorded: dict[tuple[str, str], dict[str, Any]], chart: str) -> set[str]:
    return {
        f"{written(path)} = {shape(value)}"
        for (name, _), one in recorded.items()
        if name == chart
        for path, value in leaves(one["values"])
    }


@pytest.mark.parametrize("chart", CHARTS)
def test_every_value_is_one_that_upstreams_chart_was_rendered_with(
    chart: str, recorded: dict[tuple[str, str], dict[str, Any]]
) -> None:
    known = chart_facts(chart, CHARTS[chart].version)["set"]
    assert sorted(emitted(recorded, chart) - set(known)) == [], f"run `python -m tools upstream <{chart}>`"


@pytest.mark.parametrize("chart", CHARTS)
def test_every_value_changes_what_upstreams_chart_renders_or_is_set_for_a_reason(chart: str) -> None:
    known = chart_facts(chart, CHARTS[chart].version)["set"]
    void = {value for value, effect in known.items() if effect == Effect.NOTHING}
    assert void == set(SAID_ANYWAY.get(chart, {}))


ELSEWHERE = {
    "kube-prometheus-stack": {
        "metrics-nodes": "the node exporter, in the case Monitoring",
        "monitoring-nodes": "the node exporter",
    }
}
"""Namespaces besides the release's and kube-system that a chart puts objects into; declared before the chart."""


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_puts_its_objects_into_its_own_namespace_and_into_no_other_that_may_not_exist(chart: str) -> None:
    """cluster-autoscaler's monitor goes to a namespace `monitoring` unless a value says otherwise."""
    places = {one.get("namespace", RELEASE) for one in chart_facts(chart, CHARTS[chart].version)["objects"]}
    assert places - {RELEASE, "kube-system"} == set(ELSEWHERE.get(chart, {}))


@pytest.mark.parametrize("chart", CHARTS)
def test_the_facts_are_of_every_case(chart: str, recorded: dict[tuple[str, str], dict[str, Any]]) -> None:
    facts = chart_facts(chart, CHARTS[chart].version)
    cases = {case: one["namespace"] for (name, case), one in recorded.items() if name == chart}
    assert facts["cases"] == cases, f"run `python -m tools upstream <{chart}>`"
