"""SARIF: only here a log that code scanning refuses, or an annotation on the wrong line, is found."""

import json

import pytest

from components.findings import Refused
from report.comparison import Side
from report.document import report
from report.render.sarif import as_sarif
from settings.reader import from_file
from tests.report.recorded import compared
from tests.report.scenarios import line_of, scenario, settings_text


def results(name: str) -> list[dict]:
    (run,) = json.loads(as_sarif(report([scenario(name)])))["runs"]
    return run["results"]


@pytest.mark.parametrize("name", ["prod-grown", "prod-shrunk", "prod-same", "blocked", "dev-refused", "gke-first"])
def test_the_log_is_valid_by_the_schema_of_sarif(name):
    model = pytest.importorskip("pydantic_sarif.model")
    text = as_sarif(report([compared(name)]))
    assert model.StaticAnalysisResultsFormatSarifVersion210JsonSchema.model_validate_json(text).version.value == "2.1.0"
    assert text == as_sarif(report([compared(name)]))


def test_a_result_is_on_the_line_of_the_setting_that_causes_it():
    comparison = scenario("prod-grown")
    (run,) = json.loads(as_sarif(report([comparison])))["runs"]
    (opened,) = [one for one in run["results"] if one["ruleId"] == "security/public-endpoint"]
    assert opened["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "Pulumi.prod.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": line_of(comparison, "publicRanges:")},
            }
        }
    ]
    assert run["tool"]["driver"]["rules"][opened["ruleIndex"]]["id"] == "security/public-endpoint"


def test_what_blocks_is_an_error_and_what_a_person_decides_is_a_warning():
    levels = {
        one["ruleId"]: one["level"] for one in json.loads(as_sarif(report([compared("blocked")])))["runs"][0]["results"]
    }
    assert levels["policy/accelerators-within-quota"] == "error"
    assert {one["level"] for one in results("prod-grown")} == {"warning"}


def test_fingerprints_tell_results_apart_and_stay():
    prints = [one["partialFingerprints"]["reason/v1"] for one in results("prod-grown")]
    assert len(set(prints)) == len(prints)
    assert prints == [one["partialFingerprints"]["reason/v1"] for one in results("prod-grown")]


def test_a_preview_that_failed_is_a_run_without_success():
    (run,) = json.loads(as_sarif(report([compared("dev-refused")])))["runs"]
    assert (run["invocations"], run["results"]) == ([{"executionSuccessful": False}], [])


def test_settings_that_are_refused_are_errors_on_their_lines():
    text = settings_text("dev", lambda sections: sections["cluster"]["pools"]["h100"].update(nodesMax=9))
    with pytest.raises(Refused) as refused:
        from_file(text)
    head = Side(text, None, tuple(refused.value.findings))
    (run,) = json.loads(as_sarif(report([compared("dev-refused", head=head)])))["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("settings/refused", "error")
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert text.splitlines()[line - 1].strip() == "H100: 16"
