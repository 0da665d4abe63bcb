"""The engine's events, read: only here a change of the engine's words, a cut stream or a leaked secret is found."""

import json
import time

import pytest

from report.plan import Operation
from report.stream import read_plan
from tests.report.recorded import STREAMS, lines, plan

SECRET = "hunter2-planted"
MARK = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": f'"{SECRET}"'}


def step(op: str, name: str = "one", **states: dict) -> str:
    urn = f"urn:pulumi:dev::mlplatform::kubernetes:core/v1:ConfigMap::{name}"
    metadata = {"op": op, "urn": urn, "type": "kubernetes:core/v1:ConfigMap", "old": None, "new": None}
    for key, inputs in states.items():
        metadata[key] = {"custom": True, "inputs": inputs}
    return json.dumps({"resOutputsEvent": {"metadata": metadata}})


END = '{"summaryEvent": {"resourceChanges": {}}}'


def test_a_first_deployment_of_prod_creates_everything():
    found = plan("prod-first")
    assert (found.problem, found.first, len(found.changed)) == ("", True, 394)
    assert {one.operation for one in found.changed} == {Operation.CREATE}


def test_a_changed_dev_has_exactly_the_changes_that_its_settings_cause():
    found = {one.title: (one.operation, [p.text() for p in one.properties]) for one in plan("dev-changed").changed}
    assert found == {
        "Node l4-shared-node-2": (Operation.CREATE, []),
        "Job resnet-run-2": (Operation.CREATE, []),
        "Job resnet-run-1": (Operation.DELETE, []),
        "InferenceService chat-service": (Operation.UPDATE, ["spec.canary[0].trafficPercent: 10 → 50"]),
        "Deployment detector-api-server": (
            Operation.UPDATE,
            [
                "spec.template.spec.containers[0].image: "
                "ghcr.io/example/detector-server:2.0.1 → ghcr.io/example/detector-server:2.1.0"
            ],
        ),
    }


def test_a_replaced_resource_is_one_resource_that_names_what_forces_it():
    (group,) = [one for one in plan("prod-grown").changed if one.title == "NodeGroup l4-group"]
    assert group.operation is Operation.REPLACE
    assert [one.path for one in group.properties if one.replaces] == ["instanceTypes", "nodeGroupName"]


def test_settings_that_the_program_refuses_are_the_problem_of_the_plan():
    problem = plan("dev-refused").problem
    assert problem.startswith("settings: 1 problem, nothing was changed")
    assert "environment.deviceCaps.H100: 72 devices" in problem


def test_violations_of_mandatory_policies_are_findings_and_no_problem():
    found = plan("blocked")
    assert found.problem == ""
    assert sorted((one.policy, one.severity, one.resource) for one in found.findings if one.mandatory) == [
        ("accelerator-namespaces-have-quota", "high", "Job greedy"),
        ("accelerators-within-quota", "high", "Job greedy"),
        ("accelerators-within-quota", "high", "stack"),
        ("no-unrestricted-network-policies", "high", "NetworkPolicy open"),
        ("objects-have-names", "medium", "ConfigMap nameless"),
    ]


@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".jsonl.xz") for path in STREAMS.glob("*.xz")))
def test_a_stream_that_breaks_off_anywhere_is_no_plan(name):
    whole = lines(name)
    for kept in (0, 1, len(whole) // 2, len(whole) - 3):
        cut = [one for one in whole[:kept] if "summaryEvent" not in one and "policyEvent" not in one]
        assert read_plan(cut, "dev").problem, kept


def test_half_a_line_is_named_by_its_number():
    assert read_plan([step("create"), '{"resOutputsEvent": {"meta'], "dev").problem == (
        "line 2 of the engine's events is damaged (JSONDecodeError)"
    )


def test_lines_of_plugins_are_ignored_and_unknown_operations_are_changes():
    found = read_plan(["a plugin says", step("teleport", new={"a": 1}), END], "dev")
    assert (found.problem, [one.operation for one in found.changed]) == ("", [Operation.OTHER])


@pytest.mark.parametrize(
    "inputs",
    [
        {"data": {"key": MARK}},
        {"kind": "Secret", "stringData": {"key": SECRET}},
        {"password": SECRET},
        {"spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": SECRET}]}]}},
        {"url": f"postgres://user:{SECRET}@db/one"},
    ],
    ids=["signature", "kind", "key", "variable", "url"],
)
def test_no_secret_is_in_a_plan(inputs):
    found = read_plan([step("update", old={}, new=inputs), END], "dev")
    assert SECRET not in repr(found)
    assert "[secret]" in repr(found)


def test_a_urn_of_a_secret_stays_and_numbers_of_tokens_are_shown():
    urn = "urn:pulumi:dev::mlplatform::mlplatform:index:A$kubernetes:core/v1:Secret::login"
    states = {
        "old": {"custom": True, "inputs": {"args": ["--max-model-tokens=1"]}},
        "new": {"custom": True, "inputs": {}},
    }
    event = {"resOutputsEvent": {"metadata": {"op": "update", "urn": urn, "type": "x", **states}}}
    (found,) = read_plan([json.dumps(event), END], "dev").resources
    assert (found.urn, found.title, found.type) == (urn, "Secret login", "kubernetes:core/v1:Secret")
    assert [one.text() for one in found.properties] == ['args: - ["--max-model-tokens=1"]']


def test_references_to_secrets_are_shown():
    found = read_plan([step("update", old={"secretName": "one"}, new={"secretName": "two"}), END], "dev")
    assert [one.text() for one in found.resources[0].properties] == ["secretName: one → two"]


def test_control_characters_cannot_reach_a_terminal():
    found = read_plan([step("update", old={"a": "x"}, new={"a": "\x1b[2Jgone"}), END], "dev")
    assert "\x1b" not in found.resources[0].properties[0].text()


def test_ten_thousand_events_are_read_in_two_seconds():
    many = [step("update", f"m{n}", old={"a": n, "b": {"c": "d" * 200}}, new={"a": n + 1}) for n in range(10_000)]
    began = time.process_time()
    assert len(read_plan([*many, END], "dev").changed) == 10_000
    assert time.process_time() - began < 2
