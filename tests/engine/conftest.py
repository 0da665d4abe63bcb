"""What every test on the real engine and the real API server stands on.

`toolchain` and `cluster` live as long as the test session; a `workspace` is one project with a state of its own. The
engine's answers are `tools.events.Outcome`s: `changes` (resources by operation), `same`, `failures`, `violations`.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator.clouds.cloud import SimulatedCloud
from simulator.cluster import Cluster
from tools import toolchain as toolchains
from tools.backend import Backend
from tools.engine import Engine
from tools.progress import Silent
from tools.toolchain import Toolchain

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
# Written by the control plane at its own pace: no test may depend on them, and no stack owns them.
_NOT_COUNTED = ("events", "leases", "componentstatuses", "apiservices")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything below tests/engine needs the real toolchain."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """The real tools, made ready if they are not."""
    return toolchains.ensure(Silent())


@dataclass(frozen=True)
class LiveCluster:
    """A running simulated cluster: real etcd, API server, controller manager and scheduler; nodes and pods by kwok."""

    kubeconfig: Path
    toolchain: Toolchain

    def kubectl(
        self, *arguments: str, check: bool = True, text: str | None = None, seconds: float | None = None
    ) -> str:
        """Runs kubectl against this cluster and returns what it printed; `text` goes to its standard input.

        Raises `subprocess.TimeoutExpired`, which names the command, where it takes more than these seconds.
        """
        answer = subprocess.run(
            [str(self.toolchain.path("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments],
            capture_output=True,
            text=True,
            check=False,
            input=text,
            timeout=seconds,
        )
        if check and answer.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout if answer.returncode == 0 else answer.stderr

    def census(self) -> frozenset[str]:
        """Every object of every API group that can be listed, as `apiVersion Kind namespace/name`.

        What the control plane writes at its own pace (events, leases) is not counted. Nothing has changed where a
        second one equals the first. After a deletion controllers still collect what belonged to it: see `difference`.
        """
        listable = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        kinds = ",".join(kind for kind in listable if kind.split(".")[0] not in _NOT_COUNTED)
        columns = "A:.apiVersion,K:.kind,S:.metadata.namespace,N:.metadata.name"
        lines = self.kubectl(
            "get", kinds, "-A", "--no-headers", "--ignore-not-found", "-o", f"custom-columns={columns}"
        )
        rows = (line.split() for line in lines.splitlines() if line.strip())
        return frozenset(f"{version} {kind} {space}/{name}" for version, kind, space, name in rows)

    def difference(self, before: frozenset[str]) -> frozenset[str]:
        """What is there and was not, or was and is not; controllers have 30 s to collect what deleted objects owned."""
        deadline = time.monotonic() + 30
        while (found := self.census() ^ before) and time.monotonic() < deadline:
            time.sleep(0.3)
        return found


@pytest.fixture(scope="session")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[LiveCluster]:
    """One simulated cluster for the session, in a home of its own; gone afterwards."""
    simulated = Cluster(f"test-{worker_id}", home=tmp_path_factory.mktemp("cluster"))
    try:
        simulated.start(toolchain)
        yield LiveCluster(simulated.kubeconfig, toolchain)
    finally:
        simulated.delete()


@pytest.fixture
def simulated_cloud(tmp_path: Path) -> Iterator[SimulatedCloud]:
    """An empty simulated AWS and Google Cloud; its clusters end with the test.

    `workspace(..., environment=simulated_cloud.environment(toolchain))` makes an engine that meets it in place of the
    real ones. A fixture that uses both asks for this one first, so that what the test left is destroyed before it goes.
    """
    made = SimulatedCloud(tmp_path / "simulated-cloud")
    try:
        yield made
    finally:
        made.delete()


WorkspaceFactory = Callable[..., Engine]


@contextmanager
def workspaces(toolchain: Toolchain, cluster: LiveCluster, folder: Path) -> Iterator[WorkspaceFactory]:
    """Makes projects: `workspace("objects", config={...})` is an `Engine` with its own file backend and passphrase.

    The program is a directory below tests/engine/programs, or any path; `REPOSITORY / "stacks"` is the real one.
    Options: `stack` (default `test`), `config` (stack settings, a mapping), `policy_pack` (a path), `skip_checkpoints`
    (default on), `environment` (more variables), `name` (several projects in one test). The kubeconfig of `cluster` is
    the ambient one. What a test leaves behind is destroyed.
    """
    made: list[Engine] = []

    def make(
        program: str | Path,
        *,
        stack: str = "test",
        config: Mapping[str, Any] | None = None,
        policy_pack: Path | None = None,
        skip_checkpoints: bool = True,
        environment: Mapping[str, str] | None = None,
        name: str = "mlplatform",
    ) -> Engine:
        project = folder / name
        state = folder / f"{name}-state"
        project.mkdir()
        (project / ".venv").symlink_to(REPOSITORY / ".venv", target_is_directory=True)
        (project / "program").symlink_to(PROGRAMS / program, target_is_directory=True)
        settings = {
            "name": name,
            "runtime": {"name": "python", "options": {"virtualenv": ".venv"}},
            "main": "program/",
        }
        (project / "Pulumi.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        if config is not None:
            text = yaml.safe_dump({"config": dict(config)})
            (project / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
        engine = Engine(
            tools=toolchain,
            project=project,
            stack=stack,
            state=state,
            backend=Backend(f"file://{state / 'backend'}", "test"),
            policy_pack=policy_pack,
            environment={"KUBECONFIG": str(cluster.kubeconfig), **(environment or {})},
            skip_checkpoints=skip_checkpoints,
        )
        engine.create()
        made.append(engine)
        return engine

    try:
        yield make
    finally:
        for engine in made:
            if engine.exists() and engine.resources():
                engine.cancel()
                engine.destroy()
            shutil.rmtree(engine.state, ignore_errors=True)


@pytest.fixture
def workspace(toolchain: Toolchain, cluster: LiveCluster, tmp_path: Path) -> Iterator[WorkspaceFactory]:
    """`workspaces` of one test."""
    with workspaces(toolchain, cluster, tmp_path) as make:
        yield make
