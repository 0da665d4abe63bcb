"""Which charts of a plan are rendered by the policy pack. Not proved here: that helm renders them (tests/engine)."""

import json
from typing import Any

import pytest
from pulumi_policy import PolicyResource, PolicyResourceOptions
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE

from policies import charts
from policies.charts import ADDON_CHART, HELM_CHART, PLACEHOLDER, Release, Unrendered, objects_of, unrendered
from policies.objects import UNKNOWN

RELEASE = {
    "name": "metallb",
    "chart": "metallb",
    "version": "0.16.1",
    "repository": "https://charts.example.com",
    "namespace": UNKNOWN_STRING_VALUE,
    "values": {"replicas": 2.0, "endpoint": UNKNOWN_STRING_VALUE},
}


def resource(kind: str, name: str, parent: PolicyResource | None = None, **props: Any) -> PolicyResource:
    options = PolicyResourceOptions(False, [], None, [], [], None, None)  # type: ignore[arg-type]
    return PolicyResource(kind, props, f"urn:{kind}::{name}", name, options, None, parent, [], {})


def test_a_chart_without_objects_is_rendered_from_what_its_component_states() -> None:
    owner = resource(ADDON_CHART, "metallb-chart", release=RELEASE)
    (found,) = unrendered([owner, resource(HELM_CHART, "metallb-chart-chart", owner)])
    assert isinstance(found, Release)
    assert (found.chart, found.version, found.repository, found.namespace) == (
        "metallb",
        "0.16.1",
        "https://charts.example.com",
        PLACEHOLDER,
    )
    assert json.loads(found.values) == {"replicas": 2, "endpoint": PLACEHOLDER}


def test_a_chart_whose_objects_are_in_the_plan_is_not_rendered_again() -> None:
    owner = resource(ADDON_CHART, "metallb-chart", release=RELEASE)
    chart = resource(HELM_CHART, "metallb-chart-chart", owner)
    assert list(unrendered([owner, chart, resource("kubernetes:apps/v1:Deployment", "controller", chart)])) == []


def test_a_chart_of_no_component_is_named_as_unseen() -> None:
    (found,) = unrendered([resource(HELM_CHART, "own")])
    assert isinstance(found, Unrendered)
    assert found.chart == "own"


def test_a_chart_whose_release_is_not_known_yet_is_named_as_unseen() -> None:
    owner = resource(ADDON_CHART, "metallb-chart", release=UNKNOWN_STRING_VALUE)
    (found,) = unrendered([owner, resource(HELM_CHART, "metallb-chart-chart", owner)])
    assert isinstance(found, Unrendered)
    assert found.reason == "the arguments of helm are not known before up"


def test_without_helm_a_chart_is_named_as_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts.shutil, "which", lambda _: None)
    found = objects_of(Release("urn", "a", "a", "", "", "space", "{}"))
    assert found == Unrendered("urn", "a", "helm is not on PATH")


def test_what_a_placeholder_reaches_is_not_known() -> None:
    body = {"kind": "ConfigMap", "data": {"endpoint": f"https://{PLACEHOLDER}:443", "other": "x"}}
    assert charts._unknown_again(body)["data"] == {"endpoint": UNKNOWN, "other": "x"}
