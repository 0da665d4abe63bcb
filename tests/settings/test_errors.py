"""Errors of shape as findings: the path as people wrote it, the value unless it is secret, the rule, what to do."""

from typing import Any

import pytest

from components.findings import Finding, Refused
from settings.errors import SECRET, shown
from settings.load import parse
from tests.support.settings import SMALL

EXTERNAL = {"kind": "external", "host": "db.example.com", "database": "mlflow", "username": "mlflow", "password": "x"}
STORE = {"kind": "s3", "bucket": "models", "region": "eu-west-1"}


def only(change: dict[str, Any]) -> Finding:
    with pytest.raises(Refused) as refused:
        parse({**SMALL, **change})
    (finding,) = refused.value.findings
    return finding


@pytest.mark.parametrize(
    ("change", "path"),
    [
        # The tag of a union is not part of a path; a pool, a team or a key of the same name is.
        ({"mlflow": {"database": {**EXTERNAL, "port": "x"}}}, "mlflow.database.port"),
        ({"objectStore": {**STORE, "bucket": 7}}, "objectStore.bucket"),
        (
            {"cluster": {"kind": "simulated", "pools": {"simulated": {"nodesMax": "x"}}}},
            "cluster.pools.simulated.nodesMax",
        ),
        ({"teams": {"s3": {"owner": 1, "costCenter": "c"}}}, "teams.s3.owner"),
        (
            {
                "teams": {
                    "owner": {"owner": "o-1", "costCenter": "c", "egress": [{"name": "a", "cidr": 1, "ports": [1]}]}
                }
            },
            "teams.owner.egress[0].cidr",
        ),
        ({"storage": {"parameters": {"shared": {"fileSystemId": 7}}}}, "storage.parameters.shared.fileSystemId"),
    ],
)
def test_a_path_is_written_as_in_the_file(change: dict[str, Any], path: str) -> None:
    assert only(change).path == path


@pytest.mark.parametrize(
    ("key", "value", "rule", "remedy"),
    [
        ("memoryGib", "512Gi", "a whole number, in GiB", "the unit is in the key (GiB): write 512"),
        ("memoryGib", 0.5, "a whole number, in GiB", "write it without a fraction"),
        ("memoryGib", "much", "a whole number, in GiB", "write digits only, in GiB"),
        ("cpuMillis", "500m", "a whole number, in thousandths of a vCPU", "write 500"),
        ("deadlineMinutes", "4h", "a whole number, in minutes", "(minutes): write 4"),
        ("graceSeconds", [30], "a whole number, in seconds", "write digits only, in seconds"),
        ("retries", "3x", "a whole number", "(none): write 3"),
        ("run", 20261121, "text", "write it in quotes"),
        ("run", ["1"], "text", "write text in quotes"),
        ("preemptible", "perhaps", "true or false", "without quotes"),
        ("command", "python train.py", "a list", "[a, b]"),
        ("checkpoint", "500", "a mapping with the keys sizeGib, path", "below it"),
        ("environment", "A=1", "a mapping, key: value", "below it"),
    ],
)
def test_each_kind_of_mistake_has_its_rule_and_remedy(key: str, value: Any, rule: str, remedy: str) -> None:
    job = {"run": "1", "image": "a/b:1", "cpuMillis": 1, "memoryGib": 1, "deadlineMinutes": 1, key: value}
    finding = only({"teams": {}, "training": {"fit": {"team": "vision", "pool": "cpu", "job": job}}})
    assert finding.path == f"training.fit.job.{key}"
    assert finding.rule == rule
    assert remedy in finding.remedy


def test_a_near_miss_is_answered_with_the_key_that_was_meant_and_others_with_what_there_is() -> None:
    assert only({"mlflow": {"backups": {}}}).remedy == "did you mean backup?"
    finding = only({"mlflow": {"colour": "red"}})
    assert finding == Finding(
        "mlflow.colour", "red", "a known key: host, ingress, login, server, database, backup", "remove it"
    )


