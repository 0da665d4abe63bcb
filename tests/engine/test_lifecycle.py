"""`make up` and `make down` around the real engine and a real API server, and what a killed run leaves them to do."""

import contextlib
import dataclasses
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from simulator.cluster import Cluster, State
from tests.engine.kills import after_events, at, names_of_processes
from tools.backend import choose_backend, cluster_name, state_directory
from tools.engine import RUN_VARIABLE, Engine, NoWatcher
from tools.errors import ToolError
from tools.events import EventReader
from tools.facts import plain_environment, read_facts
from tools.lifecycle import Lifecycle
from tools.recovery import Journal, Unfinished, this_host
from tools.run import StackFacts
from tools.screen import Screen

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
KILLS = int(os.environ.get("MLPLATFORM_TEST_KILLS", "2"))
"""Rounds: every second one goes straight down. Each state that a kill can leave is met in both."""
MAPS = 20
STACK = "test"


@pytest.fixture
def life(toolchain, cluster, tmp_path, monkeypatch) -> Iterator[Lifecycle]:
    """A project with a policy pack on a cluster that is not the stack's own; `life.screen` records what is printed."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    project = tmp_path / "project"
    project.mkdir()
    (project / ".venv").symlink_to(REPOSITORY / ".venv", target_is_directory=True)
    (project / "program").symlink_to(PROGRAMS / "objects", target_is_directory=True)
    (project / "Pulumi.yaml").write_text(
        "name: mlplatform\nruntime: {name: python, options: {virtualenv: .venv}}\nmain: program/\n", encoding="utf-8"
    )
    pack = project / "policies"
    pack.mkdir()
    (pack / "__main__.py").symlink_to(PROGRAMS / "policy_pack" / "__main__.py")
    (pack / "PulumiPolicy.yaml").write_text(
        "runtime: {name: python, options: {virtualenv: ../.venv}}\n", encoding="utf-8"
    )
    configure(project, count=3)
    screen = Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8")))  # noqa: SIM115
    made = Lifecycle(
        project=project,
        screen=screen,
        facts=lambda _, stack: StackFacts(stack, simulated=False),
        tools=lambda: toolchain,
        summary="builtins:print",
        environment={"KUBECONFIG": str(cluster.kubeconfig)},
    )
    yield made
    with contextlib.suppress(ToolError):
        made.down(STACK, yes=True)


def configure(project: Path, *, stack: str = STACK, **settings: object) -> None:
    """Writes the stack's settings; `space` defaults to a namespace of the test's own."""
    values = {"space": f"life-{project.parent.name.replace('_', '-')[:40].strip('-').lower()}", **settings}
    text = yaml.safe_dump({"config": {f"objects:{name}": value for name, value in values.items()}})
    (project / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")


def printed(life: Lifecycle) -> str:
    """What has been printed since the last call."""
    return life.screen.console.export_text(clear=True)


def engine_of(life: Lifecycle, toolchain) -> Engine:
    """The same stack, asked directly."""
    state = state_directory(life.project)
    return Engine(
        toolchain, life.project, STACK, state, choose_backend(life.project, state), environment=life.environment
    )


def own_objects(life: Lifecycle, cluster) -> list[str]:
    """What the program declares in its namespace, as it is on the API server."""
    space = yaml.safe_load((life.project / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))["config"][
        "objects:space"
    ]
    found = cluster.kubectl("get", "configmaps,secrets", "-n", space, "-o", "name").split()
    return [name for name in found if "kube-root-ca" not in name]


def test_up_and_down_leave_the_cluster_the_state_and_the_checkout_as_they_were(life, cluster):
    before, settings = cluster.census(), (life.project / f"Pulumi.{STACK}.yaml").read_bytes()
    life.up(STACK)
    assert len(own_objects(life, cluster)) == 3 + 1
    assert "up         6 created, 0 unchanged" in printed(life)
    life.up(STACK)
    assert "up         nothing to do: all 6 resources are up to date" in printed(life)
    life.refresh(STACK)
    assert "no drift, 6 resources unchanged" in printed(life)
    assert (life.project / f"Pulumi.{STACK}.yaml").read_bytes() == settings
    life.down(STACK, yes=True)
    assert cluster.difference(before) == set()
    assert not state_directory(life.project).exists()
    assert names_of_processes(life) == []
    life.down(STACK)
    assert "is not up; there is nothing to take down" in printed(life)


def test_a_violation_stops_an_up_before_anything_changes_and_names_resource_rule_figure_and_remedy(life, cluster):
    before = cluster.census()
    configure(life.project, count=5, value="outlawed")
    with pytest.raises(
        ToolError, match=r"Nothing has been changed\. Correct what is listed above \(settings: Pulumi\.test"
    ):
        life.up(STACK)
    text = printed(life)
    assert "✗ ConfigMap map-4  [no-outlaws]" in text
    assert "the value is 'outlawed'; choose another" in text
    assert cluster.census() == before

    configure(life.project, count=5)
    with pytest.raises(ToolError, match="the policies forbid this preview"):
        life.up(STACK)
    text = printed(life)
    assert "✗ stack  [count-of-maps]" in text
    assert "5 config maps where 4 are allowed; set objects:count to 4 or less" in text
    assert cluster.census() == before


def test_advice_is_shown_and_does_not_stop_an_up(life, cluster):
    configure(life.project, value="dull")
    life.up(STACK)
    text = printed(life)
    assert "a livelier value would be nice" in text
    assert "6 created" in text


def test_a_dry_run_changes_nothing_and_says_what_it_would(life, cluster):
    before = cluster.census()
    life.up(STACK, dry_run=True)
    text = printed(life)
    assert "6 to create" in text
    assert "+ ConfigMap                map-0, map-1, map-2" in text
    assert cluster.census() == before


def test_a_dry_run_of_a_destroy_says_what_goes_what_is_kept_and_what_refuses_it(life, cluster):
    with pytest.raises(ToolError, match=r"stack test is not up\. `make up STACK=test` brings it up\."):
        life.down(STACK, dry_run=True)
    configure(life.project, protected="true")
    life.up(STACK)
    up = cluster.census()
    printed(life)
    life.down(STACK, dry_run=True)
    assert printed(life).splitlines() == [
        "plan       nothing of stack test is deleted while a resource is protected",
        "protected  1 refuse the destroy: `pulumi state unprotect <urn>` unprotects one",
        "           Secret secret",
        "next       make down STACK=test   (this was a preview; nothing has been deleted)",
    ]
    configure(life.project, kept="true")
    life.up(STACK)
    printed(life)
    life.down(STACK, dry_run=True)
    assert printed(life).splitlines() == [
        "plan       everything of stack test is deleted, but for what is kept",
        "           - ConfigMap                map-0, map-1, map-2",
        "           - Namespace                namespace",
        "           - Secret                   secret",
        "kept       1 remain, outside of the state",
        "           Secret secret",
        "next       make down STACK=test   (this was a preview; nothing has been deleted)",
    ]
    assert cluster.census() == up
    configure(life.project)
    life.up(STACK)


def test_a_failed_up_names_the_object_and_the_log_and_the_next_one_goes_on(life, cluster):
    configure(life.project, invalid="true")
    with pytest.raises(
        ToolError, match=r"up failed .* `make up STACK=test` continues from here\.\nfull output: .*\.log"
    ):
        life.up(STACK)
    assert "✗ ConfigMap invalid" in printed(life)
    assert Journal.of(state_directory(life.project), STACK).read() is None, "a refusal leaves nothing unsure"
    configure(life.project)
    life.up(STACK)
    assert len(own_objects(life, cluster)) == 3 + 1


def test_drift_is_found_said_and_brought_back(life, cluster):
    life.up(STACK)
    space = own_namespace(life)
    cluster.kubectl("delete", "configmap", "map-1", "-n", space)
    printed(life)
    life.refresh(STACK)
    assert "1 deleted" in printed(life)
    life.up(STACK)
    assert "configmap/map-1" in own_objects(life, cluster)


def own_namespace(life: Lifecycle) -> str:
    """The namespace in the settings."""
    settings = yaml.safe_load((life.project / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))
    return str(settings["config"]["objects:space"])


@pytest.mark.parametrize(("checkpoints", "rounds"), [("saved-once", KILLS), ("saved-each-step", 2)])
def test_killed_at_any_moment_of_an_up_or_a_destroy_the_next_command_converges(
    life, cluster, toolchain, monkeypatch, checkpoints, rounds
):
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", str(checkpoints == "saved-once").lower())
    monkeypatch.setenv("TEST_LAW_LARGEST", str(MAPS))
    configure(life.project, count=MAPS)
    before, moments = cluster.census(), random.Random(20261121)

    def kill(command: Callable[[], None]) -> None:
        """Once some resources are done, so that what the state does not know exists; never after the last ones."""
        done = moments.randint(4, MAPS)
        at_work = at(lambda reader: reader.done >= done, lambda pid: os.kill(pid, signal.SIGKILL), monkeypatch)
        with at_work as hit, contextlib.suppress(ToolError):
            command()
        assert [ended(reader) for reader in hit] == [False], "the engine was not at work"

    def is_up(said: str) -> None:
        life.up(STACK)
        assert len(own_objects(life, cluster)) == MAPS + 1, said
        assert engine_of(life, toolchain).refresh(preview_only=True).changes == {}, said

    def is_down(said: str) -> None:
        life.down(STACK, yes=True)
        assert cluster.difference(before) == set(), said
        assert not state_directory(life.project).exists(), said
        assert names_of_processes(life) == [], said

    for attempt in range(rounds):
        kill(lambda: life.up(STACK))
        if attempt % 2:  # straight down: what the killed up made must go too, though no state knows it
            is_down(f"round {attempt}: up killed, then down")
            continue
        is_up(f"round {attempt}: up killed, then up")
        kill(lambda: life.down(STACK, yes=True))  # what is gone must come back, though the state says it is there
        is_up(f"round {attempt}: destroy killed, then up")
        kill(lambda: life.down(STACK, yes=True))
        is_down(f"round {attempt}: destroy killed, then down")


def ended(reader: EventReader) -> bool:
    """The run's last word was there: a kill came too late."""
    return reader._summary is not None


