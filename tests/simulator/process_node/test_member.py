"""The Node object that the control plane gets."""

import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from simulator import behaviour
from simulator.cluster import Cluster
from simulator.configuration import choose_ports, control_plane
from simulator.errors import SimulatorError
from simulator.process_node import supervisor
from simulator.process_node.member import ProcessNode, control_plane_arguments
from simulator.process_node.node import UNPRIVILEGED


def arguments(document: dict, component: str) -> dict[str, str]:  # type: ignore[type-arg]
    (patch,) = (one for one in document["componentsPatches"] if one["name"] == component)
    return {one["key"]: one["value"] for one in patch["extraArgs"]}


def test_a_control_plane_without_the_node_is_what_it_was(tmp_path: Path) -> None:
    """Else every existing cluster would restart at the next `make up`."""
    document = control_plane(tmp_path, choose_ports([]))
    assert "kubeApiserverCertSANs" not in document["options"]
    assert "egress-selector-config-file" not in arguments(document, "kube-apiserver")
    assert "manage-all-nodes" not in arguments(document, "kwok-controller")
    assert Cluster("dev", home=tmp_path)._behaviour() == behaviour.fingerprint()


def test_kwok_leaves_the_process_node_to_its_kubelet(tmp_path: Path) -> None:
    node = control_plane_arguments(ProcessNode(tmp_path, "dev"), tmp_path / "admin")
    given = arguments(control_plane(tmp_path, choose_ports([]), node), "kwok-controller")
    assert given["manage-all-nodes"] == "false"
    assert given["manage-nodes-with-label-selector"] == "mlplatform.dev/runs!=processes"


def test_the_nodes_identities_are_private_and_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """New tokens would need a restart of the API server."""
    node = ProcessNode(tmp_path_factory.mktemp("n"), "dev")
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


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o500])
def test_folders_that_pods_have_closed_are_deleted(mode: int) -> None:
    """As an ordinary user: nothing is closed to root."""
    home = Path(tempfile.mkdtemp())
    node, child = ProcessNode(home, "dev"), 0
    inner = node.state / "volumes" / "pvc" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (inner.parent / "elsewhere").symlink_to("/nowhere")
    for path in (inner, inner.parent):
        path.chmod(mode)
    if os.geteuid() == 0:
        for parent, names, _ in os.walk(home):
            for name in (".", *names):
                os.chown(Path(parent, name), UNPRIVILEGED, UNPRIVILEGED, follow_symlinks=False)
        child = os.fork()
        if not child:
            os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
    try:
        if not child:
            node.delete()
    finally:
        if os.geteuid() == UNPRIVILEGED:
            os._exit(0)
    if child:
        os.waitpid(child, 0)
    try:
        assert not list((home / "nodes").iterdir())
    finally:
        shutil.rmtree(home)


def test_of_the_users_variables_the_node_has_those_for_programs_and_downloads() -> None:
    needed = {"PATH": "/bin", "HOME": "/h", "https_proxy": "p", "SSL_CERT_FILE": "f", "PIP_INDEX_URL": "u"}
    keys = (
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "KUBECONFIG",
        "PULUMI_CONFIG_PASSPHRASE",
        "LD_PRELOAD",
        "PYTHONPATH",
    )
    assert supervisor.environment({**needed, **dict.fromkeys(keys, "secret")}) == needed
