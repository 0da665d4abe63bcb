"""`make` and plain `pulumi` with the dev stack itself, as a newcomer has them: killed on the way, up, looked at, down.

What dev promises when nothing goes wrong is in test_dev_stack.py, killed runs at many moments in test_lifecycle.py.
"""

import base64
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from components.base.component import LABELS
from simulator.cluster import Cluster, State
from tests.engine.conftest import LiveCluster
from tests.engine.kills import killed, names_of_processes
from tools.backend import cluster_name, state_directory
from tools.engine import Engine
from tools.lifecycle import Lifecycle, plain_environment
from tools.screen import Screen

REPOSITORY = Path(__file__).parents[2]
LINKED = ("catalog", "stacks", "settings", "components", "policies", "report", "simulator", ".venv")


@pytest.fixture
def life(toolchain, tmp_path, monkeypatch) -> Iterator[Lifecycle]:
    """A checkout with settings files of its own: plain pulumi writes its salt there."""
    monkeypatch.setenv("MLPLATFORM_HOME", str(tmp_path / "home"))
    project = tmp_path / "checkout"
    project.mkdir()
    for name in LINKED:
        (project / name).symlink_to(REPOSITORY / name, target_is_directory=True)
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml"):
        (project / name).write_bytes((REPOSITORY / name).read_bytes())
    screen = Screen(Console(record=True, width=200, file=open("/dev/null", "w", encoding="utf-8")))  # noqa: SIM115
    made = Lifecycle(project=project, screen=screen, tools=lambda: toolchain)
    yield made
    made.down("dev", yes=True)


class Arguments(threading.Thread):
    """What every process of the machine was started with, while this runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add(" ".join(process.info["cmdline"] or []))

    def __enter__(self) -> "Arguments":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def objects_of_ours(cluster: LiveCluster) -> set[str]:
    """Objects with our labels that nothing else owns: what somebody declared. Endpoints have those of their Service."""
    listable = cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    label = f"app.kubernetes.io/managed-by={LABELS['app.kubernetes.io/managed-by']}"
    answer = cluster.kubectl("get", ",".join(listable), "-A", "-l", label, "-o", "json", "--ignore-not-found")
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for item in json.loads(answer)["items"]
        if not item["metadata"].get("ownerReferences") and item["kind"] != "Endpoints"
    }


def secret_values(cluster: LiveCluster) -> set[str]:
    """What stands in any Secret, encoded and in clear; short values (a user, a host) would be found everywhere."""
    secrets = json.loads(cluster.kubectl("get", "secrets", "-A", "-o", "json"))["items"]
    encoded = {value for secret in secrets for value in (secret.get("data") or {}).values()}
    decoded = {base64.b64decode(value).decode(errors="replace") for value in encoded}
    return {value for value in encoded | decoded if len(value) >= 16}


def declared(engine: Engine) -> set[str]:
    """The objects that the state knows, named as `objects_of_ours` does."""
    found = set()
    for resource in engine.resources():
        metadata = resource.get("outputs", {}).get("metadata")
        if resource["type"].startswith("kubernetes:") and metadata:
            found.add(f"{resource['outputs']['kind']} {metadata.get('namespace', '')}/{metadata['name']}")
    return found


def test_dev_comes_up_after_a_kill_is_as_declared_and_goes_after_a_kill(life, toolchain, capsys):
    own = Cluster(cluster_name(life.project, "dev"))
    cluster, state = LiveCluster(own.kubeconfig, toolchain), state_directory(life.project)

    def there(*what: str) -> bool:
        return "NotFound" not in cluster.kubectl("get", *what, check=False)

    # Killed in the midst of it, the next one converges: everything is there, once, and nothing that no state knows.
    assert killed(life, "dev", lambda: life.up("dev"), when=lambda: there("namespace", "mlflow"))
    settings = (life.project / "Pulumi.dev.yaml").read_bytes()
    with Arguments() as arguments:
        life.up("dev")
    assert "the last up of" in life.screen.console.export_text()
    engine = life._begin(life.facts(life.project, "dev"), start_cluster=False).engine
    ours = objects_of_ours(cluster)
    assert len(ours) > 200
    assert ours - declared(engine) == set()
    assert (life.project / "Pulumi.dev.yaml").read_bytes() == settings

    # It ends with the summary, made of what is really there.
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "dev is up" in rows
    assert "detector vision distributed training 2 2 Succeeded h100-0 h100-1" in rows
    assert "vision h100 16 16 0" in rows

    # No secret was an argument of a process while it came up, and none stands in what it left on disk.
    hidden = secret_values(cluster)
    assert len(hidden) > 10
    assert [text for text in arguments.seen if any(value in text for value in hidden)] == []
    left = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in left)
    assert [p for p in left if any(value in p.read_text(errors="replace") for value in hidden)] == []

    # Plain pulumi, in the project's root, sees the same.
    plain = {**toolchain.environment(), **plain_environment(life.project, "dev")}
    command = [
        toolchain.path("pulumi"),
        "preview",
        "--stack",
        "dev",
        "--expect-no-changes",
        "--policy-pack",
        "policies",
    ]
    answer = subprocess.run(command, cwd=life.project, env=plain, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " unchanged" in answer.stdout
    life.up("dev")
    assert "nothing to do" in life.screen.console.export_text()

    # A destroy whose engine is killed does not keep the cluster: it goes as a whole, with all that is left of it.
    def is_half_gone() -> bool:
        return not there("deployment", "-n", "vision", "detector-api")

    assert killed(life, "dev", lambda: life.down("dev"), when=is_half_gone)
    assert "did not end; the simulated cluster is deleted as a whole" in life.screen.console.export_text()
    assert own.status().state is State.ABSENT
    assert not state.exists()
    assert names_of_processes(life) == []
