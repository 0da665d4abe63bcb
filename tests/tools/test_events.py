"""Reading what the engine says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.events import STACK_TYPE, EventReader, Failure, Outcome, cause, resource_name
from tools.screen import failures_text
from tools.transient import worth_retrying

URN = "urn:pulumi:dev::mlplatform::mlplatform:index:Tenant$kubernetes:core/v1:ConfigMap::one"
STACK_URN = "urn:pulumi:dev::mlplatform::pulumi:pulumi:Stack::mlplatform-dev"


def step(kind: str, operation: str, urn: str = URN, **state: Any) -> str:
    """A line about one step of one resource."""
    metadata = {"op": operation, "urn": urn, "type": "kubernetes:core/v1:ConfigMap", "old": None, "new": state or None}
    return json.dumps({"sequence": 1, kind: {"metadata": metadata}})


def diagnostic(severity: str, message: str, urn: str = "") -> str:
    """A line with a message."""
    return json.dumps({"diagnosticEvent": {"severity": severity, "message": message, "urn": urn}})


def summary(**changes: int) -> str:
    """The last line that counts."""
    return json.dumps({"summaryEvent": {"resourceChanges": changes, "result": "succeeded"}})


def read(*lines: str, operation: str = "up") -> EventReader:
    """A reader that has been fed."""
    reader = EventReader(operation)
    for line in lines:
        reader.feed(line)
    return reader


def test_a_resource_is_named_by_its_own_kind_and_name():
    assert resource_name(URN) == "ConfigMap one"
    assert resource_name(f"{URN}::with::colons") == "ConfigMap one::with::colons"
    assert resource_name(STACK_URN) == "stack"
    assert resource_name("") == "stack"
    assert resource_name("no urn") == "no urn"


def test_a_step_is_running_between_its_two_events():
    reader = read(step("resourcePreEvent", "create"))
    assert (reader.running, reader.done) == ({URN: "create"}, 0)
    reader.feed(step("resOutputsEvent", "create"))
    assert (reader.running, reader.done) == ({}, 1)


def test_a_component_that_ends_twice_is_counted_once():
    reader = read(step("resOutputsEvent", "create"), step("resOutputsEvent", "create"))
    assert reader.done == 1


def test_the_summary_of_a_good_run_counts_without_what_stayed_and_what_was_only_looked_at():
    outcome = read(summary(create=2, same=5, refresh=7, read=1)).outcome(0, 1.5)
    assert outcome.changes == {"create": 2}
    assert outcome.same == 5
    assert outcome.succeeded


def stack_ends(before: Any, after: Any) -> str:
    """The stack's last event, with its outputs in the state and in the plan."""
    states = {"old": {"outputs": before}, "new": {"outputs": after}}
    metadata = {"op": "same", "urn": STACK_URN, "type": STACK_TYPE, **states}
    return json.dumps({"resOutputsEvent": {"metadata": metadata}})


def test_there_is_nothing_to_do_when_neither_a_resource_nor_an_output_of_the_stack_changes():
    same, other = stack_ends({"url": "a", "n": 1}, {"n": 1, "url": "a"}), stack_ends({"url": "a"}, {"url": "b"})
    assert read(same, summary(same=5), operation="preview").outcome(0, 1).nothing_to_do
    assert not read(same, summary(same=5), operation="preview").outcome(1, 1).nothing_to_do
    assert not read(same, summary(same=4, update=1), operation="preview").outcome(0, 1).nothing_to_do
    assert not read(other, summary(same=5), operation="preview").outcome(0, 1).nothing_to_do
    assert read(other, same, summary(same=5), operation="preview").outcome(0, 1).nothing_to_do


def test_a_protection_that_is_put_on_or_taken_off_is_something_to_do_though_the_engine_counts_no_change():
    def nothing_to_do(before: dict[str, bool], after: dict[str, bool]) -> bool:
        states = {"old": {"id": "one", **before}, "new": {"id": "one", **after}}
        metadata = {"op": "same", "urn": URN, "type": "kubernetes:core/v1:Secret", **states}
        ends = json.dumps({"resOutputsEvent": {"metadata": metadata}})
        return read(ends, summary(same=1), operation="preview").outcome(0, 1).nothing_to_do

    assert nothing_to_do({"protect": True}, {"protect": True, "retainOnDelete": False})
    assert not nothing_to_do({"protect": True}, {})
    assert not nothing_to_do({}, {"retainOnDelete": True})


def test_a_replacement_is_one_change_in_whatever_steps_it_comes():
    lines = [step("resOutputsEvent", name) for name in ("create-replacement", "replace", "delete-replaced")]
    assert read(*lines).outcome(1, 0).changes == {"replace": 1}
    counted = {"create-replacement": 1, "replace": 1, "delete-replaced": 1}
    assert read(summary(**counted)).outcome(0, 0).changes == {"replace": 1}


def test_a_failed_run_counts_what_was_done_and_not_what_its_summary_promised():
    reader = read(
        step("resOutputsEvent", "create"),
        step("resOpFailedEvent", "create", urn=f"{URN}-2"),
        summary(create=2),
    )
    assert reader.outcome(1, 0).changes == {"create": 1}


def test_an_error_is_printed_once_and_the_closing_line_is_none():
    reader = read(
        diagnostic("error", "refused\n", URN),
        diagnostic("error", "refused\n", URN),
        diagnostic("error", "update failed\n"),
        diagnostic("info", "Retry #0; creation failed", URN),
    )
    assert reader.outcome(1, 0).failures == (Failure(URN, "refused"),)


