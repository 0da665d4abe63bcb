"""Write the dashboards: `python -m components.monitoring.grafana`. Needs grafana-foundation-sdk, a test tool."""

from pathlib import Path
from typing import TypeAlias

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from components.monitoring.boards import BOARDS, Board, Look, Panel

FOLDER = Path(__file__).parent
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
"""The chart's name for its own Prometheus."""
ROWS_HIGH = {Look.LINES: 8, Look.NUMBER: 4, Look.BARS: 8}
GrafanaPanel: TypeAlias = timeseries.Panel | stat.Panel | bargauge.Panel
BUILDERS: dict[Look, type[timeseries.Panel] | type[stat.Panel] | type[bargauge.Panel]] = {
    Look.LINES: timeseries.Panel,
    Look.NUMBER: stat.Panel,
    Look.BARS: bargauge.Panel,
}


def dashboard_json(board: Board) -> str:
    """One dashboard as JSON; the output is deterministic."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["mlplatform"])
        .editable()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
    )
    for choice in board.choices:
        built.with_variable(
            dashboard.QueryVariable(choice.name)
            .label(choice.name)
            .query(choice.query)
            .datasource(SOURCE)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    for panel in board.panels:
        built.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=1).encode(built.build()) + "\n"


def _panel(row: Panel) -> GrafanaPanel:
    built: GrafanaPanel = BUILDERS[row.look]()
    built.title(row.title).unit(row.unit).span(row.width).height(ROWS_HIGH[row.look]).datasource(SOURCE)
    if row.description:
        built.description(row.description)
    for position, (query, legend) in enumerate(row.queries):
        target = prometheus.Dataquery().expr(query).ref_id(chr(ord("A") + position))
        built.with_target(target.legend_format(legend) if legend else target)
    return built


def main() -> None:
    """Write every dashboard again."""
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(dashboard_json(board), encoding="utf-8")


if __name__ == "__main__":
    main()
