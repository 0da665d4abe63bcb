"""The engine as the tools run it: what a run reports, and what it leaves on disk."""

from pathlib import Path

import pytest

OBJECTS = {"namespace", "map-0", "map-1", "map-2", "secret"}
THE_STACK_ITSELF = 1


def test_an_up_reports_what_it_created_and_a_second_one_finds_nothing_to_do(workspace, cluster):
    engine = workspace("objects", config={"objects:space": "second-up"})
    before = cluster.census()

    first = engine.up()
    assert first.succeeded, first.failures
    assert first.changes == {"create": len(OBJECTS) + THE_STACK_ITSELF}
    assert {step.urn.split("::")[-1] for step in first.steps} >= OBJECTS

    second = engine.up()
    assert (second.changes, second.same) == ({}, len(OBJECTS) + THE_STACK_ITSELF)
    assert engine.refresh().changes == {}

    gone = engine.destroy()
    assert gone.changes == {"delete": len(OBJECTS) + THE_STACK_ITSELF}
    assert engine.resources() == []
    assert cluster.difference(before) == set()


def test_a_refused_object_is_reported_with_its_name_and_the_answer_of_the_api_server(workspace):
    engine = workspace("objects", config={"objects:space": "refused", "objects:invalid": "true"})
    outcome = engine.up()
    assert not outcome.succeeded
    assert [failure.resource for failure in outcome.failures] == ["ConfigMap invalid"]
    assert "Invalid value" in outcome.failures[0].message
    assert Path(outcome.log).read_text(encoding="utf-8").count("Invalid value") >= 1


def test_an_error_before_the_first_event_is_reported_too(workspace):
    engine = workspace("objects")
    engine.remove()
    outcome = engine.preview()
    assert not outcome.succeeded
    assert [failure.message for failure in outcome.failures] == ["no stack named 'test' found"]


def test_the_settings_file_stays_as_it_is_and_what_is_written_is_private(workspace):
    engine = workspace("objects", config={"objects:space": "private"})
    settings = engine.project / "Pulumi.test.yaml"
    before = settings.read_bytes()
    outcome = engine.up()
    assert outcome.succeeded
    assert settings.read_bytes() == before
    assert engine.state.stat().st_mode & 0o077 == 0
    written = [path for path in engine.state.rglob("*") if path.is_file()]
    assert len(written) > 3
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    text = "\n".join(path.read_text(encoding="utf-8") for path in written)
    assert "canary-output" not in text
    assert "canary-in-clear" not in text


@pytest.mark.parametrize("skip_checkpoints", [True, False])
def test_outputs_are_masked_and_survive_a_second_process(workspace, skip_checkpoints):
    engine = workspace("objects", config={"objects:space": "outputs"}, skip_checkpoints=skip_checkpoints)
    engine.up()
    assert engine.outputs() == {"namespace": "outputs", "token": "[secret]"}