def lock_of(life: Lifecycle, pid: int, host: str) -> Path:
    """Writes a lock as an engine would."""
    folder = state_directory(life.project) / "backend/.pulumi/locks/organization/mlplatform" / STACK
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{pid}.json"
    taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    path.write_text(json.dumps({"pid": pid, "username": "ann", "hostname": host, "timestamp": taken}), encoding="utf-8")
    return path


def test_the_lock_of_a_dead_run_is_broken_and_that_of_a_living_one_or_of_another_machine_is_not(life, cluster):
    life.up(STACK)
    dead = subprocess.Popen(["true"])
    dead.wait()
    printed(life)

    living = lock_of(life, os.getpid(), this_host())
    with pytest.raises(ToolError, match=rf"being changed by another run \(ann@.*, process {os.getpid()}"):
        life.up(STACK)
    assert living.exists()
    living.unlink()

    foreign = lock_of(life, dead.pid, "another-machine")
    with pytest.raises(ToolError, match=r"locked by a run on another machine .* `pulumi cancel test --yes`"):
        life.up(STACK)
    assert foreign.exists()
    foreign.unlink()

    cluster.kubectl("delete", "configmap", "map-0", "-n", own_namespace(life))
    stale = lock_of(life, dead.pid, this_host())
    life.up(STACK)
    assert "removed the lock of a dead run" in printed(life)
    assert not stale.exists()
    assert "configmap/map-0" in own_objects(life, cluster), "behind a dead run, the state is compared with reality"