def test_the_kind_of_a_union_is_asked_for_with_the_kinds_of_that_union() -> None:
    finding = only({"objectStore": {"bucket": "models"}})
    assert (finding.path, finding.value) == ("objectStore.kind", "(missing)")
    assert finding.rule == "one of: in-cluster, s3, gcs, s3-compatible, managed-s3, managed-gcs"
    assert only({"mlflow": {"database": {"kind": "externall"}}}).remedy == "did you mean external?"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"teams": {None: {"owner": 1}}}, "teams.~"),
        ({"teams": {True: {"owner": "o", "costCenter": "c"}}}, "teams.true"),
        ({"mlflow": {None: 1}}, "mlflow.~"),
    ],
)
def test_a_key_that_is_no_text_is_one_finding_and_shown_as_yaml_has_it(change: dict[str, Any], path: str) -> None:
    """`~:` was shown as None, and what stood below it was a finding of its own."""
    key = path.rpartition(".")[2]
    assert only(change) == Finding(path, key, "a key that is text", "put it in quotes, or remove it")


@pytest.mark.parametrize(("kind", "remedy"), [("aks", "write kind: "), ("ekss", "did you mean eks?")])
def test_another_kind_is_meant_only_where_the_spelling_is_really_close(kind: str, remedy: str) -> None:
    assert only({"cluster": {"kind": kind, "pools": {}}}).remedy.startswith(remedy)


@pytest.mark.parametrize(
    "change",
    [
        {"mlflow": {"database": {**EXTERNAL, "password": ["hunter2"]}}},
        {"mlflow": {"database": {**EXTERNAL, "passwort": "hunter2"}}},
        {"mlflow": {"database": {**EXTERNAL, "key": "hunter2"}}},
        {"mlflow": {"database": ["hunter2"]}},
        {"mlflow": [{"database": {"password": "hunter2"}}]},
        {"objectStore": {**STORE, "secretAccessKey": {"half": "hunter2"}}},
        {"objectStore": {**STORE, "apiKey": "hunter2"}},
        *(
            {"teams": {"vision": {"owner": "o", "costCenter": "c", key: "hunter2"}}}
            for key in ("token", "adminPasswrd", "passwd", "bearer", "webhookUrl", "privateKey")
        ),
    ],
)
def test_what_may_be_a_secret_is_never_shown(change: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        parse({**SMALL, **change})
    assert "hunter2" not in str(refused.value)


def test_the_value_of_an_environment_variable_is_not_shown() -> None:
    job = {
        "run": "1",
        "image": "a/b:1",
        "cpuMillis": 1,
        "memoryGib": 1,
        "deadlineMinutes": 1,
        "environment": {"PIN": 1234},
    }
    finding = only({"training": {"fit": {"team": "vision", "pool": "cpu", "job": job}}})
    assert (finding.path, finding.value) == ("training.fit.job.environment.PIN", SECRET)
    assert "1234" not in str(finding)
    assert only({"environment": {**SMALL["environment"], "owner": 1001}}).value == "1001"


@pytest.mark.parametrize(
    ("change", "path", "value", "rule"),
    [
        ({"teams": {"a": {"owner": 111122223333, "costCenter": "c"}}}, "teams.a.owner", "111122223333", "text"),
        ({"dbPassword": 98765432109876}, "dbPassword", SECRET, "a known key: "),
        ({"number": 98765432109876}, "number", "98765432109876", "a known key: "),
        ({"objectStore": {**STORE, "secretAccessKey": 12345678901}}, "objectStore.secretAccessKey", SECRET, "text"),
        (
            {"monitoring": {"grafanaAdminPassword": 98765432109}},
            "monitoring.grafanaAdminPassword",
            SECRET,
            "a known key: ",
        ),
    ],
)
def test_a_large_number_where_text_belongs_is_that_mistake_and_shows_no_secret(
    change: dict[str, Any], path: str, value: str, rule: str
) -> None:
    """It was answered with the largest number of the APIs, and a password of digits alone was printed."""
    finding = only(change)
    assert (finding.path, finding.value) == (path, value)
    assert finding.rule.startswith(rule)


def test_values_are_shown_short_on_one_line_and_without_what_is_inside() -> None:
    assert shown(None) == "(nothing)"
    assert shown("") == "(empty)"
    assert shown(True) == "true"
    assert shown("a\n  b") == "a b"
    assert shown("x" * 100) == "x" * 57 + "..."
    assert shown({"a": "hunter2", "b": 1}) == "a mapping (a, b)"
    assert shown({}) == "an empty mapping"
    assert shown(["hunter2"]) == "a list of 1"
