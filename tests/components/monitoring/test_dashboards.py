"""The dashboards. Not proved: that Grafana draws them well; their JSON comes from its own builders."""

import json
from pathlib import Path

import pytest
import yaml

from components.monitoring.boards import BOARDS, Board, expressions, plain
from components.monitoring.dashboards import WRITTEN, Dashboards, DashboardsArgs, dashboards
from components.monitoring.grafana.__main__ import dashboard_json
from components.monitoring.metrics import METRICS
from components.monitoring.rule import RuleScope
from components.monitoring.rules import groups
from tests.recorder import record
from tests.support.promql import metrics_of
from tests.support.promtool import check_rules


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_what_is_checked_in_is_what_the_rows_say(board: Board) -> None:
    assert (WRITTEN / f"{board.uid}.json").read_text(encoding="utf-8") == dashboard_json(board), (
        "run: python -m components.monitoring.grafana"
    )


def test_no_dashboard_is_left_that_no_row_describes() -> None:
    assert set(dashboards()) == {board.uid for board in BOARDS}


def test_every_panel_shows_only_metrics_of_the_table_or_recorded_ones() -> None:
    recorded = {recording.name for group in groups(RuleScope()) for recording in group.recordings}
    for expression in expressions():
        assert metrics_of(expression) - set(METRICS) - recorded == set(), expression


def test_every_choice_asks_for_a_label_of_a_series_that_exists() -> None:
    recorded = {recording.name for group in groups(RuleScope()) for recording in group.recordings}
    for board in BOARDS:
        for choice in board.choices:
            series, _, label = choice.query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
            assert metrics_of(series) <= set(METRICS) | recorded
            assert label == choice.name


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_dashboard_offers_the_choices_that_its_panels_use_and_no_others(board: Board) -> None:
    queries = " ".join(query for panel in board.panels for query, _ in panel.queries)
    assert {choice.name for choice in board.choices} == {
        name for name in ("pool", "namespace") if f"${name}" in queries
    }
    assert "$" not in plain(queries)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_do_not_overlap(board: Board) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboards()[board.uid])["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_there_is_one_config_map_for_each_dashboard_with_the_label_that_grafana_looks_for() -> None:
    recording = record(lambda: Dashboards("boards", DashboardsArgs(namespace="monitoring")) and None)
    assert recording.kinds() == [
        "ConfigMap boards-mlplatform-accelerators",
        "ConfigMap boards-mlplatform-capacity",
        "ConfigMap boards-mlplatform-mlflow",
        "ConfigMap boards-mlplatform-serving",
        "ConfigMap boards-mlplatform-training",
        "Dashboards boards",
    ]
    config_map = recording.one("ConfigMap", "dashboard-mlplatform-mlflow").inputs
    assert config_map["metadata"]["namespace"] == "monitoring"
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config_map["metadata"]["annotations"] == {"grafana_folder": "ML platform"}
    assert json.loads(config_map["data"]["mlplatform-mlflow.json"])["title"] == "MLflow"


def test_the_folder_can_be_another_one() -> None:
    recording = record(lambda: Dashboards("boards", DashboardsArgs(namespace="m", folder="GPUs")) and None)
    folders = {
        config_map.inputs["metadata"]["annotations"]["grafana_folder"] for config_map in recording.of("ConfigMap")
    }
    assert folders == {"GPUs"}


@pytest.mark.engine
def test_prometheus_itself_parses_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:expression:{index}", "expr": text} for index, text in enumerate(expressions())]
    check_rules(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), tmp_path)
