"""What the life of a stack depends on, decided without an engine."""

from pathlib import Path

import pytest

from tools.backend import Backend
from tools.errors import ToolError
from tools.events import Failure, Step, Violation
from tools.lifecycle import Lifecycle, StackFacts, read_facts, skip_checkpoints
from tools.screen import failures_text, steps_text, violations_text

FILE, CLOUD = Backend("file:///x", "default"), Backend("https://api.pulumi.com", "pulumi login")
SIMULATED, OWN = StackFacts("dev", simulated=True), StackFacts("prod", simulated=False)


def write(project: Path, text: str) -> Path:
    """A project whose stack `dev` has this settings file."""
    (project / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    return project


@pytest.mark.parametrize(
    ("text", "simulated"),
    [
        ("config: {'mlplatform:cluster': {kind: simulated}}", True),
        ("config: {'mlplatform:cluster': {kind: existing}}", False),
        ("config: {'mlplatform:cluster': simulated}", False),
        ("config: {}", False),
        ("config:", False),
        ("[]", False),
        ("", False),
    ],
)
def test_only_a_stack_that_says_simulated_gets_a_cluster_made_and_removed(tmp_path, text, simulated):
    assert read_facts(write(tmp_path, text), "dev").simulated == simulated


def test_an_unknown_stack_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ToolError, match=r"no stack 'prd': Pulumi\.prd\.yaml is not in .*\. Known stacks: dev\."):
        read_facts(write(tmp_path, ""), "prd")


def test_settings_that_are_no_yaml_are_refused_with_the_place(tmp_path):
    with pytest.raises(ToolError, match=r"Pulumi\.dev\.yaml is not YAML in line 1: mapping values"):
        read_facts(write(tmp_path, "a: b: c"), "dev")


@pytest.mark.parametrize(
    ("facts", "backend", "environment", "expected"),
    [
        (SIMULATED, FILE, {}, True),
        (SIMULATED, CLOUD, {}, False),
        (OWN, FILE, {}, False),
        (OWN, FILE, {"PULUMI_SKIP_CHECKPOINTS": "true"}, True),
        (SIMULATED, FILE, {"PULUMI_SKIP_CHECKPOINTS": "false"}, False),
        (SIMULATED, FILE, {"PULUMI_SKIP_CHECKPOINTS": ""}, False),
    ],
)
def test_the_state_is_saved_once_only_where_its_loss_costs_nothing_or_where_the_user_says_so(
    facts, backend, environment, expected
):
    assert skip_checkpoints(facts, backend, environment) is expected


def test_taking_down_one_stack_that_is_not_up_leaves_the_state_of_another(tmp_path, monkeypatch):
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("PULUMI_CREDENTIALS_PATH", raising=False)
    life = Lifecycle(project=write(tmp_path, "config: {}"))
    other = life.state / "backend/.pulumi/stacks/mlplatform/other.json"
    other.parent.mkdir(parents=True)
    other.write_text("{}", encoding="utf-8")
    life.down("dev")
    assert other.exists()
    other.unlink()
    life.down("dev")
    assert not life.state.exists()


def urn(kind: str, name: str) -> str:
    """A URN of a Kubernetes object."""
    return f"urn:pulumi:dev::mlplatform::kubernetes:core/v1:{kind}::{name}"


def test_changes_are_listed_by_kind_with_their_sign():
    steps = tuple(
        Step(operation, urn(kind, name), f"kubernetes:core/v1:{kind}", protected=False)
        for operation, kind, name in (
            ("create", "ConfigMap", "b"),
            ("create", "ConfigMap", "a"),
            ("delete", "Secret", "c"),
            ("same", "Service", "d"),
        )
    )
    assert steps_text(steps).split("\n") == ["+ ConfigMap                a, b", "- Secret                   c"]


def test_a_failure_that_many_share_is_told_once_with_all_their_names():
    failures = (Failure(urn("Node", "a"), "unreachable"), Failure(urn("Node", "b"), "unreachable"), Failure("", "bad"))
    assert failures_text(failures) == "✗ Node a, Node b\n    unreachable\n✗ stack\n    bad"


def test_a_violation_is_told_without_its_description_and_once():
    violation = Violation(urn("ConfigMap", "a"), "count", "Few maps\n5 where 4 are allowed", mandatory=True)
    assert violations_text((violation, violation)) == (
        "✗ ConfigMap a  [count]\n    5 where 4 are allowed\n    (2 times)"
    )
