"""The settings of the node as its parts read them, as one file, and the facts that they share."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from simulator.files import write_private

NAME = "process-0"
DNS_ADDRESS = "10.96.0.10"
"""Of the Service network, as in most clusters; no Service has it here."""
DOMAIN = "cluster.local"
LABEL, LABEL_VALUE = "mlplatform.dev/runs", "processes"
TAINT = "mlplatform.dev/processes"
"""With effect NoExecute: DaemonSets of node software tolerate NoSchedule taints of every key."""
VOLUMES = "/run/simulated"
"""Where volumes are said to be. The kubelet, which makes the `subPath` of a mount, sees those of the node there."""
OPEN_PORTS = "open-ports.json"
"""File in the node's folder: the ports of this computer that it has."""
LONGEST_SOCKET_PATH = 107
"""unix(7): `sun_path` has 108 bytes."""


@dataclass(frozen=True)
class NodeSettings:
    """One node."""

    name: str
    state: Path
    """The node's folder: sockets, logs, volumes, the kubelet's files."""
    cache: Path
    """Where images are installed; shared by all clusters."""
    kubelet: Path
    api_port: int
    """Of the API server, on 127.0.0.1."""
    node_token: str
    """The kubelet's identity: user system:node:NAME."""
    proxy_token: str
    """The identity that follows Services: user system:kube-proxy."""
    ports: Mapping[int, str]
    """Port on this computer's loopback -> `host:port` in the cluster."""
    local_images: Mapping[str, str] = field(default_factory=dict)
    """Images of the user's own: reference -> folder."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Programs that were built on request (`images.BUILT`): name -> file."""

    @property
    def authority(self) -> Path:
        """The certificate of the cluster's authority."""
        return self.state / "ca.crt"

    def write(self, path: Path) -> None:
        """Writes the settings, readable only by their owner."""
        facts: dict[str, Any] = {**asdict(self), "ports": {str(port): to for port, to in self.ports.items()}}
        write_private(path, json.dumps({key: str(one) if isinstance(one, Path) else one for key, one in facts.items()}))

    @classmethod
    def read(cls, path: Path) -> "NodeSettings":
        """Reads what `write` wrote."""
        facts = json.loads(path.read_text(encoding="utf-8"))
        ports = {int(port): to for port, to in facts["ports"].items()}
        paths = {key: Path(facts[key]) for key in ("state", "cache", "kubelet")}
        return cls(**{**facts, **paths, "ports": ports})
