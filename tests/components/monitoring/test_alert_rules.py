"""The component that sends the rules. What the rules say is tested in test_rules.py."""

from typing import Any

import pytest

from components.findings import Refused
from components.monitoring.alert_rules import AlertRules, rule_scope
from components.monitoring.rule import RuleScope, ServingObjectives
from tests.recorder import Recording, record


def recorded(**more: Any) -> Recording:
    args: Any = {"namespace": "monitoring", **more}
    return record(lambda: AlertRules("rules", args) and None)


def test_there_is_one_prometheus_rule_for_each_group_and_nothing_else() -> None:
    assert recorded(mlflow_namespace="mlflow").kinds() == [
        "AlertRules rules",
        "PrometheusRule rules-accelerators",
        "PrometheusRule rules-mlflow",
        "PrometheusRule rules-platform",
        "PrometheusRule rules-serving",
        "PrometheusRule rules-training",
    ]


def test_without_mlflow_there_are_no_rules_about_it() -> None:
    assert "PrometheusRule rules-mlflow" not in recorded().kinds()


def test_every_alert_has_a_severity_a_summary_a_description_and_a_page() -> None:
    recording = recorded(runbook_base_url="https://docs.example/runbooks/", mlflow_namespace="mlflow")
    rules = [
        rule
        for resource in recording.of("PrometheusRule")
        for group in resource.inputs["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert len(rules) == 28
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"].startswith("https://docs.example/runbooks/")
        assert "//" not in rule["annotations"]["runbook_url"].removeprefix("https://")
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_the_page_is_a_path_of_the_repository_where_no_address_is_given() -> None:
    spec = recorded().one("PrometheusRule", "mlplatform-platform").inputs["spec"]
    assert spec["groups"][0]["rules"][0]["annotations"]["runbook_url"].startswith("docs/runbooks/")


def test_what_is_given_reaches_the_scope_and_the_rest_is_usual() -> None:
    objectives = ServingObjectives(availability_per_mille=999, latency_milliseconds=50)
    given: Any = {
        "namespace": "m",
        "monitoring_namespace": "watch",
        "mlflow_namespace": "ml",
        "backup_age_hours": 8.0,
        "objectives": objectives,
        "extended_resources": ["vendor.example/fpga"],
    }
    assert rule_scope(given) == RuleScope("watch", "ml", 8, objectives, ("vendor.example/fpga",))
    assert rule_scope({"namespace": "m"}) == RuleScope(mlflow_namespace="")


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"objectives": ServingObjectives(availability_per_mille=1000, latency_milliseconds=1)}, "from 931 to 999"),
        ({"objectives": ServingObjectives(availability_per_mille=930, latency_milliseconds=1)}, "cannot fire"),
        ({"objectives": ServingObjectives(availability_per_mille=990, latency_milliseconds=0)}, "at least 1 ms"),
        ({"backup_age_hours": -2}, "at least 1 hour"),
    ],
)
def test_what_could_never_fire_is_refused_and_registers_nothing(wrong: dict[str, Any], rule: str) -> None:
    def program() -> None:
        with pytest.raises(Refused, match=rule):
            AlertRules("rules", {"namespace": "m", **wrong})  # type: ignore[typeddict-item]

    assert record(program).resources == []
