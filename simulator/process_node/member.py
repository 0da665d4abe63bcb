"""The process node as a part of its cluster: what the control plane must know of it, its start and its end."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from simulator.errors import SimulatorError
from simulator.files import make_private_folder, write_private
from simulator.process_node import supervisor
from simulator.process_node.images import Image, built, install, local_images
from simulator.process_node.node import UNPRIVILEGED
from simulator.process_node.relay import CLUSTER_SOCKET
from simulator.process_node.settings import LONGEST_SOCKET_PATH, NAME, OPEN_PORTS, NodeSettings


@dataclass(frozen=True)
class Processes:
    """What pods that run as processes use of this computer."""

    cache: Path
    """Where their images are installed."""
    ports: Mapping[int, str]
    """Port on loopback -> `host:port` in the cluster."""
    local_images: Mapping[str, Path] = field(default_factory=dict)
    """Images of the user's own: reference -> folder."""
    programs: Mapping[str, Path] = field(default_factory=dict)
    """Programs that were built on request: name -> file."""

    @property
    def more_images(self) -> tuple[Image, ...]:
        """The images that are not in the table by themselves."""
        return (*local_images(self.local_images), *built(self.programs))


_KUBELETS_SOCKET = "kubelet/pod-resources/4294967295"
"""The longest path that the kubelet listens at; its last part is a random number of 32 bits."""


class ProcessNode:
    """The node of one cluster. The constructor reads and writes nothing."""

    def __init__(self, home: Path, cluster: str) -> None:
        self._folder = home / "nodes" / cluster
        self.state = self._folder / "state"
        self.tokens = self._folder / "tokens.csv"
        """Users of the control plane that the node acts as; for kube-apiserver."""
        self.egress = self._folder / "egress.yaml"
        """How kube-apiserver reaches pods, nodes and Services: logs, exec, webhooks."""

    def obstacle(self) -> str:
        """Why this folder cannot hold a node, and what to do; "" if it can."""
        longest = max((self.state / one for one in (CLUSTER_SOCKET, _KUBELETS_SOCKET)), key=lambda path: len(str(path)))
        if len(os.fsencode(longest)) <= LONGEST_SOCKET_PATH:
            return ""
        return (
            f"{longest}: longer than the {LONGEST_SOCKET_PATH} bytes that Linux allows for a socket. "
            "Choose a shorter MLPLATFORM_HOME"
        )

    def open_ports(self) -> list[int]:
        """Ports of this computer that lead into the cluster: not those that other programs have."""
        try:
            found: list[int] = json.loads((self.state / OPEN_PORTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return found if self.running() else []

    def prepare(self) -> None:
        """Writes what kube-apiserver reads at its start. Keeps the tokens that are there."""
        if reason := self.obstacle():
            raise SimulatorError(f"{reason}, or set MLPLATFORM_PROCESSES=off.")
        make_private_folder(self.state)
        if not self.tokens.exists():
            users = ((f"system:node:{NAME}", "system:nodes"), ("system:kube-proxy", ""))
            rows = [f'{secrets.token_hex(32)},{user},{user},"{groups}"\n' for user, groups in users]
            write_private(self.tokens, "".join(rows))
        write_private(self.egress, json.dumps(egress(self.state / CLUSTER_SOCKET)))

    def start(self, kubelet: Path, api_port: int, authority: Path, processes: Processes) -> None:
        """Starts the node, unless it runs with these settings."""
        node, proxy = (line.partition(",")[0] for line in self.tokens.read_text().splitlines())
        settings = NodeSettings(
            name=NAME,
            state=self.state,
            cache=processes.cache,
            kubelet=kubelet,
            api_port=api_port,
            node_token=node,
            proxy_token=proxy,
            ports=dict(processes.ports),
            local_images={reference: str(folder) for reference, folder in processes.local_images.items()},
            programs={name: str(file) for name, file in processes.programs.items()},
        )
        path = self.state / supervisor.SETTINGS
        if self.running() and path.exists() and NodeSettings.read(path) == settings:
            return
        self.stop()
        images = processes.cache / "images"
        images.mkdir(parents=True, exist_ok=True)
        for image in built(processes.programs):  # here: the node, as another user, may be unable to read the program
            install(image, processes.cache)
        settings.write(path)
        shutil.copyfile(authority, settings.authority)
        if os.geteuid() == 0:
            for one in (self.state, path, settings.authority, images, *images.iterdir()):
                os.chown(one, UNPRIVILEGED, UNPRIVILEGED)
        supervisor.start(self.state)

    def running(self) -> psutil.Process | None:
        """The process that supervises the node."""
        return supervisor.running(self.state)

    def stop(self) -> bool:
        """Ends the node with all its pods. False if it did not run. Volumes are kept."""
        return supervisor.stop(self.state)

    def delete(self) -> None:
        """Ends the node and removes its files, volumes too."""
        self.stop()
        if self._folder.exists():
            _make_writable(self._folder)
            shutil.rmtree(self._folder)

    def end_of_log(self) -> str:
        """The last lines of each part's log."""
        parts = [
            f"{path.stem}: {line}"
            for path in sorted(self.state.glob("*.log"))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
        ]
        return "\n".join(parts) or "(no log)"


def _make_writable(folder: Path) -> None:
    """Pods leave folders that even their owner may not read or write."""
    for parent, names, _ in os.walk(folder):
        for path in (os.path.join(parent, name) for name in names):
            if not os.path.islink(path):
                os.chmod(path, 0o700)


def egress(socket: Path) -> dict[str, Any]:
    """The EgressSelectorConfiguration: everything in the cluster is reached through the node."""
    transport = {"uds": {"udsName": str(socket)}}
    connection = {"proxyProtocol": "HTTPConnect", "transport": transport}
    return {
        "apiVersion": "apiserver.k8s.io/v1beta1",
        "kind": "EgressSelectorConfiguration",
        "egressSelections": [{"name": "cluster", "connection": connection}],
    }


def control_plane_arguments(node: ProcessNode, admin: Path) -> dict[str, dict[str, str]]:
    """Arguments, by component, of a control plane with this node. `admin`: a client certificate without its ending."""
    return {
        "kube-apiserver": {
            "token-auth-file": str(node.tokens),
            "egress-selector-config-file": str(node.egress),
            "kubelet-client-certificate": f"{admin}.crt",
            "kubelet-client-key": f"{admin}.key",
            "kubelet-preferred-address-types": "InternalIP",
        },
        "kwok-controller": {
            "manage-all-nodes": "false",
            # A negative selector matches no node without labels; every pool's node has some.
            "manage-nodes-with-label-selector": "mlplatform.dev/runs!=processes",
        },
    }
