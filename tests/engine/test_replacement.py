"""A run of a training at full quota is replaced by another, and engine or API server is killed on the way.

The real engine, API server and policy pack on a cluster of its own. Pods are simulated. Proved: the same command goes
on, whatever was reached. Found only here: stack policies that count the old run and the new one together.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from simulator.cluster import Cluster
from tests.engine.conftest import LiveCluster
from tests.engine.kills import Moment, at
from tests.engine.test_workloads import eventually
from tools.backend import cluster_name
from tools.errors import ToolError
from tools.events import EventReader
from tools.lifecycle import Lifecycle
from tools.recovery import Journal, Unfinished
from tools.run import StackFacts
from tools.screen import Screen

REPOSITORY = Path(__file__).parents[2]
STACK = "test"
QUICK_UPS = 3
"""Attempts: on a busy computer an `up` can be over before the event that ends the API server has been read."""
DEVICES = 8
"""Of the training, and of the quota: two runs at once are refused."""


@pytest.fixture(scope="module")
def life(toolchain, tmp_path_factory) -> Iterator[Lifecycle]:
    """A stack with one training at full quota, up, on a simulated cluster of its own."""
    home = tmp_path_factory.mktemp("replacement")
    project = home / "project"
    project.mkdir()
    (project / ".venv").symlink_to(REPOSITORY / ".venv", target_is_directory=True)
    (project / "program").symlink_to(REPOSITORY / "tests/engine/programs/workloads", target_is_directory=True)
    (project / "Pulumi.yaml").write_text(
        "name: mlplatform\nruntime: {name: python, options: {virtualenv: .venv}}\nmain: program/\n", encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLPLATFORM_HOME", str(home / "home"))
        made = Lifecycle(
            project=project,
            screen=Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8"))),  # noqa: SIM115
            facts=lambda _, stack: StackFacts(stack, simulated=True),
            tools=lambda: toolchain,
            policy_pack=REPOSITORY / "policies",
            summary="builtins:print",
        )
        configure(made, 1)
        made.up(STACK)
        yield made
        made.down(STACK, yes=True)


def configure(life: Lifecycle, run: int) -> None:
    """Another run, of another image, takes the place of the one before."""
    values = {"run": f"{run}", "image": f"registry.example.com/program:{run}", "count": DEVICES, "quota": DEVICES}
    config = {f"workloads:{name}": value for name, value in {**values, "alone": "true"}.items()}
    (life.project / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")


def printed(life: Lifecycle) -> str:
    return life.screen.console.export_text(clear=True)


def own_cluster(life: Lifecycle) -> Cluster:
    return Cluster(cluster_name(life.project, STACK))


def begins(operation: str, resource: str) -> Moment:
    """As soon as the engine has begun to do something to a resource of that name, or has done it."""

    def has_come(reader: EventReader) -> bool:
        begun = reader.running.items()
        done = ((step.urn, step.operation) for step in reader._steps.values())
        return any(urn.endswith(f"::{resource}") and what == operation for urn, what in (*begun, *done))

    return has_come


MOMENTS = {
    "the new run is being created": lambda new, old: begins("create", f"fit-run-{new}"),
    "the old run is being deleted": lambda new, old: begins("delete", f"fit-run-{old}"),
}


def jobs(life: Lifecycle) -> list[str]:
    cluster = LiveCluster(own_cluster(life).kubeconfig, life.tools())
    return cluster.kubectl("get", "jobs", "-n", "vision", "-o", "name").split()


def is_replaced(life: Lifecycle, run: int) -> None:
    """The new run alone is there, once controllers have collected the old one, and the next `up` has nothing to do."""
    assert eventually(lambda: jobs(life) == [f"job.batch/fit-{run}"], seconds=60), jobs(life)
    printed(life)
    life.up(STACK)
    assert "up         nothing to do" in printed(life)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_replacement_at_full_quota_whose_engine_is_killed_is_completed_by_the_next_up(
    life, monkeypatch, moment
) -> None:
    run = next_run(life)
    kill = at(MOMENTS[moment](run, run - 1), lambda pid: os.kill(pid, signal.SIGKILL), monkeypatch)
    with kill as hit, pytest.raises(ToolError):
        life.up(STACK)
    assert hit, "the engine was not at work"
    goes_on(life, run)


def goes_on(life: Lifecycle, run: int) -> None:
    """The next `up` completes the replacement, without a step by hand."""
    printed(life)
    life.up(STACK)
    text = printed(life)
    assert "the last up of" in text
    assert "violations of mandatory policies" not in text
    is_replaced(life, run)


def api_server_ends(
    life: Lifecycle, run: int, monkeypatch: pytest.MonkeyPatch
) -> AbstractContextManager[list[EventReader]]:
    """Kills the API server as soon as the new run is being created; what deletes the old one finds nobody."""
    process = own_cluster(life).status().programs["kube-apiserver"].process_id  # before: it takes a moment
    return at(begins("create", f"fit-run-{run}"), lambda _: os.kill(process, signal.SIGKILL), monkeypatch)


def test_an_api_server_that_ends_during_a_replacement_is_started_again_and_the_up_ends_well(life, monkeypatch) -> None:
    for _ in range(QUICK_UPS):
        run = next_run(life)
        printed(life)
        with api_server_ends(life, run, monkeypatch) as hit:
            life.up(STACK)
        assert hit
        text = printed(life)
        is_replaced(life, run)
        if "kube-apiserver had ended, started again" in text:
            return
    pytest.fail("the API server was not started again")


def test_a_replacement_at_full_quota_whose_api_server_stays_away_is_completed_by_the_next_up(life, monkeypatch) -> None:
    """The recipe of the defect: every attempt fails, and the next `up` was refused for two runs, each time."""
    monkeypatch.setattr(Lifecycle, "_restart_cluster", lambda *_: None)
    for _ in range(QUICK_UPS):
        run = next_run(life)
        failed = ""
        with api_server_ends(life, run, monkeypatch) as hit:
            try:
                life.up(STACK)
            except ToolError as error:
                failed = str(error)
        assert hit
        if failed:
            assert "up failed" in failed, printed(life)[-3000:]
            goes_on(life, run)
            return
    pytest.fail("no up failed without an API server")


def test_what_the_policies_refuse_is_refused_behind_a_killed_run_too(life) -> None:
    """The other half: going on does not mean to go past the policies."""
    run = next_run(life)
    config = yaml.safe_load((life.project / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))
    config["config"]["workloads:quota"] = DEVICES // 2
    (life.project / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    journal = Journal.of(life.state, STACK)
    journal.write(Unfinished.now("up", "a run that is dead"))
    with pytest.raises(ToolError, match=r"the policies forbid this preview\. Nothing has been changed"):
        life.up(STACK)
    assert f"vision requests {DEVICES} of gpu" in printed(life)
    configure(life, run)
    life.up(STACK)
    is_replaced(life, run)


def next_run(life: Lifecycle) -> int:
    """Writes the settings of the run after the one that is up, and returns its number."""
    config = yaml.safe_load((life.project / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))
    run = int(config["config"]["workloads:run"]) + 1
    configure(life, run)
    return run
