"""Calling kwokctl and kubectl."""

from pathlib import Path

import pytest

from simulator import launcher
from simulator.errors import SimulatorError


def script(folder: Path, text: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return path


def test_settings_of_the_users_own_kwok_and_kubeconfig_do_not_reach_kwokctl(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KWOK_KUBE_VERSION", "v1.20.0")
    monkeypatch.setenv("KUBECONFIG", "/home/somebody/.kube/config")
    monkeypatch.setenv("LANG", "C")
    environment = launcher.environment(tmp_path)
    assert environment["KWOK_WORKDIR"] == str(tmp_path)
    assert environment["LANG"] == "C"
    assert {name for name in environment if name.startswith(("KWOK_", "KUBE"))} == {"KWOK_WORKDIR"}


def test_a_failure_of_kwokctl_is_reported_with_its_message(tmp_path: Path) -> None:
    program = script(tmp_path, "echo no space left on device >&2; exit 3")
    with pytest.raises(SimulatorError, match=r"cluster dev: kwokctl failed \(exit code 3\):\nno space left"):
        launcher.call_kwokctl(program, tmp_path, "dev", "create", "cluster")


def test_what_kwokctl_writes_is_private(tmp_path: Path) -> None:
    launcher.call_kwokctl(script(tmp_path, f"touch {tmp_path}/key"), tmp_path, "dev")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


def test_a_failure_of_kubectl_is_reported_with_its_message(tmp_path: Path) -> None:
    program = script(tmp_path, "cat >&2; exit 1")
    with pytest.raises(SimulatorError, match=r"kubectl apply failed \(exit code 1\): bad"):
        launcher.call_kubectl(program, tmp_path / "kubeconfig.yaml", "apply", text="bad")


def test_a_port_that_was_taken_while_the_cluster_was_stopped_is_named_with_the_remedy() -> None:
    with pytest.raises(SimulatorError, match=r"listens on 21001 \(etcdPort\).*End that program, or delete the cluster"):
        launcher.refuse_taken_ports("dev", {"etcdPort": 21001, "etcdPeerPort": 21002}, lambda port: port == 21002, 0)


def test_free_ports_are_fine() -> None:
    launcher.refuse_taken_ports("dev", {"etcdPort": 21001}, lambda _: True)


def test_the_last_words_of_a_program_are_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "etcd.log").write_text("\n".join(f"line {number}" for number in range(100)))
    assert launcher.last_words(tmp_path, "etcd").splitlines() == [f"line {number}" for number in range(88, 100)]
    assert launcher.last_words(tmp_path, "kwok-controller") == "(no log)"


def test_a_port_that_a_dying_program_still_holds_is_waited_for():
    answers = iter([False, False, True])
    launcher.refuse_taken_ports("dev", {"etcdPort": 21001}, lambda _: next(answers))
    assert next(answers, None) is None
