"""What is read out of a state without an engine. Not proved here: what the real one writes (tests/engine)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.backend import Backend
from tools.engine import Engine, Tools

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