def test_attribute_files_that_a_killed_engine_left_empty_stop_no_command(life, cluster):
    before = cluster.census()
    life.up(STACK)
    torn = list((state_directory(life.project) / "backend/.pulumi").rglob("*.attrs"))
    assert {path.name for path in torn} >= {"meta.yaml.attrs", f"{STACK}.json.attrs"}, "the engine still writes them"
    for path in torn:
        path.write_bytes(b"")
    life.down(STACK, yes=True)
    assert cluster.difference(before) == set()


def test_of_two_commands_at_once_the_second_fails_with_a_message(life):
    with life._only_one(STACK), pytest.raises(ToolError, match="another make is running on stack test"):
        life.up(STACK)


def test_ctrl_c_ends_an_up_in_order_and_the_next_one_goes_on(life, cluster, monkeypatch):
    monkeypatch.setenv("TEST_LAW_LARGEST", "200")
    configure(life.project, count=150)
    journal = Journal.of(state_directory(life.project), STACK).path

    def press() -> None:
        # In the midst of it: a moment counted in seconds came before the first request where the machine was slow.
        while not own_objects(life, cluster):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(ToolError, match=r"up was interrupted\. `make up STACK=test` continues from here\."):
        life.up(STACK)
    assert "stopping gracefully. Ctrl-C once more stops at once." in printed(life)
    assert names_of_processes(life) == []
    assert journal.exists(), "requests were given up on their way"
    life.up(STACK)
    assert not journal.exists()
    assert len(own_objects(life, cluster)) == 150 + 1


