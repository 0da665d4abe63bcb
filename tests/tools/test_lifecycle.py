"""What the life of a stack depends on, decided without an engine."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from rich.console import Console

from components.clouds.existing.advice import Advice
from tests.support.settings import GOOD
from tests.tools.test_leftovers import BUCKET, CLUSTER, HOME, volume
from tools import lifecycle
from tools import run as run_module
from tools.backend import Backend
from tools.engine import RUN_VARIABLE, Engine
from tools.errors import ToolError
from tools.events import EventReader, Failure, Outcome, Step, Violation
from tools.facts import read_facts, skip_checkpoints
from tools.lifecycle import Lifecycle
from tools.processes import Chosen
from tools.recovery import Unfinished
from tools.run import LOOK_SECONDS, LOOKS, Run, StackFacts
from tools.screen import Screen, failures_text, steps_text, violations_text

REPOSITORY = Path(__file__).parents[2]
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


def test_folders_of_local_images_are_relative_to_the_project(tmp_path):
    images = "{a:1: .venv-training, b:1: /opt/training, c:1: 3}"
    read = read_facts(write(tmp_path, f"config: {{'mlplatform:cluster': {{localImages: {images}}}}}"), "dev")
    assert read.local_images == {"a:1": tmp_path / ".venv-training", "b:1": Path("/opt/training")}
    assert read_facts(write(tmp_path, "config: {'mlplatform:cluster': {localImages: x}}"), "dev").local_images == {}


def test_an_unknown_stack_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(ToolError, match=r"no stack 'prd': Pulumi\.prd\.yaml is not in .*\. Known stacks: dev\."):
        read_facts(write(tmp_path, ""), "prd")


def test_settings_that_are_no_yaml_are_refused_with_the_place(tmp_path):
    with pytest.raises(ToolError, match=r"(?s)Pulumi\.dev\.yaml: .*line 1: mapping values.*valid YAML"):
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


def test_a_failure_that_many_share_is_said_once_with_all_their_names():
    failures = (Failure(urn("Node", "a"), "unreachable"), Failure(urn("Node", "b"), "unreachable"), Failure("", "bad"))
    assert failures_text(failures) == "✗ unreachable\n    2 resources: Node a, Node b\n✗ stack\n    bad"


def test_a_violation_is_printed_without_its_description_and_once():
    violation = Violation(urn("ConfigMap", "a"), "count", "Few maps\n5 where 4 are allowed", mandatory=True)
    assert violations_text((violation, violation)) == (
        "✗ ConfigMap a  [count]\n    5 where 4 are allowed\n    (2 times)"
    )


# --- a cluster of the stack goes last ---------------------------------------------------------------------------------

EVERYTHING, NAMESPACES = "everything", "**kubernetes:core/v1:Namespace::**"
SILENT = "Unable to connect to the server: no route to host"


@dataclass(frozen=True)
class Played(Engine):
    """An engine that deletes nothing and keeps what it was asked to delete."""

    known: tuple[Mapping[str, Any], ...] = ()
    deleted: list[str] = field(default_factory=list)

    def resources(self) -> list[dict[str, Any]]:
        return [dict(resource) for resource in self.known]

    def kubeconfig(self) -> str:
        return "clusters: []"

    def variables(self) -> dict[str, str]:
        return dict(self.environment)

    def destroy(self, *, preview_only: bool = False, first: str = "") -> Outcome:
        self.deleted.append(first or EVERYTHING)
        return EventReader("destroy").outcome(0, 0.0)


@dataclass(frozen=True)
class Programs:
    """A kubectl that prints what a file holds, or fails as one without a cluster."""

    directory: Path

    def path(self, name: str) -> Path:
        program = self.directory / name
        said = self.directory / "objects.json"
        program.write_text(f"#!/bin/sh\ncat {said} 2>/dev/null || {{ echo noise >&2; echo '{SILENT}' >&2; exit 1; }}\n")
        program.chmod(0o700)
        return program

    def environment(self) -> dict[str, str]:
        return {}

    def hold(self, *objects: Mapping[str, Any]) -> None:
        """What the cluster has from now on."""
        (self.directory / "objects.json").write_text(json.dumps({"items": objects}))


@dataclass
class PlayedStack:
    """A stack of a cluster, a namespace and a bucket, and what became of it."""

    run: Run
    programs: Programs
    engine: Played
    waits: list[float]

    @property
    def printed(self) -> str:
        return self.run.screen.console.export_text()


MakeStack = Callable[..., PlayedStack]


@pytest.fixture
def make_stack(tmp_path: Path) -> MakeStack:
    """`make_stack(resources, during, environment)`; `during(programs, wait)` is called at each wait."""

    def make(
        *resources: Mapping[str, Any],
        during: Callable[[Programs, int], None] = lambda programs, wait: None,
        environment: Mapping[str, str] = {},
    ) -> PlayedStack:
        programs, waits = Programs(tmp_path), list[float]()

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            during(programs, len(waits))

        engine = Played(
            programs,
            tmp_path,
            "prod",
            tmp_path / "state",
            FILE,
            environment={RUN_VARIABLE: "run", "PATH": "/usr/bin:/bin", **environment},
            known=resources,
        )
        console = Console(record=True, width=300, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
        return PlayedStack(Run(OWN, engine, Screen(console), None, sleep=sleep), programs, engine, waits)

    return make


def test_nodes_and_drivers_stay_until_controllers_have_deleted_the_disks(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER, HOME, BUCKET, during=lambda programs, wait: programs.hold() if wait == 3 else None)
    stack.programs.hold(volume("vision"))
    stack.run.destroy()
    assert stack.engine.deleted == [NAMESPACES, EVERYTHING]
    assert stack.waits == [LOOK_SECONDS] * 3


def test_without_a_namespace_a_destroy_still_waits_for_what_an_interrupted_one_had_begun(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER, during=lambda programs, wait: programs.hold())
    stack.programs.hold(volume("vision"))
    stack.run.destroy()
    assert (stack.engine.deleted, stack.waits) == ([EVERYTHING], [LOOK_SECONDS])


def test_a_disk_that_is_never_deleted_keeps_the_cluster_and_is_named(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER, HOME)
    stack.programs.hold(volume("vision"))
    with pytest.raises(ToolError, match=r"after 10 minutes .* not deleted volume vol-1 of vision/data\. Cluster, nod"):
        stack.run.destroy()
    assert (stack.engine.deleted, len(stack.waits)) == ([NAMESPACES], LOOKS - 1)


def test_nodes_and_drivers_of_a_cluster_that_is_kept_wait_as_well(make_stack: MakeStack) -> None:
    stack = make_stack({**CLUSTER, "retainOnDelete": True}, HOME, during=lambda programs, wait: programs.hold())
    stack.programs.hold(volume("vision"))
    stack.run.destroy()
    assert (stack.engine.deleted, stack.waits) == ([NAMESPACES, EVERYTHING], [LOOK_SECONDS])


def test_a_cluster_that_is_not_the_stacks_is_not_asked(make_stack: MakeStack) -> None:
    stack = make_stack(BUCKET, HOME)
    stack.run.destroy()
    assert (stack.engine.deleted, stack.waits) == ([EVERYTHING], [])


def test_an_empty_cluster_that_does_not_answer_goes_and_what_may_be_orphaned_is_said(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER)
    stack.run.destroy()
    assert stack.engine.deleted == [EVERYTHING]
    assert stack.printed.splitlines()[0] == (
        f"orphaned   the cluster does not answer ({SILENT}): "
        "volumes and load balancers that its controllers created may remain in the cloud"
    )
    assert len(stack.waits) == 2, "asked three times"


def test_a_cluster_that_falls_silent_after_it_was_emptied_stays(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER, HOME)
    with pytest.raises(ToolError, match=r"though it did a moment ago: volumes .* `make down STACK=prod` continues"):
        stack.run.destroy()
    assert stack.engine.deleted == [NAMESPACES]


def test_a_cluster_given_up_on_goes(make_stack: MakeStack) -> None:
    stack = make_stack(CLUSTER, HOME, environment={"PULUMI_K8S_DELETE_UNREACHABLE": "true"})
    stack.run.destroy()
    assert stack.engine.deleted == [NAMESPACES, EVERYTHING]
    assert "may remain in the cloud" in stack.printed


class NewRun:
    """A run of a stack that is not up yet: its preview finds something to do, its `up` is noted."""

    def __init__(self, kind: str, resources: int) -> None:
        self.facts = StackFacts("lab", simulated=False, cluster_kind=kind)
        self.ups = 0
        tools = SimpleNamespace(path=Path)
        backend = SimpleNamespace(unlocked=lambda stack: True)
        rows = [{}] * resources
        self.engine = SimpleNamespace(create=lambda: None, resources=lambda: rows, tools=tools, backend=backend)
        self.kubeconfig = None

    def recover(self) -> None:
        """Nothing was killed."""

    def preview(self) -> Any:
        return SimpleNamespace(steps=(), nothing_to_do=False, same=0, changes={"create": 1})

    def up(self, *, total: int) -> None:
        self.ups += 1


THERE = Advice(
    "cluster.existingAddons", "cert-manager: Deployment security/cert-manager", "write `cert-manager: security`"
)


@pytest.mark.parametrize(
    ("kind", "resources", "look_first", "refused"),
    [("existing", 0, True, True), ("existing", 0, False, False), ("existing", 3, True, False), ("eks", 0, True, False)],
)
def test_the_first_up_onto_a_cluster_that_exists_installs_nothing_twice(
    kind, resources, look_first, refused, tmp_path, monkeypatch
):
    run = NewRun(kind, resources)
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Lifecycle, "_begin", lambda *_, **__: run)
    monkeypatch.setattr(Lifecycle, "_show", lambda *_: None)
    monkeypatch.setattr(lifecycle, "validate_before_installing", lambda *_: None)
    monkeypatch.setattr(lifecycle, "second_installs", lambda settings, program: [THERE])
    (tmp_path / "Pulumi.lab.yaml").write_text(GOOD.read_text(encoding="utf-8"), encoding="utf-8")
    life = Lifecycle(project=tmp_path, facts=lambda *_: run.facts)
    if refused:
        with pytest.raises(ToolError, match="ARGS=--no-detect"):
            life.up("lab", look_first=look_first)
    else:
        life.up("lab", look_first=look_first)
    assert run.ups == (0 if refused else 1)


def test_a_cluster_that_may_not_be_read_is_said_to_be_so_and_stops_nothing(tmp_path, monkeypatch, capsys):
    def refuses(settings, program):
        raise ToolError("nodes is forbidden")

    run = NewRun("existing", 0)
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(Lifecycle, "_begin", lambda *_, **__: run)
    monkeypatch.setattr(Lifecycle, "_show", lambda *_: None)
    monkeypatch.setattr(lifecycle, "validate_before_installing", lambda *_: None)
    monkeypatch.setattr(lifecycle, "second_installs", refuses)
    (tmp_path / "Pulumi.lab.yaml").write_text(GOOD.read_text(encoding="utf-8"), encoding="utf-8")
    Lifecycle(project=tmp_path, facts=lambda *_: run.facts).up("lab")
    assert run.ups == 1
    assert "nodes is forbidden" in "".join(capsys.readouterr())


def test_settings_are_validated_before_the_tools_are_installed(tmp_path, monkeypatch):
    def made() -> NoReturn:
        raise ToolError("the tools are made")

    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLPLATFORM_CACHE", str(tmp_path / "cache"))
    good = (REPOSITORY / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    life = Lifecycle(project=write(tmp_path, good.replace("accelerator: H100", "accelerator: H1000")), tools=made)
    with pytest.raises(ToolError, match=r"cluster\.pools\.h100\.accelerator: H1000"):
        life.up("dev")
    write(tmp_path, good)
    with pytest.raises(ToolError, match="the tools are made"):
        life.up("dev")


# --- after a run that did not end ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Noted(Engine):
    """An engine whose runs end as configured; it keeps their names, and whether objects were to be taken over."""

    calls: list[str] = field(default_factory=list)
    ends: list[Failure] = field(default_factory=list)
    """Failures of the next runs, one each; none left: they end well."""

    def resources(self) -> list[dict[str, Any]]:
        return [{"urn": "one"}]

    def cancel(self) -> None:
        self.calls.append("cancel")

    def _run(self, operation: str, *flags: Any) -> Outcome:
        adopting = "adopting " if run_module.ADOPTING.items() <= self.environment.items() else ""
        self.calls.append(f"{adopting}{operation}{' --refresh' if '--refresh' in flags else ''}")
        failures = (self.ends.pop(0),) if self.ends and operation == "up" else ()
        return dataclasses.replace(EventReader(operation).outcome(len(failures), 0.0), failures=failures)


@pytest.fixture
def noted(tmp_path: Path) -> tuple[Run, Noted]:
    engine = Noted(Programs(tmp_path), tmp_path, "dev", tmp_path / "state", FILE, environment={RUN_VARIABLE: "run"})
    console = Console(file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115
    return Run(SIMULATED, engine, Screen(console), None, sleep=lambda _: None), engine


def test_a_refresh_does_not_make_certain_what_a_killed_up_created(noted: tuple[Run, Noted]) -> None:
    """Finds objects that are left over: `refresh` behind a killed `up`, then `down`, which took the state's word."""
    run, engine = noted
    run.journal.write(Unfinished.now("up", "dead"))
    run.refresh()
    assert run.journal.read() is not None
    run.up(total=None)
    assert engine.calls == ["adopting refresh", "adopting up"]
    assert run.journal.read() is None
    for operation in ("refresh", "destroy"):
        run.journal.write(Unfinished.now(operation, "dead"))
        run.refresh()
        assert run.journal.read() is None, operation


