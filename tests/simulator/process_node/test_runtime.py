"""Decisions of the runtime that need no kernel: which folders a container may see, what a restart remembers."""

from pathlib import Path

import pytest

from simulator.process_node.image_service import ImageService
from simulator.process_node.messages import new
from simulator.process_node.processes import KILLED, ContainerState, Lifetime
from simulator.process_node.records import ContainerRecord, PodRecord, Records
from simulator.process_node.refusals import Refused
from simulator.process_node.runtime import Runtime
from simulator.process_node.service import METHODS
from simulator.process_node.specifications import volume_source

STATE = Path("/state")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "/state/kubelet/pods/own/volumes/kubernetes.io~secret/keys",
            "/state/kubelet/pods/own/volumes/kubernetes.io~secret/keys",
        ),
        ("/state/kubelet/pods/own/etc-hosts", "/state/kubelet/pods/own/etc-hosts"),
        ("/simulated/pvc-1", "/state/volumes/pvc-1"),
    ],
)
def test_a_container_sees_the_folders_of_its_pod_and_simulated_volumes(source: str, expected: str) -> None:
    assert volume_source(source, STATE, "own") == Path(expected)


@pytest.mark.parametrize(
    "source",
    [
        "/",
        "/etc/passwd",
        "/state/kubelet/pods/another/volumes/kubernetes.io~secret/keys",
        "/state/kubelet/pods/own/../another",
        "/state/kubelet.kubeconfig",
        "/state/volumes/pvc-1",
    ],
)
def test_any_other_folder_is_refused(source: str) -> None:
    with pytest.raises(Refused, match="containers see no folder of this computer"):
        volume_source(source, STATE, "own")


def test_a_simulated_volume_cannot_lead_out_of_the_volumes() -> None:
    assert volume_source("/simulated/../../etc", STATE, "own") == STATE / "volumes" / "etc"


def test_the_folder_of_all_simulated_volumes_is_no_volume() -> None:
    with pytest.raises(Refused, match="it is no volume"):
        volume_source("/simulated/..", STATE, "own")


def test_every_method_of_the_table_exists() -> None:
    services = {"RuntimeService": Runtime, "ImageService": ImageService}
    missing = [name for service, names in METHODS.items() for name in names if not hasattr(services[service], name)]
    assert missing == []


def test_a_container_that_ran_when_the_node_ended_was_killed_and_one_that_had_ended_keeps_its_exit_code(
    tmp_path: Path,
) -> None:
    """The kubelet counts restarts and shows logs of what ended before the node did."""
    records = Records(tmp_path)
    pod = PodRecord("p", new("PodSandboxConfig", hostname="h", log_directory="/logs"), "10.64.0.2", 7)
    records.keep_pod(pod)
    config = new("ContainerConfig", metadata={"name": "c", "attempt": 3}, log_path="c/3.log")
    running = Lifetime(created=1, started=2, state=ContainerState.RUNNING)
    ended = Lifetime(created=1, started=2, finished=3, exit_code=4, state=ContainerState.EXITED)
    for name, life in (("running", running), ("ended", ended)):
        records.keep_container(ContainerRecord(name, "p", config, "image:1", life))

    again = Records(tmp_path)
    assert list(again.pods()) == [pod]
    found = {one.id: one for one in again.containers()}
    assert found["ended"] == ContainerRecord("ended", "p", config, "image:1", ended)
    assert (found["running"].lifetime.state, found["running"].lifetime.exit_code) == (ContainerState.EXITED, KILLED)
    assert found["running"].config.metadata.attempt == 3
    assert found["running"].lifetime.finished > 3


def test_a_record_that_was_half_written_is_dropped(tmp_path: Path) -> None:
    records = Records(tmp_path)
    (tmp_path / "pods" / "half.json").write_text('{"config": ')
    assert list(records.pods()) == []
    assert list((tmp_path / "pods").iterdir()) == []