def test_ctrl_c_in_the_first_moment_of_an_engine_counts_where_a_shell_has_it_ignored(life, toolchain):
    class Hasty(NoWatcher):
        def started(self, pid: int) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    life.up(STACK)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as in the background of a shell
    try:
        outcome = dataclasses.replace(engine_of(life, toolchain), watcher=Hasty()).refresh()
    finally:
        signal.signal(signal.SIGINT, before)
    assert outcome.interruptions == 1
    assert not outcome.succeeded


def test_behind_a_command_that_was_killed_the_next_one_ends_what_is_left_and_goes_on(life, cluster, monkeypatch):
    monkeypatch.setenv("TEST_LAW_LARGEST", str(MAPS))
    configure(life.project, count=MAPS)
    journal = Journal.of(state_directory(life.project), STACK).path
    command = os.fork()
    if command == 0:
        try:
            life.up(STACK)
        finally:
            os._exit(0)
    while not journal.exists():
        assert os.waitpid(command, os.WNOHANG) == (0, 0), "the run ended, and no journal was written during it"
        time.sleep(0.01)
    time.sleep(1)
    os.kill(command, signal.SIGKILL)
    os.waitpid(command, 0)
    run = json.loads(journal.read_text(encoding="utf-8"))["run"]
    plugin = subprocess.Popen(["sleep", "600"], env={**os.environ, RUN_VARIABLE: run})  # in place of one that hangs

    life.up(STACK)
    has_ended = plugin.poll() is not None
    plugin.kill()
    assert has_ended
    said = printed(life)
    assert "recovery   the last up of" in said
    assert "ended what it left running: " in said
    assert len(own_objects(life, cluster)) == MAPS + 1
    assert names_of_processes(life) == []

    # Without a lock, as after `pulumi cancel`, the journal is the only sign that the state is not reliable.
    cluster.kubectl("delete", "configmap", "map-0", "-n", own_namespace(life))
    Journal.of(state_directory(life.project), STACK).write(Unfinished.now("destroy", "of-no-process"))
    life.up(STACK)
    assert "configmap/map-0" in own_objects(life, cluster)


def test_plain_pulumi_meets_the_stack_that_make_made_and_the_other_way_round(life, cluster, toolchain):
    life.up(STACK)
    plain = {**toolchain.environment(), **life.environment, **plain_environment(life.project, STACK)}

    def pulumi(*arguments: str) -> str:
        command = [toolchain.path("pulumi"), *arguments, "--stack", STACK]
        answer = subprocess.run(command, cwd=life.project, env=plain, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    assert "6 unchanged" in pulumi("preview", "--expect-no-changes")
    assert "6 unchanged" in pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert "6 unchanged" in pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    assert "encryptionsalt" in (life.project / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    printed(life)
    life.up(STACK)
    assert "up         nothing to do: all 6 resources are up to date" in printed(life)
    assert "6 deleted" in pulumi("destroy", "--yes", "--skip-preview")
    assert own_objects(life, cluster) == []


def test_a_simulated_stack_comes_with_its_cluster_and_goes_with_it(life, tmp_path, monkeypatch):
    settings = {"mlplatform:cluster": {"kind": "simulated"}, "objects:space": "simulated"}
    (life.project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": settings}), encoding="utf-8")
    life = dataclasses.replace(life, facts=read_facts, environment={})

    life.up("dev")
    assert "6 created" in printed(life)
    own = Cluster(cluster_name(life.project, "dev"))
    own.delete()
    life.up("dev")
    text = printed(life)
    assert "the cluster was recreated since the last up; the state starts empty" in text
    assert "6 created" in text
    life.status("dev")
    assert f"cluster    {own.name}: running" in printed(life)

    life.down("dev")
    assert "nothing is left over" in printed(life)
    assert own.status().state is State.ABSENT
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file() and path.name != ".lock"] == []
    life.down("dev")
    assert "stack dev is not up; there is nothing to take down" in printed(life)

    # A destroy whose engine is killed does not keep the cluster: it goes as a whole, with all that is left of it.
    life.up("dev")
    with at(after_events(2), lambda pid: os.kill(pid, signal.SIGKILL), monkeypatch) as hit:
        life.down("dev")
    assert hit
    assert "did not end; the simulated cluster is deleted as a whole" in printed(life)
    assert own.status().state is State.ABSENT
    assert not state_directory(life.project).exists()
    assert names_of_processes(life) == []
