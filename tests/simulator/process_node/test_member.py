"""What the control plane is told of the node."""

import stat
from pathlib import Path

import pytest

from simulator.configuration import choose_ports, control_plane
from simulator.errors import SimulatorError
from simulator.process_node.member import ProcessNode, control_plane_arguments


def arguments(document: dict, component: str) -> dict[str, str]:  # type: ignore[type-arg]
    (patch,) = (one for one in document["componentsPatches"] if one["name"] == component)
    return {one["key"]: one["value"] for one in patch["extraArgs"]}


def test_a_control_plane_without_the_node_is_what_it_was(tmp_path: Path) -> None:
    """Else every existing cluster would restart at the next `make up`."""
    document = control_plane(tmp_path, choose_ports([]))
    assert "kubeApiserverCertSANs" not in document["options"]
    assert "egress-selector-config-file" not in arguments(document, "kube-apiserver")
    assert "manage-all-nodes" not in arguments(document, "kwok-controller")


def test_kwok_leaves_the_process_node_to_its_kubelet(tmp_path: Path) -> None:
    node = control_plane_arguments(ProcessNode(tmp_path, "dev"), tmp_path / "admin")
    given = arguments(control_plane(tmp_path, choose_ports([]), node), "kwok-controller")
    assert given["manage-all-nodes"] == "false"
    assert given["manage-nodes-with-label-selector"] == "mlplatform.dev/runs!=processes"


def test_the_nodes_identities_are_private_and_kept(tmp_path: Path) -> None:
    """New tokens would need a restart of the API server."""
    node = ProcessNode(tmp_path, "dev")
    node.prepare()
    before = node.tokens.read_text()
    node.prepare()
    assert node.tokens.read_text() == before
    assert stat.S_IMODE(node.tokens.stat().st_mode) == 0o600
    users = [line.split(",")[1:] for line in before.splitlines()]
    assert users == [
        ["system:node:process-0", "system:node:process-0", '"system:nodes"'],
        ["system:kube-proxy"] * 2 + ['""'],
    ]
    assert len({line.split(",")[0] for line in before.splitlines()}) == 2


def test_a_home_whose_path_is_too_long_for_a_socket_is_refused_with_the_remedy(tmp_path: Path) -> None:
    node = ProcessNode(tmp_path / ("long" * 30), "dev")
    with pytest.raises(SimulatorError, match="Choose a shorter MLPLATFORM_HOME, or set MLPLATFORM_PROCESSES=off"):
        node.prepare()
