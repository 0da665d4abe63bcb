"""The report as the JSON document, and its published schema."""

import json
from typing import Any

from report.document import Report

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def as_json(report: Report) -> str:
    """The document, indented, with camelCase keys."""
    return report.model_dump_json(by_alias=True, indent=2) + "\n"


def report_schema() -> dict[str, Any]:
    """The schema of the document: docs/report.schema.json."""
    schema = _without_titles(Report.model_json_schema(by_alias=True, mode="serialization"))
    return {"$schema": DIALECT, "title": "mlplatform report", **schema}


def _without_titles(value: Any) -> Any:
    """Without pydantic's titles, which repeat the name of the field."""
    if isinstance(value, dict):
        return {
            key: _without_titles(part) for key, part in value.items() if not (key == "title" and isinstance(part, str))
        }
    return [_without_titles(part) for part in value] if isinstance(value, list) else value


def schema_text() -> str:
    """The schema as its file has it."""
    return json.dumps(report_schema(), indent=2) + "\n"
