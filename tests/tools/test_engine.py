"""What is read out of a state without an engine. Not proved here: what the real one writes (tests/engine)."""

import io
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tools.backend import Backend
from tools.engine import Engine, NoWatcher, Tools, _read
from tools.events import EventReader

TEXT = "apiVersion: v1\nkind: Config\n"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": json.dumps(TEXT)}


@dataclass(frozen=True)
class Exported(Engine):
    """An engine whose state is given."""

    resources_told: tuple[dict[str, Any], ...] = ()

    def _ask(self, *arguments: str, cwd: Path | None = None, named: bool = True) -> str:
        assert arguments == ("stack", "export", "--show-secrets")
        return json.dumps({"deployment": {"resources": self.resources_told}})


class NoTools:
    """Nothing is run."""

    def path(self, name: str) -> Path:
        raise AssertionError(name)

    def environment(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Asked(Engine):
    """An engine without stacks, which keeps its questions: what they are, and whether they name the stack."""

    asked: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)

    def _ask(self, *arguments: str, cwd: Path | None = None, named: bool = True) -> str:
        self.asked.append((arguments, named))
        return "[]"


def resource(kind: str, **outputs: Any) -> dict[str, Any]:
    return {"type": kind, "outputs": outputs}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([resource("pulumi:pulumi:Stack", kubeconfig=SECRET)], TEXT),
        ([{"type": "pulumi:pulumi:Stack"}, resource("mlplatform:index:EksCluster", kubeconfig=SECRET)], TEXT),
        ([resource("pulumi:pulumi:Stack", kubeconfig=TEXT)], TEXT),
        ([resource("pulumi:providers:kubernetes", kubeconfig=SECRET)], ""),
        ([resource("pulumi:pulumi:Stack", kubeconfig="")], ""),
        ([], ""),
    ],
    ids=[
        "of the stack",
        "of a stack whose first up failed",
        "in clear",
        "of a cluster of others",
        "empty",
        "nothing up",
    ],
)
def test_the_kubeconfig_is_that_of_the_cluster_that_the_stack_makes(
    resources: list[dict[str, Any]], expected: str, tmp_path: Path
) -> None:
    tools: Tools = NoTools()
    engine = Exported(tools, tmp_path, "prod", tmp_path, Backend("file:///x", "default"), resources_told=(*resources,))
    assert engine.kubeconfig() == expected


def test_the_resources_are_those_of_the_state_and_none_of_an_empty_one(tmp_path: Path) -> None:
    held = [{"urn": "a"}, {"urn": "b"}]

    @dataclass(frozen=True)
    class Plain(Engine):
        answer: str = ""

        def _ask(self, *arguments: str, cwd: Path | None = None, named: bool = True) -> str:
            return self.answer

    for deployment, expected in (({"resources": held}, held), ({"resources": None}, []), ({}, [])):
        tools: Tools = NoTools()
        answer = json.dumps({"deployment": deployment})
        engine = Plain(tools, tmp_path, "dev", tmp_path, Backend("file:///x", "default"), answer=answer)
        assert engine.resources() == expected


def test_a_stack_is_created_under_its_name_without_naming_one_that_is_not_there_yet(tmp_path: Path) -> None:
    tools: Tools = NoTools()
    (tmp_path / "Pulumi.yaml").write_text("name: mlplatform\n", encoding="utf-8")
    engine = Asked(tools, tmp_path, "dev", tmp_path, Backend("file:///x", "default"))
    engine.create()
    assert engine.asked[-1] == (("stack", "init", "dev", "--no-select"), False)


def test_what_the_engine_prints_outside_of_events_is_in_the_log() -> None:
    log = io.StringIO()
    with subprocess.Popen(
        ["/bin/sh", "-c", "echo '{}'; echo panic >&2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _read(process, EventReader("up"), log, NoWatcher())
    assert log.getvalue().splitlines() == ["{}", "panic"]
