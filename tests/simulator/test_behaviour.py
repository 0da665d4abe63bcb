"""The rules, as data. Whether they do what they say is shown on a real cluster in the engine tests in this folder."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import simulator
from simulator import behaviour

STAGES = Path(simulator.__file__).parent / "stages"


def stages(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


KINDS = {"inferenceservice-config": {"configmap"}}
"""Of files that are named after one object instead of its kind."""
ALL = [pytest.param(path, id=path.stem) for path in sorted(STAGES.glob("*.yaml"))]


@pytest.mark.parametrize("path", ALL)
def test_a_file_is_about_one_kind_and_named_after_it(path: Path) -> None:
    rules = stages(path)
    assert {rule["kind"] for rule in rules} == {"Stage"}
    kinds = {rule["spec"]["resourceRef"]["kind"].lower() for rule in rules}
    if path.stem == "customresourcedefinition":  # with the rule about Stages that it sets going
        kinds -= {"stage"}
    assert kinds == KINDS.get(path.stem, {path.stem})


@pytest.mark.parametrize("path", ALL)
def test_a_rule_leaves_objects_alone_that_are_going_away_unless_that_is_its_business(path: Path) -> None:
    for rule in stages(path):
        name = rule["metadata"]["name"]
        expressions = rule["spec"]["selector"]["matchExpressions"]
        queries = [expression.get("jq", expression) for expression in expressions]
        watched = [query["operator"] for query in queries if query["key"] == ".metadata.deletionTimestamp"]
        expected = {"pod-terminated": ["Exists"], "pod-deleted": ["Exists"]}
        expected |= {"definition-noticed": [], "inferenceservice-config": []}
        assert watched == expected.get(name, ["DoesNotExist"]), name


@pytest.mark.parametrize("path", ALL)
def test_a_status_that_has_conditions_says_that_it_is_simulated(path: Path) -> None:
    # A node says so in a condition of its own, a notice is no state of affairs.
    for rule in stages(path):
        for step in rule["spec"]["steps"]:
            template = step.get("patch", {}).get("template", "")
            if "conditions:" in template and not rule["metadata"]["name"].startswith(("node-", "definition-", "pod-")):
                assert "simulated" in template, rule["metadata"]["name"]


def test_no_two_rules_share_a_name() -> None:
    counted = Counter((rule["kind"], rule["metadata"]["name"]) for rule in behaviour.bundled())
    assert [name for name, count in counted.items() if count > 1] == []


def test_every_object_is_marked_as_ours() -> None:
    marks = {rule["metadata"]["labels"]["app.kubernetes.io/managed-by"] for rule in behaviour.bundled()}
    assert marks == {"mlplatform-simulator"}


def test_the_stages_that_a_newer_version_has_given_up_are_taken_back() -> None:
    wanted = [{"metadata": {"name": "kept"}}, {"metadata": {"name": "new"}}]
    assert behaviour.surplus(["kept", "gone"], wanted) == ["gone"]


def test_a_changed_file_changes_the_fingerprint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rule = tmp_path / "rule.yaml"
    rule.write_text("a")
    monkeypatch.setattr(behaviour, "_files", lambda ending: [rule] if ending == "yaml" else [])
    prints = []
    for text in ("a", "b"):
        rule.write_text(text)
        behaviour.fingerprint.cache_clear()
        prints.append(behaviour.fingerprint())
    behaviour.fingerprint.cache_clear()
    assert prints[0] != prints[1]
