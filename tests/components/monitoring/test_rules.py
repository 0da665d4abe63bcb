"""The rules: well-formed, on metrics that exist, and each alert fires when it should and not when it should not.

promtool is real. Not proved: the thresholds suit anybody's hardware, or that exporters are scraped.
"""

import re
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml

from catalog.accelerators import ACCELERATORS
from components.capacity.placement import Sharing
from components.capacity.sharing import SharingArgs, units_per_device
from components.monitoring.accelerator_rules import quota_pattern, resource_pattern
from components.monitoring.metrics import METRICS
from components.monitoring.rule import Alert, AlertSeverity, RuleGroup, RuleScope, ServingObjectives
from components.monitoring.rules import groups, rule_group
from tests.components.monitoring.alert_cases import CASES, Case
from tests.support.promql import metrics_of
from tests.support.promtool import check_rules, promtool

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
ALL = list(groups(RuleScope()))
ALERTS = {alert.name: alert for group in ALL for alert in group.alerts}
RECORDED = {recording.name for group in ALL for recording in group.recordings}
EXPRESSIONS = {
    **{alert.name: alert.expression for alert in ALERTS.values()},
    **{recording.name: recording.expression for group in ALL for recording in group.recordings},
}


def rules_file(*chosen: RuleGroup, annotated: bool = True) -> str:
    written = [rule_group(group, "https://runbooks.example") for group in chosen]
    if not annotated:
        for group in written:
            for rule in group["rules"]:
                rule.pop("annotations", None)
    return yaml.safe_dump({"groups": written})


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_expression_uses_only_metrics_of_the_table_or_recorded_ones(name: str) -> None:
    used = metrics_of(EXPRESSIONS[name])
    assert used
    assert used - set(METRICS) - RECORDED == set()


def test_every_metric_of_the_table_serves_a_rule_or_a_dashboard() -> None:
    from components.monitoring.boards import expressions  # noqa: PLC0415

    used = {metric for text in [*EXPRESSIONS.values(), *expressions()] for metric in metrics_of(text)}
    assert set(METRICS) - used == set()


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_the_labels_that_an_alert_speaks_of_are_labels_that_it_carries(alert: Alert) -> None:
    spoken = set(re.findall(r"\$labels\.(\w+)", alert.summary + alert.description))
    assert spoken <= set(CASES[alert.name].labels)


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda alert: alert.name)
def test_every_alert_leads_to_a_page_that_exists(alert: Alert) -> None:
    file, _, anchor = alert.runbook.partition("#")
    text = (RUNBOOKS / file).read_text(encoding="utf-8")
    headings = {heading.strip().lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
    assert not anchor or anchor in headings


def test_each_critical_alert_has_a_runbook_that_says_what_to_do_first() -> None:
    for alert in ALERTS.values():
        if alert.severity is AlertSeverity.CRITICAL:
            assert "#" not in alert.runbook
            text = (RUNBOOKS / alert.runbook).read_text(encoding="utf-8")
            assert {"## Meaning", "## First", "## Then"} <= set(text.splitlines()), alert.runbook


def test_no_runbook_is_left_that_no_alert_leads_to() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md")}
    led_to = {alert.runbook.partition("#")[0] for alert in ALERTS.values()}
    assert led_to <= set(pages)
    # A page may also be where the page of an alert sends its reader: to restore something, say.
    further = {link for page in led_to for link in re.findall(r"\]\(([\w-]+\.md)\)", pages[page])}
    # And what is planned, or lost, has no alert: the index lists it below those that have one.
    _, _, without_alert = pages["README.md"].partition("## When you change something large")
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", without_alert))
    assert set(pages) - {"README.md"} == led_to | further | listed


def test_every_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    assert set(CASES) == set(ALERTS)
    assert all(case.quiet != case.fires for case in CASES.values())


def test_every_resource_name_that_a_pool_can_offer_is_matched_in_metrics_and_in_quotas() -> None:
    offered = {
        name
        for row in ACCELERATORS.values()
        for sharing in (
            SharingArgs(),
            SharingArgs(strategy=Sharing.TIME_SLICING, replicas=4),
            SharingArgs(strategy=Sharing.MIG, mig_profiles={profile.name: 1 for profile in row.mig_profiles}),
        )
        for name in units_per_device(row, sharing)
    }
    for name in offered:
        assert re.fullmatch(resource_pattern(), re.sub(r"[^a-zA-Z0-9_]", "_", name))
        assert re.fullmatch(quota_pattern(), f"requests.{name}")
    assert not re.fullmatch(resource_pattern(), "cpu")
    assert not re.fullmatch(quota_pattern(), "requests.cpu")


def test_a_device_that_the_catalogue_does_not_know_is_watched_once_it_is_named() -> None:
    assert not re.fullmatch(resource_pattern(), "vendor_example_fpga")
    assert re.fullmatch(resource_pattern(["vendor.example/fpga"]), "vendor_example_fpga")
    (first, *_) = groups(RuleScope(extended_resources=("vendor.example/fpga",)))
    assert any("vendor_example_fpga" in recording.expression for recording in first.recordings)


def test_without_mlflow_there_is_no_rule_about_it() -> None:
    assert [group.name for group in groups(RuleScope(mlflow_namespace=""))] == [
        "accelerators",
        "training",
        "serving",
        "platform",
    ]


def test_objectives_and_the_age_of_backups_reach_the_thresholds() -> None:
    scope = RuleScope(
        backup_age_hours=50, objectives=ServingObjectives(availability_per_mille=990, latency_milliseconds=700)
    )
    texts = {alert.name: alert.expression for group in groups(scope) for alert in group.alerts}
    assert "> 0.144 " in texts["ServingErrorBudgetBurnsFast"]
    assert "> 700 " in texts["ServingLatencyHigh"]
    assert "> 180000 " in texts["BackupTooOld"]


def test_expressions_parse_in_a_second_parser() -> None:
    for expression in EXPRESSIONS.values():
        promql_parser.parse(expression)


@pytest.mark.engine
def test_promtool_accepts_the_rules(tmp_path: Path) -> None:
    check_rules(rules_file(*ALL), tmp_path)


def _case(alert: Alert, case: Case, fires: bool) -> dict[str, object]:
    series = case.fires if fires else {**case.fires, **case.quiet}
    expected = [{"exp_labels": {**case.labels, "severity": alert.severity.value}}] if fires else []
    looks: list[dict[str, object]] = [
        {"eval_time": f"{case.minutes}m", "alertname": alert.name, "exp_alerts": expected}
    ]
    if fires and alert.for_minutes:
        looks.append({"eval_time": f"{alert.for_minutes - 1}m", "alertname": alert.name, "exp_alerts": []})
    return {
        "name": f"{alert.name} {'fires' if fires else 'is quiet'}",
        "interval": "1m",
        "input_series": [{"series": key, "values": value} for key, value in series.items()],
        "alert_rule_test": looks,
    }


@pytest.mark.engine
@pytest.mark.parametrize("name", [group.name for group in ALL])
def test_every_alert_fires_after_its_time_and_only_then(name: str, tmp_path: Path) -> None:
    (group,) = (group for group in ALL if group.name == name)
    # promtool compares annotations too; what they say is tested above, so they are left out here. One group at a time:
    # promtool evaluates every rule of the file at every step (all of them took 60 s).
    (tmp_path / "rules.yaml").write_text(rules_file(group, annotated=False), encoding="utf-8")
    tests = [_case(alert, CASES[alert.name], fires) for alert in group.alerts for fires in (True, False)]
    document = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    answer = subprocess.run(
        [promtool(), "test", "rules", "tests.yaml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