def test_behind_the_lock_of_a_dead_run_the_state_is_refreshed_by_a_run_of_its_own(
    noted: tuple[Run, Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finds an `up --refresh`: its stack policies would check what the program no longer declares."""
    run, engine = noted
    monkeypatch.setattr(run_module, "holder", lambda *_: run_module.Holder.DEAD)
    locked = "the stack is currently locked by 1 lock(s)\n  created by ann@here (pid 1) at 2026-01-01T00:00:00Z"
    engine.ends.append(Failure("", locked))
    run.up(total=None)
    assert engine.calls == ["up", "cancel", "adopting refresh", "adopting up"]
    assert run.journal.read() is None


def test_a_simulated_cluster_that_ended_is_started_again_between_attempts_and_not_otherwise(
    noted: tuple[Run, Noted],
) -> None:
    run, engine = noted
    restarts: list[int] = []
    run = dataclasses.replace(run, restart_cluster=lambda: restarts.append(len(engine.calls)))
    engine.ends.append(Failure("", "dial tcp 127.0.0.1:6443: connect: connection refused"))
    run.up(total=None)
    assert engine.calls == ["up", "adopting up"]
    assert restarts == [1]
    engine.ends.append(Failure("", "ConfigMap is invalid"))
    with pytest.raises(ToolError, match="up failed"):
        run.up(total=None)
    assert restarts == [1]


def test_what_one_attempt_left_uncertain_stays_so_when_the_next_is_refused(noted: tuple[Run, Noted]) -> None:
    """Finds a lost answer that is forgotten: the next `up` would take the state's word."""
    run, engine = noted
    engine.ends.extend([Failure("", "read: connection reset by peer"), Failure("", "Job is invalid")])
    with pytest.raises(ToolError, match="up failed"):
        run.up(total=None)
    assert engine.calls == ["up", "adopting up"]
    assert run.journal.read() is not None


@pytest.mark.parametrize(
    ("message", "uncertain"), [("Job is invalid", False), ("read: connection reset by peer", True)], ids=str
)
def test_a_failed_run_leaves_a_journal_only_if_an_answer_was_lost(
    noted: tuple[Run, Noted], message: str, uncertain: bool
) -> None:
    run, engine = noted
    engine.ends.extend([Failure("", message)] * 20)
    with pytest.raises(ToolError, match="up failed"):
        run.up(total=None)
    assert (run.journal.read() is not None) is uncertain


def test_a_preview_names_advisory_findings_and_goes_on(
    noted: tuple[Run, Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = noted
    found = Violation(urn("ConfigMap", "a"), "charts-are-visible", "Few maps\n5 where 4 are usual", mandatory=False)
    outcome = dataclasses.replace(EventReader("preview").outcome(0, 0.0), violations=(found,))
    monkeypatch.setattr(Noted, "preview", lambda _: outcome)
    screen = Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8")))  # noqa: SIM115
    dataclasses.replace(run, screen=screen).preview()
    said = screen.console.export_text()
    assert "1 advisory findings" in said
    assert "5 where 4 are usual" in said


@pytest.mark.parametrize("is_up", [True, False])
def test_a_stack_that_is_not_up_is_neither_refreshed_nor_listed(tmp_path: Path, is_up: bool) -> None:
    life = Lifecycle(project=tmp_path, screen=Screen(Console()))
    run: Any = SimpleNamespace(facts=OWN, engine=SimpleNamespace(exists=lambda: is_up))
    refused = contextlib.nullcontext() if is_up else pytest.raises(ToolError, match="stack prod is not up")
    with refused:
        life._require_stack(run)


def test_a_stack_is_locked_by_a_file_of_the_user_alone(tmp_path: Path) -> None:
    life = Lifecycle(project=tmp_path, screen=Screen(Console()))
    with life._only_one("dev"), pytest.raises(ToolError, match="another make is running"), life._only_one("dev"):
        pass
    assert (life.state / "dev.lock").stat().st_mode & 0o777 == 0o600


def test_a_cluster_that_starts_is_said_to_be_simulated_or_why_it_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster: Any = SimpleNamespace(name="c", start=lambda *_, **__: None)
    life = Lifecycle(project=tmp_path)
    for why, said in (("", "(simulated)"), ("etcd had ended, started again", "(etcd had ended, started again)")):
        life._start(cluster, Programs(tmp_path), Chosen(None), why)
        assert f"c is ready  {said}" in capsys.readouterr().out
