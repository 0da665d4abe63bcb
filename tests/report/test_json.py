"""The JSON document: only here a document that its published schema refuses is found."""

import json

import pytest
from jsonschema import Draft202012Validator

from report.document import report
from report.render.json import as_json, report_schema, schema_text
from tests.report.recorded import REPOSITORY, STREAMS, compared

NAMES = sorted(path.name.removesuffix(".jsonl.xz") for path in STREAMS.glob("*.xz"))


def test_the_schema_in_the_docs_is_that_of_the_code():
    assert (REPOSITORY / "docs" / "report.schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_document_is_valid_and_the_same_each_time(name):
    text = as_json(report([compared(name)]))
    Draft202012Validator(report_schema()).validate(json.loads(text))
    assert text == as_json(report([compared(name)]))


def test_every_field_of_the_document_is_described():
    definitions = report_schema()["$defs"].values()
    undescribed = [
        (found["description"], name)
        for found in definitions
        for name, field in found.get("properties", {}).items()
        if not ("description" in field or "$ref" in field or "anyOf" in field)
    ]
    assert undescribed == []