RECORDED = Path(__file__).parent / "recorded"
"""Error events as the engine wrote them: Pulumi 3.246, Kubernetes provider 4.25, the program
tests/engine/programs/workloads on a simulated cluster. `jobs-refused`: with a ResourceQuota of one Job in the
namespace; the two without API server: its process killed before the run. `object-of-a-chart-refused`: a rehearsal of
prod with a chart whose DaemonSet mounts what it does not declare."""


def recorded(name: str) -> Outcome:
    lines = (RECORDED / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return read(*lines).outcome(1, 0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "jobs-refused",
            "✗ jobs.batch is forbidden: exceeded quota: none, requested: count/jobs.batch=1, used: count/jobs.batch=1, "
            "limited: count/jobs.batch=1\n"
            "    3 resources: Job one-run-1, Job fit-run-2, Job two-run-1",
        ),
        (
            "up-without-api-server",
            "✗ configured Kubernetes cluster is unreachable: unable to load schema information from the API server: "
            "https://127.0.0.1:26012: dial tcp 127.0.0.1:26012: connect: connection refused\n"
            "    2 resources: ConfigGroup crds-prometheus-operator, ConfigGroup crds-kserve",
        ),
        (
            "refresh-without-api-server",
            "✗ failed to read resource state due to unreachable cluster. If the cluster was deleted, you can remove "
            "this resource from Pulumi state by rerunning the operation with the PULUMI_K8S_DELETE_UNREACHABLE "
            'environment variable set to "true"\n'
            "    64 resources: Node tpu-node-3, Node cpu-node-0, Node tpu-node-0, Node tpu-node-2 and 60 more",
        ),
    ],
)
def test_one_cause_is_said_once_with_the_resources_it_happened_to(name: str, said: str) -> None:
    """Finds errors that differ in names, paths and ports alone. Recorded, not written by hand: see `RECORDED`."""
    assert failures_text(recorded(name).failures) == said


def test_what_ends_because_of_an_error_is_none() -> None:
    """Finds a refused object shown as four errors, and a lost connection that is not tried again for its sake."""
    refused, *others = recorded("object-of-a-chart-refused").failures
    assert refused.resource.startswith("DaemonSet device-plugin-chart-chart")
    assert others == []
    closing = "kubernetes:helm.sh/v4:Chart resource 'a' has a problem: grpc: the client connection is closing"
    assert read(diagnostic("error", closing)).outcome(1, 0).failures == (Failure("", closing),)


def test_an_api_server_that_is_not_there_is_worth_another_attempt_and_a_refusal_is_not() -> None:
    assert worth_retrying(recorded("up-without-api-server"))
    assert worth_retrying(recorded("refresh-without-api-server"))
    assert not worth_retrying(recorded("jobs-refused"))


def test_different_causes_stay_apart():
    def failed(message: str, name: str) -> Failure:
        return Failure(f"urn:pulumi:dev::mlplatform::kubernetes:batch/v1:Job::{name}", message)

    unequal = (
        failed('jobs.batch "a" is forbidden: exceeded quota: gpus', "a"),
        failed('jobs.batch "b" is forbidden: exceeded quota: pods', "b"),
        failed('Delete "https://10.0.0.1:6443/x": EOF', "c"),
        failed('Delete "https://10.0.0.2:6443/x": EOF', "d"),
    )
    assert len({cause(failure) for failure in unequal}) == len(unequal)
    assert cause(failed("volume a-data of a is full", "a")) == cause(failed("volume a-data of b is full", "b"))


def test_what_goes_wrong_before_events_begin_is_read_from_the_error_stream_with_its_further_lines():
    reader = EventReader("up")
    for line in ("warning: old\n", "error: the stack is locked\n", "  by somebody\n", "unrelated\n"):
        reader.feed_error(line)
    assert reader.outcome(255, 0).failures == (Failure("", "the stack is locked\n  by somebody"),)


def test_a_violation_carries_rule_resource_and_weight():
    event = {
        "resourceUrn": URN,
        "message": "Few maps\n5 where 4 are allowed\n",
        "policyName": "count",
        "enforcementLevel": "mandatory",
    }
    advice = {**event, "enforcementLevel": "advisory"}
    lines = [json.dumps({"policyEvent": item}) for item in (event, event, advice)]
    outcome = read(*lines, operation="preview").outcome(1, 0)
    assert [(violation.resource, violation.policy, violation.mandatory) for violation in outcome.violations] == [
        ("ConfigMap one", "count", True),
        ("ConfigMap one", "count", False),
    ]
    assert len(outcome.mandatory_violations) == 1


def test_a_protected_resource_is_known_by_either_mark():
    lines = [
        step("resOutputsEvent", "delete", protect=True),
        step("resOutputsEvent", "delete", urn=f"{URN}-kept", retainOnDelete=True),
        step("resOutputsEvent", "delete", urn=f"{URN}-free", protect=False),
    ]
    assert [item.protected for item in read(*lines).outcome(0, 0).steps] == [True, True, False]


def test_the_warning_about_tools_on_path_is_ours_and_not_printed():
    lines = [
        diagnostic("warning", "using pulumi-language-python from $PATH at /x"),
        diagnostic("warning", "deprecated"),
    ]
    assert read(*lines).outcome(0, 0).warnings == ("deprecated",)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_a_line_that_is_no_event_changes_nothing(line):
    assert read(line).outcome(0, 0) == EventReader("up").outcome(0, 0)
