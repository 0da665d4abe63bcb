"""The policy pack of this repository under the real engine: what it forbids is not made, and people read why."""

from pathlib import Path

import pytest
from rich.console import Console

from tools.errors import ToolError
from tools.lifecycle import Lifecycle
from tools.run import StackFacts
from tools.screen import Screen

REPOSITORY = Path(__file__).parents[2]
PACK = REPOSITORY / "policies"

GREEDY = (
    "✗ Job greedy  [accelerators-within-quota]",
    "Job rules-vision/greedy: team rules-vision requests 8 of rules-h100. Rule: its quota is 4. "
    "Remedy: lower its workloads on that pool, or raise teams.rules-vision.quota.rules-h100.",
)
OPEN = (
    "✗ NetworkPolicy open  [no-unrestricted-network-policies]",
    "NetworkPolicy rules-vision/open spec.ingress[0]: namespaceSelector: {",
    "Rule: an empty selector selects every namespace, and so does one that only excludes some. "
    "Remedy: select namespaces by label.",
)
CAPPED = (
    "environment.deviceCaps.H100: 16 devices in pools at their largest. Rule: this environment may own 12 H100. "
    "Remedy: lower nodesMax of a pool, or raise the cap on purpose.",
)
NAMELESS = ("✗ ConfigMap nameless", "[objects-have-names]", "ConfigMap nameless: no metadata.name.")


@pytest.fixture
def life(toolchain, cluster, tmp_path, monkeypatch) -> Lifecycle:
    """A project that violates policies, and `make` around it; `life.screen` records what is printed."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    project = tmp_path / "project"
    project.mkdir()
    (project / ".venv").symlink_to(REPOSITORY / ".venv", target_is_directory=True)
    (project / "program").symlink_to(Path(__file__).parent / "programs" / "violations", target_is_directory=True)
    (project / "Pulumi.yaml").write_text(
        "name: mlplatform\nruntime: {name: python, options: {virtualenv: .venv}}\nmain: program/\n", encoding="utf-8"
    )
    return Lifecycle(
        project=project,
        screen=Screen(Console(record=True, width=500, file=open("/dev/null", "w", encoding="utf-8"))),
        facts=lambda _, stack: StackFacts(stack, simulated=False),
        tools=lambda: toolchain,
        policy_pack=PACK,
        summary="builtins:print",
        environment={"KUBECONFIG": str(cluster.kubeconfig), "PYTHONPATH": str(REPOSITORY)},
    )


@pytest.mark.parametrize("dry_run", [True, False], ids=["preview", "up"])
def test_a_job_over_quota_and_an_open_network_policy_stop_everything_before_it_begins(life, cluster, dry_run):
    before = cluster.census()
    with pytest.raises(ToolError, match="the policies forbid this preview"):
        life.up("test", dry_run=dry_run)
    text = life.screen.console.export_text()
    for words in (*GREEDY, *OPEN, *CAPPED, *NAMELESS):
        assert words in text
    assert cluster.census() == before


def test_an_address_that_preview_does_not_know_is_checked_in_up_before_it_is_sent(workspace, cluster):
    engine = workspace("violations", config={"violations:database": "0.0.0.0/0"}, policy_pack=PACK)
    plan = engine.preview()
    assert (plan.failures, plan.violations) == ((), ())
    refused = engine.up()
    (violation,) = refused.violations
    assert violation.policy == "no-unrestricted-network-policies"
    assert "to 0.0.0.0/0, metadata service included" in violation.message
    assert cluster.kubectl("get", "networkpolicies", "-n", "violations", "-o", "name") == ""


def test_an_allowed_address_that_preview_does_not_know_passes(workspace, cluster):
    engine = workspace("violations", config={"violations:database": "10.20.0.7/32"}, policy_pack=PACK)
    outcome = engine.up()
    assert (outcome.failures, outcome.violations) == ((), ())
    assert "to-database" in cluster.kubectl("get", "networkpolicies", "-n", "violations", "-o", "name")
