"""Which cluster is read, and what is said of one that cannot be. The programs are scripts; the real ones are asked in
tests/engine/test_existing_stack.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings.clouds.existing import ExistingSettings
from tools.observe import Access, access, named, observe

POD = {"metadata": {"name": "one"}}
MODEL = {"metadata": {"name": "chat"}}
MakeKubectl = Callable[..., Access]


@pytest.fixture
def kubectl(tmp_path: Path) -> MakeKubectl:
    """A kubectl that notes its arguments and runs a script."""

    def make(script: str, context: str = "") -> Access:
        program = tmp_path / "kubectl"
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / "asked"}\n{script}\n', encoding="utf-8")
        program.chmod(0o700)
        return Access(program, tmp_path / "kubeconfig", context)

    return make


def listing(models: str) -> str:
    """A script that lists one pod, and does something else where models are asked for."""
    return f"case $* in *' get pods '*) echo '{json.dumps({'items': [POD]})}';; *) {models};; esac"


def test_pods_and_models_of_teams_are_asked_for_in_the_context_that_is_named(
    kubectl: MakeKubectl, tmp_path: Path
) -> None:
    answer = listing(f"echo '{json.dumps({'items': [MODEL]})}'")
    observed = observe(kubectl(answer, "lab"), {"PATH": "/usr/bin:/bin"})
    assert (observed.pods, observed.models, observed.problem) == ([POD], [MODEL], "")
    asked = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    assert [line.split("get ")[1].split()[0] for line in asked] == [
        "pods",
        "inferenceservices.serving.kserve.io",
        "jobs.batch,deployments.apps",
    ]
    assert all("--context=lab" in line and "--selector=mlplatform.dev/team" in line for line in asked)


def test_a_cluster_without_kserve_has_no_models(kubectl: MakeKubectl) -> None:
    script = listing("""echo "error: the server doesn't have a resource type" >&2; exit 1""")
    observed = observe(kubectl(script), {"PATH": "/usr/bin:/bin"})
    assert (observed.pods, observed.models, observed.problem) == ([POD], [], "")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Unable to connect to the server: no route to host", "the cluster does not answer (Unable to connect to the "),
        (
            'Error from server (Forbidden): pods is forbidden: User "ann" cannot list',
            "the cluster may not be read (Err",
        ),
    ],
)
def test_a_cluster_that_cannot_be_read_is_a_problem_in_one_line(kubectl: MakeKubectl, said: str, problem: str) -> None:
    observed = observe(kubectl(f"echo noise >&2; echo '{said}' >&2; exit 1"), {"PATH": "/usr/bin:/bin"})
    assert observed.problem.startswith(problem)
    assert "\n" not in observed.problem
    assert (observed.pods, observed.models) == ((), ())


def chosen(tmp_path: Path, *, own: Path | None = None, made: str = "", **cluster: Any) -> tuple[str, str]:
    """Text of the kubeconfig (its path where it is none of ours) and context."""
    there = Access(Path("kubectl"), own) if own else None
    if cluster:
        there = named(Path("kubectl"), ExistingSettings.model_validate({"kind": "existing", "pools": {}, **cluster}))
    with access(Path("kubectl"), there, lambda: made, tmp_path) as found:
        if found is None:
            return "", ""
        path = found.kubeconfig
        return (path.read_text(encoding="utf-8") if path.exists() else str(path)), found.context


def test_the_cluster_is_the_simulated_one_the_named_one_or_the_one_that_the_stack_made(tmp_path: Path) -> None:
    """Finds a summary that reads no cluster but the simulated one."""
    assert chosen(tmp_path, own=Path("/own"), made="made") == ("/own", "")
    assert chosen(tmp_path, made="made", kubeconfig="/lab", context="rack") == ("/lab", "rack")
    assert chosen(tmp_path, context="rack") == (str(Path("~/.kube/config").expanduser()), "rack")
    assert chosen(tmp_path, made="made") == ("made", "")
    assert chosen(tmp_path) == ("", "")


def test_a_kubeconfig_that_the_stack_made_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with access(Path("kubectl"), None, lambda: "secret", tmp_path) as found:
        assert found is not None
        assert found.kubeconfig.stat().st_mode & 0o077 == 0
    assert not found.kubeconfig.exists()
    assert [*tmp_path.iterdir()] == []
